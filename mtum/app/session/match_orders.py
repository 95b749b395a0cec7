"""Which of the broker's orders and executions belong to an intent, and what is recorded of them?

They belong to it by its reference, whatever the attempt. What carries no reference at all belongs to it by
the broker's permanent id; else by the number that our client gave the order, which is unique only within
one day. What carries another reference is never ours. Anything weaker is a person's to judge.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime

from msgspec.structs import replace

from mtum.app.desk import Desk, Problem
from mtum.core.portfolio.fills import stem_of
from mtum.core.portfolio.orders import OrderStatus, intent_of, may_move
from mtum.core.portfolio.reconcile import OUR_REF
from mtum.errors import ExitCode, MtumError, OrderUnconfirmedError
from mtum.ports.broker import BrokerFill, BrokerLists, BrokerOrder
from mtum.ports.order_store import OrderStore
from mtum.ports.records import IntentState, Observed

PENDING = (OrderStatus.PLANNED, OrderStatus.SUBMITTING, OrderStatus.UNKNOWN)
"""Not known to be at the broker."""


def orders_of(lists: BrokerLists, state: IntentState) -> list[BrokerOrder]:
    """Return every order that the broker lists for an intent; more than one working is a person's matter."""
    by_ref = [order for order in lists.orders if intent_of(order.ref) == state.intent.id]
    by_id = [
        order for order in lists.orders if not order.ref and order.broker_id and order.broker_id == state.broker_id
    ]
    numbered = [order for order in lists.orders if lists.at.date() == state.intent.session and _numbered(order, state)]
    return by_ref or by_id or (numbered if len(numbered) == 1 else [])


def find_order(lists: BrokerLists, state: IntentState) -> BrokerOrder | None:
    """Return the broker's order of an intent: a working one before one that ended, this attempt before another."""
    found = sorted(orders_of(lists, state), key=lambda one: (not one.may_fill, one.ref != state.intent.ref))
    return next(iter(found), None)


def find_trace(lists: BrokerLists, state: IntentState) -> BrokerOrder | None:
    """Return the order of an intent as its executions tell it: they count for more than any status word.

    An order of which only executions are listed was sent in any case; once it was taken for ended, it
    stays so unless it is filled whole.
    """
    found = find_order(lists, state)
    fills = [fill for fill in executions_of(lists, state) if found is None or _of_order(fill, found)]
    filled, _ = state.intent.executed((fill.symbol, fill.side, fill.shares) for fill in _newest(fills))
    whole = filled >= state.intent.shares
    if found is not None:
        partly = OrderStatus.PARTIALLY_FILLED if found.status is OrderStatus.ACCEPTED else found.status
        status = OrderStatus.FILLED if whole else partly
        return replace(found, filled=filled, status=status) if filled > found.filled or (whole and filled) else found
    if not fills:
        return None
    intent, last = state.intent, fills[-1]
    ended = (OrderStatus.EXPIRED, OrderStatus.CANCELED, OrderStatus.REJECTED)
    ended_partly = state.status if state.status in ended else OrderStatus.PARTIALLY_FILLED
    return BrokerOrder(
        ref=last.ref or intent.ref,
        broker_id=last.broker_id,
        account=last.account,
        symbol=intent.symbol if intent.combination else last.symbol,
        side=intent.side if intent.combination else last.side,
        order_type=intent.order_type,
        shares=intent.shares,
        filled=filled,
        status=OrderStatus.FILLED if whole else ended_partly,
        client_id=last.client_id,
        order_id=last.order_id,
    )


def executions_of(lists: BrokerLists, state: IntentState) -> list[BrokerFill]:
    """Return the executions of an intent's orders; some come without a reference."""
    permanent = {order.broker_id for order in orders_of(lists, state)} | {state.broker_id or ""}
    return [fill for fill in lists.fills if _executes(fill, state, permanent - {""})]


