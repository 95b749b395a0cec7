"""`mtum note`: write something down beside the records."""

from typing import Annotated

import typer

from mtum.cli.arguments import Session, reason_of, symbol_of
from mtum.cli.context import call_of
from mtum.cli.output import Answer


def note(
    context: typer.Context,
    words: Annotated[str, typer.Argument(help="What to keep, in quotes.", metavar="TEXT", parser=reason_of)],
    session: Session = None,
    symbol: Annotated[
        str | None, typer.Option("--symbol", metavar="SYMBOL", help="What it is about.", parser=symbol_of)
    ] = None,
) -> Answer:
    """Write something down of a session, today's unless named; `mtum show notes` and the dashboard list it."""
    from mtum.wiring.control import noted

    call = call_of(context)
    document = noted(call.settings(), call.data_folder(), words, session, symbol)
    about = f", {symbol}" if symbol else ""
    return Answer(document, [f"noted of {document['session']}{about}: {words}"])
