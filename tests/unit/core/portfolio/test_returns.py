"""Returns with deposits taken out, worked out by hand."""

from datetime import date

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from mtum.core.portfolio import returns

DAYS = [date(2026, 1, 5), date(2026, 1, 6), date(2026, 1, 7)]


def test_a_deposit_is_no_profit() -> None:
    # 1000 grow to 1100, these to 1155; the 900 that are there at the close had no part in it.
    given = returns.curve(DAYS, [1000.0, 1100.0, 2055.0], [1000.0, 0.0, 900.0])
    np.testing.assert_allclose(returns.changes(given), [0.0, 100.0, 55.0])
    np.testing.assert_allclose(returns.returns(given), [0.0, 0.1, 0.05])
    assert returns.since(given, DAYS[2]) == pytest.approx((55.0, 0.05))
    assert returns.since(given, date.min) == pytest.approx((155.0, 1.1 * 1.05 - 1))


def test_a_loss_on_the_first_session_is_a_drawdown() -> None:
    given = returns.curve(DAYS, [950.0, 1045.0, 940.5], [1000.0, 0.0, 0.0])
    np.testing.assert_allclose(returns.drawdown(given), [-0.05, 0.0, -0.1])


def test_a_withdrawal_is_no_drawdown() -> None:
    given = returns.curve(DAYS, [1000.0, 1000.0, 500.0], [1000.0, 0.0, -500.0])
    np.testing.assert_allclose(returns.drawdown(given), [0.0, 0.0, 0.0])


def test_growth_is_the_returns_chained() -> None:
    """10 %, then (2310 - 1100) / 1100 = 10 % with 1100 put in, then half of 2310, 5 % more with 155 taken out."""
    given = returns.curve([*DAYS, date(2026, 1, 8)], [1100.0, 2310.0, 1155.0, 1057.75], [1000.0, 1100.0, 0.0, -155.0])
    np.testing.assert_allclose(returns.returns(given), [0.1, 0.1, -0.5, 0.05])
    np.testing.assert_allclose(returns.growth(given), [1.1, 1.21, 0.605, 0.63525])


def test_equal_closes_are_equally_far_from_the_peak() -> None:
    given = returns.curve(DAYS, [1000.1, 999.7, 1000.1], [937.3, 0.0, 0.0])
    assert returns.drawdown(given).tolist()[::2] == [0.0, 0.0]


def test_money_that_came_back_after_all_was_taken_out_begins_anew() -> None:
    """All 1100 out, then 500 in, of which 5 are lost: 1 % of the 500."""
    given = returns.curve(DAYS, [1100.0, 0.0, 495.0], [1000.0, -1100.0, 500.0])
    np.testing.assert_allclose(returns.returns(given), [0.1, 0.0, -0.01])
    np.testing.assert_allclose(returns.growth(given), [1.1, 1.1, 1.089])


def test_where_nothing_was_there_and_nothing_came_in_nothing_is_gained() -> None:
    """The last 5 USD came from nowhere: on nothing they are no return, and nothing grows from nothing."""
    given = returns.curve([*DAYS, date(2026, 1, 8)], [1100.0, 0.0, 0.0, 5.0], [1000.0, -1100.0, 0.0, 0.0])
    np.testing.assert_allclose(returns.returns(given), [0.1, 0.0, 0.0, 0.0])
    np.testing.assert_allclose(returns.growth(given), [1.1, 1.1, 1.1, 1.1])


def test_cents_grow_as_dollars_do_with_and_without_money_put_in_at_first() -> None:
    for first in (0.5, 0.0):
        given = returns.curve(DAYS, [0.5, 0.55, 0.605], [first, 0.0, 0.0])
        np.testing.assert_allclose(returns.returns(given), [0.0, 0.1, 0.1])
        np.testing.assert_allclose(returns.growth(given), [1.0, 1.1, 1.21])
    np.testing.assert_allclose(returns.returns(returns.curve(DAYS[:1], [0.55], [0.5])), [0.1])
    # 0.50 were there and 0.50 more came in: 0.05 were gained on the first.
    np.testing.assert_allclose(returns.returns(returns.curve(DAYS[:2], [0.5, 1.05], [0.5, 0.5])), [0.0, 0.1])


def test_curves_together_count_with_their_last_close_and_have_none_before_their_first() -> None:
    core = returns.curve([DAYS[0], DAYS[2]], [3000.1, 3100.2], [2900.0, 0.0])
    timing = returns.curve(DAYS[1:], [2000.2, 1950.0], [1990.0, -25.0])
    found = returns.together([core, timing, returns.curve([], [], [])])
    assert found.days == tuple(DAYS)
    assert found.equity.tolist() == [3000.1, 5000.3, 5050.2]
    assert found.flows.tolist() == [2900.0, 1990.0, -25.0]
    assert returns.together([]).days == ()


