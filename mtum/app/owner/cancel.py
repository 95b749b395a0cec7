"""A person cancels working orders, while the exchange still allows it."""

from collections.abc import Sequence
from typing import Any

from mtum.app.desk import Desk, Problem, exit_code_of
from mtum.app.session.run_document import order_document
from mtum.core.market.sessions import Session
from mtum.core.portfolio.gate import LAST_CANCEL_MINUTES
from mtum.core.portfolio.orders import OrderStatus
from mtum.errors import DeadlineMissedError, ExitCode, UsageError
from mtum.ports.records import IntentState, Observed


def cancel(desk: Desk, session: Session, wanted: str | None = None) -> dict[str, Any]:
    """Cancel the session's working orders, or the one with that id or reference; none is sent again this session.

    Success is what fresh lists say, never the answer to the request.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    session : Session
        The session, with its open and close.
    wanted : str or None
        Id or reference of the one order; None for all.

    Raises
    ------
    UsageError
        If no working order of ours has that id.
    DeadlineMissedError
        From ten minutes before the close on: the exchange refuses it, and the order fills. Not for options, which
        a person may cancel as long as they work.
    """
    states = [
        state for state in desk.store.orders.states(session.day) if wanted in (None, state.intent.id, state.intent.ref)
    ]
    options, told = _options(desk, session, wanted)
    if wanted is not None and not states and not options:
        raise UsageError(f'no order of {session.day} has the id "{wanted}"; `mtum show orders` lists them')
    working = [state for state in states if state.status.working]
    problems = (*told, *(cancel_working(desk, session, working) if working else ()))
    after = [desk.store.orders.state_of(state.intent.id) or state for state in working]
    return {
        "session": session.day.isoformat(),
        "canceled": [state.intent.ref for state in after if state.status is OrderStatus.CANCELED],
        "orders": [order_document(state) for state in after],
        "problems": [problem.document() for problem in problems],
        "exit_code": int(exit_code_of(problems)),
    }


def _options(desk: Desk, session: Session, wanted: str | None) -> tuple[list[str], tuple[Problem, ...]]:
    if not desk.settings.trades_options:
        return [], ()
    from mtum.app.options.cancel_options import cancel_options  # an account without options loads none of it

    return cancel_options(desk, session, wanted)


def cancel_working(desk: Desk, session: Session, working: Sequence[IntentState]) -> tuple[Problem, ...]:
    """Cancel these orders at the broker; return which of them are not canceled.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    session : Session
        The session, with its open and close.
    working : sequence of IntentState
        Orders that work.

    Raises
    ------
    DeadlineMissedError
        From ten minutes before the close on.
    """
    desk.broker.connect()
    try:
        last = session.before_close(LAST_CANCEL_MINUTES)
        if desk.broker.server_time() >= last:
            raise DeadlineMissedError(f"orders on the close cannot be canceled after {last:%H:%M:%S} UTC; they fill")
        return tuple(problem for state in working for problem in _cancel_one(desk, state))
    finally:
        desk.broker.close()


def _cancel_one(desk: Desk, state: IntentState) -> list[Problem]:
    intent = state.intent
    gone = desk.broker.cancel(intent.ref)
    now = desk.clock.now()
    if not gone:
        desk.store.orders.record_event(intent.id, now, "cancel_refused", "fresh lists still show it, or a fill of it")
        text = f"{intent.ref} ({intent.side.value} {intent.shares} {intent.symbol}) is not canceled: expect it to fill"
        return [Problem(ExitCode.PERSON, text)]
    desk.store.orders.move_order(intent.id, OrderStatus.CANCELED, now, Observed(text="canceled by a person"))
    return []
