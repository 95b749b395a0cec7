"""Each rule that closes or rolls an open position, at its tie, and the order in which they are asked."""

import pytest

from mtum.core.conditions import Condition
from mtum.core.market.instruments import Right
from mtum.core.options.exits import (
    Action,
    EnhancedRules,
    OpenSpread,
    RollRules,
    SpreadExit,
    Today,
    condor_ruling,
    earned,
    enhanced_ruling,
    hedge_entry,
    hedge_ruling,
    mark,
    vertical_ruling,
    wheel_ruling,
    write_conditions,
)
from mtum.core.options.singles import HeldShort
from support.option_chains import by_hand
from support.values import replace

PUT, CALL = (
    HeldShort(row.contract, 2.0)
    for row in by_hand(("P", 95.0, 45, 0.99, 1.01, -0.3, 10), ("C", 105.0, 45, 0.99, 1.01, 0.3, 10)).chain.rows
)
OPEN, SHUT = (Condition("gate", 1.0, 0.0, 1.0, passed=passed) for passed in (True, False))


def test_the_part_of_a_credit_that_is_earned() -> None:
    assert earned(2.0, 0.5) == 0.75
    assert earned(2.0, 3.0) == -0.5
    assert (earned(2.0, None), earned(0.0, 1.0)) == (None, None)


def test_a_mark_is_what_closing_costs_and_needs_every_leg() -> None:
    found = by_hand(
        ("P", 95.0, 45, 0.99, 1.01, -0.3, 10), ("P", 90.0, 45, 0.39, 0.41, -0.1, 9), ("P", 80.0, 45, 0.0, 0.05, 0.0, 9)
    )
    assert mark(found, {1: -1, 2: 1}) == 0.6
    assert mark(found, {2: 1}) == -0.4
    assert mark(found, {1: -1, 3: 1}) is None
    assert mark(found, {}) is None


@pytest.mark.parametrize(
    ("held", "today", "reason"),
    [
        (PUT, Today(100.0, 15, 2.0), "roll_dte"),  # nothing earned, nothing lost
        (PUT, Today(100.0, 15, 2.01), "hold"),
        (PUT, Today(100.0, 16, 2.0), "hold"),
        (PUT, Today(100.0, 90, 0.2), "roll_pnl"),  # nine tenths
        (PUT, Today(100.0, 90, 0.21), "hold"),
        (PUT, Today(100.0, 15, None), "hold"),
        (PUT, Today(95.01, 15, 1.0), "roll_dte"),
        (PUT, Today(95.0, 15, 1.0), "hold"),  # at its strike it is in the money
        (CALL, Today(105.0, 15, 1.0), "roll_dte"),  # calls in the money are rolled
    ],
)
def test_a_wheel_rolls_by_days_and_by_profit(held: HeldShort, today: Today, reason: str) -> None:
    found = wheel_ruling(held, today, RollRules())
    assert (found.reason, found.action) == (reason, None if reason == "hold" else Action.ROLL)


def test_shorts_in_the_money_are_rolled_where_that_is_allowed() -> None:
    assert wheel_ruling(PUT, Today(90.0, 15, 1.0), RollRules(itm_puts=True)).reason == "roll_dte"
    assert wheel_ruling(CALL, Today(105.0, 15, 1.0), RollRules(itm_calls=False)).reason == "hold"
    assert wheel_ruling(CALL, Today(104.99, 15, 1.0), RollRules(itm_calls=False)).reason == "roll_dte"


@pytest.mark.parametrize(("mark_usd", "action"), [(0.1, Action.CLOSE), (0.11, Action.ROLL)])
def test_closing_goes_before_rolling(mark_usd: float, action: Action) -> None:
    assert wheel_ruling(PUT, Today(100.0, 90, mark_usd), RollRules(close_at_pnl=0.95)).action is action


