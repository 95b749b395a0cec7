"""What the broker's lists explain is recorded: executions, then how each order stands; after a close, for good."""

from collections.abc import Collection, Sequence

from mtum.app.desk import Desk, Problem
from mtum.app.ledger.equity import restate_equity
from mtum.app.ledger.sleeve_records import write_lots
from mtum.app.session.differences import Difference, balance_of, order_differences, unbooked
from mtum.app.session.match_orders import (
    PENDING,
    cancel_at_once,
    executions_of,
    find_order,
    find_trace,
    record_seen,
)
from mtum.core.market.instruments import instrument
from mtum.core.market.sessions import Session
from mtum.core.portfolio.fills import Fill, stem_of
from mtum.core.portfolio.orders import OrderStatus, intent_of
from mtum.ports.broker import BrokerFill, BrokerLists
from mtum.ports.records import IntentState, Observed

STATED = "stated."
"""Prefix of the id of an execution that a person stated because no list shows it any more."""


def record_from_lists(
    desk: Desk, lists: BrokerLists, states: Sequence[IntentState] | None = None, *, adopt: bool = False
) -> list[Difference]:
    """Record what the lists explain, and return in what they differed from our records before.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    lists : BrokerLists
        What the broker says of the account, freshly asked.
    states : sequence of IntentState or None
        Orders to look at; None for all that the lists can say something of.
    adopt : bool
        Whether a working order that we did not know to be there is taken up too. A run does it by
        itself, with checks of its own.
    """
    states = desk.store.books.concerned(lists) if states is None else states
    found = order_differences(desk, lists, states)
    fills = [_fill(state, fill) for state in states for fill in executions_of(lists, state)]
    # A person may have stated this fill; when the broker then lists its executions, they must not count again.
    told = {fill.intent_id for fill in fills}
    known = set(desk.store.orders.fills(intents=told)) if told else set()
    stated = {one.intent_id for one in known if one.exec_id.startswith(STATED)}
    again = _told_again(fills, [one for one in known if one.intent_id not in stated], lists)
    found += [_another_id(fill, old) for fill, old in again]
    twice = {fill.exec_id for fill, _ in again}
    fresh = [fill for fill in fills if fill.intent_id not in stated and fill.exec_id not in twice]
    with desk.store.together():
        desk.store.orders.add_fills(fresh)
        changed = {fill.session for fill in set(desk.store.orders.fills(intents=told)) - known} if told else set()
        if changed:
            write_lots(desk.store)
            # A late fill, fee or corrected price changes the equity of its own session and of every later one.
            if any(desk.store.ledger.equity(sleeve.name, min(changed)) for sleeve in desk.sleeves):
                restate_equity(desk, min(changed))
    now = desk.clock.now()
    for state in states:
        listed = None if state.intent.purpose.internal else find_trace(lists, state)
        if (
            listed is None
            or listed.status.in_doubt
            or (not adopt and state.status in PENDING and listed.status.working)
        ):
            continue
        if (listed.status, listed.filled) != (state.status, state.filled) or not state.broker_id:
            record_seen(desk, state, listed, now)
    for one in found:
        if one.kind == "vanished":
            desk.store.orders.record_event(one.about, now, one.kind, one.text)
    return [one for one in found if not (adopt and one.kind == "not adopted")]


def _told_again(fills: Sequence[Fill], known: Collection[Fill], lists: BrokerLists) -> list[tuple[Fill, Fill]]:
    """Return executions with the one that we hold in whose place they stand: listed alike but for its id."""
    listed = {stem_of(fill.exec_id) for fill in lists.fills}
    stems = {one.stem for one in known}
    gone = {(one.intent_id, one.instant, one.shares, one.price): one for one in known if one.stem not in listed}
    new = [fill for fill in fills if fill.stem not in stems]
    return [(fill, old) for fill in new if (old := gone.get((fill.intent_id, fill.instant, fill.shares, fill.price)))]


def _another_id(fill: Fill, old: Fill) -> Difference:
    what = f"{fill.side.value} {fill.shares} {fill.symbol} at {fill.price}"
    text = f"{what}: the broker lists execution '{fill.exec_id}' where it had '{old.exec_id}'; it is not booked again"
    return Difference("another id", fill.intent_id, f"{text}: look at the broker's own screen")


