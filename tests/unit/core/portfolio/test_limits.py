"""Limits on losses at, before and beyond their edge."""

import pytest

from mtum.core.portfolio.limits import LossRules, LossState, daily_loss_hit, drawdown_hit

RULES = LossRules(max_daily_loss_usd=500.0, max_drawdown_frac=0.1)


@pytest.mark.parametrize(
    ("last", "since", "hit"),
    [(0.0, 0.0, False), (-499.99, -499.99, False), (-500.0, 0.0, True), (0.0, -500.0, True), (900.0, -501.0, True)],
)
def test_the_worse_of_both_changes_counts(last: float, since: float, hit: bool) -> None:
    assert daily_loss_hit(LossState(last_change_usd=last, change_since_usd=since), RULES, 5000.0) is hit


@pytest.mark.parametrize(
    ("last", "since", "equity", "hit"),
    [
        (0.0, -399.99, 3600.01, False),
        (0.0, -400.0, 3600.0, True),  # a tenth of 4,000
        (-400.0, 0.0, 3600.0, True),
        (-400.0, 50.0, 3650.0, True),
        (-399.99, 0.0, 3600.01, False),
        (-1.0, 0.0, 0.0, True),
        (0.0, -399.999984, 3600.000016, False),  # 0.099999996 of it
        (0.0, -399.9999992, 3600.0000008, True),  # a tenth to a billionth
    ],
)
def test_a_fraction_is_one_of_the_equity_before_the_loss(last: float, since: float, equity: float, hit: bool) -> None:
    rules = LossRules(max_daily_loss_usd=None, max_daily_loss_frac=0.1)
    assert daily_loss_hit(LossState(last_change_usd=last, change_since_usd=since), rules, equity) is hit


@pytest.mark.parametrize(("last", "equity", "hit"), [(-400.0, 4600.0, True), (-399.99, 4600.01, False)])
def test_money_put_in_since_the_last_close_was_not_there_to_be_lost_before_it(
    last: float, equity: float, hit: bool
) -> None:
    # 1,000 of the 4,600 are new: 400 were a tenth of 4,000.
    rules = LossRules(max_daily_loss_usd=None, max_daily_loss_frac=0.1)
    assert daily_loss_hit(LossState(last_change_usd=last, flows_since_usd=1000.0), rules, equity) is hit


def test_before_the_first_close_nothing_has_changed() -> None:
    assert LossState() == LossState(
        last_change_usd=0.0, change_since_usd=0.0, paused=False, peak_equity_usd=0.0, flows_since_usd=0.0
    )


def test_two_losses_are_not_added_up() -> None:
    assert not daily_loss_hit(LossState(last_change_usd=-300.0, change_since_usd=-300.0), RULES, 5000.0)


@pytest.mark.parametrize(
    ("equity", "hit"),
    # To a billionth of the peak: 0.099999996 is no fall of a tenth, 0.0999999998 is one.
    [(4500.01, False), (4500.00002, False), (4500.000001, True), (4500.0, True), (4499.0, True), (6000.0, False)],
)
def test_a_fall_of_exactly_the_limit_is_one(equity: float, hit: bool) -> None:
    assert drawdown_hit(equity, LossState(peak_equity_usd=5000.0), RULES) is hit
    assert drawdown_hit(equity / 10000, LossState(peak_equity_usd=0.5), RULES) is hit


@pytest.mark.parametrize("flow", [-4400.0, 0.0, 7000.0])
@pytest.mark.parametrize(("equity", "hit"), [(4500.01, False), (4500.0, True)])
def test_money_moved_since_the_last_close_is_no_fall_and_hides_none(equity: float, flow: float, hit: bool) -> None:
    state = LossState(peak_equity_usd=5000.0, flows_since_usd=flow)
    assert drawdown_hit(equity + flow, state, RULES) is hit


def test_without_a_limit_or_a_peak_nothing_is_a_fall() -> None:
    assert not drawdown_hit(1.0, LossState(peak_equity_usd=5000.0), LossRules(500.0))
    assert not drawdown_hit(1.0, LossState(), RULES)
