"""What the model quotes of a request: enough to read it by, what is held, and nothing that nobody asked for."""

from datetime import UTC, date, datetime
from decimal import Decimal
from functools import cache

from mtum.adapters.calendar import ExchangeCalendar
from mtum.core.market.instruments import Right
from mtum.core.market.sessions import Sessions
from mtum.core.options.asking import ChainRequest
from mtum.core.options.chain import NEAR_FORWARD, SOLD, illiquid, read
from mtum.core.options.contracts import OptionContract
from mtum.core.options.model.answer import answered
from mtum.core.options.model.dividends import expected
from mtum.core.options.model.expiries import expiries
from mtum.core.options.model.levels import Level, level_of
from mtum.core.options.model.listing import contract_of, listing, number_of
from mtum.core.options.model.quotes import ModelChain, ModelMarket, quoted
from mtum.core.options.selecting import Window
from mtum.core.options.singles import WHEEL, short_put

DAY, AT = date(2026, 7, 8), datetime(2026, 7, 8, 19, 40, tzinfo=UTC)
MARKET = ModelMarket("SPY", DAY, AT, 600.0, 0.04)
PUTS = ChainRequest("SPY", Window(30, 60, 45), frozenset({Right.PUT}), (0.10, 0.40))


@cache
def calendar() -> Sessions:
    return ExchangeCalendar().sessions(date(2026, 6, 1), date(2027, 6, 30))


def known() -> Level:
    found = level_of("SPY", {"VIX": 20.0})
    assert isinstance(found, Level)
    return found


def put(strike: int, expiry: date) -> OptionContract:
    number = number_of("SPY", expiry, Right.PUT, Decimal(strike))
    return OptionContract(number, "SPY", Right.PUT, Decimal(strike), expiry, expiry, "SPY")


def answer(request: ChainRequest = PUTS, points: float = 0.0) -> ModelChain:
    return answered(request, MARKET, known(), calendar(), points)


def test_the_contracts_of_the_days_the_right_and_the_deltas() -> None:
    found = read(answer().chain)
    puts = [one for one in found.readings.values() if one.row.contract.right is Right.PUT]
    assert {one.days for one in puts} == {30, 37, 44, 51, 58}
    away = [one for one in puts if one.row.contract.strike < 590]
    assert len(away) > 100
    assert all(0.07 < abs(one.delta or 0) < 0.43 for one in away)


def test_of_the_other_right_only_the_strikes_that_a_forward_is_read_from() -> None:
    calls = [row.contract for row in answer().chain.rows if row.contract.right is Right.CALL]
    assert sorted({one.strike for one in calls}) == [598, 599, 600, 601, 602]
    assert len(calls) == 5 * NEAR_FORWARD


def test_a_wheel_finds_in_it_what_it_finds_in_the_whole_listing() -> None:
    request = ChainRequest("SPY", WHEEL.window, frozenset({Right.PUT}), (0.10, 0.50))
    every = listing("SPY", DAY, 600.0, expiries("SPY", DAY, calendar()))
    whole = short_put(read(quoted(MARKET, every, known(), calendar()).chain), WHEEL)
    part = short_put(read(answer(request).chain), WHEEL)
    assert part.chosen is not None
    assert part.chosen == whole.chosen


def test_what_is_held_is_quoted_whatever_its_days_and_its_delta() -> None:
    near, deep = put(500, date(2026, 7, 10)), put(700, date(2026, 8, 21))
    found = answer(ChainRequest("SPY", PUTS.window, PUTS.rights, PUTS.deltas, (near, deep)))
    rows = {row.contract.con_id: row for row in found.chain.rows}
    assert rows[near.con_id].contract == near
    assert rows[deep.con_id].contract == deep
    assert read(found.chain).refused is None
    assert illiquid(read(found.chain), SOLD) is None


def test_what_is_held_in_the_money_is_worth_at_least_its_exercise() -> None:
    deep = put(800, date(2026, 9, 18))
    asked = ChainRequest("SPY", PUTS.window, PUTS.rights, PUTS.deltas, (deep,))
    european = quoted(MARKET, [deep], known(), calendar()).mids[deep.con_id]
    assert european < 200.0 - 0.5  # the strike is paid in ten weeks only
    assert answer(asked).mids[deep.con_id] >= 200.0 - 1e-9


def test_a_volatility_point_more_makes_every_price_higher() -> None:
    base, more = answer().mids, answer(points=1.0).mids
    both = set(base) & set(more)
    assert len(both) > 100
    assert all(more[number] > base[number] for number in both)


def test_dividends_are_expected_a_year_of_weeks_after_they_were_paid() -> None:
    paid = [(date(2025, 9, 19), 1.8), (date(2025, 12, 19), 2.0), (date(2026, 6, 19), 1.9), (date(2026, 7, 9), 9.9)]
    # The one of 2026-07-09 is not known yet, and that of June comes again beyond the last expiry.
    assert expected(paid, DAY) == ((date(2026, 9, 18), 1.8), (date(2026, 12, 18), 2.0))


def test_each_row_is_that_of_the_whole_listing_in_its_order() -> None:
    held = (put(550, date(2026, 8, 21)), put(640, date(2026, 8, 21)))
    asked = ChainRequest("SPY", PUTS.window, PUTS.rights, PUTS.deltas, held)
    listed = listing("SPY", DAY, 600.0, expiries("SPY", DAY, calendar()))
    whole = {row.contract: row for row in quoted(MARKET, listed, known(), calendar()).chain.rows}
    rows = [row for row in answer(asked).chain.rows if row.contract.strike < 600]
    assert held[0] in {row.contract for row in rows}
    assert rows == [row for contract, row in whole.items() if row in rows and contract.strike < 600]


def test_a_contract_that_nobody_asked_for_is_not_made() -> None:
    contract_of.cache_clear()
    rows = answer().chain.rows
    assert contract_of.cache_info().currsize == len(rows)
    answer(points=1.0)
    assert contract_of.cache_info().misses < 1.2 * len(rows)
