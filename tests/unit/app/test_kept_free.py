"""Between which times only the work of the session is done."""

from datetime import UTC, date, datetime, timedelta

import pytest

from mtum.app.service.schedule import free_again
from mtum.config import Schedule
from mtum.core.market.sessions import Session, Sessions

CLOSE = datetime(2026, 11, 30, 21, tzinfo=UTC)
KNOWN = Sessions((Session(date(2026, 11, 30), datetime(2026, 11, 30, 14, 30, tzinfo=UTC), CLOSE),))


@pytest.mark.parametrize(("minutes", "free"), [(-36, True), (-35, False), (0, False), (4.9, False), (5, True)])
def test_it_is_kept_free_from_35_minutes_before_the_close_until_5_after(minutes: float, free: bool) -> None:
    found = free_again(CLOSE + timedelta(minutes=minutes), KNOWN, Schedule())
    assert found == (None if free else CLOSE + timedelta(minutes=5))


def test_where_bars_are_read_earlier_it_is_kept_free_earlier() -> None:
    early = Schedule(window_opens_minutes=40)
    assert free_again(CLOSE - timedelta(minutes=52), KNOWN, early) == CLOSE + timedelta(minutes=5)
    assert free_again(CLOSE - timedelta(minutes=54), KNOWN, early) is None
