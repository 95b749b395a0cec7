"""Laws of options at the simulated exchange, over any sequence of orders, cancels, prices and nights."""

from collections import Counter
from datetime import date
from decimal import Decimal

from hypothesis import given, settings
from hypothesis import strategies as st

from mtum.core.market.instruments import Right
from mtum.core.portfolio.money import AccountKind
from mtum.core.portfolio.orders import Side
from mtum.core.simulation.admission import Moment
from mtum.core.simulation.exchange_codec import finished_apart, from_bytes, to_bytes
from mtum.core.simulation.exchange_queries import held_options
from mtum.core.simulation.exchange_state import ExchangeState, ExchangeStatus, OptionOrder
from mtum.core.simulation.option_books import OptionTicket
from mtum.core.simulation.options.trading import cancel_option, place_option
from mtum.core.simulation.pledges import no_spot, no_worth, pledged_shares, reserved_cash
from support.exchange import ACCOUNT, MONDAY, TUESDAY, WEDNESDAY, exchange, moment
from support.option_exchange import Prices, combined, option, single, venue, visited

DAYS = (MONDAY, TUESDAY, WEDNESDAY, date(2015, 6, 4))
STRIKES, LIMITS = (90, 95, 100, 105, 110), ("0.90", "1.00", "1.10", "6.00")
SPREADS = (
    ((Side.SELL, Right.PUT, 95), (Side.BUY, Right.PUT, 90)),
    ((Side.BUY, Right.CALL, 100), (Side.SELL, Right.CALL, 105)),
    (
        (Side.BUY, Right.PUT, 90),
        (Side.SELL, Right.PUT, 95),
        (Side.SELL, Right.CALL, 105),
        (Side.BUY, Right.CALL, 110),
    ),
)

singles = st.builds(
    lambda side, right, strike, limit, units: single(side, option(right, strike), limit, units),
    st.sampled_from(Side),
    st.sampled_from(Right),
    st.sampled_from(STRIKES),
    st.sampled_from(LIMITS),
    st.integers(1, 3),
)
combinations = st.builds(
    lambda legs, limit, units: combined(
        *((side, option(right, strike)) for side, right, strike in legs), limit=limit, quantity=units
    ),
    st.sampled_from(SPREADS),
    st.sampled_from(("-0.50", "0.00", "0.30", "5.00")),
    st.integers(1, 3),
)
type Step = tuple[OptionTicket, bool, int]
steps = st.lists(st.tuples(singles | combinations, st.booleans(), st.integers(85, 115)), max_size=5)
days = st.lists(steps, min_size=len(DAYS), max_size=len(DAYS))


def played(orders: list[list[Step]], kind: AccountKind) -> ExchangeState:
    state, prices = exchange("30000", kind, "200"), Prices()
    where = venue(prices)

    def at(minutes: float, day: date) -> Moment:
        return moment(minutes, day, str(prices.now))

    for day, actions in zip(DAYS, orders, strict=True):
        state = visited(state, at(200, day), where)
        for order, canceled, price in actions:
            prices.now = Decimal(price)
            state, outcome = place_option(state, order, at(100, day), where)
            if canceled and isinstance(outcome, OptionOrder):
                state, _, _ = cancel_option(state, outcome.perm_id, at(100, day), where)
            state = visited(state, at(100, day), where)
        state = visited(state, at(0, day), where)
    return state


@settings(max_examples=20, deadline=None)
@given(orders=days, kind=st.sampled_from(AccountKind))
def test_cash_contracts_and_shares_are_the_sum_of_executions_and_nights(
    orders: list[list[Step]], kind: AccountKind
) -> None:
    state = played(orders, kind)
    account, books = state.account(ACCOUNT), state.option_books
    assert account is not None
    cash, shares, contracts = Decimal(30_000), Decimal(200), Counter[int]()
    for one in books.executions:
        if one.contract is not None:
            sign = 1 if one.side is Side.BUY else -1
            cash -= sign * one.quantity * one.price * 100 + one.fee
            contracts[one.contract.con_id] += sign * one.quantity
    for ending in books.endings:
        cash += ending.cash_usd
        shares += ending.shares
        contracts[ending.contract.con_id] -= ending.quantity
    held = {one.con_id: count for one, count in held_options(state, ACCOUNT).items()}
    assert account.cash == cash
    assert account.position("AAA").shares == shares
    assert held == {number: count for number, count in contracts.items() if count}
    # Everything expired on Wednesday.
    assert held == {}


@settings(max_examples=20, deadline=None)
@given(orders=days, kind=st.sampled_from(AccountKind))
def test_a_combination_moves_all_its_legs_by_its_net_and_none_alone(
    orders: list[list[Step]], kind: AccountKind
) -> None:
    books = played(orders, kind).option_books
    for order in books.orders:
        assert order.status is not ExchangeStatus.WORKING
        assert 0 <= order.filled <= order.ticket.quantity
        made = [one for one in books.executions if one.perm_id == order.perm_id and one.contract is not None]
        moved = Counter(dict.fromkeys(order.ticket.changes, 0))
        for one in made:
            assert one.contract is not None
            moved[one.contract] += one.quantity if one.side is Side.BUY else -one.quantity
        assert moved == Counter({one: by * order.filled for one, by in order.ticket.changes.items()})
        net = sum((one.price * (one.quantity if one.side is Side.BUY else -one.quantity) for one in made), Decimal(0))
        assert net <= order.ticket.net * order.filled
        assert sum((one.fee for one in made), Decimal(0)) == order.fees


@settings(max_examples=20, deadline=None)
@given(orders=days)
def test_without_margin_shares_cover_all_calls_and_what_is_pledged_is_there_when_it_is_pledged(
    orders: list[list[Step]],
) -> None:
    state = exchange("30000", AccountKind.CASH, "200")
    prices = Prices()
    where = venue(prices)
    for order, _, price in orders[0]:
        prices.now = Decimal(price)
        before = state
        state, outcome = place_option(state, order, moment(100, MONDAY, str(price)), where)
        account = state.account(ACCOUNT)
        assert account is not None
        assert pledged_shares(state, ACCOUNT, "AAA") <= account.position("AAA").shares
        opens = isinstance(outcome, OptionOrder) and any(
            by < 0 and held_options(before, ACCOUNT).get(one, 0) <= 0 for one, by in order.changes.items()
        )
        if opens:
            assert reserved_cash(state, account, no_worth, no_spot) <= account.available_cash
        state = visited(state, moment(100, MONDAY, str(price)), where)


@settings(max_examples=15, deadline=None)
@given(orders=days, kind=st.sampled_from(AccountKind))
def test_the_state_survives_bytes_with_its_options(orders: list[list[Step]], kind: AccountKind) -> None:
    state = played(orders, kind)
    stored = to_bytes(state)
    assert from_bytes(stored) == state
    assert to_bytes(from_bytes(stored)) == stored
    # What earlier sessions finished is written once, and the whole is the same.
    left, finished = finished_apart(state, date(2015, 6, 5), b"")
    assert len(left.option_books.orders) <= 1
    assert from_bytes(to_bytes(left, finished)) == state
