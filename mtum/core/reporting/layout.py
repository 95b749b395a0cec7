"""What a report is made of, before it becomes text or HTML: sections of facts, tables and sentences."""

from collections.abc import Iterable
from enum import Enum

from msgspec import Struct, field

from mtum.core.reporting.charts import Chart


class Tone(Enum):
    """How a cell is meant; text says it in words as well, colors only repeat it."""

    PLAIN = "plain"
    GOOD = "good"
    BAD = "bad"
    QUIET = "quiet"


class Cell(Struct, frozen=True):
    """One piece of text in a table.

    Parameters
    ----------
    shade : float or None
        Place of its number between -1 (worst) and 1 (best), where a table is read as a map.
    note : str
        What more there is to say of it; a pointer that rests on it shows it.
    """

    text: str
    tone: Tone = Tone.PLAIN
    shade: float | None = None
    note: str = ""


class Facts(Struct, frozen=True):
    """Names and what they amount to, one pair per line; `unit` stands behind the amount."""

    rows: tuple[tuple[str, Cell, str], ...]


class Table(Struct, frozen=True):
    """Rows under a head; columns in `left` hold words, the others numbers aligned at the right.

    A long list can be `sortable` by each of its columns.
    """

    head: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]
    left: frozenset[int] = frozenset({0})
    sortable: bool = False


class Sentence(Struct, frozen=True):
    """A line of prose."""

    text: str
    tone: Tone = Tone.PLAIN


Block = Facts | Table | Sentence


class Section(Struct, frozen=True):
    """A titled part of a report, with parts of its own below it; `key` names it for style sheets and tests."""

    key: str
    title: str
    blocks: tuple[Block, ...] = field(default=())
    parts: tuple["Section", ...] = ()


class Page(Struct, frozen=True):
    """A whole report: subject, verdict, lines under it, and sections in reading order.

    `glance` says how things stand and `ahead` what comes next, each in one line; `first_screen`
    sections come before the charts that stand in no section. A `wide` page has tables and
    charts for the width of a desk.
    """

    subject: str
    verdict: str
    lead: str
    mode: str
    first_screen: tuple[Section, ...]
    further: tuple[Section, ...]
    footer: tuple[str, ...]
    glance: str = ""
    ahead: str = ""
    charts: tuple[Chart, ...] = ()
    wide: bool = False


def table_of(
    head: tuple[str, ...], rows: Iterable[Iterable[Cell | str]], left: Iterable[int] = (0,), *, sortable: bool = False
) -> Table:
    """Return a table whose plain cells are given as texts.

    Parameters
    ----------
    head : tuple of str
        Heads of the columns.
    rows : iterable of iterable of Cell or str
        Cells by row.
    left : iterable of int
        Columns that are aligned left.
    sortable : bool
        Whether a reader may sort it.
    """
    whole = (tuple(Cell(one) if isinstance(one, str) else one for one in row) for row in rows)
    return Table(head, tuple(whole), frozenset(left), sortable)


def facts_of(rows: Iterable[tuple[str, Cell | str, str] | None]) -> Facts:
    """Return facts whose plain cells are given as texts; None in a row's place leaves it out."""
    told = (row for row in rows if row is not None)
    return Facts(tuple((name, Cell(one) if isinstance(one, str) else one, unit) for name, one, unit in told))


def table_section(
    key: str,
    title: str,
    head: tuple[str, ...],
    rows: Iterable[Iterable[Cell | str]],
    *notes: str,
    left: Iterable[int] = (0,),
) -> Section:
    """Return a section of one table and of what is said below it; without rows an empty one.

    Parameters
    ----------
    key : str
        Key of the section.
    title : str
        Title.
    head : tuple of str
        Heads of the columns.
    rows : iterable of iterable of Cell or str
        Cells by row.
    notes : str
        Sentences below the table.
    left : iterable of int
        Columns that hold words.
    """
    table = table_of(head, rows, left)
    blocks: tuple[Block, ...] = (table, *(Sentence(note, Tone.QUIET) for note in notes)) if table.rows else ()
    return Section(key, title, blocks)


def signed(text: str) -> Cell:
    """Return a number's cell, toned by its sign."""
    if text.startswith("+"):
        return Cell(text, Tone.GOOD)
    return Cell(text, Tone.BAD if text.startswith("-") and len(text) > 1 else Tone.PLAIN)
