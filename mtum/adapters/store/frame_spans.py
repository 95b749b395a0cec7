"""Whether a symbol's bars are those of the frame before, a session later: told by a hash, without reading them.

A day later a frame has the same bars but the oldest and two: the finished bar of its last session, and a new last one.
"""

import sqlite3
from collections.abc import Iterable

from msgspec import Struct

from mtum.core.canonical import digest

LOOKED_AT = 3
"""Newest bars that are compared one by one all the same: the two new ones, and the last that the hash answers for."""


class Span(Struct, frozen=True):
    """The bars of a symbol in a frame.

    Parameters
    ----------
    key : tuple of symbol, source, number of sessions and of columns
        What frames of several strategies may differ in: each has a hash of its own.
    known : str
        Hash without the two newest bars: all that the frame before can have had as finished ones.
    kept : str
        Hash without the oldest and the newest: what `known` of the next frame will be.
    """

    key: tuple[str, str, int, int]
    known: str
    kept: str

    def until(self, connection: sqlite3.Connection) -> int | None:
        """Return the newest row of `frame_bars` when these bars were in it to the last; None if they may not be."""
        mine = "symbol = ? AND source = ? AND sessions = ? AND columns = ?"
        sql = f"SELECT until FROM frame_spans WHERE {mine} AND hash = ?"
        found = connection.execute(sql, (*self.key, self.known)).fetchone()
        return None if found is None else int(found[0])


def span_of(symbol: str, source: str, sessions: int, text: str) -> Span:
    """Return what tells a symbol's bars from others.

    Parameters
    ----------
    symbol : str
        The symbol.
    source : str
        Where its bars came from.
    sessions : int
        Number of its bars.
    text : str
        Canonical text of its bars by column: a list in brackets for each.
    """
    known: list[str] = []
    kept: list[str] = []
    parts = text.split("[")
    for part in parts:
        column, _, name = part.rpartition("]")
        last = column.rfind(",")
        known += column[: column.rfind(",", 0, last)], name
        kept += column[column.find(",") + 1 : last], name
    return Span((symbol, source, sessions, len(parts) - 2), digest("[".join(known)), digest("[".join(kept)))


def keep(connection: sqlite3.Connection, spans: Iterable[Span], until: int) -> None:
    """Say that all bars but the newest of each are in `frame_bars` as they are, and no others of their sessions.

    Parameters
    ----------
    connection : Connection
        The database, in a transaction where it is written.
    spans : iterable of Span
        Bars of symbols in one frame.
    until : int
        Newest row of `frame_bars`.
    """
    rows = [(*span.key, span.kept, until) for span in spans]
    connection.executemany("INSERT OR REPLACE INTO frame_spans VALUES (?, ?, ?, ?, ?, ?)", rows)
