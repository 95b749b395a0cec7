"""Between sending and close: is every working order still there?"""

from collections.abc import Sequence
from typing import Any

from mtum.app.desk import Desk, Problem, exit_code_of
from mtum.app.session.decide_and_order import RunResult, current_document
from mtum.app.session.exit_fallback import exit_fallback
from mtum.app.session.submit_orders import find_order, order_problems, record_seen
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
    working = [state for state in states if state.status.working]
    if not working and not _may_fall_back(desk, states):
        return RunResult(_document(desk, session, (), watched=0), ExitCode.DONE)
    desk.broker.connect()
    try:
        lists = desk.broker.lists()
        problems = tuple(problem for state in working for problem in _compared(desk, lists, state))
        problems += exit_fallback(desk, session)
    finally:
        desk.broker.close()
    return RunResult(_document(desk, session, problems, watched=len(working)), exit_code_of(problems))


def _may_fall_back(desk: Desk, states: Sequence[IntentState]) -> bool:
    rejected = any(state.status is OrderStatus.REJECTED and state.intent.purpose is Purpose.EXIT for state in states)
    return rejected and desk.settings.risk.exit_fallback == "market"


def _compared(desk: Desk, lists: BrokerLists, state: IntentState) -> list[Problem]:
    now = desk.clock.now()
    found = find_order(lists, state)
    if found is not None:
        record_seen(desk, state, found, now)
    elif any(fill.ref == state.intent.ref for fill in lists.fills):
        return []  # executed already; settling records it
    elif state.status is not OrderStatus.UNKNOWN:
        text = f"{state.intent.ref} is no longer in the broker's lists; look at the broker's own screen"
        desk.store.orders.event(state.intent.id, now, "vanished", text)
        return [Problem(ExitCode.PERSON, text)]
    after = desk.store.orders.find(state.intent.id)
    return order_problems([after]) + _canceled(after) if after else []


def _canceled(state: IntentState) -> list[Problem]:
    if state.status not in (OrderStatus.CANCELED, OrderStatus.EXPIRED):
        return []
    return [Problem(ExitCode.ORDER, f"{state.intent.ref} was canceled before the close: {state.code} {state.text}")]


def _document(desk: Desk, session: Session, problems: tuple[Problem, ...], *, watched: int) -> dict[str, Any]:
    return {**current_document(desk, session, problems), "watched": watched}
