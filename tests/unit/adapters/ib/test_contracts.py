"""The broker's hours and the identity of a contract."""

from datetime import UTC, date, datetime
from types import SimpleNamespace

import pytest

from mtum.adapters.ib.contracts import hours_on, identity_of
from mtum.errors import CalendarMismatchError

DAY = date(2026, 11, 27)


@pytest.mark.parametrize("zone", ["US/Eastern", "America/New_York", "EST", "EST5EDT"])
def test_a_half_day_is_read_in_any_of_the_zones_names(zone: str) -> None:
    found = hours_on("20261126:CLOSED;20261127:0930-20261127:1300", zone, DAY)
    assert found is not None
    assert (found.open, found.close) == (
        datetime(2026, 11, 27, 14, 30, tzinfo=UTC),
        datetime(2026, 11, 27, 18, tzinfo=UTC),
    )
    assert found.half_day


def test_a_closed_day_is_none() -> None:
    assert hours_on("20261126:CLOSED;20261127:0930-20261127:1300", "US/Eastern", date(2026, 11, 26)) is None


def test_several_spans_of_a_day_are_joined() -> None:
    found = hours_on("20261130:0930-20261130:1200;20261130:1230-20261130:1600", "US/Eastern", date(2026, 11, 30))
    assert found is not None
    assert (found.open.hour, found.close.hour) == (14, 21)


@pytest.mark.parametrize("hours", ["", "20261130:0930-20261130:1600", "garbage", "20261127"])
def test_hours_that_do_not_tell_about_the_day_are_a_mismatch(hours: str) -> None:
    with pytest.raises(CalendarMismatchError, match="do not tell about 2026-11-27"):
        hours_on(hours, "US/Eastern", DAY)


def test_an_unknown_zone_is_a_mismatch() -> None:
    with pytest.raises(CalendarMismatchError, match="unknown time zone"):
        hours_on("20261127:0930-20261127:1300", "Mars/Olympus", DAY)


def test_the_identity_is_number_and_listing_market() -> None:
    assert identity_of(SimpleNamespace(conId=7, primaryExchange="BATS")) == "7@BATS"
