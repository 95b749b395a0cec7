"""Lists a page at a time, newest first to be asked for: what is added meanwhile neither repeats a row nor skips one."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from msgspec import Struct

from mtum.app.queries.listing import KINDS, documents_of
from mtum.errors import UsageError
from mtum.ports.reading import Reader

MOST_ROWS = 5000


class Part(Struct, frozen=True):
    """Which part of a list is wanted.

    Parameters
    ----------
    since : date or None
        Only sessions from that one on.
    limit : int
        Rows at most.
    sleeve : str or None
        Only this one's rows.
    cursor : str
        `next` of the part after; empty for the newest rows.
    symbol : str or None
        Only rows of this one.
    side : str or None
        Only rows of this one, BUY or SELL.
    """

    since: date | None = None
    limit: int = 500
    sleeve: str | None = None
    cursor: str = ""
    symbol: str | None = None
    side: str | None = None

    @property
    def equal(self) -> dict[str, str | None]:
        """Columns that the rows of a list must have a value in, and the value."""
        asked = {"strategy": self.sleeve, "symbol": self.symbol, "side": self.side}
        return {column: value for column, value in asked.items() if value is not None}


def part_of(reader: Reader | None, source: str, kind: str, wanted: Part) -> dict[str, Any]:
    """Return a part of a list, oldest row first, and under `next` the cursor of the rows before it.

    Parameters
    ----------
    reader : Reader or None
        The records of one database, for reading alone; None for none.
    source : str
        Name of the source.
    kind : str
        Name of the list.
    wanted : Part
        Which part of a list is wanted.

    Raises
    ------
    UsageError
        If the cursor is none, or the list has no such column.
    """
    row, since, limit, own = KINDS[kind], wanted.since, wanted.limit, wanted.equal
    if missing := own.keys() - set(row.__struct_fields__):
        raise UsageError(f"{kind} have no {' and no '.join(sorted(missing))} to choose by; leave it out")
    if reader is None:
        return {kind: [], "count": 0, "source": source, "next": None}
    rows: Sequence[Any]
    if not wanted.cursor:
        rows = reader.rows(row, since, limit + 1, **own)
        day, kept = None, 0
    else:
        day, kept = _place(wanted.cursor)
        rows = reader.rows_until(row, day, day, None, **own)[:kept]
        if len(rows) <= limit:
            earlier: Sequence[Any] = reader.rows_until(
                row, day - timedelta(days=1), since, limit + 1 - len(rows), **own
            )
            rows = [*earlier, *rows]
    found = rows[-limit:]
    following = None
    if len(rows) > limit:
        first = _session(found[0])
        every = kept if first == day else len(reader.rows_until(row, first, first, None, **own))
        # So many rows of that session are older than the first one here.
        following = f"{first}.{every - sum(_session(one) == first for one in found)}"
    return {kind: documents_of(kind, found), "count": len(found), "source": source, "next": following}


def _place(cursor: str) -> tuple[date, int]:
    day, _, kept = cursor.partition(".")
    try:
        return date.fromisoformat(day), int(kept)
    except ValueError:
        raise UsageError(f'cursor "{cursor[:40]}" is none; take `next` of the page before') from None


def _session(row: Any) -> date:
    names = ("entry_session", "session", "ended")
    told = next((day for name in names if (day := getattr(row, name, None))), None)
    return date.fromisoformat(told or row.started_at[:10])
