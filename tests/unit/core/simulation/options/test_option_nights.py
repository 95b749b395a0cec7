"""What a night does to options at the simulated exchange, by hand."""

from datetime import date
from decimal import Decimal

import pytest

from mtum.core.market.instruments import Right
from mtum.core.options.contracts import Delivery, End, OptionContract, Style
from mtum.core.options.model.ending import Night
from mtum.core.portfolio.money import AccountKind
from mtum.core.portfolio.options.lots import Book
from mtum.core.portfolio.orders import Side
from mtum.core.simulation.account_book import CorporateAction
from mtum.core.simulation.admission import Refusal
from mtum.core.simulation.exchange_queries import held_options
from mtum.core.simulation.exchange_state import ExchangeState
from mtum.core.simulation.option_books import OptionTicket
from mtum.core.simulation.options.endings import NightOf, ended_over
from mtum.core.simulation.options.trading import place_option
from support.exchange import ACCOUNT, MONDAY, TUESDAY, WEDNESDAY, exchange, moment
from support.option_exchange import Prices, call, option, put, single, venue, visited
from support.option_orders import lot
from support.values import replace

D = Decimal


def holding(order: OptionTicket, shares: str = "0") -> ExchangeState:
    """An account after the fill of an order on Monday, and Monday's close."""
    state = visited(exchange("50000", AccountKind.MARGIN, shares), moment(300), venue())
    state, outcome = place_option(state, order, moment(), venue(level=4))
    assert not isinstance(outcome, Refusal), outcome
    state = visited(state, moment(), venue())
    return visited(state, moment(0), venue())


def account_of(state: ExchangeState) -> tuple[Decimal, Decimal]:
    account = state.account(ACCOUNT)
    assert account is not None
    return account.cash, account.position("AAA").shares


@pytest.mark.parametrize(
    ("one", "side", "close", "kind", "shares", "usd"),
    [
        (option(Right.PUT, 95, MONDAY), Side.SELL, "94", End.ASSIGNED, 100, "-9500"),
        (option(Right.PUT, 95, MONDAY), Side.BUY, "94", End.EXERCISED, -100, "9500"),
        (option(Right.CALL, 105, MONDAY), Side.SELL, "105.01", End.ASSIGNED, -100, "10500"),
        (option(Right.CALL, 105, MONDAY), Side.BUY, "106", End.EXERCISED, 100, "-10500"),
        (option(Right.CALL, 105, MONDAY), Side.SELL, "105", End.EXPIRED, 0, "0"),
    ],
)
def test_an_expiry_goes_by_the_close(
    one: OptionContract, side: Side, close: str, kind: End, shares: int, usd: str
) -> None:
    state = holding(single(side, one, "1.10" if side is Side.BUY else "0.90"), "200")
    cash, held = account_of(state)
    prices = Prices(closes={MONDAY: D(close)})
    after = visited(state, moment(300, TUESDAY), venue(prices))
    [ending] = after.option_books.endings
    assert (ending.kind, ending.shares, ending.cash_usd) == (kind, shares, D(usd))
    assert account_of(after) == (cash + D(usd), held + shares)
    assert held_options(after, ACCOUNT) == {}
    # Looking again changes nothing.
    assert visited(after, moment(200, TUESDAY), venue(prices)) == after


def test_what_opening_prices_settle_ends_on_their_day_at_the_exchange_and_in_a_played_history() -> None:
    one = replace(option(Right.CALL, 105, MONDAY), style=Style.EUROPEAN, delivery=Delivery.CASH_AM, settles=WEDNESDAY)
    prices = Prices(closes={MONDAY: D(108)})
    state = visited(holding(single(Side.BUY, one, "1.10")), moment(300, TUESDAY), venue(prices))
    assert held_options(state, ACCOUNT) == {one: 1}
    [ending] = visited(state, moment(300, WEDNESDAY), venue(prices)).option_books.endings
    assert (ending.session, ending.kind, ending.cash_usd) == (WEDNESDAY, End.CASH_SETTLED, D(300))
    book = Book((lot(one, 1),))

    def night(day: date, following: date) -> list[tuple[date, Decimal]]:
        of = NightOf(lambda _: Night(day, following, D(108), 0.0), lambda _: None)
        return [(event.effective, event.price) for event, _ in ended_over(ACCOUNT, book, of)]

    assert night(MONDAY, TUESDAY) == []
    assert night(TUESDAY, WEDNESDAY) == [(WEDNESDAY, D(3))]


def test_without_a_close_an_expiry_waits() -> None:
    class Unknown(Prices):
        def close(self, underlying: str, day: object) -> Decimal | None:
            return None

    one = option(Right.PUT, 95, MONDAY)
    state = visited(holding(single(Side.SELL, one, "0.90")), moment(300, TUESDAY), venue(Unknown()))
    assert held_options(state, ACCOUNT) == {one: -1}


def test_a_call_whose_dividend_is_worth_more_than_waiting_is_assigned_before_it_is_paid() -> None:
    state = holding(single(Side.SELL, call(95), "5.90"), "100")
    cash, _ = account_of(state)
    paid = (CorporateAction("AAA", D("1.50")),)
    # The put of the same strike is worth 1.00, the dividend 1.50.
    prices = Prices(paid=((TUESDAY, D("1.50")),))
    after = visited(state, moment(300, TUESDAY, actions=paid), venue(prices))
    assert account_of(after) == (cash + 9500, D(0))
    # With a dividend of 1.00 its holder waits, and the shares earn it.
    kept = visited(state, moment(300, TUESDAY, actions=(CorporateAction("AAA", D(1)),)), venue(Prices()))
    assert account_of(kept) == (cash + 100, D(100))


def test_a_split_leaves_contracts_that_no_listing_describes() -> None:
    state = holding(single(Side.SELL, put(95), "0.90"))
    after = visited(state, moment(300, TUESDAY, actions=(CorporateAction("AAA", split=D(2)),)), venue())
    account = after.account(ACCOUNT)
    assert account is not None
    assert held_options(after, ACCOUNT) == {}
    assert [(one.symbol, one.shares) for one in account.positions] == [("AAA1  150603P00095000", D(-1))]
