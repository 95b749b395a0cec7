"""Sessions and the way from one to the next."""

from datetime import UTC, date, datetime, timedelta

import pytest

from mtum.core.market.sessions import Session, Sessions
from support.bars import full_session

# Thanksgiving week: Thursday shut, Friday ends at 18:00 UTC.
MON, TUE, WED, THU, FRI = (date(2018, 11, day) for day in (19, 20, 21, 22, 23))
HALF = Session(FRI, datetime(2018, 11, 23, 14, 30, tzinfo=UTC), datetime(2018, 11, 23, 18, tzinfo=UTC))
WEEK = Sessions((full_session(MON), full_session(TUE), full_session(WED), HALF))


def days(sessions: tuple[Session, ...]) -> list[date]:
    return [session.day for session in sessions]


def day_of(session: Session | None) -> date | None:
    return session.day if session else None


def test_only_a_shorter_session_is_a_half_day() -> None:
    assert [session.half_day for session in WEEK] == [False, False, False, True]
    assert Session(FRI, HALF.open, HALF.open + timedelta(hours=6, minutes=29)).half_day


def test_a_deadline_counts_from_the_sessions_own_close() -> None:
    assert HALF.before_close(20) == datetime(2018, 11, 23, 17, 40, tzinfo=UTC)
    assert HALF.before_close(17.5) == datetime(2018, 11, 23, 17, 42, 30, tzinfo=UTC)
    assert HALF.before_close(-60) == HALF.close + timedelta(hours=1)


@pytest.mark.parametrize(
    ("day", "found", "after", "before", "second_before"),
    [
        (date(2018, 11, 18), None, MON, None, None),
        (MON, MON, TUE, None, None),
        (WED, WED, FRI, TUE, MON),
        (THU, None, FRI, WED, TUE),
        (FRI, FRI, None, WED, TUE),
        (date(2018, 11, 25), None, None, FRI, WED),
    ],
)
def test_sessions_are_found_around_a_date(
    day: date, found: date | None, after: date | None, before: date | None, second_before: date | None
) -> None:
    assert day_of(WEEK.get(day)) == found
    assert day_of(WEEK.after(day)) == after
    assert day_of(WEEK.before(day)) == before
    assert day_of(WEEK.before(day, 2)) == second_before


@pytest.mark.parametrize(
    ("first", "last", "between", "count"),
    [
        (MON, FRI, [MON, TUE, WED, FRI], 3),
        (WED, THU, [WED], 0),
        (THU, FRI, [FRI], 1),
        (TUE, TUE, [TUE], 0),
        (FRI, MON, [], -3),
        (date(2018, 11, 1), date(2018, 12, 1), [MON, TUE, WED, FRI], 4),
    ],
)
def test_an_interval_is_closed_and_a_count_leaves_its_first_day_out(
    first: date, last: date, between: list[date], count: int
) -> None:
    assert days(WEEK.between(first, last)) == between
    assert WEEK.count(first, last) == count


@pytest.mark.parametrize("order", [(TUE, MON), (MON, MON)])
def test_sessions_out_of_order_are_refused(order: tuple[date, date]) -> None:
    with pytest.raises(ValueError, match="strictly rising"):
        Sessions(tuple(full_session(day) for day in order))


def test_no_sessions_answer_with_nothing() -> None:
    none = Sessions(())
    assert (len(none), list(none), none.get(MON), none.after(MON), none.before(MON)) == (0, [], None, None, None)
