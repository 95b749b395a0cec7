"""After a close: option orders are ended for good, by executions, lists and positions; what none explains is asked."""

from collections.abc import Iterable
from datetime import timedelta

from mtum.app.desk import Desk, Problem
from mtum.app.options.endings import option_problems, words_of
from mtum.app.options.overnight import others_seen
from mtum.app.options.take_up import beyond_books, take_up
from mtum.core.market.sessions import Session
from mtum.core.portfolio.orders import OrderStatus
from mtum.errors import ExitCode
from mtum.ports.options import OptionBroker, OptionLists, OptionState
from mtum.ports.records import Observed

FEE_TRIES = 2
FEE_PAUSE = timedelta(seconds=2)


def settle_options(desk: Desk, session: Session) -> tuple[OptionLists | None, tuple[Problem, ...]]:
    """End the option orders of this session and of earlier ones that no list shows; return the lists and what is wrong.

    Needs an open connection. Executions and fees that came late are booked. An order in doubt has lapsed where the
    positions are as without it.
    """
    store, broker = desk.store.options, desk.broker
    if not isinstance(broker, OptionBroker):
        return None, ()
    lists = broker.option_lists(store.contracts())
    for _ in range(FEE_TRIES):
        if all(fill.fee_usd is not None for fill in lists.fills if not fill.combo):
            break
        desk.clock.wait_until(desk.clock.now() + FEE_PAUSE)
        lists = broker.option_lists(store.contracts())
    unresolved = store.states(unresolved=True)
    waiting = [fill.session for fill in store.fills() if fill.fee_usd is None]
    for day in sorted({session.day, *(state.intent.session for state in unresolved), *waiting}):
        take_up(desk, lists, day)
    problems: list[Problem] = []
    for state in store.states(unresolved=True):
        over = desk.calendar.sessions(state.intent.session, state.intent.session).get(state.intent.session)
        if over is not None and desk.clock.now() >= over.close:
            problems += _ended(desk, broker, lists, state)
    return lists, (*problems, *option_problems(desk, session))


def _ended(desk: Desk, broker: OptionBroker, lists: OptionLists, state: OptionState) -> Iterable[Problem]:
    store, now, live, what = desk.store.options, desk.clock.now(), state.live, words_of(state.intent)
    if live is None:
        if state.filled is not None:
            store.end_intent(state.intent.id, OrderStatus.LAPSED, now, "its session is over")
        return ()
    ref = live.attempt.ref
    if any(order.ref == ref for order in lists.working):
        did = "it was canceled" if broker.cancel_option(ref) else "it could not be canceled: cancel it by hand NOW"
        return (Problem(ExitCode.PERSON, f"{what}: {ref} still works though its session has closed; {did}"),)
    legs = [leg.contract for leg in state.intent.legs]
    beyond, others = beyond_books(lists, store.book().contracts(), legs), others_seen(desk)
    if state.filled is None or any(beyond[one] != others.get(one, 0) for one in legs):
        numbers = ", ".join(f"{one.words}: {beyond[one] - others.get(one, 0):+d}" for one in legs)
        text = f"{what}: {ref} ended, and the broker's positions differ from our books ({numbers})"
        return (Problem(ExitCode.PERSON, f"{text}; look at its own screen, then `mtum reconcile`"),)
    if live.status.in_doubt:
        if live.status is not OrderStatus.UNKNOWN:
            store.move_attempt(ref, OrderStatus.UNKNOWN, now, Observed(text="begun, and no list shows it"))
        text = "its session is over, no list shows it, and the positions are as without it"
        store.move_attempt(ref, OrderStatus.LAPSED, now, Observed(text=text))
    else:
        text = "the broker no longer lists it; not filled further"
        store.move_attempt(ref, OrderStatus.EXPIRED, now, Observed(text=text))
    return ()
