"""Each parameter changes the decisions in the direction that its name says."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from functools import cache
from typing import Any

import pytest

from mtum.core.portfolio.orders import Purpose
from mtum.core.strategies import STRATEGIES
from support.registry import OF_SHARES
from support.strategy_log import Run, Variant, run_of

SESSIONS = 700
"""Sessions played of each example."""


@dataclass(frozen=True)
class Row:
    """With `more` in place of `base` (both beside the example's settings) the figure goes up (+1) or down (-1)."""

    strategy: str
    parameter: str
    base: Any
    more: Any
    figure: str
    direction: int
    beside: tuple[tuple[str, Any], ...] = ()
    """Further settings of both runs."""


ROWS = [
    Row("mtum_confluence", "vix_entry_below", 25.0, 13.0, "entries", -1),
    Row("mtum_confluence", "vix_exit_above", 30.0, 14.0, "exits:vix_fear", +1, (("vix_entry_below", 14.0),)),
    Row("mtum_confluence", "rsi_entry_above", 50.0, 65.0, "entries", -1),
    Row("mtum_confluence", "rsi_exit_below", 30.0, 49.0, "exits:rsi_low", +1),
    Row("mtum_confluence", "atr_target_multiple", 4.0, 2.0, "exits:atr_target", +1),
    Row("mtum_confluence", "reentry_cooldown_sessions", 0, 20, "entries", -1),
    Row("pair_reversal", "pair_sessions", 20, 120, "entries", -1),
]
ROWS += [
    Row("ensemble", "rule", "mean", "unanimous", "exposure", -1),
    Row("ensemble", "min_trade_usd", 100.0, 9_000.0, "orders", -1),
    Row("ensemble", "min_trade_frac", 0.0025, 0.9, "orders", -1),
]
EVERY_RISE = (
    ("ema_sessions", 5),
    ("max_positions", 3),
    ("burst_atr", 0.0),
    ("volume_multiple", 0.0),
    ("rsi_low", 46.0),
)
ROWS += [
    Row("mean_reversion", "trend_sessions", 0, 200, "entries", -1),
    Row("mean_reversion", "max_positions", 1, 2, "entries", +1),
    Row("mean_reversion", "max_sessions", 10, 3, "exits:max_sessions", +1),
    Row(
        "mean_reversion",
        "stop_atr",
        3.0,
        1.0,
        "exits:stop_atr",
        +1,
        (("variant", "bollinger_rsi"), ("trend_sessions", 0)),
    ),
    Row("momentum_burst", "burst_atr", 1.5, 3.0, "entries", -1),
    Row("momentum_burst", "volume_multiple", 1.5, 2.5, "entries", -1),
    Row("momentum_burst", "rsi_low", 55.0, 70.0, "entries", -1),
    Row("momentum_burst", "rsi_high", 80.0, 65.0, "entries", -1),
    Row("momentum_burst", "ema_sessions", 20, 200, "entries", -1),
    Row("momentum_burst", "risk_frac", 0.005, 0.001, "shares", -1),
    Row("momentum_burst", "max_weight", 0.33, 0.05, "shares", -1),
    Row("momentum_burst", "max_positions", 3, 1, "entries", -1),
    Row("momentum_burst", "target_atr", 1.5, 0.5, "exits:target_atr", +1),
    Row("momentum_burst", "stop_atr", 1.0, 0.3, "exits:stop_atr", +1),
    Row("momentum_burst", "max_sessions", 5, 2, "exits:max_sessions", +1),
    Row("momentum_burst", "exit_rsi", 45.0, 55.0, "exits:rsi_low", +1),
    Row("momentum_burst", "confirm_timeframes", [], ["1w"], "entries", -1, EVERY_RISE),
    Row("donchian_breakout", "system", 2, 1, "entries", +1),
    Row("donchian_breakout", "risk_frac", 0.01, 0.002, "shares", -1),
    Row("donchian_breakout", "max_units", 1, 4, "orders", +1),
    Row("donchian_breakout", "step_n", 0.5, 3.0, "orders", -1),
    Row("donchian_breakout", "stop_n", 2.0, 0.5, "exits:stop_n", +1),
    Row("donchian_breakout", "squeeze_filter", False, True, "entries", -1),
    Row("donchian_breakout", "min_trade_usd", 0.0, 1e4, "orders", -1),
    Row("donchian_breakout", "min_trade_frac", 0.0, 0.5, "orders", -1),
]
"""Add the rows of a strategy as one list of their own below."""
ROWS += [
    Row("trend_following", "adx_min", 20.0, 40.0, "exposure", -1),
    Row("trend_following", "target_vol", 0.15, 0.05, "exposure", -1),
    Row("trend_following", "chandelier_atr", 3.0, 1.5, "exits:chandelier", +1),
    Row("trend_following", "step", 0.1, 0.6, "orders", -1),
    # What is left of the cash buys one share at a switch, before the sale's proceeds buy the others.
    Row("dual_momentum", "min_trade_usd", 100.0, 1000.0, "orders", -1),
    Row("dual_momentum", "min_trade_frac", 0.0025, 0.1, "orders", -1),
    Row("tsmom", "target_vol", 0.1, 0.05, "exposure", -1),
    Row("tsmom", "max_weight", 1.0, 0.5, "exposure", -1),
    Row("tsmom", "min_trade_usd", 100.0, 2000.0, "orders", -1),
    Row("tsmom", "min_trade_frac", 0.0025, 0.2, "orders", -1),
    Row("momentum_rotation", "top", 1, 2, "entries", +1),
    Row("momentum_rotation", "exit_rank", 2, 3, "exits:rank_lost", -1),
    Row("momentum_rotation", "min_trade_usd", 100.0, 2000.0, "orders", -1),
    Row("momentum_rotation", "min_trade_frac", 0.0025, 0.2, "orders", -1),
    Row(
        "multi_asset_allocation", "weights", {"SP500": 0.1, "UST10": 0.2}, {"SP500": 0.2, "UST10": 0.4}, "exposure", +1
    ),
    Row("multi_asset_allocation", "cash_symbol", "", "BILL", "exposure", +1),
    Row("multi_asset_allocation", "drift_band", 0.02, 0.2, "orders", -1),
    Row("multi_asset_allocation", "min_trade_usd", 100.0, 2000.0, "orders", -1),
    Row("multi_asset_allocation", "min_trade_frac", 0.0025, 0.02, "orders", -1),
    Row("volatility_target", "target_vol", 0.08, 0.16, "exposure", +1),
    Row("volatility_target", "vol_sessions", 10, 60, "orders", -1),
    Row("volatility_target", "max_weight", 0.5, 1.0, "exposure", +1),
    Row("volatility_target", "step", 0.05, 0.3, "orders", -1),
]
NARROW = (("band_mode", "relative"), ("band", 0.05))
STARTED = {"SP500": 0.2, "UST10": 0.3, "NDQ": 0.0}
HALF_OF_BAND = {"SP500": 0.25, "NDQ": 0.05, "UST10": 0.15, "BILL": 0.05}
ROWS += [
    Row(
        "band_rebalance", "weights", {"SP500": 0.5, "NDQ": 0.1, "UST10": 0.3, "BILL": 0.1}, HALF_OF_BAND, "exposure", -1
    ),
    Row("band_rebalance", "band", 0.05, 0.30, "orders", -1, (("band_mode", "relative"),)),
    Row("band_rebalance", "band_mode", "5_25", "absolute", "orders", +1, (("band", 0.02),)),
    Row("band_rebalance", "rebalance_to", "target", "half", "shares", -1, NARROW),
    Row("band_rebalance", "min_sessions_between", 0, 60, "orders", -1, NARROW),
    Row("band_rebalance", "min_trade_usd", 0.0, 5000.0, "orders", -1, NARROW),
    Row("band_rebalance", "min_trade_frac", 0.0, 0.05, "orders", -1, NARROW),
    Row("buy_only_rebalance", "weights", {"SP500": 0.5, "UST10": 0.3}, {"SP500": 0.3, "UST10": 0.2}, "exposure", -1),
    Row("buy_only_rebalance", "gap", 0.02, 0.50, "orders", -1),
    Row("buy_only_rebalance", "min_trade_usd", 0.0, 500.0, "orders", -1),
    Row("buy_only_rebalance", "min_trade_frac", 0.0, 0.10, "orders", -1),
    Row("sell_only_rebalance", "weights", STARTED, {**STARTED, "SP500": 0.05}, "exposure", -1),
    Row("sell_only_rebalance", "gap", 0.02, 2.0, "orders", -1),
    Row("sell_only_rebalance", "max_daily_frac", 0.1, 1.0, "orders", -1),
    Row("sell_only_rebalance", "min_trade_usd", 0.0, 1000.0, "orders", -1),
    Row("sell_only_rebalance", "min_trade_frac", 0.0, 0.10, "orders", -1),
    Row("regime_rebalance", "weights", {"AAPL": 0.3, "SP500": 0.3}, {"AAPL": 0.2, "SP500": 0.2}, "exposure", -1),
    Row("regime_rebalance", "soft_band", 0.10, 0.45, "exits:drift_soft", -1),
    Row("regime_rebalance", "hard_band", 0.30, 0.90, "exits:drift_hard", -1),
    Row("regime_rebalance", "hard_frac", 1.0, 0.3, "exits:drift_hard", +1),
    Row("regime_rebalance", "cooldown", 0, 120, "orders", -1),
    Row("regime_rebalance", "choppiness_min", 1.0, 50.0, "exits:drift_soft", -1, (("soft_band", 0.1),)),
    Row("regime_rebalance", "flow_start", 0.02, 0.30, "exits:flow_in", -1, (("flow_stop", 0.01),)),
    Row("regime_rebalance", "flow_stop", 0.005, 0.04, "exits:flow_in", -1, (("flow_start", 0.04),)),
    Row("regime_rebalance", "flow_tau", 0.5, 1.0, "exits:flow_in", -1),
    Row("regime_rebalance", "deficit_start", 0.03, 0.30, "exits:deficit_open", -1),
    Row("regime_rebalance", "deficit_stop", 0.03, 0.005, "exposure", -1, (("deficit_start", 0.03),)),
    Row("regime_rebalance", "min_trade_usd", 0.0, 5000.0, "orders", -1),
    Row("regime_rebalance", "min_trade_frac", 0.0, 0.05, "orders", -1),
]
NO_DIRECTION = {
    "mtum_confluence": {
        "symbol", "ma_sessions", "rsi_sessions", "atr_sessions", "volume_sessions", "rsi_smoothing", "atr_smoothing",
    },
    "buy_and_hold": {"symbol", "symbols"},
    "pair_reversal": {"symbols"},
    # They enter and leave whole, and no filter keeps that from being done.
    "mean_reversion": {"symbols", "variant", "min_trade_usd", "min_trade_frac"},
    "momentum_burst": {"symbols", "burst_sessions", "min_trade_usd", "min_trade_frac"},
    "donchian_breakout": {"symbols"},
    "ensemble": {"members"},
    "trend_following": {"symbols", "fast", "slow", "weeks", "months", "vol_sessions", "chandelier_sessions"},
    "dual_momentum": {"risk_assets", "safe", "bonds", "lookback_months"},
    "tsmom": {"symbols", "lookback_months", "skip_months", "com_sessions"},
    "regime_rebalance": {"lookback"},
    "momentum_rotation": {
        "symbols", "lookback_months", "skip_months", "trend_symbol", "trend_sessions", "weighting",
    },
    "multi_asset_allocation": {"months", "sizing"},
    "volatility_target": {"symbol"},
}  # fmt: skip
"""Parameters whose name says no direction: what is traded, and windows that make a figure slower and no larger."""


def entries(run: Run) -> float:
    """Purchases of what was flat."""
    return sum(order.purpose is Purpose.ENTER for decision in run.decisions for order in decision.orders)


def orders(run: Run) -> float:
    """Orders of any kind."""
    return sum(len(decision.orders) for decision in run.decisions)


def shares(run: Run) -> float:
    """Shares bought and sold."""
    return sum(order.shares for decision in run.decisions for order in decision.orders)


def exposure(run: Run) -> float:
    """Mean part of the equity that is invested, weighed by session."""
    return sum(run.weights) / len(run.weights)


def exits(run: Run, reason: str) -> float:
    """Sales for a reason."""
    return sum(reason in order.reasons for decision in run.decisions for order in decision.orders)


FIGURES = {one.__name__: one for one in (entries, orders, shares, exposure)}


@cache
def figure(name: str, settings: tuple[tuple[str, Any], ...], which: str) -> float:
    run = played(name, settings)
    return exits(run, which.removeprefix("exits:")) if which.startswith("exits:") else FIGURES[which](run)


@cache
def played(name: str, settings: tuple[tuple[str, Any], ...]) -> Run:
    return run_of(name, Variant("", {key: thawed(value) for key, value in settings}), SESSIONS)


def frozen(value: Any) -> Any:
    return tuple(value.items()) if isinstance(value, Mapping) else tuple(value) if isinstance(value, list) else value


def thawed(value: Any) -> Any:
    pairs = isinstance(value, tuple) and value and all(isinstance(one, tuple) and len(one) == 2 for one in value)
    return dict(value) if pairs else value


@pytest.mark.full
@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.strategy}-{row.parameter}")
def test_a_parameter_changes_decisions_in_its_direction(row: Row) -> None:
    base, more = (
        figure(row.strategy, (*row.beside, (row.parameter, frozen(value))), row.figure)
        for value in (row.base, row.more)
    )
    assert (more - base) * row.direction > 0, f"{row.figure}: {base} with {row.base}, {more} with {row.more}"


@pytest.mark.parametrize("name", OF_SHARES)
def test_every_parameter_has_its_row_or_says_no_direction(name: str) -> None:
    cls: Any = STRATEGIES[name]
    judged = {row.parameter for row in ROWS if row.strategy == name}
    assert judged | NO_DIRECTION.get(name, set()) == {field.name for field in fields(cls)}
