"""The exchange's holiday rules against its calendar and against dates everybody knows."""

from datetime import date

import pytest

from mtum.adapters.calendar import ExchangeCalendar
from mtum.core.market.holiday_rules import (
    closures,
    columbus_day,
    early_closes,
    easter,
    expected_sessions,
    veterans_day,
)

PROCLAIMED = {date(2018, 12, 5), date(2025, 1, 9)}


@pytest.mark.parametrize("year", [2014, 2016, 2018, 2020, 2021, 2022, 2025, 2026, 2027])
def test_rules_and_calendar_agree_but_for_days_of_mourning(year: int) -> None:
    first, last = date(year, 1, 1), date(year, 12, 31)
    known = ExchangeCalendar().sessions(first, last)
    days, early = expected_sessions(first, last)
    assert set(days) ^ {session.day for session in known} == {day for day in PROCLAIMED if day.year == year}
    assert early == {session.day for session in known if session.half_day}


def test_easter_of_known_years() -> None:
    assert [easter(year) for year in (1961, 2000, 2008, 2024, 2038)] == [
        date(1961, 4, 2),
        date(2000, 4, 23),
        date(2008, 3, 23),
        date(2024, 3, 31),
        date(2038, 4, 25),
    ]


@pytest.mark.parametrize(
    "sunday",
    [
        "1700-04-11",
        "1761-03-22",
        "1800-04-13",
        "1818-03-22",
        "1886-04-25",
        "1900-04-15",
        "1943-04-25",
        "1954-04-18",
        "1981-04-19",
        "2049-04-18",
        "2076-04-19",
        "2100-03-28",
        "2200-04-06",
        "2285-03-22",
        "2299-04-16",
    ],
)
def test_easter_at_its_earliest_and_latest_and_in_other_centuries(sunday: str) -> None:
    assert easter(int(sunday[:4])) == date.fromisoformat(sunday)


def test_memorial_day_is_the_last_monday_of_may() -> None:
    days = [date(2021, 5, 31), date(2022, 5, 30), date(2026, 5, 25), date(2027, 5, 31)]
    assert [{day for day in closures(day.year) if day.month == 5} for day in days] == [{day} for day in days]


def test_the_third_of_july_closes_early_where_both_days_are_sessions_but_for_the_holiday() -> None:
    """The fourth is a Tuesday, Wednesday, Thursday and Friday; a Saturday, Sunday and Monday."""
    early = [(2023, True), (2018, True), (2024, True), (2025, True), (2020, False), (2021, False), (2022, False)]
    assert [date(year, 7, 3) in early_closes(year) for year, _ in early] == [found for _, found in early]


def test_christmas_eve_on_a_weekend_closes_nothing_early() -> None:
    assert early_closes(2022) == {date(2022, 11, 25)}
    assert early_closes(2023) == {date(2023, 7, 3), date(2023, 11, 24)}


def test_columbus_day_is_the_second_monday_of_october() -> None:
    assert [columbus_day(year) for year in (2018, 2023, 2025)] == [
        date(2018, 10, 8),
        date(2023, 10, 9),
        date(2025, 10, 13),
    ]


def test_veterans_day_on_a_sunday_is_the_monday_after() -> None:
    """A Sunday in 2018, a Saturday in 2023, a Tuesday in 2025."""
    assert [veterans_day(year).day for year in (2018, 2023, 2025)] == [12, 11, 11]


def test_a_single_day_is_an_interval() -> None:
    assert expected_sessions(date(2025, 7, 3), date(2025, 7, 3)) == ((date(2025, 7, 3),), frozenset({date(2025, 7, 3)}))
    assert expected_sessions(date(2025, 7, 4), date(2025, 7, 6)) == ((), frozenset())


def test_new_year_on_a_saturday_is_not_made_up() -> None:
    assert date(2021, 12, 31) not in closures(2021) | closures(2022)


def test_holiday_on_a_sunday_is_observed_on_monday() -> None:
    assert date(2021, 7, 5) in closures(2021)
