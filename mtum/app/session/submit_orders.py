"""From intent to order, exactly once: claim durably, send once, believe only the broker's own lists."""

from datetime import datetime, timedelta

from msgspec.structs import replace

from mtum.app.approvals.approve_orders import wait_for_approval, way_of
from mtum.app.desk import Desk, Problem
from mtum.app.ledger.unsound_books import unsound_books
from mtum.app.session.differences import way_out_of_doubt
from mtum.app.session.match_orders import (
    PENDING,
    cancel_at_once,
    find_trace,
    inactive,
    order_problems,
    record_seen,
    too_many,
    unread_problems,
    what_of,
)
from mtum.core.market.sessions import Session
from mtum.core.portfolio.gate import LAST_CANCEL_MINUTES, MARKET_LAST_MINUTES, last_instant
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.orders import OrderStatus, intent_of, ticket_of
from mtum.errors import BrokerError, BrokerUnavailableError, ExitCode
from mtum.ports.broker import (
    Accepted,
    BrokerLists,
    BrokerOrder,
    Clearing,
    Denied,
    NoAnswer,
    NotSent,
    Rejected,
    SubmitOutcome,
)
from mtum.ports.records import IntentState, Observed

ASK_EVERY = timedelta(seconds=10)


def submit_orders(desk: Desk, session: Session) -> tuple[Problem, ...]:
    """Send every planned intent of the session that no list shows yet; return what went wrong.

    An intent found at the broker under its reference is adopted. One whose sending was begun and
    that no list shows is unknown: it is not sent again unless the broker proves absence.

    An order that was decided before fills were changed is sent if it closes something: the last gate compares it
    with what the broker holds. A purchase waits, as what it may cost is worked out of the books.
    """
    pending = [state for state in desk.store.orders.states(session.day) if state.status in PENDING]
    changed = unsound_books(desk.store.events) if pending else ""
    problems = [Problem(ExitCode.PERSON, changed)] if changed else []
    for state in sorted(pending, key=lambda state: state.intent.purpose.opens):
        problems += _adopt_or_send(desk, session, state, unsound=bool(changed))
    return tuple(problems)


def _adopt_or_send(desk: Desk, session: Session, state: IntentState, *, unsound: bool) -> list[Problem]:
    # A person may take minutes: the lists are asked after the wait, so that they are fresh when it is sent.
    if state.status is OrderStatus.PLANNED and not wait_for_approval(desk, session, state.intent):
        return _not_approved(desk, state)
    lists = desk.broker.lists()
    desk.journal.reached("listed")
    now = desk.clock.now()
    # An execution that cannot be read may be this order's.
    stopped = too_many(lists, state) + ([] if state.status is not OrderStatus.PLANNED else unread_problems(lists))
    if stopped:
        return stopped
    found = find_trace(lists, state)
    if found is not None and found.status is OrderStatus.SUBMITTING:
        # Listed without a permanent id: it is there, and not accepted yet.
        why = "the broker lists it without a permanent id"
        if _claimed(desk, state) is not Restriction.NONE:
            return [Problem(ExitCode.PERSON, f"{state.intent.ref}: {why}, and trading is halted; look there")]
        return _resolve(desk, session, desk.store.orders.state_of(state.intent.id) or state, why)
    if found is not None:
        record_seen(desk, state, found, now)
        desk.journal.reached("adopted")
        held = _other_session(desk, session, state, found)
        return held + _problems_after(desk, state) + _in_doubt_besides(state, found) + inactive(found)
    if state.status is not OrderStatus.PLANNED and not desk.broker.proves_absence:
        return _unknown(desk, state, "begun earlier, and no list shows it", lists)
    if now > _last_moment(desk, session, state):
        return _too_late(desk, session, state)
    if unsound and state.intent.purpose.opens:
        return [Problem(ExitCode.PERSON, f"{what_of(state)} was not sent and waits until the books are sound")]
    return _send(desk, session, state)


def _in_doubt_besides(state: IntentState, found: BrokerOrder) -> list[Problem]:
    begun = state.status is not OrderStatus.PLANNED
    if not begun or intent_of(found.ref) != state.intent.id or found.ref == state.intent.ref:
        return []
    text = f"the broker lists {found.ref}, stated as never sent; {state.intent.ref} may be there too: look there"
    return [Problem(ExitCode.PERSON, text)]