def test_a_ruling_carries_every_condition_with_figure_and_bound() -> None:
    found = wheel_ruling(PUT, Today(100.0, 20, 1.0), RollRules())
    assert {one.name: (one.value, one.threshold) for one in found.conditions} == {
        "out_of_the_money": (100.0, 95.0),
        "roll_dte": (20, 15),
        "min_pnl": (0.5, 0.0),
        "roll_pnl": (0.5, 0.9),
    }


@pytest.mark.parametrize(
    ("today", "gate", "expected"),
    [
        (Today(100.0, 40, 1.0), OPEN, (Action.CLOSE, "take")),  # half the credit
        (Today(100.0, 40, 1.01), OPEN, (None, "hold")),
        (Today(100.0, 22, 1.5), OPEN, (None, "hold")),
        (Today(100.0, 21, 1.5), OPEN, (Action.ROLL, "roll_gate")),
        (Today(100.0, 21, 1.99), SHUT, (Action.CLOSE, "exit_dte")),
        (Today(100.0, 21, 2.0), SHUT, (None, "hold")),  # no profit, and the wheel waits until 15 days
        (Today(100.0, 15, 2.0), SHUT, (Action.ROLL, "roll_dte")),
        (Today(100.0, 15, 2.01), SHUT, (None, "hold")),
        (Today(95.0, 15, 2.0), SHUT, (None, "hold")),
    ],
)
def test_an_enhanced_wheel_takes_half_and_leaves_at_21_days(
    today: Today, gate: Condition, expected: tuple[Action | None, str]
) -> None:
    found = enhanced_ruling(PUT, today, EnhancedRules(), (OPEN, gate))
    assert (found.action, found.reason) == expected


@pytest.mark.parametrize(("mark_usd", "reason"), [(6.0, "stop"), (5.99, "hold")])
def test_an_enhanced_wheel_stops_where_it_is_told_to(mark_usd: float, reason: str) -> None:
    today = Today(90.0, 40, mark_usd)
    assert enhanced_ruling(PUT, today, EnhancedRules(stop_multiple=3.0), (OPEN,)).reason == reason
    assert enhanced_ruling(PUT, today, EnhancedRules(), (OPEN,)).reason == "hold"


CONDOR = OpenSpread(-1.0, 5.0, 95.0, 105.0)


@pytest.mark.parametrize(
    ("today", "reason"),
    [
        (Today(100.0, 40, 0.5), "take"),
        (Today(100.0, 40, 0.51), "hold"),
        (Today(100.0, 40, 2.0), "stop"),
        (Today(100.0, 40, 1.99), "hold"),
        (Today(100.0, 21, 1.0), "exit_dte"),
        (Today(100.0, 22, 1.0), "hold"),
        (Today(94.99, 40, 1.0), "beyond_put"),
        (Today(95.0, 40, 1.0), "hold"),
        (Today(105.01, 40, 1.0), "beyond_call"),
        (Today(105.0, 40, 1.0), "hold"),
        (Today(105.0, 40, 1.0, ex_date=2), "ex_date"),  # at its strike the call is in the money
        (Today(105.0, 40, 1.0, ex_date=3), "hold"),
        (Today(104.99, 40, 1.0, ex_date=0), "hold"),
        (Today(94.0, 20, 2.5, ex_date=0), "stop"),  # the first that is true
        (Today(94.0, 20, None), "exit_dte"),  # without a mark the others are still asked
        (Today(100.0, 40, None), "hold"),
    ],
)
def test_a_condor_is_closed_by_the_first_rule_that_is_true(today: Today, reason: str) -> None:
    found = condor_ruling(CONDOR, today, SpreadExit())
    assert (found.reason, found.action) == (reason, None if reason == "hold" else Action.CLOSE)


