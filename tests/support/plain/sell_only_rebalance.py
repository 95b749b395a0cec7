"""What is far above its weight is sold, a part of the excess a day."""

from collections.abc import Mapping
from math import ceil, floor
from typing import Any

from support.plain.account import Market, State, Wish

CARRIES = False
REAL = {"weights": {"SPY": 0.5, "EFA": 0.15, "IEF": 0.2, "GLD": 0.0}}
REAL_HOLDINGS = {"SPY": 300, "EFA": 100, "IEF": 400, "GLD": 50}


def history(params: Mapping[str, Any]) -> int:
    return 1


def wishes(market: Market, t: int, state: State, params: Mapping[str, Any]) -> list[Wish]:
    least = max(params["min_trade_usd"], params["min_trade_frac"] * state.equity)
    sales, rest = [], []
    for one, weight in params["weights"].items():
        price, held, name = market.bars[one][t].close, state.of(one).shares, f"selling:{one}"
        excess = held - floor(round(weight * state.equity / price, 6))
        selling = name in state.memory
        begins = weight == 0 or round(held * price / state.equity / weight - 1, 6) >= params["gap"]
        if excess <= 0:
            rest.append(Wish(one, "keep", reason="hold", memory={name: None}))
        elif selling or begins:
            fewest = 1
            while fewest * price < least:
                fewest += 1
            part = max(ceil(round(params["max_daily_frac"] * excess, 6)), fewest)
            if (excess - part) * price <= least:
                part = excess
            reason = "not_wanted" if weight == 0 else "excess_left" if selling else "far_above_weight"
            sales.append(Wish(one, "shares", held - part, reason, memory={name: "yes"}))
        else:
            rest.append(Wish(one, "keep", reason="hold"))
    return sales + rest
