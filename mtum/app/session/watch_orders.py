"""Between sending and close: is every working order still there?"""

from collections.abc import Sequence
from typing import Any

from mtum.app.desk import Desk, Problem, exit_code_of
from mtum.app.session.decide_and_order import RunResult, current_document
from mtum.app.session.exit_fallback import exit_fallback
from mtum.app.session.match_orders import (
    executions_of,
    find_order,
    order_problems,
    record_seen,
    too_many,
    unread_problems,
)
from mtum.core.market.sessions import Session
from mtum.core.portfolio.orders import OrderStatus, Purpose
from mtum.errors import ExitCode
from mtum.ports.broker import BrokerLists
from mtum.ports.records import IntentState


def watch_orders(desk: Desk, session: Session) -> RunResult:
    """Ask the lists afresh and compare; without a working order the broker is not disturbed.

    An order that vanished from the lists, was rejected or canceled since is a problem at once,
    while a person can still act. Nothing is sent from here but the market order that the owner
    asked for in place of a finally rejected exit.
    """
    states = desk.store.orders.states(session.day)
    working = [state for state in states if state.status.working or _not_believed(state)]
    if not working and not _may_fall_back(desk, states):
        return RunResult(_document(desk, session, (), watched=0), ExitCode.DONE)
    desk.broker.connect()
    try:
        lists = desk.broker.lists()
        problems = tuple(problem for state in working for problem in _compared(desk, lists, state))
        problems += tuple(unread_problems(lists, desk.store.orders.states(session.day)))
        problems += exit_fallback(desk, session)
    finally:
        desk.broker.close()
    return RunResult(_document(desk, session, problems, watched=len(working)), exit_code_of(problems))


def _not_believed(state: IntentState) -> bool:
    # Canceled, or stated as never sent: the broker may list it all the same.
    stated = state.status is OrderStatus.PLANNED and state.intent.attempt > 1
    return stated or state.status is OrderStatus.CANCELED


def _may_fall_back(desk: Desk, states: Sequence[IntentState]) -> bool:
    rejected = any(state.status is OrderStatus.REJECTED and state.intent.purpose is Purpose.EXIT for state in states)
    return rejected and desk.settings.risk.exit_fallback == "market"


def _compared(desk: Desk, lists: BrokerLists, state: IntentState) -> list[Problem]:
    now, ref = desk.clock.now(), state.intent.ref
    doubles = too_many(lists, state)
    found = find_order(lists, state)
    believed = not _not_believed(state)
    if found is not None:
        record_seen(desk, state, found, now)
        if not believed:
            text = f"{found.ref} is {state.status.value} here, but works at the broker: expect it to fill"
            return [*doubles, *([Problem(ExitCode.PERSON, text)] if found.status.working else [])]
    elif executions_of(lists, state) or not believed:
        return []  # executed already: settling records it; or gone, as we have it
    elif state.status is not OrderStatus.UNKNOWN:
        text = f"{ref} is no longer in the broker's lists; look at the broker's own screen"
        desk.store.orders.event(state.intent.id, now, "vanished", text)
        return [Problem(ExitCode.PERSON, text)]
    after = desk.store.orders.find(state.intent.id)
    return [*doubles, *order_problems([after]), *_canceled(after)] if after else doubles


def _canceled(state: IntentState) -> list[Problem]:
    if state.status not in (OrderStatus.CANCELED, OrderStatus.EXPIRED):
        return []
    return [Problem(ExitCode.ORDER, f"{state.intent.ref} was canceled before the close: {state.code} {state.text}")]


def _document(desk: Desk, session: Session, problems: tuple[Problem, ...], *, watched: int) -> dict[str, Any]:
    return {**current_document(desk, session, problems), "watched": watched}
