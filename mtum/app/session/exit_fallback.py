"""After a finally rejected exit: a market order, if the owner wants one and nothing at all is in doubt."""

from dataclasses import replace
from datetime import timedelta

from mtum.app.desk import Desk, Problem
from mtum.app.session.check_book import check_book
from mtum.app.session.match_orders import executions_of, find_order
from mtum.app.session.submit_orders import submit_orders
from mtum.core.market.sessions import Session
from mtum.core.portfolio.gate import MARKET_LAST_MINUTES
from mtum.core.portfolio.orders import OrderStatus, OrderType, Purpose, intent_id
from mtum.ports.broker import BrokerLists, BrokerOrder
from mtum.ports.records import IntentState

QUERIES_APART = timedelta(seconds=5)


def exit_fallback(desk: Desk, session: Session) -> tuple[Problem, ...]:
    """Send one market order per finally rejected exit of the session; return what came of it.

    Needs `[risk] exit_fallback = "market"` and an open connection. Two fresh queries, five seconds
    apart, must both show the exit dead with a known filled quantity, no execution of it, and the
    position equal to the lots.
    """
    if desk.settings.risk.exit_fallback != "market":
        return ()
    wanted = [state for state in desk.store.orders.states(session.day) if _rejected_exit(desk, session, state)]
    if not wanted:
        return ()
    first = desk.broker.lists()
    desk.clock.wait_until(desk.clock.now() + QUERIES_APART)
    second = desk.broker.lists()
    planned = False
    for state in wanted:
        found = [_dead(desk, lists, state, session) for lists in (first, second)]
        if all(one is not None for one in found) and desk.clock.now() < session.before_close(MARKET_LAST_MINUTES):
            planned |= _plan(desk, second, state, session)
    return submit_orders(desk, session) if planned else ()


def _rejected_exit(desk: Desk, session: Session, state: IntentState) -> bool:
    key = _fallback_id(desk, session, state)
    rejected = state.intent.purpose is Purpose.EXIT and state.status is OrderStatus.REJECTED
    return rejected and desk.store.orders.find(key) is None


def _dead(desk: Desk, lists: BrokerLists, state: IntentState, session: Session) -> BrokerOrder | None:
    """Return the exit as the completed orders show it, None while anything is in doubt."""
    symbol = state.intent.symbol
    found = find_order(lists, state)
    executed = bool(executions_of(lists, state))
    working = any(order.symbol == symbol and order.status.working for order in lists.orders)
    check = check_book(desk, lists, session)
    if found is None or found.status is not OrderStatus.REJECTED or executed or working:
        return None
    return None if symbol in check.exits_barred or symbol in check.entries_barred else found


def _plan(desk: Desk, lists: BrokerLists, state: IntentState, session: Session) -> bool:
    dead = find_order(lists, state)
    sellable = check_book(desk, lists, session).sellable.get(state.intent.symbol, 0)
    shares = min(sellable, state.intent.shares) - (dead.filled if dead else 0)
    if shares <= 0:
        return False
    intent = replace(
        state.intent,
        id=_fallback_id(desk, session, state),
        purpose=Purpose.FALLBACK,
        order_type=OrderType.MARKET,
        shares=shares,
        attempt=1,
    )
    desk.store.orders.add_intent(intent, desk.clock.now())
    return True


def _fallback_id(desk: Desk, session: Session, state: IntentState) -> str:
    return intent_id(desk.account, session.day, state.intent.strategy, state.intent.symbol, Purpose.FALLBACK)
