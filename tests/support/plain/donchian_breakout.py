"""Buy above the high of weeks, sell below the low of fewer, in units sized by the true range."""

from collections.abc import Mapping
from statistics import fmean, pstdev
from typing import Any

from support.plain.account import Bar, Market, State, Wish
from support.plain.columns import atr, closes, forgets, kept, ranges
from support.plain_indicators import Numbers, exponential, wilder

CARRIES = False
ALSO = (
    {"system": 2, "max_units": 4, "squeeze_filter": True, "step_n": 0.3},
    {"system": 1, "max_units": 1, "stop_n": 0.7, "risk_frac": 0.05, "squeeze_filter": True},
    {"system": 2, "max_units": 3, "min_trade_frac": 0.2},
)
"""Other parameters that are played too."""


def history(params: Mapping[str, Any]) -> int:
    # The squeeze looks at ten sessions, each with a mean that has forgotten its seed.
    return 20 + 1 + forgets(1 / 20) + 9 + 0 * len(params)


def high(bars: list[Bar], t: int, sessions: int) -> float:
    return round(max(bar.high for bar in bars[t - sessions : t]), 6)


def low(bars: list[Bar], t: int, sessions: int) -> float:
    return round(min(bar.low for bar in bars[t - sessions : t]), 6)


def squeezes(bars: list[Bar]) -> Numbers:
    """1 where the Bollinger bands lie inside the Keltner channel, 0 elsewhere."""

    def made() -> Numbers:
        middle, usual = exponential(closes(bars), 20), [None, *wilder(ranges(bars), 20)]
        found: Numbers = []
        for t, (line, far) in enumerate(zip(middle, usual, strict=True)):
            if line is None or far is None:
                found.append(0.0)
                continue
            last = closes(bars[t - 19 : t + 1])
            mean, deviation = fmean(last), pstdev(last)
            below = round(mean + 2 * deviation, 6) < round(line + 1.5 * far, 6)
            found.append(float(below and round(mean - 2 * deviation, 6) > round(line - 1.5 * far, 6)))
        return found

    return kept(bars, "squeezes", made)


def wishes(market: Market, t: int, state: State, params: Mapping[str, Any]) -> list[Wish]:
    sales: list[Wish] = []
    buys: list[Wish] = []
    others: list[Wish] = []
    for symbol in params["symbols"]:
        wish = wish_of(market.bars[symbol], symbol, t, state, params)
        (others if wish.kind == "keep" else buys if wish.amount else sales).append(wish)
    return sales + buys + others


def wish_of(bars: list[Bar], symbol: str, t: int, state: State, params: Mapping[str, Any]) -> Wish:
    close, usual, seen, count = bars[t].close, atr(bars, 20)[t], state.of(symbol), len(params["symbols"])
    assert usual
    wide, narrow = (55, 20) if params["system"] == 2 else (20, 10)
    broken_out, fallen = close > high(bars, t, wide), close < low(bars, t, narrow)
    squeeze = not params["squeeze_filter"] or any(squeezes(bars)[t - 9 : t + 1])
    allowed, memory = True, dict[str, Any]()
    if params["system"] == 1:
        allowed, memory = paper(bars, symbol, t, state, params)
    if seen.shares:
        assert seen.last_price is not None
        at_entry = seen.remembered["atr"]
        stopped = close <= round(seen.last_price - params["stop_n"] * at_entry, 6)
        reasons = [name for name, true in (("channel_low", fallen), ("stop_n", stopped)) if true]
        if reasons:
            return Wish(symbol, "target", 0.0, "+".join(reasons), memory=memory)
        weight = round(seen.shares * close / state.equity, 6)
        more = round(min(weight + state.memory[f"unit {symbol}"], 1 / count), 6)
        due = close >= round(seen.last_price + params["step_n"] * at_entry, 6)
        if due and seen.purchases < params["max_units"] and more > weight:
            return Wish(symbol, "target", more, "unit_added", memory=memory)
    elif broken_out and allowed and squeeze:
        unit = round(min(params["risk_frac"] * close / usual, 1 / (params["max_units"] * count)), 6)
        return Wish(symbol, "target", unit, "breakout", {"atr": usual}, {**memory, f"unit {symbol}": unit})
    return Wish(symbol, "keep", reason="hold", memory=memory)


def paper(bars: list[Bar], symbol: str, t: int, state: State, params: Mapping[str, Any]) -> tuple[bool, dict[str, Any]]:
    """Whether a breakout may be bought, and what is remembered of the trade followed on paper."""
    close, usual = bars[t].close, atr(bars, 20)[t]
    running, outcome = state.memory.get(f"paper {symbol}"), state.memory.get(f"outcome {symbol}", "none")
    sure = close > high(bars, t, 55)
    if running is None:
        if close <= high(bars, t, 20):
            return False, {}
        assert usual is not None
        return outcome != "winner" or sure, {f"paper {symbol}": (close, usual)}
    price, n = running
    stopped = close <= round(price - params["stop_n"] * n, 6)
    if close < low(bars, t, 10) or stopped:
        return False, {f"paper {symbol}": None, f"outcome {symbol}": "winner" if close > price else "loser"}
    return outcome == "winner" and sure, {}
