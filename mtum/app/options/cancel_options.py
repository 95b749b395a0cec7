"""A person cancels orders in options: the run that manages them does it, or this one where none is at work."""

from typing import Any

from mtum.app.desk import Desk, Problem
from mtum.app.options.endings import words_of
from mtum.app.options.take_up import take_up
from mtum.core.canonical import canonical, parsed
from mtum.core.market.sessions import Session
from mtum.core.portfolio.orders import OrderStatus
from mtum.errors import ExitCode, RunLockedError
from mtum.ports.options import OptionBroker, OptionState
from mtum.ports.records import Observed
from mtum.ports.store import Store

ASKED = "option_cancels"
"""Key in `meta` of the session and the ids of the intents that a person has canceled."""


def asked_to_cancel(store: Store, session: Session) -> frozenset[str]:
    """Return the intents of a session that a person has canceled: none of them is offered again."""
    found = parsed(dict[str, Any], store.control.meta(ASKED) or "{}", ASKED)
    return frozenset(found["ids"]) if found.get("session") == session.day.isoformat() else frozenset()


def cancel_options(desk: Desk, session: Session, wanted: str | None) -> tuple[list[str], tuple[Problem, ...]]:
    """Cancel the session's option orders that have not ended, or the one with that id or reference.

    Returns the ids of those that were found, and what a person has to know.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    session : Session
        The session, with its open and close.
    wanted : str or None
        Id or reference of the one order; None for all.
    """
    found = [
        state
        for state in desk.store.options.states(session.day, unresolved=True)
        if wanted in (None, state.intent.id, *(one.attempt.ref for one in state.attempts))
    ]
    ids = [state.intent.id for state in found]
    if not found:
        return ids, ()
    kept = sorted({*asked_to_cancel(desk.store, session), *ids})
    desk.store.control.set_meta(ASKED, canonical({"session": session.day.isoformat(), "ids": kept}))
    try:
        with desk.store.lock():
            return ids, _canceled(desk, session, found)
    except RunLockedError:
        text = "the run that is at work cancels it with its next look, within half a minute"
        return ids, tuple(Problem(ExitCode.DONE, f"{words_of(state.intent)}: {text}") for state in found)


def _canceled(desk: Desk, session: Session, found: list[OptionState]) -> tuple[Problem, ...]:
    store, broker, problems = desk.store.options, desk.broker, list[Problem]()
    broker.connect()
    try:
        if not isinstance(broker, OptionBroker):
            return (Problem(ExitCode.PERSON, f"{broker.name} trades no options: cancel them at the broker"),)
        gone = {one.live.attempt.ref: broker.cancel_option(one.live.attempt.ref) for one in found if one.live}
        take_up(desk, broker.option_lists(store.contracts()), session.day)
    finally:
        broker.close()
    for state in store.states(session.day):
        live, now = state.live, desk.clock.now()
        if state.intent.id not in {one.intent.id for one in found}:
            continue
        if live is None:
            if not state.status.terminal:
                store.end_intent(state.intent.id, OrderStatus.CANCELED, now, "canceled by a person")
        elif gone.get(live.attempt.ref) and not live.status.in_doubt:
            store.move_attempt(live.attempt.ref, OrderStatus.CANCELED, now, Observed(text="canceled by a person"))
        else:
            text = f"{words_of(state.intent)}: {live.attempt.ref} is not canceled; look at the broker's own screen"
            problems.append(Problem(ExitCode.PERSON, text))
    return tuple(problems)
