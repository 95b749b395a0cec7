"""A mix goes back to its weights when a symbol leaves its band."""

from collections.abc import Mapping
from datetime import date
from typing import Any

from support.plain.account import Market, State, Wish

CARRIES = True
REAL = {"weights": {"SPY": 0.5, "EFA": 0.15, "IEF": 0.2, "GLD": 0.1}}


def history(params: Mapping[str, Any]) -> int:
    return max(1, int(params["min_sessions_between"]) - 25)


def wishes(market: Market, t: int, state: State, params: Mapping[str, Any]) -> list[Wish]:
    weights, mode, band, to = params["weights"], params["band_mode"], params["band"], params["rebalance_to"]
    now = {one: state.of(one).shares * market.bars[one][t].close / state.equity for one in weights}
    today = market.bars[next(iter(weights))][t].day
    width = {
        one: min(0.05, 0.25 * w) if mode == "5_25" else band * w if mode == "relative" else band
        for one, w in weights.items()
    }
    out = [one for one, w in weights.items() if is_out(now[one], w, width[one], mode, band)]
    last = state.memory.get("breach")
    passed = None if last is None else sum(date.fromisoformat(last) < day <= today for day in market.calendar)
    may = passed is None or passed >= params["min_sessions_between"]
    nothing = all(state.of(one).shares == 0 for one in weights)
    sells: list[Wish] = []
    rest: list[Wish] = []
    for one, w in weights.items():
        goal = None
        if nothing or (out and may and to == "target"):
            goal = w
        elif may and one in out:
            side = 1 if now[one] > w else -1
            goal = w + side * width[one] if to == "edge" else (now[one] + w) / 2
        if goal is None:
            rest.append(Wish(one, "keep", reason="breach_too_soon" if one in out else "hold"))
            continue
        reason = "flat" if nothing else "outside_band" if one in out else "other_outside_band"
        memory = {"breach": today.isoformat()} if one in out else {}
        wish = Wish(one, "target", round(goal, 6), reason, memory=memory)
        (sells if goal < now[one] else rest).append(wish)
    return sells + rest


def is_out(now: float, weight: float, width: float, mode: str, band: float) -> bool:
    if mode == "relative":
        return weight > 0 and round(abs(now / weight - 1), 6) >= band
    return (weight > 0 or now > 0) and round(abs(now - weight), 6) >= round(width, 6)
