"""Laws of the simulated exchange, over any sequence of orders, cancels and prices."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtum.core.portfolio.money import AccountKind
from mtum.core.portfolio.orders import OrderType, Side
from mtum.core.simulation.exchange import advance, cancel, place
from mtum.core.simulation.exchange_codec import from_bytes, to_bytes
from mtum.core.simulation.exchange_state import ExchangeOrder, ExchangeState, ExchangeStatus, ExchangeTicket
from support.exchange import ACCOUNT, MONDAY, TENTH_PERCENT, TUESDAY, WEDNESDAY, exchange, moment, ticket

type Step = tuple[ExchangeTicket, float, bool, int]

orders = st.builds(
    lambda side, kind, shares, limit: ticket(side, shares, kind, limit),
    st.sampled_from(Side),
    st.sampled_from(OrderType),
    st.integers(0, 30),
    st.sampled_from(["95", "100", "105"]),
)
steps = st.lists(
    st.tuples(orders, st.sampled_from([200.0, 20.0, 11.0, 9.0]), st.booleans(), st.integers(90, 110)), max_size=6
)


def played(days: list[list[Step]], kind: AccountKind) -> ExchangeState:
    state = exchange("5000", kind, held="20")
    for day, actions in zip((MONDAY, TUESDAY, WEDNESDAY), days, strict=True):
        for order, minutes, canceled, price in sorted(actions, key=lambda step: -step[1]):
            at = moment(minutes, day, str(price))
            state, outcome = place(state, order, at, TENTH_PERCENT)
            if canceled and isinstance(outcome, ExchangeOrder):
                state, _ = cancel(state, outcome.perm_id, at, TENTH_PERCENT)
            state, _ = advance(state, at, TENTH_PERCENT)
        state, _ = advance(state, moment(0, day, "101"), TENTH_PERCENT)
    return state


days = st.lists(steps, min_size=3, max_size=3)


@settings(max_examples=60, deadline=None)
@given(days=days, kind=st.sampled_from(AccountKind))
def test_cash_and_shares_are_the_sum_of_the_executions(days: list[list[Step]], kind: AccountKind) -> None:
    state = played(days, kind)
    account = state.account(ACCOUNT)
    assert account is not None
    cash, shares = Decimal(5000), Decimal(20)
    for fill in state.executions:
        sign = 1 if fill.ticket.side is Side.BUY else -1
        cash -= sign * fill.shares * fill.price + fill.commission
        shares += sign * fill.shares
    assert (account.cash, account.position("AAA").shares) == (cash, shares)
    assert kind is AccountKind.MARGIN or shares >= 0


@settings(max_examples=60, deadline=None)
@given(days=days, kind=st.sampled_from(AccountKind))
def test_every_order_of_a_past_session_is_final_and_never_overfilled(days: list[list[Step]], kind: AccountKind) -> None:
    state = played(days, kind)
    for order in state.orders:
        done = order.status is not ExchangeStatus.WORKING
        assert done or order.session is None
        assert 0 <= order.filled <= order.ticket.shares
        assert (order.status is ExchangeStatus.FILLED) == (order.filled == order.ticket.shares)


@settings(max_examples=60, deadline=None)
@given(days=days, kind=st.sampled_from(AccountKind))
def test_the_state_survives_bytes_and_equal_states_give_equal_bytes(days: list[list[Step]], kind: AccountKind) -> None:
    state = played(days, kind)
    stored = to_bytes(state)
    assert from_bytes(stored) == state
    assert to_bytes(from_bytes(stored)) == stored


@pytest.mark.parametrize("damaged", [b'{"version": 2, "state": {}}', b'{"version": 1, "state": {}}', b"[]", b"x"])
def test_damaged_bytes_are_a_value_error(damaged: bytes) -> None:
    with pytest.raises(ValueError, match=r"exchange('s)? state|Expecting value"):
        from_bytes(damaged)
