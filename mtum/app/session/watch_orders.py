"""Between sending and close: is every working order still there?"""

from mtum.app.desk import Desk, Problem, RunResult, exit_code_of
from mtum.app.session.close_orders import record_from_lists
from mtum.app.session.decide_and_order import current_document
from mtum.app.session.exit_fallback import exit_fallback
from mtum.app.session.match_orders import unread_problems
from mtum.core.market.sessions import Session
from mtum.core.portfolio.orders import OrderStatus
from mtum.ports.records import IntentState


def watch_orders(desk: Desk, session: Session) -> RunResult:
    """Ask the lists afresh and compare every order that may have reached the broker, ended ones too.

    An order that vanished from the lists, was rejected, canceled or reduced since, or works although we
    took it for ended, is a problem at once, while a person can still act. Nothing is sent from here but
    the market order that the owner asked for in place of a finally rejected exit.
    """
    states = [state for state in desk.store.orders.states(session.day) if _may_be_there(state)]
    problems: tuple[Problem, ...] = ()
    if states:
        desk.broker.connect()
        try:
            lists = desk.broker.lists()
            problems += tuple(one.problem() for one in record_from_lists(desk, lists, states, adopt=True))
            problems += tuple(unread_problems(lists, desk.store.orders.states(session.day)))
            problems += exit_fallback(desk, session)
        finally:
            desk.broker.close()
    document = {**current_document(desk, session, problems), "watched": len(states)}
    return RunResult(document, exit_code_of(problems))


def _may_be_there(state: IntentState) -> bool:
    # Not yet claimed for sending, or refused by our own gate: the broker has never heard of it.
    never_left = (OrderStatus.PLANNED, OrderStatus.DENIED, OrderStatus.LAPSED)
    stated = state.intent.purpose.internal
    return not stated and (state.status not in never_left or state.submitted_at is not None or state.intent.attempt > 1)
