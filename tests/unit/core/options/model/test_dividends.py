"""Dividends that are expected: how many sessions away the next one is."""

from collections.abc import Sequence
from datetime import date, timedelta

import pytest

from mtum.adapters.calendar import ExchangeCalendar
from mtum.core.market.coverage import Dividends
from mtum.core.options.asking import OptionGroup, OwnOptions
from mtum.core.options.contracts import OptionContract
from mtum.core.options.model.dividends import NextExDate, next_ex_date, sessions_to_next
from mtum.core.portfolio.options.own import Told, with_ex_dates
from support.exchange_sessions import xnys
from support.option_orders import GROUP, call, lot, put
from support.values import replace

SESSIONS = xnys("2024-06-03", "2024-07-01")
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


KNOWN, NONE, UNKNOWN = Dividends.KNOWN, Dividends.NONE, Dividends.UNKNOWN
YEAR = [(date(2023, 6, 5), 0.0), (date(2024, 6, 5), 0.0)]
JUNE = date(2024, 6, 12)


@pytest.mark.parametrize(
    ("kind", "bars", "day", "found"),
    [
        (KNOWN, PAID, JUNE, NextExDate(2)),
        (KNOWN, YEAR, JUNE, NextExDate(None)),  # a year without a dividend: it pays none
        (NONE, [], JUNE, NextExDate(None)),
        (UNKNOWN, [], JUNE, NextExDate(0, told=False)),
        (UNKNOWN, PAID, JUNE, NextExDate(0, told=False)),
        (KNOWN, YEAR[1:], JUNE, NextExDate(0, told=False)),  # what it paid last June is not in the history
        (UNKNOWN, [], date(2024, 5, 31), NextExDate(1, told=False)),
        (UNKNOWN, [], date(2024, 7, 1), NextExDate(None, told=False)),
    ],
)
def test_a_known_date_none_at_all_and_nobody_telling_are_three_things(
    kind: Dividends, bars: Sequence[tuple[date, float]], day: date, found: NextExDate
) -> None:
    assert next_ex_date(kind, bars, day, SESSIONS) == found


@pytest.mark.parametrize(
    ("held", "quantity", "ex_dates", "untold"),
    [
        (call(105), -1, {"SPY": 0}, ("SPY",)),
        (call(105), 1, {}, ()),  # nobody exercises what was bought
        (put(95), -1, {}, ()),  # a put is not exercised for a dividend
        (replace(call(105, underlying="XSP"), underlying="SPY"), -1, {}, ()),  # European
    ],
)
def test_a_dividend_that_nobody_tells_matters_to_calls_that_are_sold(
    held: OptionContract, quantity: int, ex_dates: dict[str, int], untold: tuple[str, ...]
) -> None:
    own = OwnOptions(groups=(OptionGroup(GROUP, "SPY", (lot(held, quantity),), JUNE),))

    def told(_: str) -> Told:
        return UNKNOWN, ()

    found = with_ex_dates(own, JUNE, SESSIONS, told)
    assert (found.ex_dates, found.untold) == (ex_dates, untold)
    known = with_ex_dates(own, JUNE, SESSIONS, lambda _: (KNOWN, PAID))
    assert (known.ex_dates, known.untold) == ({"SPY": 2}, ())
