"""What the broker lists of an order is recorded, and what is wrong with it told."""

from collections.abc import Sequence
from datetime import datetime

from mtum.app.desk import Desk, Problem
from mtum.app.session.match_orders import orders_of
from mtum.core.portfolio.orders import OrderStatus, intent_of, may_move
from mtum.errors import ExitCode
from mtum.ports.broker import BrokerLists, BrokerOrder
from mtum.ports.records import IntentState, Observed

PENDING = (OrderStatus.PLANNED, OrderStatus.SUBMITTING, OrderStatus.UNKNOWN)
"""Not known to be at the broker."""


def record_seen(desk: Desk, state: IntentState, order: BrokerOrder, at: datetime) -> None:
    """Record what the broker lists for an intent, if the table of moves allows it."""
    status = order.status
    current = _adopted(desk, desk.store.orders.find(state.intent.id) or state, order, at)
    before = current.status
    if not may_move(before, status):
        desk.store.orders.event(
            state.intent.id, at, "contradiction", f"broker lists {status.value}, we have {before.value}: {order.text}"
        )
        return
    code = str(order.code) if order.code is not None else None
    seen = Observed(order.filled, order.broker_id, code, order.text, order.client_id, order.order_id)
    desk.store.orders.move(state.intent.id, status, at, seen)


def _adopted(desk: Desk, current: IntentState, order: BrokerOrder, at: datetime) -> IntentState:
    """Take up the attempt that the broker has, where it is not the one we would send or sent last."""
    intent, ours = current.intent, current.status in PENDING
    attempt = order.ref.rpartition("-")[2]
    if not ours or order.ref == intent.ref or intent_of(order.ref) != intent.id or not attempt.isdigit():
        return current
    desk.store.orders.adopt_attempt(intent.id, int(attempt), at)
    return desk.store.orders.find(intent.id) or current


def cancel_at_once(desk: Desk, state: IntentState, order: BrokerOrder, why: str) -> Problem:
    """Cancel an order that must not fill in another session; a person is told in any case."""
    gone = desk.broker.cancel(order.ref)
    if gone and may_move(state.status, OrderStatus.CANCELED):
        seen = Observed(text=f"{why}; canceled at once")
        desk.store.orders.move(state.intent.id, OrderStatus.CANCELED, desk.clock.now(), seen)
    did = "it was canceled" if gone else "it could not be canceled: cancel it by hand NOW"
    return Problem(ExitCode.PERSON, f"{order.ref}: {why}; {did}")


def too_many(lists: BrokerLists, state: IntentState) -> list[Problem]:
    """Return the problem that the broker works on more than one order of an intent."""
    refs = [order.ref or order.broker_id for order in orders_of(lists, state) if order.status.working]
    if len(refs) < 2:
        return []
    text = f"the broker lists {len(refs)} working orders of one intent ({', '.join(refs)}); cancel all but one by hand"
    return [Problem(ExitCode.PERSON, text)]


def order_problems(states: Sequence[IntentState]) -> list[Problem]:
    """Return what is wrong with orders as they stand: denied, rejected, unknown."""
    problems = []
    for state in states:
        what = f"{state.intent.side.value} {state.intent.shares} {state.intent.symbol} ({state.intent.ref})"
        if state.status is OrderStatus.DENIED:
            problems.append(Problem(ExitCode.ORDER, f"{what} denied by the last gate: {state.text}"))
        elif state.status is OrderStatus.REJECTED:
            problems.append(Problem(ExitCode.ORDER, f"{what} rejected by the broker: {state.code} {state.text}"))
        elif state.status is OrderStatus.UNKNOWN:
            problems.append(Problem(ExitCode.PERSON, f"{what} is unknown at the broker: {state.text}"))
    return problems