def _last_moment(desk: Desk, session: Session, state: IntentState) -> datetime:
    return last_instant(session, state.intent.order_type, desk.settings.schedule.last_send_minutes)


def _send(desk: Desk, session: Session, state: IntentState) -> list[Problem]:
    intent = state.intent
    if state.status is OrderStatus.UNKNOWN:
        # Only a broker that proves absence lets it come here: that attempt was never taken.
        desk.store.orders.move_order(intent.id, OrderStatus.PLANNED, desk.clock.now(), Observed(text="never taken"))
        state = desk.store.orders.state_of(intent.id) or state
    refused = desk.broker.clear(ticket_of(state.intent)) if isinstance(desk.broker, Clearing) else None
    if refused is not None:
        # Before the claim, so that a run that is killed meanwhile leaves no doubt behind.
        return _after_answer(desk, session, state, refused)
    stopped = _claimed(desk, state)
    if stopped is not Restriction.NONE:
        what = f"{intent.symbol} {intent.purpose.value} not sent"
        return [Problem(ExitCode.HALTED, f"{what}: halted ({stopped.value}); `mtum resume` lifts it")]
    outcome = _submit(desk, state)
    desk.journal.reached("sent")
    return _after_answer(desk, session, state, outcome)


def _claimed(desk: Desk, state: IntentState) -> Restriction:
    """Claim an intent for sending; return the halt that forbids it, NONE when it may be sent."""
    if state.status is OrderStatus.PLANNED:
        stopped = desk.store.orders.claim_order(state.intent.id, desk.clock.now())
        if stopped is Restriction.NONE:
            desk.journal.reached("claimed")
        return stopped
    # Claimed by a run that was cut short and never sent; a halt given since then counts.
    found = desk.store.control.restriction(state.intent.strategy)
    harmless = found is Restriction.REDUCE_ONLY and not state.intent.purpose.opens
    return Restriction.NONE if harmless else found


def _not_approved(desk: Desk, state: IntentState) -> list[Problem]:
    intent, way = state.intent, way_of(state.intent)
    text = f"{intent.side.value} {intent.shares} {intent.symbol} was not approved in time and lapsed; nothing was sent"
    desk.store.orders.move_order(intent.id, OrderStatus.LAPSED, desk.clock.now(), Observed(text="not approved"))
    return [Problem(ExitCode.HALTED, f"{text} (`mtum approve --session {intent.session} --{way}` in advance)")]


def _submit(desk: Desk, state: IntentState) -> SubmitOutcome:
    try:
        return desk.broker.submit(ticket_of(state.intent))
    except BrokerUnavailableError as error:
        # The error may have come before or after the order left: only the broker's lists can tell.
        return NoAnswer(str(error))


def _after_answer(desk: Desk, session: Session, state: IntentState, outcome: SubmitOutcome) -> list[Problem]:
    intent, at = state.intent, desk.clock.now()
    match outcome:
        case Accepted(order):
            record_seen(desk, state, order, at)
            desk.journal.reached("acknowledged")
            return _other_session(desk, session, state, order) + _problems_after(desk, state)
        case Rejected(code, text, final, by_code):
            if not final:
                resolved = _resolve(desk, session, state, f"{code} {text}", code if by_code else None)
                return _works_all_the_same(desk, state, f"{code} {text}") + resolved
            desk.store.orders.move_order(intent.id, OrderStatus.REJECTED, at, Observed(code=str(code), text=text))
            return _problems_after(desk, state)
        case Denied(code_word, text):
            desk.store.orders.move_order(intent.id, OrderStatus.DENIED, at, Observed(code=code_word, text=text))
            return _problems_after(desk, state)
        case NotSent(text):
            return _not_sent(desk, session, state, text)
        case NoAnswer(text, client_id, order_id):
            number = Observed(client_id=client_id, order_id=order_id)
            desk.store.orders.move_order(intent.id, OrderStatus.SUBMITTING, at, number)
            return _resolve(desk, session, desk.store.orders.state_of(intent.id) or state, text)


