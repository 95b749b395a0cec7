"""Buy what is flat, in equal parts, and keep it."""

from collections.abc import Mapping
from typing import Any

from support.plain.account import Market, State, Wish

CARRIES = False


def history(params: Mapping[str, Any]) -> int:
    return 1


def least_usd(params: Mapping[str, Any], equity: float) -> float:
    return 0.0


def wishes(market: Market, t: int, state: State, params: Mapping[str, Any]) -> list[Wish]:
    symbols = params["symbols"] or [params["symbol"]]
    part = round(1 / len(symbols), 6)
    return [
        Wish(one, "keep", reason="hold") if state.of(one).shares else Wish(one, "target", part, "flat")
        for one in symbols
    ]
