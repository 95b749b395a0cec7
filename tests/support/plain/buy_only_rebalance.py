"""What is below its weight is bought, the furthest below first."""

from collections.abc import Mapping
from typing import Any

from support.plain.account import Market, State, Wish

CARRIES = False
REAL = {"weights": {"SPY": 0.5, "EFA": 0.15, "IEF": 0.2, "GLD": 0.1}}


def history(params: Mapping[str, Any]) -> int:
    return 1


def wishes(market: Market, t: int, state: State, params: Mapping[str, Any]) -> list[Wish]:
    gaps = {}
    for one, weight in params["weights"].items():
        value = state.of(one).shares * market.bars[one][t].close
        # Without a weight nothing is ever missing.
        gaps[one] = -1.0 if not weight else float("inf") if not value else round(weight * state.equity / value - 1, 6)
    found = []
    for one in sorted(gaps, key=lambda one: gaps[one], reverse=True):
        if gaps[one] >= params["gap"]:
            reason = "flat" if state.of(one).shares == 0 else "below_weight"
            found.append(Wish(one, "target", round(params["weights"][one], 6), reason))
        else:
            found.append(Wish(one, "keep", reason="hold"))
    return found
