"""Expiries and strikes of a model market: known dates, and every session of three years."""

from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from itertools import pairwise

import pytest

from mtum.adapters.calendar import ExchangeCalendar
from mtum.core.market.instruments import Right
from mtum.core.market.sessions import Sessions
from mtum.core.options.contracts import Delivery, Style
from mtum.core.options.model.expiries import Expiry, expiries, third_friday
from mtum.core.options.model.listing import listing, number_of

UNDERLYINGS = ("SPY", "AAPL", "SPX", "XSP", "VIX")


@cache
def calendar() -> Sessions:
    return ExchangeCalendar().sessions(date(2023, 12, 1), date(2027, 12, 31))


def listed(underlying: str, day: date) -> tuple[Expiry, ...]:
    return expiries(underlying, day, calendar())


def test_third_fridays() -> None:
    assert [third_friday(2026, month) for month in (1, 5, 8)] == [
        date(2026, 1, 16),
        date(2026, 5, 15),
        date(2026, 8, 21),
    ]


def test_fridays_of_nine_weeks_and_third_fridays_beyond() -> None:
    found = [one.day for one in listed("SPY", date(2026, 7, 10))]
    weekly = [date(2026, 7, 10) + timedelta(7 * week) for week in range(10)]
    assert found == [*weekly, date(2026, 9, 18), *(third_friday(2026, month) for month in (10, 11, 12)), JANUARY]


JANUARY = date(2027, 1, 15)


def test_an_expiry_on_a_holiday_is_the_session_before() -> None:
    april = [one.day for one in listed("SPY", date(2025, 3, 3)) if one.day.month == 4]
    assert april == [date(2025, 4, day) for day in (4, 11, 17, 25)]  # the 18th is Good Friday


def test_the_index_settles_its_month_on_the_morning_after() -> None:
    august = [one for one in listed("SPX", date(2025, 8, 11)) if one.day <= date(2025, 8, 15)]
    assert august == [
        Expiry(date(2025, 8, 14), date(2025, 8, 15), "SPX", Style.EUROPEAN, Delivery.CASH_AM),
        Expiry(date(2025, 8, 15), date(2025, 8, 15), "SPXW", Style.EUROPEAN, Delivery.CASH_PM),
    ]
    april = [one for one in listed("SPX", date(2025, 4, 14)) if one.day <= date(2025, 4, 18)]
    assert [(one.trading_class, one.day.day, one.settles.day) for one in april] == [("SPX", 16, 17), ("SPXW", 17, 17)]


@pytest.mark.parametrize(
    ("traded", "settled"),
    [
        (date(2025, 2, 18), date(2025, 2, 19)),  # 30 days before 21 March
        (date(2025, 3, 17), date(2025, 3, 18)),  # 18 April is Good Friday
        (date(2024, 6, 17), date(2024, 6, 18)),  # Wednesday the 19th is a holiday
        (date(2026, 7, 21), date(2026, 7, 22)),
    ],
)
def test_the_vix_settles_on_a_wednesday_thirty_days_before_a_third_friday(traded: date, settled: date) -> None:
    found = {one.day: one.settles for one in listed("VIX", traded - timedelta(45 if traded.weekday() else 42))}
    assert found[traded] == settled
    assert not any(one.day.month == traded.month for one in listed("VIX", settled) if one.day.year == settled.year)


@pytest.mark.parametrize("underlying", UNDERLYINGS)
def test_every_expiry_of_three_years_is_a_session_and_stays_listed(underlying: str) -> None:
    known = calendar()
    days = [session.day for session in known.between(date(2024, 1, 2), date(2026, 12, 31))]
    every = [(day, listed(underlying, day)) for day in days]
    assert {one.day for _, found in every for one in found} <= {session.day for session in known}
    assert {one.settles for _, found in every for one in found} <= {session.day for session in known}
    for (_, before), (day, after) in pairwise(every):
        assert {one for one in before if one.day >= day} <= set(after)
    least = 6 if underlying == "VIX" else 12
    assert min(len(found) for _, found in every) >= least
    # There is always one of 30 to 65 days.
    assert all(any(30 <= (one.day - day).days <= 65 for one in found) for day, found in every)


