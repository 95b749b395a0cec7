"""`mtum explain`: the decision record of one session."""

from typing import Annotated

import typer

from mtum.cli.arguments import Session, SleeveName, sleeve_of
from mtum.cli.context import call_of
from mtum.cli.output import Answer
from mtum.cli.stored import NOTHING_YET, stand_in
from mtum.errors import UsageError

Contracts = Annotated[bool, typer.Option("--contracts", help="Every option contract considered, and what removed it.")]


def explain(
    context: typer.Context, session: Session = None, sleeve: SleeveName = None, contracts: Contracts = False
) -> Answer:
    """Every input, threshold, margin and result of a decision, and the smallest change that would have flipped it."""
    from mtum.app.queries.explain import told_of
    from mtum.wiring.resources import opened_reader

    call = call_of(context)
    one, sleeves = sleeve_of(call.settings(), sleeve), list(call.settings().configured())
    with opened_reader(call.settings(), call.database()) as reader:
        found = None if reader is None else told_of(reader, session, one, sleeves, contracts=contracts)
    if found is None and session is not None:
        raise UsageError(f"no decision is stored for {session}; `mtum show decisions` lists them")
    if found is None:
        missing = NOTHING_YET if reader is None else "no decision is recorded yet"
        return Answer({"session": None, "action": None}, [missing])
    from mtum.core.reporting.explain import explanation_text
    from mtum.core.reporting.explain_options import contract_lines
    from mtum.core.reporting.figures import REPLAYED
    from mtum.core.reporting.parts.coordination import came_of, coordination_lines

    shown = [explanation_text(told, came_of(found.plan, told.strategy)) for told in found.decisions]
    if contracts:
        shown += ["\n".join(contract_lines(one.options)).lstrip() for one in found.decisions if one.options]
    # What the account did with the wishes comes before the wishes: it is what happened.
    if lines := coordination_lines(found.document["coordination"]):
        shown = ["\n".join(("The account:", *(f"  {line}" for line in lines))), *shown]
    return Answer(found.document, ["\n\n".join(shown), *([REPLAYED] if found.replayed else []), *stand_in(call)])
