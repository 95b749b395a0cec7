"""Calendars that agree, and overrides."""

from datetime import date, time, timedelta

from mtum.core.market.calendars import Overrides, calendars_agree, overridden
from mtum.core.market.sessions import Session, Sessions
from support.bars import full_session, weekday_sessions

DAY = date(2024, 12, 24)
FULL = full_session(DAY)
HALF = Session(DAY, FULL.open, FULL.close - timedelta(hours=3))


def test_equal_hours_agree() -> None:
    assert calendars_agree(DAY, FULL, FULL) is None
    assert calendars_agree(DAY, None, None) is None


def test_an_early_close_only_one_knows_is_named_with_both_times() -> None:
    found = calendars_agree(DAY, FULL, HALF)
    assert found is not None
    assert "closes 16:00 by our calendar, 13:00 by the broker's" in found


def test_hours_are_compared_to_the_minute() -> None:
    for moved in (timedelta(seconds=59), -timedelta(seconds=59)):
        assert calendars_agree(DAY, FULL, Session(DAY, FULL.open + moved, FULL.close - moved)) is None
    minute = timedelta(minutes=1)
    found = calendars_agree(DAY, FULL, Session(DAY, FULL.open - minute, FULL.close + minute))
    assert found == (
        "2024-12-24: opens 09:30 by our calendar, 09:29 by the broker's; "
        "closes 16:00 by our calendar, 16:01 by the broker's; correct market.calendar_overrides"
    )


def test_a_closure_only_one_knows_is_named_with_who_is_open() -> None:
    ours = calendars_agree(DAY, FULL, None)
    theirs = calendars_agree(DAY, None, FULL)
    assert ours is not None
    assert "open by our calendar, shut by the broker's one" in ours
    assert theirs is not None
    assert "open by the broker's calendar, shut by our one" in theirs


def test_overrides_close_a_session_and_shorten_another() -> None:
    sessions = weekday_sessions(date(2024, 12, 23), 5)
    found = overridden(sessions, Overrides(frozenset({date(2024, 12, 26)}), {DAY: time(13)}))
    assert [session.day.day for session in found] == [23, 24, 25, 27]
    assert found.get(DAY) == HALF
    closed = overridden(sessions, Overrides(frozenset({DAY})))
    assert [session.day.day for session in closed] == [23, 25, 26, 27]
    early = overridden(sessions, Overrides(early_close={DAY: time(12, 45, 30)})).get(DAY)
    assert early == Session(DAY, FULL.open, FULL.close - timedelta(hours=3, minutes=14, seconds=30))


def test_without_overrides_nothing_changes() -> None:
    sessions = Sessions((FULL,))
    assert overridden(sessions, Overrides()) is sessions
