"""Conditions in few passes over memory are those of the indicator columns, bit by bit."""

import numpy as np
import pytest

from mtum.core.compiled import machine
from mtum.core.indicators.smoothing import Smoothing
from mtum.core.market.bars import Bars
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.decision import PortfolioRules
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.simulation.backtest import fast_rules, first_fit, walked, walked_each
from mtum.core.simulation.history import History, history
from mtum.core.simulation.kernel.columns import (
    PRICE_UNIT,
    VOLUME_UNIT,
    bits_above,
    bits_beyond,
    in_millionths,
    mean_column,
    range_column,
    running_sums,
    strength_column,
)
from mtum.core.simulation.kernel.conditions import Rules, conditions, true_ranges
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.kernel.walk import SHARES
from mtum.core.simulation.played import PlayTerms
from mtum.core.strategies.mtum_confluence import MtumConfluence
from support.markets import by_day, made_up_bars, made_up_vix, real_bars
from support.values import replace

BASE = MtumConfluence(symbol="AAA")
TERMS = PlayTerms(5000.0, PortfolioRules(SizingRules(1.0, 1e12, 0.0, PercentCosts()), LossRules(150.0)))
VARIANTS = {
    "defaults": BASE,
    "short": replace(BASE, ma_sessions=7, rsi_sessions=2, atr_sessions=3, volume_sessions=5),
    "long": replace(BASE, ma_sessions=200, rsi_sessions=21, volume_sessions=100, rsi_entry_above=55.0),
    "wilder": replace(BASE, rsi_smoothing=Smoothing.WILDER, atr_smoothing=Smoothing.WILDER),
}


def from_columns(ready: History, rules: Rules) -> list[list[int]]:
    prices, sums = ready.prices, machine(running_sums)(ready.prices)
    level, vix = machine(in_millionths)(prices.close), machine(in_millionths)(prices.vix)
    mean = machine(mean_column)(sums.close, rules.ma_sessions, PRICE_UNIT, rules.ma_sessions - 1)
    volume = machine(mean_column)(sums.volume, rules.volume_sessions, VOLUME_UNIT, rules.volume_sessions - 1)
    rsi = machine(strength_column)(sums, rules.rsi_sessions, rules.rsi_wilder)
    rows = (
        machine(bits_above)(level, mean),
        machine(bits_beyond)(vix, rules.vix_entry_below, -1),
        machine(bits_beyond)(rsi, rules.rsi_entry_above, 1),
        machine(bits_above)(machine(in_millionths)(prices.volume), volume),
        machine(bits_above)(mean, level),
        machine(bits_beyond)(vix, rules.vix_exit_above, 1),
        machine(bits_beyond)(rsi, rules.rsi_exit_below, -1),
    )
    return [row.tolist() for row in rows]


def ready_of(sessions: int, seed: int) -> History:
    bars = made_up_bars(sessions, seed)
    return history(bars, made_up_vix(bars, seed))


@pytest.mark.parametrize("sessions", [1, 2, 14, 15, 49, 50, 63, 64, 65, 128, 1999])
@pytest.mark.parametrize("name", VARIANTS)
def test_bits_are_those_of_the_columns(name: str, sessions: int) -> None:
    ready, rules = ready_of(sessions, 5), fast_rules(VARIANTS[name])
    found = machine(conditions)(ready.prices, rules).tolist()
    assert found == from_columns(ready, rules)
    assert sessions < 1999 or all(any(row) for row in found), "a condition that never holds proves nothing"


@pytest.mark.parametrize("symbol", ["MTUM", "SPY", "TLT", "GLD"])
def test_bits_are_those_of_the_columns_on_real_bars(symbol: str) -> None:
    ready = history(real_bars(symbol), by_day(real_bars("VIX")))
    for strategy in VARIANTS.values():
        rules = fast_rules(strategy)
        assert machine(conditions)(ready.prices, rules).tolist() == from_columns(ready, rules)


def test_ties_are_no_condition() -> None:
    """Closes that stay the same equal their mean, volumes too; without a move there is no strength."""
    columns = {name: np.full(80, 30.3) for name in ("open", "high", "low", "close")} | {"volume": np.full(80, 1e7)}
    days = np.arange(np.datetime64("2020-01-01"), np.datetime64("2020-03-21"))
    ready = history(Bars.from_columns("AAA", "made-up", days, columns), {})
    assert not machine(conditions)(ready.prices, fast_rules(BASE)).any()


def test_true_ranges_reach_to_the_close_before() -> None:
    columns = {
        "open": [10.0, 12.0, 9.0],
        "high": [11.0, 13.0, 9.5],
        "low": [9.0, 11.5, 8.0],
        "close": [10.0, 12.5, 9.0],
        "volume": [1.0, 1.0, 1.0],
    }
    ready = history(Bars.from_columns("AAA", "made-up", ["2020-01-02", "2020-01-03", "2020-01-06"], columns), {})
    # 13 - 10 over the close before; 12.5 - 8 under it.
    assert machine(true_ranges)(ready.prices).tolist() == [0, 30_000_000_000, 45_000_000_000]


def test_ranges_of_entries_are_those_of_the_column() -> None:
    ready = ready_of(600, 9)
    sums = machine(running_sums)(ready.prices)
    ranges, known = machine(true_ranges)(ready.prices), machine(range_column)(sums, 14, False)
    for t in range(14, 600):
        assert np.rint(float(ranges[t - 13 : t + 1].sum()) * 1e6 / (1e10 * 14) + 1e-4) == known[t]


@pytest.mark.parametrize("name", VARIANTS)
def test_many_histories_are_played_as_each_alone(name: str) -> None:
    """Of different lengths, one too short to decide: the room of one does not leak into the next."""
    strategy = VARIANTS[name]
    histories = [ready_of(sessions, seed) for seed, sessions in enumerate((900, 40, 1500, 700))]
    made = 0
    for ready, trades in walked_each(histories, strategy, TERMS):
        alone = walked(ready, strategy, TERMS, Span(min(first_fit(ready, strategy), len(ready)), len(ready)))
        np.testing.assert_array_equal(trades.slots, alone.slots)
        np.testing.assert_array_equal(trades.purses, alone.purses)
        made += len(trades.slots[:, SHARES])
    assert made > 10
