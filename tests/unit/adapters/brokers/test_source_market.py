"""The market around the simulated exchange, seen through a source of bars."""

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from mtum.adapters.brokers.source_market import SourceMarket
from mtum.core.market.sessions import Session
from mtum.core.simulation.account_book import CorporateAction
from mtum.errors import CalendarMismatchError
from mtum.ports.market_data import Quote
from support.bars import full_session
from support.desks import ShelfSource
from support.fakes import CALENDAR, SESSION, market
from support.store import FRIDAY, MONDAY, TUESDAY

FRIDAY_BEFORE = date(2018, 11, 30)


def quoted(dividend: float = 0.0, split: float = 0.0) -> Quote:
    at = SESSION.before_close(20)
    return Quote("MTUM", "yahoo", MONDAY, 103, 103, 103, 103.21, 1, at, dividend=dividend, split=split)


def market_of(**quotes: Quote) -> SourceMarket:
    return SourceMarket(ShelfSource({"MTUM": market(d3=104.0)}, quotes=quotes), CALENDAR)


@pytest.mark.parametrize(
    ("now", "day"),
    [
        (SESSION.open - timedelta(seconds=1), FRIDAY_BEFORE),
        (SESSION.open, MONDAY),
        (SESSION.close + timedelta(hours=3), MONDAY),
        (datetime(2018, 12, 2, 12, tzinfo=UTC), FRIDAY_BEFORE),
    ],
)
def test_the_session_of_an_instant_is_the_last_one_that_opened(now: datetime, day: date) -> None:
    assert market_of().session_at(now).day == day


def test_an_instant_far_from_every_session_is_refused() -> None:
    with pytest.raises(CalendarMismatchError, match="no session in the two weeks before 2030-01-01"):
        market_of().session_at(datetime(2030, 1, 1, tzinfo=UTC))


def test_sessions_between_leave_the_first_out_and_take_the_last() -> None:
    found = market_of().sessions_between(MONDAY, FRIDAY)
    assert [session.day.day for session in found] == [4, 5, 6, 7]
    assert market_of().sessions_between(MONDAY, MONDAY) == ()


def test_until_the_close_the_price_is_the_quote_and_from_then_on_the_official_close() -> None:
    shown = market_of(MTUM=quoted())
    assert shown.price("MTUM", SESSION, SESSION.close - timedelta(seconds=1)) == Decimal("103.21")
    assert shown.price("MTUM", SESSION, SESSION.close) == Decimal(104)


@pytest.mark.parametrize(
    ("session", "now"),
    [(SESSION, SESSION.before_close(5)), (full_session(date(2020, 1, 6)), datetime(2020, 1, 7, tzinfo=UTC))],
)
def test_a_source_without_quote_or_bar_gives_no_price(session: Session, now: datetime) -> None:
    assert market_of().price("MTUM", session, now) is None


@pytest.mark.parametrize(
    ("dividend", "split", "action"),
    [
        (0.0, 0.0, ()),
        (0.55, 0.0, (CorporateAction("MTUM", Decimal("0.55"), Decimal(1)),)),
        (0.0, 2.0, (CorporateAction("MTUM", Decimal(0), Decimal(2)),)),
    ],
)
def test_dividends_and_splits_are_told_as_actions(
    dividend: float, split: float, action: tuple[CorporateAction, ...]
) -> None:
    assert market_of(MTUM=quoted(dividend, split)).actions("MTUM", SESSION) == action


def test_a_source_without_quote_tells_no_actions() -> None:
    assert market_of().actions("MTUM", full_session(TUESDAY)) == ()
