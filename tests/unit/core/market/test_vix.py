"""Which VIX a decision may use."""

from datetime import UTC, date, datetime, timedelta

import pytest

from mtum.core.market.vix import VixProblem, VixValue, on_sessions, vix_problem, vix_reading

AT = datetime(2024, 6, 28, 19, 40, tzinfo=UTC)


def seen(points: float, source: str = "ib", minutes: float = 1.0, *, delayed: bool = False) -> VixValue:
    return VixValue(source, points, AT - timedelta(minutes=minutes), delayed)


@pytest.mark.parametrize("points", [5.0, 14.2, 82.69, 150.0])
def test_any_value_from_5_to_150_is_used_however_far_it_jumped(points: float) -> None:
    assert vix_reading(seen(points), None, AT).for_entry == points


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        (seen(4.99), VixProblem.OUT_OF_RANGE),
        (seen(150.01), VixProblem.OUT_OF_RANGE),
        (seen(float("nan")), VixProblem.OUT_OF_RANGE),
        (seen(20.0, minutes=20.1), VixProblem.STALE),
        (seen(20.0, minutes=-2.0), VixProblem.STALE),
        (seen(20.0, delayed=True), VixProblem.DELAYED),
    ],
)
def test_a_value_that_cannot_be_trusted_is_missing(value: VixValue, problem: VixProblem) -> None:
    found = vix_reading(value, None, AT)
    assert (found.for_entry, found.for_exit) == (None, None)
    assert [kind for kind, _ in found.problems] == [problem]


def test_twenty_minutes_are_still_young_enough() -> None:
    assert vix_problem(seen(20.0, minutes=20.0), AT) is None


def test_without_any_source_it_is_missing() -> None:
    assert [kind for kind, _ in vix_reading(None, None, AT).problems] == [VixProblem.MISSING]


def test_the_second_source_stands_in_for_a_stale_first() -> None:
    found = vix_reading(seen(20.0, minutes=60), seen(21.0, "yahoo"), AT)
    assert (found.for_entry, found.for_exit) == (21.0, 21.0)
    assert [kind for kind, _ in found.problems] == [VixProblem.STALE]


@pytest.mark.parametrize(("first", "second"), [(14.0, 14.7), (14.0, 13.3), (9.0, 9.5), (30.0, 31.5)])
def test_sources_within_half_a_point_or_five_percent_agree_and_the_first_is_used(first: float, second: float) -> None:
    found = vix_reading(seen(first), seen(second, "yahoo"), AT)
    assert (found.for_entry, found.for_exit, found.problems) == (first, first, ())


def test_when_they_disagree_entries_use_the_higher_and_exits_the_lower() -> None:
    # 2014-10-15: 26.25 at Cboe, 25.27 at Yahoo differ by 0.98 < 5 % of 26.25; 24.9 does not.
    found = vix_reading(seen(26.25), seen(24.9, "yahoo"), AT)
    assert (found.for_entry, found.for_exit) == (26.25, 24.9)
    assert found.problems == ((VixProblem.SOURCES_DISAGREE, "VIX 26.25 from ib and 24.9 from yahoo"),)


def test_closes_of_days_the_exchange_is_shut_are_dropped() -> None:
    closes = {date(2022, 5, 30): 26.54, date(2022, 5, 31): 26.19}
    assert on_sessions(closes, {date(2022, 5, 31)}) == {date(2022, 5, 31): 26.19}