@pytest.mark.parametrize(
    ("today", "bullish", "reason"),
    [
        (Today(100.0, 40, 0.625), True, "take"),
        (Today(100.0, 40, 0.626), True, "hold"),
        (Today(100.0, 40, 2.5), True, "stop"),
        (Today(100.0, 40, 2.499), True, "hold"),
        (Today(100.0, 21, 1.0), True, "exit_dte"),
        (Today(97.99, 40, 1.0), True, "bias_lost"),
        (Today(98.0, 40, 1.0), True, "hold"),
        (Today(98.0, 40, 1.0), False, "hold"),
        (Today(98.01, 40, 1.0), False, "bias_lost"),
    ],
)
def test_a_credit_spread_is_closed(today: Today, bullish: bool, reason: str) -> None:
    spread = OpenSpread(-1.25, 5.0, short_put=95.0)
    assert vertical_ruling(spread, today, SpreadExit(), bullish, 98.0).reason == reason


@pytest.mark.parametrize(
    ("worth", "reason"), [(8.0, "take"), (7.99, "hold"), (3.01, "hold"), (3.0, "stop"), (None, "hold")]
)
def test_a_debit_spread_is_closed_at_half_its_profit_or_half_its_cost(worth: float | None, reason: str) -> None:
    spread = OpenSpread(6.0, 10.0, short_call=110.0)  # it can earn 4.00: half of it is reached at 8.00
    today = Today(100.0, 22, None if worth is None else -worth)
    assert vertical_ruling(spread, today, SpreadExit(), True, 98.0).reason == reason
    late = vertical_ruling(spread, replace(today, days=21), SpreadExit(), True, 98.0)
    assert late.reason == ("exit_dte" if reason == "hold" else reason)


def test_a_spread_with_a_short_call_in_the_money_does_not_wait_for_the_ex_date() -> None:
    spread, today = OpenSpread(-1.25, 5.0, short_call=105.0), Today(105.0, 40, 1.5, ex_date=2)
    assert vertical_ruling(spread, today, SpreadExit(), False, 110.0).reason == "ex_date"
    assert vertical_ruling(spread, replace(today, ex_date=3), SpreadExit(), False, 110.0).reason == "hold"
    assert vertical_ruling(spread, replace(today, ex_date=None), SpreadExit(), False, None).reason == "hold"


@pytest.mark.parametrize(
    ("index", "days", "ignored", "sold", "bought"),
    [
        (50.01, (20,), 0, True, False),
        (50.0, (20,), 0, False, False),
        (50.01, (), 0, False, False),
        (50.0, (), 0, False, True),
        (50.0, (5,), 5, False, True),
        (50.0, (5, 6), 5, False, False),
        (50.01, (5,), 5, False, False),
    ],
)
def test_a_hedge_is_sold_in_a_panic_and_bought_once(
    index: float, days: tuple[int, ...], ignored: int, sold: bool, bought: bool
) -> None:
    assert (hedge_ruling(index, days, 50.0, ignored).action is Action.CLOSE) is sold
    assert all(one.passed for one in hedge_entry(index, days, 0.01, 50.0, ignored)) is bought
    assert not all(one.passed for one in hedge_entry(index, days, 0.0, 50.0, ignored))


@pytest.mark.parametrize(("spot", "put", "call"), [(99.0, True, False), (100.0, True, False), (100.01, False, True)])
def test_puts_are_written_on_red_sessions_and_calls_on_green_ones(spot: float, put: bool, call: bool) -> None:
    for right, expected in ((Right.PUT, put), (Right.CALL, call)):
        assert all(one.passed for one in write_conditions(right, spot, 100.0, "red_green", 0.0)) is expected
        assert all(one.passed for one in write_conditions(right, spot, 100.0, "any", 0.0))


@pytest.mark.parametrize(("spot", "far"), [(99.0, True), (99.01, False), (101.0, True)])
def test_a_move_too_small_is_not_written_on(spot: float, far: bool) -> None:
    assert all(one.passed for one in write_conditions(Right.PUT, spot, 100.0, "any", 0.01)) is far