def test_a_calendar_that_ends_too_early_is_named() -> None:
    short = Sessions(calendar().between(date(2026, 7, 1), date(2026, 12, 31)))
    with pytest.raises(ValueError, match="need the calendar up to 2027-04-06; it holds 2026-07-01 to 2026-12-31"):
        expiries("SPY", date(2026, 7, 10), short)
    with pytest.raises(ValueError, match="no session"):
        expiries("SPY", date(2026, 7, 10), Sessions(()))


def strikes(underlying: str, spot: float, days: int = 42) -> list[Decimal]:
    day = date(2026, 7, 10)
    found = listing(underlying, day, spot, [Expiry(day + timedelta(days), day + timedelta(days), underlying)])
    assert [one.strike for one in found[::2]] == [one.strike for one in found[1::2]]
    return [one.strike for one in found[::2]]


def test_strikes_are_dense_near_the_spot_and_wide_elsewhere() -> None:
    found = strikes("SPY", 750.0)
    assert [one for one in found if one >= 655][:3] == [655, 660, 661]
    assert [found[0], found[1], found[-1], Decimal(len(found))] == [375, 380, 1125, 295]  # 57 + 181 + 57
    assert strikes("SPY", 750.0, 91) == [Decimal(5 * count) for count in range(75, 226)]


def test_strikes_of_the_vix_go_by_halves_below_15() -> None:
    found = strikes("VIX", 20.0)
    assert found[:2] == [Decimal(8), Decimal("8.5")]
    assert found[14:17] == [15, 16, 17]
    assert [found[-1], Decimal(len(found))] == [80, 80]


def test_strikes_of_a_share_are_the_exchanges_standard_ones() -> None:
    assert strikes("AAPL", 20.0) == [*(Decimal("2.5") * count for count in range(4, 11)), Decimal(30)]


def test_the_number_of_a_contract_by_hand() -> None:
    # S, P, Y are letters 19, 16, 25 of 37; 9,729 days since 2000; 740 is 1,480 halves; a put adds 1.
    spy = (19 * 37 + 16) * 37 + 25
    wanted = ((spy * 32_768 + 9_729) * 32_768 + 1_480) * 2 + 1
    assert number_of("SPY", date(2026, 8, 21), Right.PUT, Decimal("740.0")) == wanted


def test_numbers_are_unique_and_fit_in_63_bits() -> None:
    seen: dict[int, str] = {}
    for underlying, spot in (("SPY", 600.0), ("QQQ", 520.0), ("SPX", 6000.0), ("VIX", 17.0), ("GOOGL", 190.0)):
        for day in (date(2026, 7, 10), date(2026, 8, 3)):
            for one in listing(underlying, day, spot, listed(underlying, day)):
                assert 0 < one.con_id < 2**63
                assert seen.setdefault(one.con_id, one.local_symbol) == one.local_symbol
    assert len(set(seen.values())) == len(seen) > 10_000


@pytest.mark.parametrize(
    ("name", "day", "strike"),
    [
        ("TOOLONG", date(2026, 8, 21), "740"),
        ("", date(2026, 8, 21), "740"),
        ("S Y", date(2026, 8, 21), "740"),
        ("SPY", date(1999, 8, 20), "740"),
        ("SPY", date(2026, 8, 21), "204.78"),
        ("SPY", date(2026, 8, 21), "0"),
        ("SPY", date(2026, 8, 21), "16384"),
    ],
)
def test_what_is_no_contract_has_no_number(name: str, day: date, strike: str) -> None:
    with pytest.raises(ValueError, match="no contract of the model market"):
        number_of(name, day, Right.CALL, Decimal(strike))


def test_a_spot_that_is_no_price_lists_nothing() -> None:
    for spot in (0.0, float("nan"), float("inf")):
        with pytest.raises(ValueError, match="above 0"):
            listing("SPY", date(2026, 7, 10), spot, ())