def test_without_sessions_nothing_has_grown() -> None:
    nothing = returns.curve([], [], [])
    assert returns.growth(nothing).tolist() == returns.drawdown(nothing).tolist() == []
    assert returns.since(nothing, DAYS[0]) == (0.0, 0.0)


def test_a_history_has_its_capital_before_its_first_session_and_none_of_the_days() -> None:
    given = returns.from_capital(np.array([950.0, 1045.0, 940.5]), 1000.0)
    assert (len(given), given.flows.tolist()) == (3, [1000.0, 0.0, 0.0])
    np.testing.assert_allclose(returns.returns(given), [-0.05, 0.1, -0.1])
    assert returns.since(given, DAYS[0]) == (0.0, 0.0)


def test_amounts_in_whole_dollars_are_reckoned_as_fractions() -> None:
    given = returns.curve(DAYS[:2], [1000, 1100], [1000, 0])
    assert [str(column.dtype) for column in (given.equity, given.flows)] == ["float64", "float64"]


@pytest.mark.parametrize(("spread", "found"), [(0.5, 2.0), (1.5e-9, 1 / 1.5e-9), (1e-9, None), (7e-10, None)])
def test_a_spread_of_float_arithmetic_gives_no_ratio(spread: float, found: float | None) -> None:
    assert returns.ratio(1.0, spread) == found


def test_a_cost_beyond_what_was_there_before_is_set_against_the_deposit_too() -> None:
    """1 USD was left, 999 came in and 5 went on the purchase: half a per cent of 1000, not five times the 1."""
    given = returns.curve(DAYS[:2], [1.0, 995.0], [1.0, 999.0])
    np.testing.assert_allclose(returns.returns(given), [0.0, -0.005])
    # 100 were there, 900 came in and just 100 were lost: a tenth of 1000.
    given = returns.curve(DAYS[:2], [100.0, 900.0], [100.0, 900.0])
    np.testing.assert_allclose(returns.returns(given), [0.0, -0.1])


def test_an_unknown_equity_leaves_its_return_unknown() -> None:
    given = returns.curve(DAYS, [1000.0, np.nan, 1100.0], [1000.0, 0.0, 0.0])
    assert np.isnan(returns.returns(given)).tolist() == [False, True, False]


@pytest.mark.parametrize(
    ("successes", "trials", "low", "high"),
    [(0, 10, 0.0, 0.2775), (1, 10, 0.0179, 0.4042), (15, 50, 0.1910, 0.4375), (10, 10, 0.7225, 1.0)],
)
def test_wilson_interval_equals_published_values(successes: int, trials: int, low: float, high: float) -> None:
    assert returns.wilson(successes, trials) == pytest.approx((low, high), abs=5e-5)


def test_without_a_trial_there_is_no_rate_and_no_interval() -> None:
    assert returns.wilson(0, 0) == (None, None)


def test_each_of_several_histories_falls_from_its_own_peak() -> None:
    fallen = returns.below_peak(np.array([[2.0, 1.0, 2.0], [0.5, 4.0, 3.0]]))
    assert fallen.tolist() == [[0.0, -0.5, 0.0], [-0.5, 0.0, -0.25]]


def test_no_interval_reaches_below_none_or_beyond_all() -> None:
    # With 27 trials the lower end, with 16 the upper one would be a hair outside by float arithmetic.
    assert returns.wilson(0, 27)[0] == 0.0
    assert returns.wilson(16, 16)[1] == 1.0


@given(st.lists(st.floats()), st.integers(0, 15))
@example([2.675, 1.005, -1e-12, 0.5, 1.5, 2.5, 1e15 + 0.3, 1.7e308], 2)
def test_a_column_is_rounded_as_each_of_its_numbers_is(numbers: list[float], digits: int) -> None:
    expected = [round(one, digits) for one in numbers]
    assert list(map(repr, returns.rounded(np.array(numbers), digits))) == list(map(repr, expected))


@given(st.lists(st.integers(-(10**12), 10**12)), st.integers(1, 9))
def test_a_column_of_halves_is_rounded_as_each_of_them_is(halves: list[int], digits: int) -> None:
    numbers = [(one + 0.5) / 10**digits for one in halves]
    assert returns.rounded(np.array(numbers, dtype=np.float64), digits) == [round(one, digits) for one in numbers]
