"""Buy what has fallen too far too fast, sell it at its mean."""

from collections.abc import Mapping
from statistics import fmean, pstdev
from typing import Any

from support.plain.account import Bar, Market, Seen, State, Wish
from support.plain.columns import atr, closes, forgets, rsi, sma

CARRIES = False
ALSO = (
    {"variant": "bollinger_rsi", "trend_sessions": 0, "max_positions": 2, "stop_atr": 1.0},
    {"variant": "rsi2", "trend_sessions": 50, "max_positions": 1, "max_sessions": 3},
)
"""Other parameters that are played too."""


def history(params: Mapping[str, Any]) -> int:
    return max(int(params["trend_sessions"]), 14 + 1 + forgets(1 / 14))


def wishes(market: Market, t: int, state: State, params: Mapping[str, Any]) -> list[Wish]:
    days, today = market.calendar, market.calendar.index(next(iter(market.bars.values()))[t].day)
    sales, candidates, others = [], [], []
    for symbol in params["symbols"]:
        bars, seen = market.bars[symbol], state.of(symbol)
        if seen.shares:
            assert seen.entry_session is not None
            reasons = exits(bars, t, seen, today - days.index(seen.entry_session), params)
            sales += [Wish(symbol, "target", 0.0, "+".join(reasons))] if reasons else []
            others += [] if reasons else [Wish(symbol, "keep", reason="hold")]
        elif enters(bars, t, params):
            candidates.append((rsi(bars, sessions_of(params))[t], symbol))
        else:
            others.append(Wish(symbol, "keep", reason="hold"))
    places = params["max_positions"] - sum(one.shares > 0 for one in state.held.values()) + len(sales)
    candidates.sort(key=lambda one: one[0] or 0.0)
    chosen = [symbol for _, symbol in candidates[: max(0, places)]]
    others += [Wish(symbol, "keep", reason="no_place") for _, symbol in candidates if symbol not in chosen]
    weight = round(1 / params["max_positions"], 6)
    buys = [Wish(one, "target", weight, "oversold", {"atr": atr(market.bars[one], 14)[t] or 0.0}) for one in chosen]
    return sales + buys + others


def sessions_of(params: Mapping[str, Any]) -> int:
    return 2 if params["variant"] == "rsi2" else 14


def band(bars: list[Bar], t: int, deviations: float) -> float:
    last = closes(bars[t - 19 : t + 1])
    return round(fmean(last) + deviations * pstdev(last), 6)


def enters(bars: list[Bar], t: int, params: Mapping[str, Any]) -> bool:
    strength, close, n = rsi(bars, sessions_of(params))[t], bars[t].close, params["trend_sessions"]
    trend = sma(bars, n)[t] if n else None
    if strength is None or (n and (trend is None or close <= trend)):
        return False
    if params["variant"] == "rsi2":
        return strength < 5
    return close < band(bars, t, -2.0) and strength < 30


def exits(bars: list[Bar], t: int, seen: Seen, sessions: int, params: Mapping[str, Any]) -> list[str]:
    close, late = bars[t].close, sessions >= params["max_sessions"]
    if params["variant"] == "rsi2":
        mean = sma(bars, 5)[t]
        return [
            name for name, true in (("mean_reached", mean is not None and close > mean), ("max_sessions", late)) if true
        ]
    strength = rsi(bars, 14)[t]
    assert seen.entry_price is not None
    stop = round(seen.entry_price - params["stop_atr"] * seen.remembered["atr"], 6)
    said = {
        "mean_reached": close >= band(bars, t, 0.0),
        "rsi_recovered": strength is not None and strength > 55,
        "max_sessions": late,
        "stop_atr": close <= stop,
    }
    return [name for name, true in said.items() if true]