def record_seen(desk: Desk, state: IntentState, order: BrokerOrder, at: datetime) -> None:
    """Record what the broker lists for an intent, if the table of moves allows it.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    state : IntentState
        An intent with its present status and what the broker told of it.
    order : BrokerOrder
        An order as the broker lists it, its words translated.
    at : datetime
        Instant that is recorded, UTC.
    """
    status = order.status
    current = _adopted(desk, desk.store.orders.state_of(state.intent.id) or state, order, at)
    before = current.status
    if not may_move(before, status):
        desk.store.orders.record_event(
            state.intent.id, at, "contradiction", f"broker lists {status.value}, we have {before.value}: {order.text}"
        )
        return
    code = str(order.code) if order.code is not None else None
    if status is OrderStatus.REJECTED and before is not status:
        code = code or ""  # a status without a code is no proven rejection, whatever code came earlier
    seen = Observed(order.filled, order.broker_id, code, order.text, order.client_id, order.order_id)
    desk.store.orders.move_order(state.intent.id, status, at, seen)


def _adopted(desk: Desk, current: IntentState, order: BrokerOrder, at: datetime) -> IntentState:
    """Take up the attempt that the broker has, where it is not the one we would send or sent last."""
    intent, ours = current.intent, current.status in PENDING
    attempt = order.ref.rpartition("-")[2]
    if not ours or order.ref == intent.ref or intent_of(order.ref) != intent.id or not attempt.isdigit():
        return current
    desk.store.orders.adopt_attempt(intent.id, int(attempt), at)
    return desk.store.orders.state_of(intent.id) or current


def cancel_at_once(desk: Desk, state: IntentState, order: BrokerOrder, why: str) -> Problem:
    """Cancel an order that must not fill in another session; a person is told in any case.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    state : IntentState
        An intent with its present status and what the broker told of it.
    order : BrokerOrder
        An order as the broker lists it, its words translated.
    why : str
        Why, in words.
    """
    gone = desk.broker.cancel(order.ref)
    if gone and may_move(state.status, OrderStatus.CANCELED):
        seen = Observed(text=f"{why}; canceled at once")
        desk.store.orders.move_order(state.intent.id, OrderStatus.CANCELED, desk.clock.now(), seen)
    did = "it was canceled" if gone else "it could not be canceled: cancel it by hand NOW"
    return Problem(ExitCode.PERSON, f"{order.ref}: {why}; {did}")


def inactive(order: BrokerOrder) -> list[Problem]:
    """Return the problem that the broker neither works on an order nor has ended it."""
    if not order.inactive:
        return []
    text = (
        f"{order.side.value} {order.left} {order.symbol} ({order.ref}) is Inactive at the broker and still listed as "
        "open: it may come back and fill; look at the broker's own screen, nothing is sent in its place"
    )
    return [Problem(ExitCode.PERSON, text)]


def too_many(lists: BrokerLists, state: IntentState) -> list[Problem]:
    """Return the problem that the broker works on more than one order of an intent."""
    refs = [order.ref or order.broker_id for order in orders_of(lists, state) if order.may_fill]
    if len(refs) < 2:
        return []
    text = f"the broker lists {len(refs)} working orders of one intent ({', '.join(refs)}); cancel all but one by hand"
    return [Problem(ExitCode.PERSON, text)]


def unread_problems(lists: BrokerLists, told: Sequence[IntentState] = ()) -> list[Problem]:
    """Return what the broker says of our orders and shares that cannot be read; not what `told` holds as unknown."""
    known = {state.intent.id for state in told if state.status is OrderStatus.UNKNOWN}
    advice = "look at the broker's own screen"
    texts = [f"the broker tells what cannot be read: {text}; {advice}" for text in lists.unread]
    for one in lists.orders:
        if OUR_REF.match(one.ref) and one.status is OrderStatus.UNKNOWN and intent_of(one.ref) not in known:
            texts.append(f"{one.ref}: {one.text or 'its state is not known'}; {advice}")
    return [Problem(ExitCode.PERSON, text) for text in texts]


