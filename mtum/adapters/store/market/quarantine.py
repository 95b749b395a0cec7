"""Bars that broke a rule: kept out until a person says they are real."""

import sqlite3
from collections.abc import Sequence
from datetime import date, datetime
from functools import lru_cache
from math import nan

from msgspec import Struct

from mtum.adapters.store.database import Database
from mtum.adapters.store.market.checksums import altered_bars
from mtum.adapters.store.texts import cells, insert, instant, instant_text, maybe_instant
from mtum.core.market.bars import Bar
from mtum.ports.records import QuarantinedBar

_NUMBERS = ("open", "high", "low", "close", "volume")
# A person's word on these very numbers stands; what the source itself put right and got wrong again is held again.
_STANDS = " AND ".join([*(f"{name} IS excluded.{name}" for name in _NUMBERS), "released_by <> 'source'"])

_KEEP = f"""
ON CONFLICT (symbol, source, session, rule) DO UPDATE SET
  released_at = CASE WHEN {_STANDS} THEN released_at END,
  released_by = CASE WHEN {_STANDS} THEN released_by END,
  {", ".join(f"{name} = excluded.{name}" for name in (*_NUMBERS, "found", "seen_at"))}"""


class SqliteQuarantine(Struct, frozen=True):
    """The port `QuarantineStore` on SQLite."""

    database: Database

    def checkable(self) -> Sequence[tuple[str, str]]:
        """Return symbol (or series) and source of everything cached, in that order."""
        sql = "SELECT DISTINCT symbol, source FROM bars ORDER BY symbol, source"
        return [(row[0], row[1]) for row in self.database.rows(sql)]

    def altered_bars(self) -> Sequence[str]:
        """Return the accepted bars whose values are no longer those that were accepted, by symbol and session."""
        return altered_bars(self.database.connection)

    def cached_days(self, symbol: str, source: str, since: date | None = None) -> Sequence[date]:
        """Return the cached sessions alone, oldest first."""
        # One text for all of them costs half as much as a row for each.
        sql = "SELECT group_concat(session) FROM bars WHERE symbol = ? AND source = ? AND session >= ?"
        row = self.database.row(sql, (symbol, source, since.isoformat() if since else ""))
        return _days(row[0]) if row and row[0] else ()

    def keep_out(self, bars: Sequence[QuarantinedBar]) -> None:
        """Record bars kept out; one seen again keeps a person's release while its numbers are the same."""
        if bars:
            with self.database.write() as connection:
                for one in bars:
                    # A number that is missing is NaN in the bar, and stands as an empty column.
                    numbers = {name: getattr(one.bar, name) for name in _NUMBERS}
                    values = cells(one, "bar", "id", "released_at", "released_by") | numbers
                    insert(connection, "quarantined_bars", {**values, "session": one.bar.day.isoformat()}, _KEEP)

    def kept_out(self, *symbols: str, held: bool = False) -> Sequence[QuarantinedBar]:
        """Return bars kept out, of these symbols or of all, oldest first; with `held` only those not released."""
        wanted = f"symbol IN ({', '.join('?' * len(symbols))})" if symbols else "TRUE"
        wanted += " AND released_at IS NULL" if held else ""
        sql = f"SELECT * FROM quarantined_bars WHERE {wanted} ORDER BY session, id"
        return tuple(_kept_out(row) for row in self.database.rows(sql, symbols))

    def release_bar(self, bar_id: int, by: str, at: datetime) -> bool:
        """Declare a bar kept out to be real; False if there is none of that id, or it already is."""
        sql = "UPDATE quarantined_bars SET released_at = ?, released_by = ? WHERE id = ? AND released_at IS NULL"
        with self.database.write() as connection:
            return connection.execute(sql, (instant_text(at), by, bar_id)).rowcount == 1

    def released_days(self, symbol: str, source: str) -> frozenset[date]:
        """Return sessions whose bar a person has declared real despite a rule."""
        sql = (
            "SELECT session FROM quarantined_bars "
            "WHERE symbol = ? AND source = ? AND released_at IS NOT NULL AND released_by <> 'source'"
        )
        return frozenset(date.fromisoformat(row[0]) for row in self.database.rows(sql, (symbol, source)))


@lru_cache(maxsize=64)
def _days(text: str) -> tuple[date, ...]:
    # A value, made once: most symbols have the same sessions.
    return tuple(sorted(map(date.fromisoformat, text.split(","))))


def _kept_out(row: sqlite3.Row) -> QuarantinedBar:
    numbers = [nan if row[name] is None else row[name] for name in _NUMBERS]
    return QuarantinedBar(
        symbol=row["symbol"],
        source=row["source"],
        bar=Bar(date.fromisoformat(row["session"]), *numbers),
        rule=row["rule"],
        found=row["found"],
        seen_at=instant(row["seen_at"]),
        id=row["id"],
        released_at=maybe_instant(row["released_at"]),
        released_by=row["released_by"],
    )
