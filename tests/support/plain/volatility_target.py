"""One symbol at the weight that keeps its volatility, changed in steps."""

from collections.abc import Mapping
from itertools import pairwise
from math import log, sqrt
from statistics import stdev
from typing import Any

from support.plain.account import Market, State, Wish
from support.plain.months import total_return_closes

CARRIES = False


def history(params: Mapping[str, Any]) -> int:
    return int(params["vol_sessions"]) + 1


def least_usd(params: Mapping[str, Any], equity: float) -> float:
    return 0.0


def volatility(market: Market, symbol: str, t: int, sessions: int) -> float:
    closes = total_return_closes(market.bars[symbol], t, sessions + 1)
    moves = [log(new / old) for old, new in pairwise(closes)]
    return round(stdev(moves) * sqrt(252), 6)


def wishes(market: Market, t: int, state: State, params: Mapping[str, Any]) -> list[Wish]:
    symbol, most = params["symbol"], params["max_weight"]
    swings = volatility(market, symbol, t, params["vol_sessions"])
    wanted = most if swings == 0 else round(min(most, params["target_vol"] / swings), 6)
    current = round(state.of(symbol).shares * market.bars[symbol][t].close / state.equity, 6)
    if abs(round(wanted - current, 6)) < params["step"]:
        return [Wish(symbol, "keep", reason="hold")]
    return [Wish(symbol, "target", wanted, "weight_below_target" if wanted > current else "weight_above_target")]
