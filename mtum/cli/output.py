"""What a command answers, and how it is printed: one JSON document, or text and tables."""

import json
import math
import os
import re
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from datetime import date
from decimal import Decimal
from enum import Enum
from itertools import zip_longest
from pathlib import Path
from textwrap import wrap
from typing import TYPE_CHECKING, Any, Literal, TextIO

from msgspec import Struct
from msgspec.structs import asdict, replace

from mtum.app.queries.plain import plain
from mtum.errors import ConfigError, ExitCode, MtumError

if TYPE_CHECKING:
    from rich.table import Table


_PROSE, _GAP = 24, 3
"""Columns that words are given at least, and between two columns."""
_UNSHOWN = dict.fromkeys((7, 8, 11, 12, 13))
"""Controls of a terminal."""
_NUMBER = re.compile(r"[-+]?\d[\d,]*(\.\d+)?")
_LINE_PROBLEMS = 20
"""Problems named on the one line of a failure; the document has all."""


class AnswerProblem(Struct, frozen=True):
    """Something that went wrong: the exit code it means and one plain line for people."""

    code: int
    text: str


class Listing(Struct, frozen=True):
    """A table; numbers are aligned right.

    Parameters
    ----------
    columns : sequence of str
        Headings, with units.
    rows : sequence of rows
        One value per column; None is shown as an empty cell.
    """

    columns: Sequence[str]
    rows: Sequence[Sequence[object]]
    title: str = ""


class Answer(Struct, frozen=True):
    """What a command answers; the frame prints it and leaves with its exit code.

    Parameters
    ----------
    document : mapping
        The command's JSON contract; dates, instants, Decimals, enums and paths are turned
        into plain JSON values here.
    shown : sequence of str or Listing
        The same for a person; printed without ``--json``.
    problems : sequence of AnswerProblem
        The first is the line on stderr when the exit code is not 0; without any, those of the document.
    hints : sequence of str
        Next steps; stderr, left out with ``--quiet`` and ``--json``.
    beside : str
        What was done although something went wrong; said before the problems on stderr.
    """

    document: Mapping[str, Any]
    shown: Sequence[str | Listing] = ()
    exit_code: int = ExitCode.DONE
    problems: Sequence[AnswerProblem] = ()
    hints: Sequence[str] = ()
    beside: str = ""


def failure(error: MtumError) -> Answer:
    """Return the answer that an error raised on purpose amounts to."""
    texts = error.problems if isinstance(error, ConfigError) else (str(error),)
    return Answer(
        {}, exit_code=error.exit_code, problems=[AnswerProblem(int(error.exit_code), one_line(text)) for text in texts]
    )


def write(answer: Answer, *, as_json: bool, quiet: bool = False) -> None:
    """Print an answer: its document or its text to stdout, and one line to stderr if it failed.

    Parameters
    ----------
    answer : Answer
        What a command answers; the frame prints it and leaves with its exit code.
    as_json : bool
        Whether the document is printed instead of the text.
    quiet : bool
        Whether hints are left out.
    """
    if as_json:
        sys.stdout.write(json_text(_document(answer)) + "\n")
    elif answer.shown:
        _show(answer.shown)
    sys.stdout.flush()
    if answer.exit_code:
        seen = not as_json and _read_together() and _all_shown(answer)
        complain(_short_line(answer) if seen else failure_line(answer))
    elif not (as_json or quiet):
        for hint in answer.hints:
            complain(hint)


def json_text(document: Mapping[str, Any]) -> str:
    """Return a document as JSON text, indented, keys in their order; ASCII alone where stdout knows no more."""
    return json.dumps(plain(document), indent=2, ensure_ascii=not _knows_utf(sys.stdout), allow_nan=False)


def one_line(text: str) -> str:
    """Return text on one line."""
    return " ".join(text.split())


