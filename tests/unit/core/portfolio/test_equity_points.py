"""Peak and last change of the sleeve, with money put in and taken out."""

from datetime import date, timedelta
from decimal import Decimal

import pytest

from mtum.core.portfolio.equity_points import OfficialEquity, account_points, loss_state, with_capital
from mtum.core.portfolio.limits import LossState

ZERO = Decimal(0)


def points(*values: tuple[str, str]) -> list[OfficialEquity]:
    start = date(2018, 12, 3)
    return [
        OfficialEquity(start + timedelta(days=index), Decimal(equity), Decimal(flow))
        for index, (equity, flow) in enumerate(values)
    ]


def test_before_the_first_official_close_there_is_no_loss_and_no_peak() -> None:
    assert loss_state([], Decimal(100), paused=True) == LossState(paused=True)


def test_one_close_gives_a_peak_and_no_change() -> None:
    for paused in (False, True):
        found = loss_state(points(("5000", "0")), ZERO, paused=paused)
        assert found == LossState(peak_equity_usd=5000.0, paused=paused)


def test_the_last_change_is_between_the_last_two_closes() -> None:
    state = loss_state(points(("5000", "0"), ("5300", "0"), ("5100.25", "0")), ZERO, paused=False)
    assert (state.last_change_usd, state.peak_equity_usd) == (-199.75, 5300.0)


def test_a_deposit_is_no_profit_and_hides_no_loss() -> None:
    # 5000 + 1000 put in = 6000, but the close says 5600: 400 of the 5000 were lost, 8 %; 5600 / 0.92 is the peak.
    state = loss_state(points(("5000", "0"), ("5600", "1000")), ZERO, paused=False)
    assert (state.last_change_usd, state.peak_equity_usd) == (-400.0, 6086.956522)


def test_a_withdrawal_is_no_loss_and_makes_no_fall_deeper() -> None:
    """4900 of 5000 is a fall of 2 %, and so is what is left of it after 3300 were taken out: 1600 / 0.98 = 1632.65."""
    state = loss_state(points(("5000", "0"), ("4900", "0"), ("1600", "-3300")), ZERO, paused=False)
    assert (state.last_change_usd, state.peak_equity_usd) == (0.0, 1632.653061)


def test_a_withdrawal_at_the_peak_takes_the_peak_along() -> None:
    state = loss_state(points(("5000", "0"), ("4000", "-1000")), ZERO, paused=False)
    assert (state.last_change_usd, state.peak_equity_usd) == (0.0, 4000.0)


def test_money_moved_since_the_last_close_is_kept_apart_from_the_fall() -> None:
    closes = points(("5000", "0"), ("4900", "0"))
    assert loss_state(closes, Decimal(-500), paused=False) == LossState(
        last_change_usd=-100.0, peak_equity_usd=5000.0, flows_since_usd=-500.0
    )


def test_amounts_are_told_to_a_millionth() -> None:
    state = loss_state(points(("5000.1234564", "0"), ("4999", "0")), Decimal("-0.1234564"), paused=False)
    assert state == LossState(last_change_usd=-1.123456, peak_equity_usd=5000.123456, flows_since_usd=-0.123456)


def test_a_sleeve_that_lost_everything_has_no_peak_until_money_is_put_in_again() -> None:
    assert loss_state(points(("5000", "0"), ("0", "0")), ZERO, paused=False) == LossState(last_change_usd=-5000.0)
    # Whatever was paid in before the first close: 900 after 1,000 is a fall of a tenth.
    state = loss_state(points(("0", "100"), ("1000", "1000"), ("900", "0")), ZERO, paused=False)
    assert (state.peak_equity_usd, state.last_change_usd) == (1000.0, -100.0)
    assert OfficialEquity(date(2018, 12, 3), Decimal(5000)).flows_usd == 0


@pytest.mark.parametrize(("since", "peak"), [(3, 6000.0), (4, 5400.0), (5, 5200.0), (9, 5200.0)])
def test_a_fall_a_person_accepted_is_counted_from_the_close_after_it(since: int, peak: float) -> None:
    """The closes of 3, 4 and 5 December; of a later session there is none yet, so the last one counts."""
    closes = points(("6000", "0"), ("5400", "0"), ("5200", "0"))
    state = loss_state(closes, ZERO, paused=False, peak_since=date(2018, 12, since))
    assert (state.peak_equity_usd, state.last_change_usd) == (peak, -200.0)


def test_a_peak_before_a_withdrawal_is_lowered_and_then_beaten() -> None:
    # 5900 of 6000 before 2000 were taken out, a fall of 1.7 %; 4100 after 3900 is a gain of 5.1 %, a new peak.
    state = loss_state(points(("6000", "0"), ("3900", "-2000"), ("4100", "0")), ZERO, paused=False)
    assert (state.peak_equity_usd, state.last_change_usd) == (4100.0, 200.0)


def test_the_account_has_a_point_wherever_one_of_its_sleeves_has_one() -> None:
    """The core has closes on 3 and 5 December, timing on 4 and 5: what has no close counts with its last one."""
    monday, tuesday, wednesday = (date(2018, 12, day) for day in (3, 4, 5))
    core = [OfficialEquity(monday, Decimal(3000), Decimal(2900)), OfficialEquity(wednesday, Decimal(3100))]
    timing = [
        OfficialEquity(tuesday, Decimal(2000), Decimal(1990)),
        OfficialEquity(wednesday, Decimal(1950), Decimal(-25)),
    ]
    assert account_points({"timing": timing, "core": core}) == (
        OfficialEquity(monday, Decimal(3000), Decimal(2900)),
        OfficialEquity(tuesday, Decimal(5000), Decimal(1990)),
        OfficialEquity(wednesday, Decimal(5050), Decimal(-25)),
    )
    assert account_points({}) == ()


def test_what_a_sleeve_began_with_came_in_before_its_first_close() -> None:
    closes = points(("5100", "40"), ("5200", "10"), ("5300", "0"))
    begun = with_capital(closes, Decimal(5000))
    assert [point.flows_usd for point in begun] == [5040, 10, 0]
    assert [(point.session, point.equity_usd) for point in begun] == [(one.session, one.equity_usd) for one in closes]
    assert with_capital([], Decimal(5000)) == ()
