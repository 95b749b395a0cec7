"""Dividends that are expected: how many sessions away the next one is."""

from datetime import date, timedelta

from mtum.adapters.calendar import ExchangeCalendar
from mtum.core.options.model.dividends import sessions_to_next

SESSIONS = ExchangeCalendar().sessions(date(2024, 6, 3), date(2024, 7, 1))
PAID = [(date(2023, 6, 16), 1.63), (date(2023, 9, 15), 1.58)]


def test_the_next_ex_date_is_counted_in_sessions_of_the_exchange() -> None:
    # A year of weeks after 16 June 2023 is Friday, 14 June 2024; the Wednesday before it is two sessions away.
    assert sessions_to_next(PAID, date(2024, 6, 12), SESSIONS) == 2
    assert sessions_to_next(PAID, date(2024, 6, 7), SESSIONS) == 5
    assert sessions_to_next(PAID, date(2024, 6, 14), SESSIONS) is None  # the next is in September


def test_without_a_dividend_or_with_one_that_is_far_there_is_none() -> None:
    assert sessions_to_next([], date(2024, 6, 12), SESSIONS) is None
    few = ExchangeCalendar().sessions(date(2024, 6, 3), date(2024, 6, 3) + timedelta(3))
    assert sessions_to_next(PAID, date(2024, 6, 3), few) is None