def _document(answer: Answer) -> dict[str, Any]:
    document = dict(answer.document)
    if answer.exit_code or answer.problems:
        document["problems"] = _problems(answer)
    if answer.exit_code:
        document["exit_code"] = int(answer.exit_code)
    return document


def _problems(answer: Answer) -> list[Any]:
    # A stored document brings its own.
    return [asdict(problem) for problem in answer.problems] or list(answer.document.get("problems", []))


def failure_line(answer: Answer) -> str:
    """Return the one line on stderr that a failure ends with; of many problems the first ones."""
    texts = [str(problem["text"]) for problem in _problems(answer)]
    said = (
        "; ".join([*([answer.beside] if answer.beside else []), *texts[:_LINE_PROBLEMS]])
        or f"ended with exit code {int(answer.exit_code)}"
    )
    more = f" (and {len(texts) - _LINE_PROBLEMS} more)" if len(texts) > _LINE_PROBLEMS else ""
    return "mtum: " + one_line(said + more)


def _all_shown(answer: Answer) -> bool:
    # Where both streams are read together, a list that stands there already is not repeated on one line.
    texts = {text for part in answer.shown for text in (_words(part) if isinstance(part, Listing) else [part])}
    told = [str(problem["text"]) for problem in _problems(answer)]
    return bool(told) and all(any(problem in text for text in texts) for problem in told)


def _words(listing: Listing) -> list[str]:
    # A problem may be a row: its cells with what stands between them.
    return [text for row in listing.rows for text in (*map(str, row), ": ".join(str(cell) for cell in row[1:] if cell))]


def _short_line(answer: Answer) -> str:
    count = len(_problems(answer))
    return f"mtum: {count} problem{'' if count == 1 else 's'}, named above; exit code {int(answer.exit_code)}"


def complain(line: str) -> None:
    """Write one line to stderr; the exit code stays what it is where nobody can be told."""
    with suppress(OSError):
        sys.stderr.write(line + "\n")
        sys.stderr.flush()


def _show(shown: Sequence[str | Listing]) -> None:
    if not any(isinstance(part, Listing) for part in shown):
        sys.stdout.write("".join(f"{part}\n" for part in shown))
        return
    draw = _drawn if _at_terminal(sys.stdout) else _in_full
    for part in shown:
        sys.stdout.write(part + "\n" if isinstance(part, str) else draw(part))


def _drawn(listing: Listing) -> str:
    # As the terminal can show it.
    from rich.console import Console

    console = Console(highlight=False, markup=False)
    fitted = _fitted(listing, console.width)
    if fitted is None:
        return _stacked(listing, console.width)
    with console.capture() as drawn:  # rich itself would end the process when a pipe breaks
        console.print(_table(fitted))
    return drawn.get()


def _in_full(listing: Listing) -> str:
    """Return a table as `_table` is drawn where nobody looks at a terminal: no column cut, nothing colored.

    Rich itself takes ten times as long, which a hundred symbols make felt.
    """
    between, under, crossed = (" " * _GAP, "\u2500", "\u2500" * _GAP) if _knows_utf(sys.stdout) else (" | ", "-", "-+-")
    columns = [[str(name), *(_cell(row[place]) for row in listing.rows)] for place, name in enumerate(listing.columns)]
    cells = [[_shown_lines(text) for text in column] for column in columns]
    wide = [max(_width(line) for cell in column for line in cell) for column in cells]
    right = [any(_is_number(row[place]) for row in listing.rows) for place in range(len(columns))]

    def lines(row: Sequence[Sequence[str]]) -> Iterator[str]:
        for parts in zip_longest(*row, fillvalue=""):
            yield between.join(map(_aligned, parts, wide, right)) + "\n"

    head, *rows = zip(*cells, strict=True)
    title = [f"{listing.title}\n"] if listing.title else []
    rule = crossed.join(under * width for width in wide) + "\n"
    return "".join([*title, *lines(head), rule, *(line for row in rows for line in lines(row))])


