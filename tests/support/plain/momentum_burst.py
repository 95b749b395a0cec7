"""Buy a sharp rise on volume for a few days."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from support.plain.account import Bar, Market, Seen, State, Wish
from support.plain.columns import atr, closes, ema, forgets, kept, rsi, sma
from support.plain_indicators import Numbers, exponential

CARRIES = False
ALSO = (
    {
        "max_positions": 1,
        "burst_atr": 0.5,
        "volume_multiple": 0.8,
        "exit_rsi": 50.0,
        "max_weight": 0.9,
        "risk_frac": 0.02,
    },
    {"burst_atr": 0.0, "volume_multiple": 0.5, "rsi_low": 46.0, "ema_sessions": 5, "confirm_timeframes": ["1w"]},
)
"""Other parameters that are played too."""


def history(params: Mapping[str, Any]) -> int:
    macd = 26 + forgets(2 / 27) + 9 + forgets(2 / 10) + 1
    n = int(params["ema_sessions"])
    mean = n + forgets(2 / (n + 1))
    return max(macd, mean, 14 + 1 + forgets(1 / 14))


def histogram(bars: list[Bar]) -> Numbers:
    def made() -> Numbers:
        fast, slow = exponential(closes(bars), 12), exponential(closes(bars), 26)
        line = [None if one is None or two is None else one - two for one, two in zip(fast, slow, strict=True)]
        signal = exponential(line, 9)
        return [None if one is None or two is None else one - two for one, two in zip(line, signal, strict=True)]

    return kept(bars, "histogram", made)


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
            candidates.append(symbol)
        else:
            others.append(Wish(symbol, "keep", reason="hold"))
    places = params["max_positions"] - sum(one.shares > 0 for one in state.held.values()) + len(sales)
    candidates.sort(key=lambda one: strength(market.bars[one], t, params), reverse=True)
    chosen = candidates[: max(0, places)]
    others += [Wish(symbol, "keep", reason="no_place") for symbol in candidates if symbol not in chosen]
    buys = []
    for one in chosen:
        usual, close = atr(market.bars[one], 14)[t], market.bars[one][t].close
        assert usual
        weight = round(min(params["max_weight"], params["risk_frac"] * close / usual), 6)
        buys.append(Wish(one, "target", weight, "burst", {"atr": usual}))
    return sales + buys + others


def rise(bars: list[Bar], t: int, params: Mapping[str, Any]) -> float:
    return bars[t].close / bars[t - int(params["burst_sessions"])].close - 1.0


def strength(bars: list[Bar], t: int, params: Mapping[str, Any]) -> float:
    usual = atr(bars, 14)[t]
    assert usual
    return round(rise(bars, t, params) / (usual / bars[t].close), 6)


def enters(bars: list[Bar], t: int, params: Mapping[str, Any]) -> bool:
    close, usual, power, mean = bars[t].close, atr(bars, 14)[t], rsi(bars, 14)[t], ema(bars, params["ema_sessions"])[t]
    volume, now, before = sma(bars, 20, "volume")[t], histogram(bars)[t], histogram(bars)[t - 1]
    if not usual or power is None or mean is None or volume is None or now is None or before is None:
        return False
    return (
        round(rise(bars, t, params), 6) >= round(params["burst_atr"] * usual / close, 6)
        and bars[t].volume > round(params["volume_multiple"] * volume, 6)
        and params["rsi_low"] <= power <= params["rsi_high"]
        and now > 0
        and now > before
        and close > mean
        and all(confirmed(bars, t, frame, params) for frame in params["confirm_timeframes"])
    )


def confirmed(bars: list[Bar], t: int, frame: str, params: Mapping[str, Any]) -> bool:
    """The last close of the days, weeks or months is above their exponential mean."""

    def period(day: date) -> tuple[int, ...]:
        week = day.isocalendar()
        return {"1d": (day.toordinal(),), "1w": (week.year, week.week), "1mo": (day.year, day.month)}[frame]

    last = {period(bar.day): bar.close for bar in bars[: t + 1]}
    mean = exponential([*last.values()], params["ema_sessions"])[-1]
    return mean is not None and bars[t].close > round(mean, 6)


def exits(bars: list[Bar], t: int, seen: Seen, sessions: int, params: Mapping[str, Any]) -> list[str]:
    close, power, usual = bars[t].close, rsi(bars, 14)[t], seen.remembered["atr"]
    assert seen.entry_price is not None
    said = {
        "target_atr": close >= round(seen.entry_price + params["target_atr"] * usual, 6),
        "stop_atr": close <= round(seen.entry_price - params["stop_atr"] * usual, 6),
        "rsi_low": power is not None and power < params["exit_rsi"],
        "max_sessions": sessions >= params["max_sessions"],
    }
    return [name for name, true in said.items() if true]