def what_of(state: IntentState) -> str:
    """Return an order in words: what it trades, its reference and its session."""
    intent = state.intent
    return f"{intent.side.value} {intent.shares} {intent.symbol} ({intent.ref}, {intent.session})"


def order_problems(states: Sequence[IntentState]) -> list[Problem]:
    """Return what is wrong with orders as they stand: denied, rejected, begun, unknown."""
    problems = []
    for state in states:
        what = what_of(state)
        told = f"{state.code or ''} {state.text}".strip() or "no reason was given"
        if state.status is OrderStatus.DENIED:
            problems.append(Problem(ExitCode.ORDER, f"{what} denied by the last gate: {state.text}"))
        elif state.status is OrderStatus.REJECTED:
            problems.append(Problem(ExitCode.ORDER, f"{what} rejected by the broker: {told}"))
        elif state.status is OrderStatus.SUBMITTING:
            text = f"{what} may be at the broker: a run was cut short while it was being sent"
            problems.append(
                Problem(ExitCode.PERSON, f"{text}; look there, and `mtum reconcile` once the gateway answers")
            )
        elif state.status is OrderStatus.UNKNOWN:
            problems.append(Problem(ExitCode.PERSON, f"{what} is unknown at the broker: {state.text}"))
    return problems


def broken_off(orders: OrderStore, error: MtumError, day: date | None = None) -> tuple[Problem, ...]:
    """Return the problems of a command that an error ended: orders in doubt first, of whatever session.

    Parameters
    ----------
    orders : OrderStore
        Orders and their fills.
    error : MtumError
        Base of all errors raised on purpose; carries the exit code it means.
    day : date or None
        Whose denied and rejected orders are told too.
    """
    states = [one for one in orders.states(unresolved=True) if one.status.in_doubt]
    own = () if day is None else orders.states(day)
    states += [one for one in own if not one.status.in_doubt]
    of_orders = order_problems(states)
    in_doubt = any(one.status.in_doubt for one in states)
    text = str(error).removesuffix("; nothing was sent") if in_doubt else str(error)
    return (*of_orders, Problem(error.exit_code, text))


@contextmanager
def doubts_first(orders: OrderStore) -> Iterator[None]:
    """Let no command end with "unreachable" or "too late" alone while an order may be at the broker.

    Raises
    ------
    OrderUnconfirmedError
        In place of an error of code 4, with the orders in doubt before it.
    """
    try:
        yield
    except MtumError as error:
        problems = broken_off(orders, error)
        if error.exit_code is not ExitCode.BROKER or len(problems) == 1:
            raise
        raise OrderUnconfirmedError("; ".join(problem.text for problem in problems)) from error


def _executes(fill: BrokerFill, state: IntentState, permanent: set[str]) -> bool:
    if fill.ref:
        return intent_of(fill.ref) == state.intent.id
    same_day = fill.instant.date() == state.intent.session
    return fill.broker_id in permanent or (same_day and _numbered(fill, state))


def _of_order(fill: BrokerFill, order: BrokerOrder) -> bool:
    return fill.ref in ("", order.ref) or fill.broker_id == order.broker_id


def _numbered(listed: BrokerOrder | BrokerFill, state: IntentState) -> bool:
    # Order numbers repeat: after a gateway restart, and between clients. So symbol and side must fit too.
    intent = state.intent
    traded = {(intent.symbol, intent.side), *((leg.instrument, leg.side) for leg in intent.legs)}
    same = (state.client_id, state.order_id) == (listed.client_id, listed.order_id)
    return bool(state.order_id) and not listed.ref and same and (listed.symbol, listed.side) in traded


def _newest(fills: list[BrokerFill]) -> list[BrokerFill]:
    # A correction has the id of what it corrects but for the last part.
    return list({stem_of(fill.exec_id): fill for fill in sorted(fills, key=lambda fill: fill.exec_id)}.values())
