"""Of two symbols hold the one that has gained less over some sessions."""

from collections.abc import Mapping
from typing import Any

from support.plain.account import Market, State, Wish

CARRIES = True


def history(params: Mapping[str, Any]) -> int:
    return int(params["pair_sessions"]) + 1


def least_usd(params: Mapping[str, Any], equity: float) -> float:
    return 0.05 * equity


def wishes(market: Market, t: int, state: State, params: Mapping[str, Any]) -> list[Wish]:
    n, symbols = int(params["pair_sessions"]), list(params["symbols"])
    gain = {one: round(100.0 * (market.bars[one][t].close / market.bars[one][t - n].close - 1.0), 6) for one in symbols}
    sales, others = [], []
    for one, other in (symbols, symbols[::-1]):
        held = state.of(one).shares > 0
        if gain[one] > gain[other]:
            others.append(Wish(one, "target", 0.0, "pair_ahead" if held else "hold"))
        elif gain[one] < gain[other] and not held:
            sales.append(Wish(one, "target", 1.0, "pair_behind"))
        else:
            others.append(Wish(one, "keep", reason="hold"))
    return others + sales
