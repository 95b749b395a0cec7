"""After a session: every order becomes terminal, by what the broker lists and what was executed."""

from mtum.app.desk import Desk, Problem
from mtum.app.ledger.book import read_sleeve
from mtum.app.session.check_book import external_shares
from mtum.app.session.match_orders import cancel_at_once, find_order, record_seen
from mtum.core.market.sessions import Session
from mtum.core.portfolio.fills import folded
from mtum.core.portfolio.orders import OrderStatus, intent_of
from mtum.core.portfolio.reconcile import balances
from mtum.ports.broker import BrokerLists
from mtum.ports.records import IntentState, Observed

_BEGUN = (OrderStatus.SUBMITTING, OrderStatus.UNKNOWN)
_NEVER_SEEN = (OrderStatus.EXPIRED, OrderStatus.LAPSED)
_MAY_FILL_YET = (OrderStatus.CANCELED, OrderStatus.REJECTED, *_NEVER_SEEN)


def cancel_left_over(desk: Desk, lists: BrokerLists) -> list[Problem]:
    """Cancel orders of ours that still work though their session has closed: the next close would fill them."""
    problems = []
    for order in lists.orders:
        state = desk.store.orders.find(intent_of(order.ref)) if order.status.working else None
        if state is not None and _over(desk, state):
            why = f"it still works though {state.intent.session} has closed"
            problems.append(cancel_at_once(desk, state, order, why))
    return problems


def _over(desk: Desk, state: IntentState) -> bool:
    day = state.intent.session
    session = desk.calendar.sessions(day, day).get(day)
    return session is not None and desk.clock.now() >= session.close


def close_orders(desk: Desk, session: Session, lists: BrokerLists) -> None:
    """Record how the session's orders stand, and end those that no list shows once it is over.

    Executions are recorded before; a cancel is not believed against a later fill.
    """
    now = desk.clock.now()
    for state in desk.store.orders.states(session.day):
        if state.status.terminal and state.status not in _MAY_FILL_YET:
            continue
        filled = _executed(desk, state)
        found = find_order(lists, state) if state.status not in _NEVER_SEEN else None
        told = found is not None and found.status is not OrderStatus.REJECTED and found.filled >= filled
        if filled and not told and (filled >= state.intent.shares or now >= session.close):
            _end_filled(desk, state, filled)  # executions outweigh every word of a list
        elif found is not None and found.status is not OrderStatus.SUBMITTING:
            record_seen(desk, state, found, now)
        elif now >= session.close:
            _end_unlisted(desk, lists, state)


def lapse_earlier(desk: Desk, lists: BrokerLists, session: Session) -> None:
    """End orders of earlier sessions whose sending was begun, if no list shows them and the position agrees."""
    for state in desk.store.orders.states(unresolved=True):
        if state.intent.session < session.day and state.status in _BEGUN and find_order(lists, state) is None:
            _end_unlisted(desk, lists, state)


def _end_unlisted(desk: Desk, lists: BrokerLists, state: IntentState) -> None:
    key, now = state.intent.id, desk.clock.now()
    filled = _executed(desk, state)
    if filled:
        _end_filled(desk, state, filled)
    elif state.status is OrderStatus.PLANNED:
        desk.store.orders.move(key, OrderStatus.LAPSED, now, Observed(text="its session is over"))
    elif state.status in _BEGUN:
        desk.store.orders.move(key, OrderStatus.UNKNOWN, now, Observed(text="begun, and no list shows it"))
        if desk.broker.proves_absence or _agrees(desk, lists, state.intent.symbol):
            text = "its session is over, no list shows it, and the position is as without it"
            desk.store.orders.move(key, OrderStatus.LAPSED, now, Observed(text=text))
    elif not state.status.terminal:
        text = "the broker no longer lists it; not filled further"
        desk.store.orders.move(key, OrderStatus.EXPIRED, now, Observed(text=text))


def _executed(desk: Desk, state: IntentState) -> int:
    fills = folded(desk.store.orders.fills(state.intent.strategy))
    return sum(fill.shares for fill in fills if fill.intent_id == state.intent.id)


def _end_filled(desk: Desk, state: IntentState, filled: int) -> None:
    now = desk.clock.now()
    whole = filled >= state.intent.shares
    if state.status is OrderStatus.PLANNED:
        desk.store.orders.move(
            state.intent.id, OrderStatus.ACCEPTED, now, Observed(text="executed, as the broker says")
        )
    status = OrderStatus.FILLED if whole else OrderStatus.EXPIRED
    desk.store.orders.move(state.intent.id, status, now, Observed(filled=filled, text="by its executions"))


def _agrees(desk: Desk, lists: BrokerLists, symbol: str) -> bool:
    lots = read_sleeve(desk.store, desk.strategy).lots
    found = balances(lots, external_shares(desk), lists.positions, desk.strategy.universe())
    return all(balance.surplus == 0 for balance in found if balance.symbol == symbol)
