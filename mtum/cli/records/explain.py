"""`mtum explain`: the decision record of one session."""

from datetime import date

import typer

from mtum.cli.arguments import Session, SleeveName, sleeve_of
from mtum.cli.context import call_of
from mtum.cli.output import Answer, plain
from mtum.cli.stored import NOTHING_YET, stand_in
from mtum.errors import UsageError


def explain(context: typer.Context, session: Session = None, sleeve: SleeveName = None) -> Answer:
    """Every input, threshold, margin and result of a decision, and the smallest change that would have flipped it."""
    from mtum.wiring.resources import opened_reader

    call = call_of(context)
    with opened_reader(call.settings(), call.database()) as reader:
        found = None if reader is None else reader.decision(session, sleeve_of(call.settings(), sleeve))
        named = [] if sleeve is not None else list(call.settings().configured())
        day = date.fromisoformat(found.session) if found else None
        every = [one for name in named if reader and day and (one := reader.decision(day, name)) is not None]
        plan = reader.plan(day) if reader and day else None
        crosses = reader.crosses(day) if reader and day else {}
    if found is None and session is not None:
        raise UsageError(f"no decision is stored for {session}; `mtum show decisions` lists them")
    if found is None:
        missing = NOTHING_YET if reader is None else "no decision is recorded yet"
        return Answer({"session": None, "action": None}, [missing])
    from mtum.app.queries.explain import explained
    from mtum.core.reporting.explain import explanation_text
    from mtum.core.reporting.figures import REPLAYED
    from mtum.core.reporting.parts.coordination import came_of, coordination_document, coordination_lines

    decisions = [explained(one) for one in every or [found]]
    told, replayed = decisions[0]
    document = plain(told)
    if len(decisions) > 1:
        document |= {"sleeves": {one.strategy: plain(one) for one, _ in decisions}}
    coordination = coordination_document(plan, crosses)
    document |= {"coordination": coordination}
    shown = [explanation_text(one, came_of(plan, one.strategy)) for one, _ in decisions]
    # What the account did with the wishes comes before the wishes: it is what happened.
    if lines := coordination_lines(coordination):
        shown = ["\n".join(("The account:", *(f"  {line}" for line in lines))), *shown]
    return Answer(document, ["\n\n".join(shown), *([REPLAYED] if replayed else []), *stand_in(call)])