def cancel_left_over(desk: Desk, lists: BrokerLists) -> list[Problem]:
    """Cancel orders of ours that still work though their session has closed: the next close would fill them."""
    problems = []
    for order in lists.orders:
        state = desk.store.orders.state_of(intent_of(order.ref)) if order.may_fill else None
        if state is not None and _over(desk, state):
            why = f"it still works though {state.intent.session} has closed"
            problems.append(cancel_at_once(desk, state, order, why))
    return problems


def _over(desk: Desk, state: IntentState) -> bool:
    day = state.intent.session
    session = desk.calendar.sessions(day, day).get(day)
    return session is not None and desk.clock.now() >= session.close


def close_orders(desk: Desk, session: Session, lists: BrokerLists) -> None:
    """End the session's orders that no longer work once it is over; what the lists explain is recorded before.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    session : Session
        The session, with its open and close.
    lists : BrokerLists
        What the broker says of the account, freshly asked.
    """
    if desk.clock.now() < session.close:
        return
    for state in desk.store.orders.states(session.day):
        listed = find_order(lists, state)
        if listed is None or listed.status is OrderStatus.SUBMITTING or not listed.status.working:
            _end(desk, lists, state)


def close_earlier(desk: Desk, lists: BrokerLists, session: Session) -> None:
    """End orders of earlier sessions that nobody settled, if no list shows them.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    lists : BrokerLists
        What the broker says of the account, freshly asked.
    session : Session
        The session, with its open and close.
    """
    for state in desk.store.orders.states(unresolved=True):
        if state.intent.session < session.day and find_order(lists, state) is None:
            _end(desk, lists, state)


def _end(desk: Desk, lists: BrokerLists, state: IntentState) -> None:
    key, now = state.intent.id, desk.clock.now()
    filled = desk.store.books.executed(key)
    if state.status.terminal:
        # The executions decide, not the status that the broker reported last.
        if filled > state.filled or (filled and state.status in (OrderStatus.REJECTED, OrderStatus.LAPSED)):
            _end_filled(desk, state, filled)
    elif filled >= state.intent.shares:
        _end_filled(desk, state, filled)
    elif state.status is OrderStatus.PLANNED:
        desk.store.orders.move_order(key, OrderStatus.LAPSED, now, Observed(text="its session is over"))
    elif _unbooked(desk, lists, state):
        text = "no list shows it, and the position is as if it was filled: `mtum reconcile` shows the way out"
        desk.store.orders.move_order(key, OrderStatus.UNKNOWN, now, Observed(text=text))
    elif filled:
        _end_filled(desk, state, filled)
    elif state.status.in_doubt and state.broker_id is None:
        desk.store.orders.move_order(key, OrderStatus.UNKNOWN, now, Observed(text="begun, and no list shows it"))
        if desk.broker.proves_absence or balance_of(desk, lists, state.intent.symbol).surplus == 0:
            text = "its session is over, no list shows it, and the position is as without it"
            desk.store.orders.move_order(key, OrderStatus.LAPSED, now, Observed(text=text))
    else:
        text = "the broker no longer lists it; not filled further"
        desk.store.orders.move_order(key, OrderStatus.EXPIRED, now, Observed(text=text))


def _end_filled(desk: Desk, state: IntentState, filled: int) -> None:
    now = desk.clock.now()
    whole = filled >= state.intent.shares
    if state.status is OrderStatus.PLANNED:
        desk.store.orders.move_order(
            state.intent.id, OrderStatus.ACCEPTED, now, Observed(text="executed, as the broker says")
        )
    partly = OrderStatus.CANCELED if state.status is OrderStatus.CANCELED else OrderStatus.EXPIRED
    status = OrderStatus.FILLED if whole else partly
    desk.store.orders.move_order(state.intent.id, status, now, Observed(filled=filled, text="by its executions"))


def _unbooked(desk: Desk, lists: BrokerLists, state: IntentState) -> bool:
    """Whether the position differs from our lots just as if this order was filled further."""
    explained = unbooked(desk, lists, [state], balance_of(desk, lists, state.intent.symbol))
    return explained is not None and not desk.broker.proves_absence


def _fill(state: IntentState, fill: BrokerFill) -> Fill:
    return Fill(
        exec_id=fill.exec_id,
        intent_id=state.intent.id,
        account=fill.account,
        strategy=state.intent.strategy,
        symbol=fill.symbol,
        side=fill.side,
        session=state.intent.session,
        instant=fill.instant,
        shares=int(fill.shares),
        price=fill.price,
        commission_usd=fill.commission_usd,
        multiplier=instrument(fill.symbol).multiplier,
    )
