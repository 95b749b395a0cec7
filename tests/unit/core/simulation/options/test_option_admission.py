"""Which orders in options the simulated exchange takes: levels, margin, cash and pledges by hand."""

from datetime import date
from decimal import Decimal

import pytest

from mtum.core.market.instruments import Right
from mtum.core.options.contracts import Delivery, OptionContract, Style
from mtum.core.portfolio.money import AccountKind
from mtum.core.portfolio.orders import OrderType, Side
from mtum.core.simulation.admission import Refusal
from mtum.core.simulation.exchange import place
from mtum.core.simulation.exchange_state import ExchangeState
from mtum.core.simulation.option_books import OptionTicket
from mtum.core.simulation.options.admission import needed_level, trial
from mtum.core.simulation.options.trading import place_option
from mtum.core.simulation.pledges import pledged_shares, uncovered
from support.exchange import ACCOUNT, FREE, exchange, moment, ticket
from support.option_exchange import call, combined, option, put, single, venue, visited
from support.values import replace

BUY, SELL = Side.BUY, Side.SELL
SPREAD = ((SELL, put(95)), (BUY, put(90)))
CONDOR = (*SPREAD, (SELL, call(105)), (BUY, call(110)))


def after(order: OptionTicket, state: ExchangeState) -> ExchangeState:
    """The state once an order has filled."""
    state, outcome = place_option(state, order, moment(), venue(level=4))
    assert not isinstance(outcome, Refusal), outcome
    state = visited(state, moment(), venue())
    assert state.option_books.orders[-1].remaining == 0
    return state


def refused(order: OptionTicket, state: ExchangeState, level: int = 3) -> str:
    _, outcome = place_option(state, order, moment(), venue(level=level))
    return f"{outcome.code} {outcome.text}" if isinstance(outcome, Refusal) else ""


@pytest.mark.parametrize(
    ("order", "shares", "level"),
    [
        (single(BUY, put(95), "1.10"), "0", 2),
        (single(SELL, put(95), "0.90"), "0", 3),
        (single(SELL, call(105), "0.90"), "100", 1),
        (single(SELL, call(105), "0.90"), "99", 4),
        (single(SELL, call(105), "0.90", 2), "100", 4),
        (combined(*SPREAD, limit="0.20"), "0", 2),
        (combined(*SPREAD, limit="-0.20"), "0", 3),
        (combined(*CONDOR, limit="-0.40"), "0", 3),
    ],
)
def test_each_structure_needs_its_level(order: OptionTicket, shares: str, level: int) -> None:
    state = exchange("50000", AccountKind.MARGIN, shares)
    assert needed_level(state, order) == level
    assert "trading permissions" in refused(order, state, level - 1)
    assert refused(order, state, level) == ""


def test_closing_needs_no_level_and_rolling_the_one_of_what_is_opened() -> None:
    held = after(single(SELL, put(95), "0.90"), exchange("50000", AccountKind.MARGIN))
    assert needed_level(held, single(BUY, put(95), "1.10")) == 0
    assert needed_level(held, combined((BUY, put(95)), (SELL, put(90)), limit="0.20")) == 3
    covered = after(single(SELL, call(105), "0.90"), exchange("50000", AccountKind.MARGIN, "100"))
    assert needed_level(covered, combined((BUY, call(105)), (SELL, call(110)), limit="0.20")) == 1
    # What sells more than is held opens the rest.
    assert needed_level(held, single(BUY, put(95), "1.10", 2)) == 2


def test_margin_is_the_width_of_a_spread_one_wing_of_a_condor_and_a_part_of_the_spot_without_either() -> None:
    state = exchange("50000", AccountKind.MARGIN)
    margins = [
        trial(state, order, moment(), venue()).after
        for order in (
            combined(*SPREAD, limit="-0.20", quantity=2),
            combined(*CONDOR, limit="-0.40", quantity=2),
            single(SELL, put(95), "0.90"),
            single(BUY, put(95), "1.10"),
        )
    ]
    # 5 wide, twice; one wing of the condor, twice; 1.00 of premium, and of 100 a fifth less the 5 it is outside.
    assert margins == [Decimal(1000), Decimal(1000), Decimal(1600), Decimal(0)]


def test_an_account_without_margin_pays_strikes_has_no_spreads_of_shares_and_some_of_an_index() -> None:
    state = exchange("9500", AccountKind.CASH)
    # The strike and the fee of 1.00.
    assert "MUST EXCEED THE INITIAL MARGIN [9500.00 USD]" in refused(single(SELL, put(95), "0.90"), state)
    assert refused(single(SELL, put(94), "0.90"), state) == ""
    assert "not available in a cash account" in refused(combined(*SPREAD, limit="-0.20"), state)

    def xsp(strike: int) -> OptionContract:
        shares = option(Right.PUT, strike, underlying="XSP")
        return replace(shares, style=Style.EUROPEAN, delivery=Delivery.CASH_PM)

    assert refused(combined((SELL, xsp(95)), (BUY, xsp(90)), limit="-0.20"), state) == ""


def test_what_is_sold_needs_an_account_of_2000_usd() -> None:
    assert "MINIMUM OF 2000 USD" in refused(combined(*SPREAD, limit="-0.20"), exchange("1999", AccountKind.MARGIN))
    assert refused(combined(*SPREAD, limit="-0.20"), exchange("2003", AccountKind.MARGIN)) == ""


def test_shares_that_cover_a_call_are_not_sold_and_cash_of_a_put_buys_nothing() -> None:
    covered = after(single(SELL, call(105), "0.90"), exchange("9700", AccountKind.CASH, "150"))
    assert pledged_shares(covered, ACCOUNT, "AAA") == 100
    _, kept = place(covered, ticket(Side.SELL, 51), moment(), FREE)
    assert isinstance(kept, Refusal)
    _, sold = place(covered, ticket(Side.SELL, 50), moment(), FREE)
    assert not isinstance(sold, Refusal)
    secured = after(single(SELL, put(95), "0.90"), covered)
    # 9,700 settled less the fee of 1.00 that each sale's premium pays itself, less 9,500 of the strike.
    _, few = place(secured, ticket(Side.BUY, 2, OrderType.MARKET), moment(), FREE)
    assert not isinstance(few, Refusal)
    _, many = place(secured, ticket(Side.BUY, 3, OrderType.MARKET), moment(), FREE)
    assert isinstance(many, Refusal)


def test_a_longer_call_of_the_same_class_covers_a_sold_one_and_a_shorter_one_does_not() -> None:
    later = date(2015, 6, 19)
    assert uncovered({call(105): -2, option(Right.CALL, 110, later): 1}) == 1
    assert uncovered({option(Right.CALL, 105, later): -1, call(110): 1}) == 1


def test_what_has_expired_is_made_to_order_or_adjusted_is_not_traded() -> None:
    state = exchange("50000", AccountKind.MARGIN)
    made, adjusted = (replace(put(95), trading_class=name) for name in ("2AAA", "AAA1"))
    assert "FLEX" in refused(single(BUY, made, "1.10"), state)
    assert "restricted to closing" in refused(single(BUY, adjusted, "1.10"), state)
    assert "392" in refused(single(BUY, option(Right.PUT, 95, date(2015, 5, 29)), "1.10"), state)
