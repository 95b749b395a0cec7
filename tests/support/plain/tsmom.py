"""Time-series momentum: each asset while its own return is above zero, by its volatility, at month ends."""

import math
from collections.abc import Mapping
from typing import Any

from support.plain.account import Market, State, Wish
from support.plain.months import closes_ago, due, month, total_return_closes

CARRIES = True


def history(params: Mapping[str, Any]) -> int:
    return max(401, math.ceil(round(21.2 * (int(params["lookback_months"]) + 1), 6)) + 4)


def deviation(closes: list[float], com: float) -> float:
    k, weight, squares, weights = com / (1.0 + com), 1.0, 0.0, 0.0
    for i in range(len(closes) - 1, 0, -1):
        squares += weight * math.log(closes[i] / closes[i - 1]) ** 2
        weights += weight
        weight *= k
    return round(math.sqrt(252 * squares / weights), 6)


def wishes(market: Market, t: int, state: State, params: Mapping[str, Any]) -> list[Wish]:
    decides, name = due(market, t, month, state.memory.get("month"))
    keeps, sales, changes = [], [], []
    for one in params["symbols"]:
        bars, held, memory = market.bars[one], state.of(one).shares, {"month": name}
        if not decides:
            keeps.append(Wish(one, "keep", reason="hold", memory=memory))
            continue
        closes = closes_ago(bars, t, month, params["lookback_months"], name)
        if round(closes[params["skip_months"]] / closes[params["lookback_months"]] - 1.0, 6) <= 0:
            sales.append(Wish(one, "target", 0.0, "tsmom_down", memory=memory))
            continue
        sigma = deviation(total_return_closes(bars, t, 401), params["com_sessions"])
        w = round(min(params["max_weight"], params["target_vol"] / sigma) / len(params["symbols"]), 6)
        current = round(held * bars[t].close / state.equity, 6)
        if not held:
            changes.append(Wish(one, "target", w, "tsmom_up", memory=memory))
        elif round(abs(w - current), 6) >= 0.02:
            changes.append(Wish(one, "target", w, "tsmom_far", memory=memory))
        else:
            keeps.append(Wish(one, "keep", reason="hold", memory=memory))
    return sales + keeps + changes
