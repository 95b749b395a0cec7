"""What `mtum backtest` shows a person."""

from collections.abc import Iterator, Mapping
from typing import Any

from mtum.cli.output import Listing
from mtum.core.reporting.backtest.result import result_sections, traded
from mtum.core.reporting.layout import Sentence, Table
from mtum.core.reporting.words import count


def backtest_shown(answer: Mapping[str, Any]) -> Iterator[str | Listing]:
    """The result of one backtest as text and tables."""
    yield (
        f"{answer['strategy']} on {traded(answer['symbols'])} ({answer['source']}), "
        f"{answer['start']} to {answer['end']}, {count(answer['sessions'], 'session')}, "
        f"fills at {answer['fill_model']}, decisions on {answer['decision_model']} bars"
    )
    for section in result_sections(answer):
        title = section.title
        for block in section.blocks:
            if isinstance(block, Table):
                yield Listing(block.head, [[cell.text for cell in row] for row in block.rows], title)
                title = ""
            elif isinstance(block, Sentence):
                yield block.text
    yield from answer["metrics"]["cautions"]
    yield from answer["assumptions"]
    for file in answer.get("files", ()):
        yield f"written: {file}"
    if answer.get("id"):
        yield kept_as(answer)
    yield "A past, not a promise." if len(answer["symbols"]) > 1 else "The past of one symbol, not a promise."


def kept_as(answer: Mapping[str, Any]) -> str:
    """Return the line that says under which number a study is kept."""
    return f"kept as no. {answer['id']}: `mtum show backtests` lists what is kept, `mtum compare` sets two side by side"