def _not_sent(desk: Desk, session: Session, state: IntentState, why: str) -> list[Problem]:
    """Plan the next attempt: this one certainly never became an order, so that it may be sent after all."""
    intent = state.intent
    desk.store.orders.move_order(intent.id, OrderStatus.PLANNED, desk.clock.now(), Observed(text=why))
    desk.journal.reached("not_sent")
    last = _last_moment(desk, session, state)
    what = f"{intent.symbol} {intent.purpose.value} of {intent.shares} not sent"
    return [Problem(ExitCode.BROKER, f"{what}: {why}; `mtum run` again before {last:%H:%M:%S} UTC")]


def _other_session(desk: Desk, session: Session, state: IntentState, order: BrokerOrder) -> list[Problem]:
    if order.session in (None, session.day) or not order.status.working:
        return []
    seen = desk.store.orders.state_of(state.intent.id) or state
    return [cancel_at_once(desk, seen, order, f"the broker holds the order for {order.session}")]


def _works_all_the_same(desk: Desk, state: IntentState, why: str) -> list[Problem]:
    """Return the problem that an order works although the broker refused it, or would not cancel it."""
    after = desk.store.orders.state_of(state.intent.id) or state
    if after.status not in (OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED):
        return []
    text = f"{what_of(state)} still works at the broker, which answered {why}: expect it to fill"
    return [Problem(ExitCode.PERSON, text)]


def _resolve(
    desk: Desk, session: Session, state: IntentState, why: str, rejected_by: int | None = None
) -> list[Problem]:
    """Ask the lists until they show the order or time is up; then it is unknown, for good.

    Parameters
    ----------
    rejected_by : int or None
        Code by which it was rejected; it counts where the lists show it as ended.
    """
    seconds = desk.settings.broker.resolve_seconds
    until = session.before_close(LAST_CANCEL_MINUTES if state.intent.order_type.on_close else MARKET_LAST_MINUTES)
    if seconds is not None:
        until = min(until, desk.clock.now() + timedelta(seconds=seconds))
    while True:
        lists = _lists_or_none(desk)
        found = find_trace(lists, state) if lists else None
        if found is not None and found.status is not OrderStatus.SUBMITTING:
            ended = found.status is OrderStatus.REJECTED and not found.inactive
            told = replace(found, code=rejected_by, text=found.text or why) if ended and rejected_by else found
            record_seen(desk, state, told, desk.clock.now())
            desk.journal.reached("acknowledged")
            return _problems_after(desk, state) + _ended_by_broker(state, found, why) + inactive(found)
        if desk.clock.now() >= until:
            return _unknown(desk, state, why or "no answer", lists)
        desk.clock.wait_until(min(until, desk.clock.now() + ASK_EVERY))


def _ended_by_broker(state: IntentState, found: BrokerOrder, why: str) -> list[Problem]:
    if found.status not in (OrderStatus.CANCELED, OrderStatus.EXPIRED):
        return []
    return [Problem(ExitCode.ORDER, f"{state.intent.ref} was canceled right after it was sent: {why or found.text}")]


def _lists_or_none(desk: Desk) -> BrokerLists | None:
    try:
        return desk.broker.lists()
    except BrokerError:
        return None  # asked again until the time is up


def _unknown(desk: Desk, state: IntentState, why: str, lists: BrokerLists | None) -> list[Problem]:
    intent = state.intent
    desk.store.orders.move_order(intent.id, OrderStatus.UNKNOWN, desk.clock.now(), Observed(text=why))
    words, _ = way_out_of_doubt(desk, desk.store.orders.state_of(intent.id) or state, lists)
    what = f"{intent.side.value} {intent.shares} {intent.symbol}"
    return [Problem(ExitCode.PERSON, f"order {intent.ref} ({what}) may be at the broker: {why}; {words}")]


def _too_late(desk: Desk, session: Session, state: IntentState) -> list[Problem]:
    last = _last_moment(desk, session, state)
    intent = state.intent
    if state.status is OrderStatus.PLANNED:
        desk.store.orders.move_order(intent.id, OrderStatus.LAPSED, desk.clock.now(), Observed(text="deadline missed"))
    text = (
        f"{intent.symbol} {intent.purpose.value} of {intent.shares} not sent: the last moment was {last:%H:%M:%S} UTC"
    )
    return [Problem(ExitCode.BROKER, text)]


def _problems_after(desk: Desk, state: IntentState) -> list[Problem]:
    now = desk.store.orders.state_of(state.intent.id)
    return order_problems([now]) if now else []
