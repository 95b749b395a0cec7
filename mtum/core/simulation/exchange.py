"""The simulated exchange: place, cancel, let time pass.

A pure state machine. It does not know who talks to it: the in-process broker and the practice
gateway are two faces of it. Each operation takes the state, the moment and the rules, and returns
the next state with what came of it; ordinary outcomes are values, never exceptions.
Call `advance` at every visit before anything else is read, and after `place` (a market order
fills in the next `advance` while the session is open).
"""

from decimal import Decimal
from functools import reduce

from msgspec import Struct
from msgspec.structs import replace

from mtum.core.market.instruments import unit_usd
from mtum.core.simulation.account_book import apply_action, settle, signed, with_account
from mtum.core.simulation.admission import ExchangeRules, Moment, Refusal, refusal, working_order, working_session
from mtum.core.simulation.auction import ended, fill, later_rejection, trades_now, with_order
from mtum.core.simulation.exchange_queries import next_order_id, open_orders, order_by_perm_id
from mtum.core.simulation.exchange_state import (
    ExchangeOrder,
    ExchangeState,
    ExchangeStatus,
    ExchangeTicket,
    Execution,
)


class Filled(Struct, frozen=True):
    """A fill: the execution and the order after it."""

    execution: Execution
    order: ExchangeOrder


class Ended(Struct, frozen=True):
    """An order that ended without (further) fill: expired or rejected after acceptance."""

    order: ExchangeOrder


type ExchangeEvent = Filled | Ended


def place(
    state: ExchangeState, ticket: ExchangeTicket, moment: Moment, rules: ExchangeRules
) -> tuple[ExchangeState, ExchangeOrder | Refusal]:
    """Take an order, or a change of a working one under its number, or refuse it.

    One without a session waits for the next to open, of which a broker warns (399).

    Parameters
    ----------
    state : ExchangeState
        The whole exchange at one instant; `session` is the last one opened, executions oldest first.
    ticket : ExchangeTicket
        An order as a client sends it; `order_id` 0 lets the exchange choose the client's next one.
    moment : Moment
        The instant of an operation and the market around it.
    rules : ExchangeRules
        How the exchange charges and when it closes its books.
    """
    state = open_session(state, moment)
    refused = refusal(state, ticket, moment, rules)
    if refused:
        return state, refused
    known = working_order(state, ticket)
    if known:
        changed = replace(known, ticket=ticket)
        return with_order(state, changed), changed
    if not ticket.order_id:
        ticket = replace(ticket, order_id=next_order_id(state, ticket.client_id))
    session = working_session(ticket, moment, rules)
    order = ExchangeOrder(ticket, state.next_perm_id, moment.now, moment.session.day, session)
    after = replace(state, orders=(*state.orders, order), next_perm_id=state.next_perm_id + 1)
    return after, order


def cancel(
    state: ExchangeState, perm_id: int, moment: Moment, rules: ExchangeRules
) -> tuple[ExchangeState, ExchangeOrder | Refusal]:
    """Cancel an order; on-close orders only before the cut-off of the session they work in.

    Refused with 10147 where there is none, and with 10148 where it cannot be canceled. What was filled stays filled.

    Parameters
    ----------
    state : ExchangeState
        The whole exchange at one instant; `session` is the last one opened, executions oldest first.
    perm_id : int
        The order's permanent id; 0 before it has one.
    moment : Moment
        The instant of an operation and the market around it.
    rules : ExchangeRules
        How the exchange charges and when it closes its books.
    """
    state = open_session(state, moment)
    order = order_by_perm_id(state, perm_id)
    if order is None:
        return state, Refusal(10147, "OrderId that needs to be canceled is not found")
    frozen = (
        order.ticket.order_type.on_close
        and order.session == moment.session.day
        and moment.within(rules.cancel_cutoff_minutes)
    )
    if frozen or order.status is not ExchangeStatus.WORKING:
        text = f"OrderId {order.ticket.order_id} that needs to be canceled cannot be canceled"
        return state, Refusal(10148, f"{text}, state: {order.status.value}")
    order = ended(order, ExchangeStatus.CANCELED, moment, 202, "Order Canceled - reason: by the client")
    return with_order(state, order), order