def _shown_lines(text: str) -> list[str]:
    return [text] if text.isprintable() else text.translate(_UNSHOWN).expandtabs().split("\n")


def _width(text: str) -> int:
    if text.isascii():
        return len(text)
    from rich.cells import cell_len

    return cell_len(text)


def _aligned(text: str, width: int, right: bool) -> str:
    text = text.rstrip() if right else text
    blank = " " * (width - _width(text))
    return blank + text if right else text + blank


def _fitted(listing: Listing, width: int) -> Listing | None:
    # Words may go on in the next line, headings before others; a number, a date or a reference is never broken.
    if len(listing.columns) <= 2:
        return listing
    cells = [[_cell(row[place]) for row in listing.rows] or [""] for place in range(len(listing.columns))]
    narrow = [min(max(map(len, column)), max(_longest(column), _PROSE)) for column in cells]
    room = width - _GAP * (len(narrow) - 1)
    if sum(map(max, narrow, map(len, listing.columns))) <= room:
        return listing
    narrow = [max(least, _longest([name])) for least, name in zip(narrow, listing.columns, strict=True)]
    if sum(narrow) > room:
        return None
    heads = ["\n".join(wrap(name, least)) for least, name in zip(narrow, listing.columns, strict=True)]
    return replace(listing, columns=heads)


def _longest(texts: Sequence[str]) -> int:
    return max(len(word) for text in texts for word in text.split() or [""])


def _stacked(listing: Listing, width: int) -> str:
    # One row under the other, as a terminal too narrow for the table can show it; no word is cut.
    wide = max(map(len, listing.columns)) + 2

    def line(name: str, value: object) -> str:
        parts = wrap(_cell(value), max(width - wide, _PROSE), break_long_words=False, break_on_hyphens=False)
        return f"{name:{wide}}" + f"\n{'':{wide}}".join(parts) + "\n"

    blocks = ["".join(map(line, listing.columns, row)) for row in listing.rows]
    return "\n".join([*([listing.title] if listing.title else []), *blocks])


def _table(listing: Listing) -> "Table":
    from rich import box
    from rich.table import Table
    from rich.text import Text

    frame = box.SIMPLE_HEAD if _knows_utf(sys.stdout) else box.ASCII2
    table = Table(title=listing.title or None, title_justify="left", box=frame, pad_edge=False, show_edge=False)
    for place, name in enumerate(listing.columns):
        values = [row[place] for row in listing.rows]
        numbers = any(_is_number(value) for value in values)
        prose = any(len(_cell(value)) > _PROSE for value in values) or len(listing.columns) <= 2
        side: Literal["left", "right"] = "right" if numbers else "left"
        table.add_column(Text(name), justify=side, overflow="fold", no_wrap=not prose)
    for row in listing.rows:
        table.add_row(*(Text(_cell(value)) for value in row))
    return table


def _is_number(value: object) -> bool:
    if isinstance(value, str):
        return _NUMBER.fullmatch(value) is not None
    return isinstance(value, int | float | Decimal) and not isinstance(value, bool)


def _cell(value: object) -> str:
    from mtum.core.reporting.figures import decimals

    match value:
        case None:
            return ""
        case bool():
            return "yes" if value else "no"
        case float():
            return decimals(value) if math.isfinite(value) else ""
        case int() | Decimal():
            return f"{value:,}"
        case _:
            return str(plain(value)) if isinstance(value, date | Enum | Path) else str(value)


def _knows_utf(stream: TextIO) -> bool:
    return (stream.encoding or "").lower().startswith("utf")


def _read_together() -> bool:
    # A terminal, or one file or pipe for both: 2>&1, a journal.
    if _at_terminal(sys.stdout):
        return True
    try:
        return os.path.sameopenfile(sys.stdout.fileno(), sys.stderr.fileno())
    except (OSError, ValueError):  # a stream without a file
        return False


def _at_terminal(stream: TextIO) -> bool:
    return stream.isatty()
