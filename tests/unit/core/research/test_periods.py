"""Worst periods, years and rolling figures of small curves, worked out by hand."""

from datetime import date
from itertools import pairwise

import numpy as np
import pytest

from mtum.core.market.bars import Column, Days
from mtum.core.research.metrics import max_drawdown
from mtum.core.research.periods import months, rolling, shape, worst_periods, years
from support.markets import weekdays


def days(count: int) -> Days:
    return np.array(weekdays(count), dtype="datetime64[D]")


def column(*values: float) -> Column:
    return np.array(values, dtype=np.float64)


def test_falls_are_told_deepest_first_with_their_sessions_and_what_holding_did() -> None:
    """110 -> 99 is -10 %, back on the third session after it; the fall at the end, 121 -> 96.8, is -20 %."""
    equity = column(110, 99, 104.5, 110, 121, 108.9, 96.8)
    held = column(100, 98, 99, 100, 125, 120, 100)
    when = weekdays(7)
    deep, shallow = worst_periods(days(7), equity, held, 100.0)
    assert (deep.fall.frac, deep.benchmark_frac) == pytest.approx((-0.2, -0.2))
    assert (deep.fall.peak, deep.fall.trough, deep.fall.recovery) == (when[4], when[6], None)
    assert (deep.sessions_down, deep.sessions) == (2, 2)
    assert (shallow.fall.frac, shallow.benchmark_frac) == pytest.approx((-0.1, -0.02))
    assert (shallow.fall.peak, shallow.fall.trough, shallow.fall.recovery) == (when[0], when[1], when[3])
    assert (shallow.sessions_down, shallow.sessions) == (1, 3)


def test_a_fall_from_the_start_has_no_peak_and_one_that_never_fell_has_none() -> None:
    (fall,) = worst_periods(days(3), column(90, 95, 100), column(100, 100, 100), 100.0)
    assert (fall.fall.peak, fall.sessions_down, fall.sessions) == (None, 1, 3)
    assert fall.fall.frac == pytest.approx(-0.1)
    assert worst_periods(days(2), column(100, 101), column(100, 100), 100.0) == ()


@pytest.mark.parametrize("seed", range(20))
def test_the_worst_period_is_the_max_drawdown_and_periods_do_not_overlap(seed: int) -> None:
    drawn = np.random.default_rng(seed)
    equity = 100 * np.cumprod(1 + drawn.choice([-0.02, 0.0, 0.021], 120))
    found = worst_periods(days(120), equity, equity, 100.0)
    assert found[0].fall == max_drawdown(equity, days(120), 100.0)
    spans = sorted((one.fall.peak or date.min, one.fall.recovery or date.max) for one in found)
    assert all(end <= begin for (_, end), (begin, _) in pairwise(spans))


def test_years_are_those_of_the_calendar_with_what_was_played_of_them() -> None:
    """Two sessions of 2019 from 100 to 110, two of 2020 to 99: +10 % and -10 %, 50 and 20 USD traded."""
    when = np.array(["2019-12-30", "2019-12-31", "2020-01-02", "2020-01-03"], dtype="datetime64[D]")
    equity, held = column(100, 110, 110, 99), column(100, 100, 105, 110)
    first, second = years(when, (equity, held), 100.0, column(0.5, 1.0, 1.0, 0.0), column(50, 0, 0, 20.9))
    assert (first.year, second.year) == (2019, 2020)
    assert (first.return_frac, first.benchmark_frac) == pytest.approx((0.1, 0.0))
    assert (first.invested_frac, first.turnover) == pytest.approx((0.75, 50 / 105))
    assert (second.return_frac, second.benchmark_frac) == pytest.approx((-0.1, 0.1))
    assert (second.max_drawdown_frac, second.turnover) == pytest.approx((-0.1, 20.9 / 104.5))
    assert months(when, equity, 100.0) == pytest.approx({date(2019, 12, 1): 0.1, date(2020, 1, 1): -0.1})


def test_a_curve_that_doubles_its_benchmark_has_beta_two_and_no_alpha() -> None:
    moves = np.tile([0.01, -0.005, 0.002, 0.0], 80)
    held, equity = 100 * np.cumprod(1 + moves), 100 * np.cumprod(1 + 2 * moves)
    found = shape(days(320), equity, held, 100.0)
    assert [found.beta, found.correlation] == pytest.approx([2.0, 1.0])
    assert found.alpha_frac == pytest.approx(0.0, abs=1e-12)
    over_time = rolling(equity, held, 100.0)
    assert np.isnan(over_time["beta"][:251]).all()
    assert over_time["beta"][251:] == pytest.approx(2.0)
    assert np.isnan(over_time["volatility_frac"][124])
    assert over_time["volatility_frac"][125] > 0


def test_there_is_no_beta_to_what_hardly_moved_and_none_of_a_short_history() -> None:
    equity = 100 * np.cumprod(1 + np.tile([0.01, -0.005], 200))
    held = np.full(400, 100.0)
    held[-100:] = 100 * np.cumprod(1 + np.tile([0.02, -0.01], 50))
    assert np.isnan(rolling(equity, held, 100.0)["beta"]).all(), "it moved in 100 of the last 252 sessions"
    assert shape(days(400), equity, np.full(400, 100.0), 100.0).beta is None
    short = rolling(equity[:60], held[:60], 100.0)
    assert all(np.isnan(line).all() and len(line) == 60 for line in short.values())