def advance(
    state: ExchangeState, moment: Moment, rules: ExchangeRules
) -> tuple[ExchangeState, tuple[ExchangeEvent, ...]]:
    """Bring the exchange to this moment: open the session, fill, run the closing auction, expire.

    From the close on, orders that need a symbol without a price stay working: give the official
    close in a later call, or the next session expires them.

    Parameters
    ----------
    state : ExchangeState
        The whole exchange at one instant; `session` is the last one opened, executions oldest first.
    moment : Moment
        The instant of an operation and the market around it.
    rules : ExchangeRules
        How the exchange charges and when it closes its books.
    """
    before = open_orders(state)
    state = open_session(state, moment)
    for order in open_orders(state):
        state = _advance_order(state, order, moment, rules)
    return state, _events(before, state)


def open_session(state: ExchangeState, moment: Moment) -> ExchangeState:
    """Open the moment's session once: settle cash, apply corporate actions, expire and carry orders."""
    day = moment.session.day
    if state.session is not None and state.session >= day:
        return state
    settled = (settle(account, moment.session.day) for account in state.accounts)
    opened = tuple(reduce(apply_action, moment.actions, account) for account in settled)
    orders = tuple(_into_session(order, moment) for order in state.orders)
    return replace(state, accounts=opened, orders=orders, session=day)


def correct_execution(state: ExchangeState, exec_id: str, price: Decimal) -> ExchangeState:
    """Correct the price of a fill: the same shares under an id whose last part is one higher.

    Cash moves by the difference, the order's average price follows; realized profit and average
    cost of the position are left as first reported (as the broker's next statement would repair).
    An unknown id changes nothing.

    Parameters
    ----------
    state : ExchangeState
        The whole exchange at one instant; `session` is the last one opened, executions oldest first.
    exec_id : str
        The execution's id.
    price : Decimal
        Price, USD per share.
    """
    old = next((e for e in state.executions if e.exec_id == exec_id), None)
    order = order_by_perm_id(state, old.perm_id) if old else None
    account = state.account(old.ticket.account) if old else None
    if old is None or order is None or account is None:
        return state
    difference = unit_usd(old.ticket.symbol, price - old.price) * signed(old.ticket.side, old.shares)
    value = order.filled_value + (price - old.price) * old.shares
    last = int(exec_id.rsplit(".", 1)[1]) + 1
    corrected = replace(old, exec_id=f"{old.stem}.{last:02d}", price=price, average_price=value / order.filled)
    state = with_account(state, replace(account, cash=account.cash - difference))
    state = with_order(state, replace(order, filled_value=value))
    return replace(state, executions=(*state.executions, corrected))


def _advance_order(state: ExchangeState, order: ExchangeOrder, moment: Moment, rules: ExchangeRules) -> ExchangeState:
    plan = later_rejection(state, order, moment)
    if plan:
        return with_order(state, ended(order, ExchangeStatus.REJECTED, moment, plan.code, plan.text))
    if trades_now(order, moment):
        state = fill(state, order, moment, rules)
    if not moment.closed or order.ticket.symbol not in moment.prices:
        return state
    left = order_by_perm_id(state, order.perm_id)
    if left is None or left.status is not ExchangeStatus.WORKING:
        return state
    return with_order(state, _expired(left, moment)) if left.session == moment.session.day else state


def _into_session(order: ExchangeOrder, moment: Moment) -> ExchangeOrder:
    if order.status is not ExchangeStatus.WORKING:
        return order
    if order.session is None and order.placed_session < moment.session.day:
        return replace(order, session=moment.session.day)
    return _expired(order, moment) if order.session and order.session < moment.session.day else order


def _expired(order: ExchangeOrder, moment: Moment) -> ExchangeOrder:
    return ended(order, ExchangeStatus.EXPIRED, moment, 202, "Order Canceled - reason: not filled at the close")


def _events(before: tuple[ExchangeOrder, ...], state: ExchangeState) -> tuple[ExchangeEvent, ...]:
    events: list[ExchangeEvent] = []
    after = {order.perm_id: order for order in state.orders}
    for old in before:
        order = after[old.perm_id]
        if order.filled > old.filled:
            newest = [e for e in state.executions if e.perm_id == order.perm_id][-1]
            events.append(Filled(newest, order))
        if order.status not in (ExchangeStatus.WORKING, ExchangeStatus.FILLED):
            events.append(Ended(order))
    return tuple(events)
