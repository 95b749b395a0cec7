"""Indexes that write options: worked out by hand on sessions that hold nothing but what is looked at."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from functools import cache
from math import exp

import pytest

from mtum.adapters.calendar import ExchangeCalendar
from mtum.core.market.instruments import Right
from mtum.core.market.sessions import Sessions
from mtum.core.options.contracts import OptionContract, Style
from mtum.core.options.model.levels import Level, level_of
from mtum.core.options.model.listing import number_of
from mtum.core.options.model.quotes import ModelMarket, quoted
from mtum.core.options.model.writing import WritingDay, bxm_like, put_like
from support.values import replace

FIRST, EXPIRY = date(2018, 3, 16), date(2018, 4, 20)
RATE = 0.02
YEARS = 35 / 365


@cache
def calendar() -> Sessions:
    return ExchangeCalendar().sessions(date(2018, 3, 1), date(2019, 4, 1))


def days(*closes: tuple[date, float]) -> list[WritingDay]:
    level = level_of("SP500", {"VIX": 20.0})
    assert isinstance(level, Level)
    found = []
    for day, close in closes:
        session = calendar().get(day)
        assert session is not None
        found.append(WritingDay(day, close, session.close, 0.0, level))
    return found


def worth(strike: str, right: Right, one: WritingDay, expiry: date = EXPIRY) -> float:
    number = number_of("SP500", expiry, right, Decimal(strike))
    contract = OptionContract(number, "SP500", right, Decimal(strike), expiry, expiry, "SP500")
    assert isinstance(one.known, Level)
    assert contract.style is Style.AMERICAN  # and priced as the European one of the index
    market = ModelMarket("SP500", one.day, one.at, one.close, RATE)
    return quoted(market, [contract], one.known, calendar()).mids[contract.con_id]


def test_puts_are_sold_on_as_much_as_the_bills_pay_for() -> None:
    two = days((FIRST, 270.4), (EXPIRY, 275.0))
    premium = worth("270", Right.PUT, two[0])  # the highest strike that is not above 270.4
    grown = exp(RATE * YEARS)
    number = grown / (270.0 - premium * grown)
    assert (1.0 + number * premium) * grown == pytest.approx(number * 270.0, abs=1e-12)
    found = put_like("SP500", two, calendar(), RATE)
    assert found[0] == pytest.approx(1.0, abs=1e-12)
    assert found[1] == pytest.approx(number * 270.0, abs=1e-12)


def test_puts_in_the_money_are_settled_from_the_bills() -> None:
    two = days((FIRST, 270.4), (EXPIRY, 250.0))
    number = put_like("SP500", days((FIRST, 270.4), (EXPIRY, 275.0)), calendar(), RATE)[1] / 270.0
    assert put_like("SP500", two, calendar(), RATE)[1] == pytest.approx(number * 250.0, abs=1e-12)


def test_between_the_rolls_the_puts_are_marked() -> None:
    one, two = days((FIRST, 270.4), (date(2018, 4, 2), 258.0))
    premium, now = worth("270", Right.PUT, one), worth("270", Right.PUT, two)
    grown = exp(RATE * YEARS)
    number = grown / (270.0 - premium * grown)
    bills = (1.0 + number * premium) * exp(RATE * 17 / 365)
    assert put_like("SP500", [one, two], calendar(), RATE)[1] == pytest.approx(bills - number * now, abs=1e-12)


@pytest.mark.parametrize(("end", "taken"), [(265.0, 0.0), (280.0, 9.0)])
def test_calls_take_what_the_index_rises_beyond_their_strike(end: float, taken: float) -> None:
    two = days((FIRST, 270.4), (EXPIRY, end))
    premium = worth("271", Right.CALL, two[0])  # the lowest strike that is not below 270.4
    found = bxm_like("SP500", two, calendar(), RATE)
    assert found[0] == pytest.approx(1.0, abs=1e-12)
    assert found[1] == pytest.approx((end - taken) / (270.4 - premium), abs=1e-12)


def test_a_dividend_goes_into_all_of_the_index() -> None:
    one, two = days((FIRST, 270.4), (date(2018, 4, 2), 258.0))
    plain = bxm_like("SP500", [one, two], calendar(), RATE)[1]
    premium, now = worth("271", Right.CALL, one), worth("271", Right.CALL, two)
    paid = bxm_like("SP500", [one, replace(two, dividend=1.29)], calendar(), RATE)[1]
    # (S + D - C) / (S0 - C0), as the index is defined.
    assert plain == pytest.approx((258.0 - now) / (270.4 - premium), abs=1e-12)
    assert paid == pytest.approx((258.0 + 1.29 - now) / (270.4 - premium), abs=1e-12)


@pytest.mark.parametrize("played", [put_like, bxm_like])
def test_nothing_is_sold_while_there_is_no_level(played: object) -> None:
    def run(sold: Sequence[WritingDay]) -> list[float]:
        assert callable(played)
        return list(map(float, played("SP500", sold, calendar(), RATE)))

    one, two, three = days((FIRST, 270.0), (date(2018, 3, 19), 270.0), (date(2018, 3, 20), 270.0))
    blind = run([replace(one, known="the VIX is missing"), two, three])
    assert blind[1] == pytest.approx(exp(RATE * 3 / 365) if played is put_like else 1.0, abs=1e-12)
    assert blind[2] != pytest.approx(blind[1], abs=1e-6)
    late = run([one, replace(two, known="the VIX is missing")])
    assert late[1] == pytest.approx(1.0, abs=2e-4)  # the options count as they did


def test_a_year_of_both_is_the_same_every_time_and_rolls_each_month() -> None:
    sessions = [one for one in calendar() if date(2018, 3, 16) <= one.day <= date(2018, 6, 15)]
    rows = days(*((one.day, 270.0) for one in sessions))
    first, again = put_like("SP500", rows, calendar(), RATE), put_like("SP500", rows, calendar(), RATE)
    assert (first == again).all()
    # An unmoved underlying: each month brings its premium, three times.
    ends = [first[[one.day for one in sessions].index(day)] for day in (EXPIRY, date(2018, 5, 18), date(2018, 6, 15))]
    gains = [later / earlier for earlier, later in zip([1.0, *ends], ends, strict=False)]
    assert all(1.015 < one < 1.03 for one in gains)
