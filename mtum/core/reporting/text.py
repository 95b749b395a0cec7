"""A report as plain text, at most 78 columns, complete on its own."""

import re
import textwrap
from collections.abc import Sequence

from mtum.core.reporting.figures import MONTHS
from mtum.core.reporting.layout import Block, Facts, Page, Section, Sentence, Table

WIDTH = 78
LEAST = 20
"""No column of words need be wider; a longer word, as a hash, is cut."""
_MONTHS = "|".join(MONTHS)
_KEPT = re.compile(
    rf"(?<=\d) (?=(?:{_MONTHS})\b)|(?<=\d (?:{_MONTHS})) (?=\d{{4}})|(?<=[\d,.]) (?=(?:USD|M|bps|shares)\b|~)"
)
"""Spaces at which no line may break: inside a date, and between a number and its unit."""


def text(page: Page) -> str:
    """Return the page as text; every line has at most `WIDTH` columns."""
    lines = [*_wrapped(page.subject), "=" * WIDTH, *_wrapped(page.verdict)]
    for line in (page.glance, page.lead, page.ahead):
        lines += _wrapped(line) if line else []
    for section in (*page.first_screen, *page.further):
        lines += ["", *(["-" * WIDTH] if section.parts else []), section.title.upper(), *section_lines(section)]
    lines += ["", "-" * WIDTH]
    for line in page.footer:
        lines += _wrapped(line)
    return "\n".join(line.rstrip() for line in lines) + "\n"


def section_lines(section: Section) -> list[str]:
    """Return the lines of one section and its parts, title apart."""
    lines: list[str] = []
    for index, block in enumerate(section.blocks):
        if index and not (isinstance(block, Sentence) and isinstance(section.blocks[index - 1], Sentence)):
            lines.append("")
        lines += block_lines(block)
    for part in section.parts:
        lines += ["", part.title, *section_lines(part)]
    return lines


def block_lines(block: Block) -> list[str]:
    """Return the lines of one block."""
    match block:
        case Sentence():
            return _wrapped(block.text)
        case Facts():
            return _facts(block)
        case Table():
            return _table(block)


def _wrapped(line: str, width: int = WIDTH, indent: int = 2) -> list[str]:
    """Return a line cut to a width, never inside a date or between a number and its unit."""
    if len(line) <= width:
        return [line]
    kept = _KEPT.sub("\u00a0", line)
    cut = textwrap.wrap(kept, width, subsequent_indent=" " * indent, break_on_hyphens=False) or [""]
    return [part.replace("\u00a0", " ") for part in cut]


def _facts(facts: Facts) -> list[str]:
    names = max((len(name) for name, _, _ in facts.rows), default=0)
    amounts = max((len(cell.text) for _, cell, unit in facts.rows if unit and len(cell.text) <= 24), default=0)
    lines: list[str] = []
    for name, cell, unit in facts.rows:
        number = cell.text[:1] in "+-0123456789" and len(cell.text) <= 24
        line = f"{name.ljust(names)}  {cell.text.rjust(amounts)} {unit}" if number and unit else ""
        line = (line or f"{name.ljust(names)}  {cell.text}").rstrip()
        lines += _wrapped(line, indent=names + 2)
    return lines


def _table(table: Table) -> list[str]:
    rows = [tuple(cell.text for cell in row) for row in table.rows]
    widths = _widths([table.head, *rows], table.left)
    lines = [*_folded(table.head, widths, table.left), "  ".join("-" * width for width in widths)]
    for row in rows:
        lines += _folded(row, widths, table.left)
    return lines


def _widths(rows: Sequence[Sequence[str]], left: frozenset[int]) -> list[int]:
    """Return the width of each column; words give way, the widest first, and numbers and dates do not."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    over = max(0, sum(widths) + 2 * (len(widths) - 1) - WIDTH)
    for column in sorted(left, key=lambda one: -widths[one]):
        longest = max(len(word) for row in rows for word in _KEPT.sub("\u00a0", row[column]).split(" "))
        given = min(over, max(0, widths[column] - min(longest, LEAST)))
        widths[column] -= given
        over -= given
    return widths


def _folded(row: Sequence[str], widths: Sequence[int], left: frozenset[int]) -> list[str]:
    if all(len(part) <= width for part, width in zip(row, widths, strict=True)):
        return [_row(row, widths, left)]
    parts = [_wrapped(part, width, 0) for part, width in zip(row, widths, strict=True)]
    height = max(len(part) for part in parts)
    return [_row([part[line] if line < len(part) else "" for part in parts], widths, left) for line in range(height)]


def _row(row: Sequence[str], widths: Sequence[int], left: frozenset[int]) -> str:
    return "  ".join(
        part.ljust(width) if column in left else part.rjust(width)
        for column, (part, width) in enumerate(zip(row, widths, strict=True))
    ).rstrip()
