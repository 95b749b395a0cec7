"""`mtum compare`: backtests, sweeps and walk forwards side by side."""

from collections.abc import Iterator, Mapping
from typing import Annotated, Any

import typer

from mtum.cli.arguments import OutFolder
from mtum.cli.context import call_of
from mtum.cli.output import Answer, Listing
from mtum.errors import UsageError

Numbers = Annotated[list[int], typer.Argument(metavar="ID ID...", help="Numbers of `mtum show backtests`.")]


def compare(context: typer.Context, numbers: Numbers, *, out: OutFolder = None) -> Answer:
    """Backtests, sweeps and walk forwards side by side: what was asked, and what came of it."""
    from mtum.app.research.studies import compared
    from mtum.wiring.studies import FILE_NAME, studies_in

    call = call_of(context)
    numbers = list(dict.fromkeys(numbers))
    if len(numbers) < 2:
        raise UsageError("mtum compare needs two different numbers at least; `mtum show backtests` lists them")
    store = studies_in(call.data_folder())
    studies = store.found(numbers) if store else ()
    missing = [str(number) for number in numbers if number not in {one.id for one in studies}]
    if missing:
        path = call.data_folder() / FILE_NAME
        raise UsageError(f"{path} keeps no {' and no '.join(missing)}; `mtum show backtests` lists what there is")
    answer = compared(studies)
    if out is not None:
        from mtum.core.reporting.backtest.compared import compared_page
        from mtum.wiring.research import page_files

        answer["files"] = page_files(compared_page(answer), out / "compare.html")
    return Answer(answer, list(_shown(answer)))


def _shown(answer: Mapping[str, Any]) -> Iterator[str | Listing]:
    from mtum.core.reporting.backtest.compared import compared_sections
    from mtum.core.reporting.layout import Sentence, Table

    for section in compared_sections(answer):
        for block in section.blocks:
            if isinstance(block, Table):
                yield Listing(block.head, [[cell.text for cell in row] for row in block.rows], section.title)
            elif isinstance(block, Sentence):
                yield block.text
    for file in answer.get("files", ()):
        yield f"written: {file}"
