"""`mtum explain`: the decision record of one session."""

import typer

from mtum.cli.arguments import Session
from mtum.cli.context import call_of
from mtum.cli.output import Answer, plain
from mtum.cli.stored import NOTHING_YET, stand_in
from mtum.errors import UsageError


def explain(context: typer.Context, session: Session = None) -> Answer:
    """Every input, threshold, margin and result of a decision, and the smallest change that would have flipped it."""
    from mtum.wiring.resources import opened_reader

    call = call_of(context)
    with opened_reader(call.settings(), call.database()) as reader:
        found = None if reader is None else reader.decision(session)
    if found is None and session is not None:
        raise UsageError(f"no decision is stored for {session}; `mtum show decisions` lists them")
    if found is None:
        missing = NOTHING_YET if reader is None else "no decision is recorded yet"
        return Answer({"session": None, "action": None}, [missing])
    from mtum.app.queries.explain import explained
    from mtum.core.reporting.explain import explanation_text
    from mtum.core.reporting.figures import REPLAYED

    told, replayed = explained(found)
    return Answer(plain(told), [explanation_text(told), *([REPLAYED] if replayed else []), *stand_in(call)])
