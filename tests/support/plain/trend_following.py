"""Votes of days, weeks and months, weighed at week ends, and a stop that trails the highest close."""

import math
import statistics
from collections.abc import Mapping
from itertools import pairwise
from typing import Any

from support.plain.account import Bar, Market, State, Wish
from support.plain.months import closes_ago, due, month, total_return_closes, week
from support.plain_indicators import exponential, wilder

CARRIES = False
COLUMNS: dict[tuple[int, tuple[float, ...]], tuple[list[Bar], list[tuple[bool, float]]]] = {}
"""Day vote and ATR of each session by market and parameters; the bars are kept so that their id stays theirs."""


def least_usd(params: Mapping[str, Any], equity: float) -> float:
    return 0.0


def history(params: Mapping[str, Any]) -> int:
    def forgets(kept: float) -> int:
        return math.ceil(math.log(1e-9) / math.log(kept))

    ema, n, weeks, months = (int(params[name]) for name in ("slow", "chandelier_sessions", "weeks", "months"))
    return max(
        ema + forgets(1 - 2 / (ema + 1)),
        2 * (14 + 1 + forgets(1 - 1 / 14)) - 1,
        n + 1 + forgets(1 - 1 / n),
        math.ceil(round(21.2 * months, 6)) + 4,
        5 * (weeks + 1),
        int(params["vol_sessions"]) + 1,
    )


def rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 6)


def by_day(bars: list[Bar], params: Mapping[str, Any]) -> list[tuple[bool, float]]:
    asked = tuple(float(params[name]) for name in ("fast", "slow", "adx_min", "chandelier_sessions"))
    if (id(bars), asked) not in COLUMNS:
        closes: list[float | None] = [bar.close for bar in bars]
        fast, slow = exponential(closes, params["fast"]), exponential(closes, params["slow"])
        moved: list[float | None] = [None]
        plus: list[float | None] = [None]
        minus: list[float | None] = [None]
        for before, bar in pairwise(bars):
            rise, fall = bar.high - before.high, before.low - bar.low
            moved.append(max(bar.high, before.close) - min(bar.low, before.close))
            plus.append(rise if rise > fall and rise > 0 else 0.0)
            minus.append(fall if fall > rise and fall > 0 else 0.0)
        index: list[float | None] = []
        for ranges, up, down in zip(wilder(moved, 14), wilder(plus, 14), wilder(minus, 14), strict=True):
            if ranges is None or up is None or down is None:
                index.append(None)
            else:
                index.append(100.0 * abs(up - down) / (up + down) if ranges and up + down else 0.0)
        found = []
        for one, two, adx, atr in zip(
            fast, slow, wilder(index, 14), wilder(moved, params["chandelier_sessions"]), strict=True
        ):
            rises = one is not None and two is not None and round(one, 6) > round(two, 6)
            found.append((rises and (rounded(adx) or 0.0) >= params["adx_min"], rounded(atr) or math.inf))
        COLUMNS[id(bars), asked] = bars, found
    return COLUMNS[id(bars), asked][1]


def above_mean(closes: list[float]) -> bool:
    return closes[0] > round(math.fsum(closes) / len(closes), 6)


def wishes(market: Market, t: int, state: State, params: Mapping[str, Any]) -> list[Wish]:
    found = [of_symbol(market, t, state, params, one) for one in params["symbols"]]
    return sorted(found, key=lambda wish: 1 if wish.kind == "keep" else 2 if wish.amount > 0 else 0)


def of_symbol(market: Market, t: int, state: State, params: Mapping[str, Any], symbol: str) -> Wish:
    bars, held = market.bars[symbol], state.of(symbol)
    decides, name = due(market, t, week, state.memory.get(f"week:{symbol}"))
    day_vote, atr = by_day(bars, params)[t]
    out = state.memory.get(f"stopped:{symbol}")
    if out == "was no" and day_vote:
        out = None
    elif out == "waits" and not day_vote:
        out = "was no"
    stopped_now = False
    if held.shares:
        entered = next(i for i in range(t, -1, -1) if bars[i].day == held.entry_session)
        highest = max(bar.close for bar in bars[max(entered, t - 249) : t + 1])
        stopped_now = bars[t].close < round(highest - params["chandelier_atr"] * atr, 6)
        if stopped_now and out is None:
            out = "waits" if day_vote else "was no"
    memory = {f"week:{symbol}": name, f"stopped:{symbol}": out}
    reasons = []
    w = 0.0
    if decides:
        votes = [
            day_vote,
            above_mean(closes_ago(bars, t, week, params["weeks"] - 1, name)),
            above_mean(closes_ago(bars, t, month, params["months"] - 1)),
        ]
        closes = total_return_closes(bars, t, params["vol_sessions"] + 1)
        moves = [math.log(new / old) for old, new in pairwise(closes)]
        sigma = round(statistics.stdev(moves) * math.sqrt(252), 6)
        calm = min(1.0, params["target_vol"] / sigma) if sigma else 1.0
        w = round({3: 1.0, 2: 0.5}.get(sum(votes), 0.0) * calm / len(params["symbols"]), 6)
        if sum(votes) < 2 or out is None:
            reasons.append(f"trend_score_{sum(votes)}")
    if held.shares and out is not None:
        return Wish(symbol, "target", 0.0, "+".join([*reasons, "chandelier"]), memory=memory)
    w = 0.0 if out is not None else w
    current = round(held.shares * bars[t].close / state.equity, 6)
    step = round(params["step"] / len(params["symbols"]), 6)
    entry = not held.shares and w > 0
    if decides and (entry or (held.shares and (w == 0 or round(abs(w - current), 6) >= step))):
        return Wish(symbol, "target", w, "+".join(reasons), memory=memory)
    return Wish(symbol, "keep", reason="hold", memory=memory)
