"""The morning's look at what became of options overnight, as a job of its own."""

from datetime import timedelta

from mtum.app.desk import Desk, Problem, RunResult, exit_code_of
from mtum.app.options.overnight import look_overnight
from mtum.core.market.sessions import Session
from mtum.errors import MtumError

LOOKED_BACK = timedelta(days=500)
"""How far back the bars reach that the close of an expired contract is read with."""
SECOND = "second"
"""Slot of the look by which everything of the night is booked at the broker."""


def option_events(desk: Desk, session: Session, slot: str) -> RunResult:
    """Book what became of options since the last session; asked again only where the first look left something open.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    session : Session
        The session, with its open and close.
    slot : str
        "first" at 09:45 in New York, "second" at 10:15.
    """
    earlier = desk.store.runs.run_of("option_events", "first", session.day) if slot == SECOND else None
    if earlier is not None and (earlier.document or {}).get("undecided") == []:
        return RunResult({"session": session.day.isoformat(), "note": "the first look left nothing undecided"})
    sessions = desk.calendar.sessions(session.day - LOOKED_BACK, session.day)
    undecided: list[str] = []
    try:
        desk.broker.connect()
        try:
            lists = desk.broker.lists()
            found = look_overnight(desk, session, sessions, lists, asked_again=slot == SECOND)
        finally:
            desk.broker.close()
        problems, undecided = found.problems, sorted(found.barred)
    except MtumError as error:
        problems, undecided = (Problem(error.exit_code, str(error)),), ["?"]
    document = {
        "session": session.day.isoformat(),
        "undecided": undecided,
        "problems": [problem.document() for problem in problems],
    }
    return RunResult(document, exit_code_of(problems))
