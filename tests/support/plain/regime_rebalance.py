"""A mix goes back to its weights by drift, by regime and by money that waits or is owed."""

from collections.abc import Mapping
from itertools import pairwise
from math import sqrt
from typing import Any

from support.plain.account import Market, State, Wish

CARRIES = True
REAL = {"weights": {"SPY": 0.5, "EFA": 0.15, "IEF": 0.2, "GLD": 0.1}}


def history(params: Mapping[str, Any]) -> int:
    return max(int(params["lookback"]) + 2, int(params["cooldown"]) - 25)


def wishes(market: Market, t: int, state: State, params: Mapping[str, Any]) -> list[Wish]:
    weights, equity = params["weights"], state.equity
    value = {one: state.of(one).shares * market.bars[one][t].close for one in weights}
    gap = {one: weights[one] * equity - value[one] for one in weights}
    net = sum(gap.values())
    deficit = round(-net / equity, 6) >= params["deficit_stop" if "deficit" in state.memory else "deficit_start"]
    flow = round(abs(net) / equity, 6) >= params["flow_stop" if "flow" in state.memory else "flow_start"]
    memory = {"deficit": 1 if deficit else None, "flow": 1 if flow else None}
    drift = max(round(abs(value[one] / equity / weights[one] - 1), 6) for one in weights)
    choppy = is_choppy(market, t, value if sum(value.values()) else weights, params)
    moves: dict[str, float] = {}
    reason = "hold"
    if drift >= params["hard_band"]:
        moves, reason = {one: params["hard_frac"] * gap[one] for one in weights}, "drift_hard"
    elif not rested(market, t, state, params):
        pass
    elif drift >= params["soft_band"] and choppy:
        moves, reason = gap, "drift_soft"
    elif deficit and net < 0:
        over = {one: -gap[one] for one in weights if gap[one] < 0}
        too_much = -net - params["deficit_stop"] * equity
        moves, reason = {one: -too_much * over[one] / sum(over.values()) for one in over}, "deficit_open"
    elif flow and round(abs(net) / equity, 6) > round(
        params["flow_tau"] * sum(abs(one) for one in gap.values()) / equity, 6
    ):
        if net > 0:
            under = {one: gap[one] for one in weights if gap[one] > 0}
            moves = {one: under[one] * min(1.0, net / sum(under.values())) for one in under}
            reason = "flow_in"
        elif choppy:
            over = {one: gap[one] for one in weights if gap[one] < 0}
            moves = {one: over[one] * min(1.0, net / sum(over.values())) for one in over}
            reason = "flow_out"
    sells: list[Wish] = []
    rest: list[Wish] = []
    for one in weights:
        if one in moves:
            goal = round((value[one] + moves[one]) / equity, 6)
            (sells if moves[one] < 0 else rest).append(Wish(one, "target", goal, reason, memory=memory))
        else:
            rest.append(Wish(one, "keep", reason="hold", memory=memory))
    return sells + rest


def rested(market: Market, t: int, state: State, params: Mapping[str, Any]) -> bool:
    if state.last_fill is None:
        return True
    today = next(iter(market.bars.values()))[t].day
    return sum(state.last_fill < day <= today for day in market.calendar) >= int(params["cooldown"])


def is_choppy(market: Market, t: int, parts: Mapping[str, float], params: Mapping[str, Any]) -> bool:
    proxy = [1.0]
    for j in range(t - int(params["lookback"]), t):
        step = sum(part * market.bars[one][j].close / market.bars[one][j - 1].close for one, part in parts.items())
        proxy.append(proxy[-1] * step / sum(parts.values()))
    returns = [new / old - 1 for old, new in pairwise(proxy)]
    squares, total = sum(one * one for one in returns), sum(returns)
    return squares > 0 if total == 0 else round(sqrt(squares) / abs(total), 6) >= params["choppiness_min"]
