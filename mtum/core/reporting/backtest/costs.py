"""What costs took of a backtest: commissions, slippage and market impact, each with its rate."""

from collections.abc import Mapping
from typing import Any

from mtum.core.reporting.figures import number
from mtum.core.reporting.layout import Section, Table, table_of

_SCHEDULES = {
    "ib": "Interactive Brokers, fixed: 0.005 USD a share, at least 1.00, at most 1 %",
    "ib_tiered": "Interactive Brokers, tiered: 0.0035 USD a share or less, at least 0.35, at most 1 %, and fees",
}


def costs_section(found: Mapping[str, Any]) -> Section:
    """Return the table of a result as `mtum backtest --json` gives it."""
    return Section("costs", "What costs took", (_table(found),))


def _table(found: Mapping[str, Any]) -> Table:
    costs, settings = found["costs"], found["settings"]
    portfolio, bps = settings["portfolio"], settings["slippage_bps"]
    coefficient = portfolio["impact_coefficient"]
    rates = {
        "commission": _SCHEDULES.get(portfolio["cost_model"], f"{100 * portfolio['cost_frac']:g} % of the value"),
        "slippage": f"{bps:g} bps of the price" if bps else "none",
        "impact": "none"
        if coefficient is None
        else f"{coefficient:g} x daily volatility x root of the part of the volume, 20 sessions each",
        "total": "",
    }
    rows = [
        (kind, number(costs[f"{kind}_usd"]), _bps(costs[f"{kind}_usd"], costs["traded_usd"]), rate)
        for kind, rate in rates.items()
    ]
    return table_of(("costs", "USD", "bps of what was traded", "rate"), rows, left=(0, 3))


def _bps(usd: float, traded_usd: float) -> str:
    return number(1e4 * usd / traded_usd if traded_usd else None)
