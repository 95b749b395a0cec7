"""After a finally rejected exit: a market order, if the owner wants one and nothing at all is in doubt."""

from datetime import timedelta

from msgspec.structs import replace

from mtum.app.desk import Desk, Problem
from mtum.app.session.check_book import check_book
from mtum.app.session.differences import position_balances
from mtum.app.session.match_orders import executions_of, find_order, orders_of
from mtum.app.session.our_books import Books, open_books
from mtum.app.session.submit_orders import submit_orders
from mtum.core.market.sessions import Session
from mtum.core.portfolio.gate import MARKET_LAST_MINUTES, last_instant
from mtum.core.portfolio.orders import OrderStatus, OrderType, Purpose, intent_id
from mtum.errors import ExitCode
from mtum.ports.broker import BrokerLists
from mtum.ports.records import IntentState

QUERIES_APART = timedelta(seconds=5)


def exit_fallback(desk: Desk, session: Session) -> tuple[Problem, ...]:
    """Send one market order per finally rejected exit of the session; return what came of it.

    Needs `[risk] exit_fallback = "market"` and an open connection. The rejection must be final by its code,
    and two fresh queries, five seconds apart, must list no open order of it, show what they know of it as
    dead with a known filled quantity, no execution of it, and the position equal to the lots. Anything else
    is for a person, who is told what stands in the way.
    """
    wanted = [state for state in desk.store.orders.states(session.day) if _rejected_exit(desk, session, state)]
    if not wanted:
        return ()
    first = desk.broker.lists()
    desk.clock.wait_until(desk.clock.now() + QUERIES_APART)
    second = desk.broker.lists()
    books = open_books(desk, second, session)
    problems: list[Problem] = []
    planned = False
    for state in wanted:
        doubt = _doubt(desk, books, first, state, session) or _doubt(desk, books, second, state, session)
        if doubt is None and desk.clock.now() >= last_instant(session, OrderType.MARKET, MARKET_LAST_MINUTES):
            doubt = "it is too late for one"
        if doubt is None:
            planned |= _plan(desk, books, second, state, session)
        else:
            text = f"no market order in place of the rejected {state.intent.ref}: {doubt}; sell by hand if it must be"
            problems.append(Problem(ExitCode.PERSON, text))
    return (*problems, *(submit_orders(desk, session) if planned else ()))


def _rejected_exit(desk: Desk, session: Session, state: IntentState) -> bool:
    key = _fallback_id(desk, session, state)
    wanted = desk.settings.risk_of(state.intent.strategy).exit_fallback == "market"
    rejected = state.intent.purpose is Purpose.EXIT and state.status is OrderStatus.REJECTED
    return wanted and rejected and desk.store.orders.state_of(key) is None


def _doubt(desk: Desk, books: Books, lists: BrokerLists, state: IntentState, session: Session) -> str | None:
    """Return why these lists do not prove the exit dead, None when they do."""
    symbol = state.intent.symbol
    listed = orders_of(lists, state)
    if any(order.may_fill for order in listed):
        return "it is still listed as open"
    if not state.code:
        return "the broker told no code with the rejection"
    if any(order.status not in (OrderStatus.REJECTED, OrderStatus.CANCELED) for order in listed):
        return f"the broker lists it as {listed[0].status.value}"
    if lists.unread:
        return "the broker tells what cannot be read"
    if executions_of(lists, state):
        return "there are executions of it"
    if any(order.symbol == symbol and order.may_fill for order in lists.orders):
        return f"another order in {symbol} is open"
    if any(one.surplus for one in position_balances(desk, books, lists) if one.symbol == symbol):
        return "the broker's position is not what our records say"
    barred = check_book(desk, books, lists, session).exits_barred.get(symbol)
    return f"exits in {symbol} must wait ({barred})" if barred else None


def _plan(desk: Desk, books: Books, lists: BrokerLists, state: IntentState, session: Session) -> bool:
    dead = find_order(lists, state)
    sellable = check_book(desk, books, lists, session).sellable.get(state.intent.symbol, 0)
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
