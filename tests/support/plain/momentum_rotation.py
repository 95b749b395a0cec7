"""Of a list the strongest of the last year, chosen at month ends."""

from collections.abc import Mapping
from typing import Any

from support.plain.account import Market, State, Wish
from support.plain.months import closes_ago, due, month
from support.plain.volatility_target import volatility

CARRIES = True
EMBEDDED = {"symbols": ["AAPL", "IBM", "MSFT", "SP500", "NDQ"]}
"""Facebook and Google came too late for the sessions that all have."""
REAL = {
    "symbols": ["XLB", "XLE", "XLI", "XLK", "XLP", "XLU", "XLV", "XLY", "AAPL", "NVDA"],
    "top": 4,
    "exit_rank": 6,
    "weighting": "inverse_vol",
}


def history(params: Mapping[str, Any]) -> int:
    tenths = 212 * (int(params["lookback_months"]) + 1)
    sessions = tenths // 10 + (tenths % 10 > 0) + 4
    return max(sessions, int(params["trend_sessions"]), 61 if params["weighting"] == "inverse_vol" else 0)


def wishes(market: Market, t: int, state: State, params: Mapping[str, Any]) -> list[Wish]:
    decides, name = due(market, t, month, state.memory.get("month"))
    symbols, top, memory = list(params["symbols"]), params["top"], {"month": name}
    if not decides:
        return [Wish(one, "keep", reason="hold", memory=memory) for one in symbols]
    score = {one: gained(market, one, t, name, params) for one in symbols}
    ranked = sorted(symbols, key=lambda one: (-score[one], symbols.index(one)))
    own = {one: state.of(one).shares for one in symbols}
    stays = [one for n, one in enumerate(ranked, 1) if own[one] and n <= params["exit_rank"]]
    chosen = list(stays)
    for one in ranked:
        if len(chosen) < top and one not in chosen:
            chosen.append(one)
    weight = {one: round(1.0 / top, 6) for one in chosen}
    if params["weighting"] == "inverse_vol":
        inverse = {one: 1.0 / volatility(market, one, t, 60) for one in chosen}
        whole = sum(inverse.values())
        weight = {one: round(part / whole * len(chosen) / top, 6) for one, part in inverse.items()}
    closes = [bar.close for bar in market.bars[params["trend_symbol"]][: t + 1]][-params["trend_sessions"] :]
    rising = closes[-1] > round(sum(closes) / len(closes), 6)
    exits: list[Wish] = []
    others: list[Wish] = []
    for rank, one in enumerate(ranked, 1):
        if one not in chosen:
            reason = "rank_lost" if own[one] else "places_taken" if rank <= top else "hold"
            (exits if own[one] else others).append(Wish(one, "target", 0.0, reason, memory=memory))
            continue
        held = round(own[one] * market.bars[one][t].close / state.equity, 6)
        if rising or held > weight[one]:
            reason = "rank_kept" if own[one] else "rank_in_top"
            others.append(Wish(one, "target", weight[one], reason, memory=memory))
        else:
            others.append(Wish(one, "shares", own[one], "trend_symbol_low", memory=memory))
    return exits + others


def gained(market: Market, symbol: str, t: int, name: str, params: Mapping[str, Any]) -> float:
    closes = closes_ago(market.bars[symbol], t, month, params["lookback_months"], name)
    return round(closes[int(params["skip_months"])] / closes[int(params["lookback_months"])] - 1.0, 6)
