"""`mtum explain`: the decision record of one session."""

import typer

from mtum.cli.arguments import Session, day_of
from mtum.cli.context import call_of
from mtum.cli.output import Answer, plain
from mtum.cli.stored import NOTHING_YET, stand_in, stored
from mtum.errors import UsageError


def explain(context: typer.Context, session: Session = None) -> Answer:
    """Every input, threshold, margin and result of a decision, and the smallest change that would have flipped it."""
    from mtum.adapters.store import reading

    day = day_of(session, "--session")
    call = call_of(context)
    with stored(call) as connection:
        found = None if connection is None else reading.decision(connection, day)
    if found is None and day is not None:
        raise UsageError(f"no decision is stored for {day}; `mtum show decisions` lists them")
    if found is None:
        missing = NOTHING_YET if connection is None else "no decision is recorded yet"
        return Answer({"session": None, "action": None}, [missing])
    from mtum.app.records.status import REPLAYED_SOURCES
    from mtum.config import restored_strategy
    from mtum.core.reporting.explain import explanation_of, explanation_text
    from mtum.core.reporting.figures import REPLAYED

    settings = found["settings"]
    replay = settings.get("mode") == "practice" and settings["market"]["source"] in REPLAYED_SOURCES
    told = explanation_of(found, restored_strategy(str(found["strategy"]), found["settings"]))
    return Answer(plain(told), [explanation_text(told), *([REPLAYED] if replay else []), *stand_in(call)])
