"""Fixed weights, each asset only while it is above the average of its monthly closes."""

from collections.abc import Mapping
from typing import Any

from support.plain.account import Market, State, Wish
from support.plain.months import closes_ago, due, month
from support.plain.volatility_target import volatility

CARRIES = True
REAL = {"cash_symbol": "SHY", "sizing": "inverse_vol", "drift_band": 0.1}


def history(params: Mapping[str, Any]) -> int:
    tenths = 212 * int(params["months"])  # 21.2 sessions for each of the months averaged
    sessions = tenths // 10 + (tenths % 10 > 0) + 4
    return max(sessions, 61) if params["sizing"] == "inverse_vol" else sessions


def wishes(market: Market, t: int, state: State, params: Mapping[str, Any]) -> list[Wish]:
    decides, name = due(market, t, month, state.memory.get("month"))
    weights, fund = dict(params["weights"]), params["cash_symbol"]
    symbols = [*weights, fund] if fund else [*weights]
    if not decides:
        return [drifted(market, t, state, params["drift_band"], one, name) for one in symbols]
    whole = sum(weights.values())
    if params["sizing"] == "inverse_vol":
        inverse = {one: 1.0 / volatility(market, one, t, 60) for one in weights}
        weights = {one: round(whole * part / sum(inverse.values()), 6) for one, part in inverse.items()}
        whole = sum(weights.values())
    left, held, parked = [], [], 0.0
    for one, weight in weights.items():
        closes = closes_ago(market.bars[one], t, month, params["months"] - 1, name)
        if closes[0] > round(sum(closes) / len(closes), 6):
            memory = {"month": name, f"w:{one}": weight}
            held.append(Wish(one, "target", weight, "above_monthly_average", memory=memory))
        else:
            parked += weight
            memory = {"month": name, f"w:{one}": 0.0}
            left.append(Wish(one, "target", 0.0, "below_monthly_average", memory=memory))
    if fund:
        parked = round(parked, 6)
        reason = "cash_of_others" if parked else "no_cash_of_others"
        (held if parked else left).append(
            Wish(fund, "target", parked, reason, memory={"month": name, f"w:{fund}": parked})
        )
    return left + held


def drifted(market: Market, t: int, state: State, band: float, symbol: str, name: str) -> Wish:
    wanted = state.memory.get(f"w:{symbol}", 0.0)
    if wanted:
        current = round(state.of(symbol).shares * market.bars[symbol][t].close / state.equity, 6)
        if abs(round(current / wanted - 1.0, 6)) > band:
            return Wish(symbol, "target", wanted, "weight_drifted", memory={"month": name})
    return Wish(symbol, "keep", reason="hold", memory={"month": name})
