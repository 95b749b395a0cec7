"""`mtum approve`: let a session's order through, in advance or while it waits."""

from typing import TYPE_CHECKING, Annotated

import typer

from mtum.cli.arguments import Session, SleeveName, sleeve_of, symbol_of
from mtum.cli.context import call_of
from mtum.cli.output import Answer
from mtum.errors import UsageError

if TYPE_CHECKING:
    from mtum.ports.records import Way


def approve(
    context: typer.Context,
    session: Session = None,
    enter: Annotated[bool, typer.Option("--enter", help="The session's entry.")] = False,
    exit_: Annotated[bool, typer.Option("--exit", help="The session's exit.")] = False,
    sleeve: SleeveName = None,
    symbol: Annotated[
        str | None, typer.Option("--symbol", metavar="SYMBOL", help="Only orders in it.", parser=symbol_of)
    ] = None,
) -> Answer:
    """Approve a session's order in advance; it names the session and lapses with it."""
    from mtum.wiring.control import approved

    call, day = call_of(context), session
    if day is None:
        raise UsageError("--session is needed: an approval is for one session; `mtum status` names the next")
    if enter == exit_:
        raise UsageError("say which order is approved: --enter or --exit")
    way: Way = "enter" if enter else "exit"
    settings, whose = call.settings(), sleeve_of(call.settings(), sleeve)
    document, listed = approved(settings, call.data_folder(), day, way, whose, symbol)
    new = document["new"]
    asking = [settings.risk_of(name).require_confirmation for name in ([whose] if whose else settings.configured())]
    needed = any(required == "all" or (required is True and enter) for required in asking)
    said = str(asking[0]).lower()
    hints = [] if needed else [f"risk.require_confirmation is {said}: no approval is asked for"]
    what = " ".join([way, *([f"of {symbol}"] if symbol else []), *([f"by {whose}"] if whose else [])])
    lines = [f"{what} of {day} {'approved' if new else 'was approved already'}"]
    if needed and not (whose or symbol):
        # What buys a short back is an exit; a notice of an older program tells no way, only the side.
        told_by = {"BUY": "enter", "SELL": "exit"}
        rows = [
            f"{one['side']} {one['shares']} {one['symbol']}"
            for one in listed or ()
            if (one["way"] if "way" in one else told_by[one["side"]]) == way
        ]
        told = ", ".join(rows) or ("nothing, as the notice lists none" if listed is not None else "")
        lines.append(f"It covers {told or 'what the notice before the decision lists, all orders if there is none'}.")
    return Answer(document, lines, hints=hints)
