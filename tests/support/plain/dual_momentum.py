"""Antonacci's dual momentum: the best risk asset of a year if it beats bills, else bonds, at month ends."""

from collections.abc import Mapping
from typing import Any

from support.plain.account import Market, State, Wish
from support.plain.months import closes_ago, due, month

CARRIES = True


def history(params: Mapping[str, Any]) -> int:
    return -int(-round(21.2 * (params["lookback_months"] + 1), 6) // 1) + 4


def wishes(market: Market, t: int, state: State, params: Mapping[str, Any]) -> list[Wish]:
    decides, name = due(market, t, month, state.memory.get("month"))
    memory = {"month": name}
    risk, bills, bonds = list(params["risk_assets"]), params["safe"], params["bonds"]
    if not decides:
        return [Wish(one, "keep", reason="hold", memory=memory) for one in (*risk, bonds)]
    gain = {}
    for one in (*risk, bills):
        closes = closes_ago(market.bars[one], t, month, params["lookback_months"], name)
        gain[one] = round(closes[0] / closes[params["lookback_months"]] - 1.0, 6)
    best = risk[0]
    for one in risk[1:]:
        if gain[one] > gain[best]:
            best = one
    chosen = best if gain[best] > gain[bills] else bonds
    left = []
    for one in risk:
        reasons = ["dual_overtaken"] if one != best else []
        reasons += ["dual_below_bills"] if chosen == bonds else []
        if one != chosen:
            left.append(Wish(one, "target", 0.0, "+".join(reasons), memory=memory))
    if chosen == bonds:
        return [*left, Wish(bonds, "target", 1.0, "dual_bonds_in", memory=memory)]
    left.append(Wish(bonds, "target", 0.0, "dual_bonds_out", memory=memory))
    return [*left, Wish(chosen, "target", 1.0, "dual_best+dual_beats_bills", memory=memory)]
