"""Halts, upcoming sessions, and facts about the database."""

import sqlite3
from collections.abc import Sequence
from datetime import date, datetime

from msgspec import Struct

from mtum.adapters.store.database import Database
from mtum.adapters.store.orders.halting import restriction_in_force
from mtum.adapters.store.texts import instant_text, of_row
from mtum.core.market.sessions import Session
from mtum.core.portfolio.limits import Restriction
from mtum.ports.records import Halt


class SqliteControl(Struct, frozen=True):
    """The port `ControlStore` on SQLite."""

    database: Database

    def restriction(self, sleeve: str | None = None) -> Restriction:
        """Return the strongest halt in force for the account, and for that sleeve where one is named."""
        return restriction_in_force(self.database.connection, sleeve)

    def halt(self, restriction: Restriction, why: str, by: str, at: datetime, sleeve: str | None = None) -> int:
        """Put a halt in force, of one sleeve or of the account; an equal one in force is kept."""
        same = "restriction = ? AND why = ? AND halted_by = ? AND strategy IS ? AND lifted_at IS NULL"
        values = (restriction.value, why, by, sleeve)
        with self.database.write() as connection:
            known = connection.execute(f"SELECT id FROM halts WHERE {same}", values).fetchone()
            if known is not None:
                return int(known["id"])
            sql = "INSERT INTO halts (restriction, why, halted_by, strategy, since) VALUES (?, ?, ?, ?, ?) RETURNING id"
            return int(connection.execute(sql, (*values, instant_text(at))).fetchone()[0])

    def resume(self, at: datetime, sleeve: str | None = None) -> int:
        """Lift every halt, or those of one sleeve alone; return how many were in force."""
        with self.database.write() as connection:
            sql = "UPDATE halts SET lifted_at = ? WHERE lifted_at IS NULL AND (? IS NULL OR strategy = ?)"
            return connection.execute(sql, (instant_text(at), sleeve, sleeve)).rowcount

    def halts(self, *, in_force: bool = False) -> Sequence[Halt]:
        """Return halts, oldest first."""
        sql = "SELECT * FROM halts WHERE ? = 0 OR lifted_at IS NULL ORDER BY id"
        return tuple(_halt(row) for row in self.database.rows(sql, (int(in_force),)))

    def note(self, day: date, symbol: str | None, words: str, at: datetime) -> int:
        """Keep what a person wrote down of a day, perhaps of one symbol; return its number."""
        sql = "INSERT INTO notes (session, symbol, words, at) VALUES (?, ?, ?, ?) RETURNING id"
        with self.database.write() as connection:
            return int(connection.execute(sql, (day.isoformat(), symbol, words, instant_text(at))).fetchone()[0])

    def write_sessions(self, sessions: Sequence[Session]) -> None:
        """Replace the table of upcoming sessions."""
        rows = [
            (one.day.isoformat(), instant_text(one.open), instant_text(one.close), int(one.half_day))
            for one in sessions
        ]
        with self.database.write() as connection:
            connection.execute("DELETE FROM sessions")
            connection.executemany("INSERT INTO sessions VALUES (?, ?, ?, ?)", rows)

    def meta(self, key: str) -> str | None:
        """Return a fact about the database."""
        row = self.database.row("SELECT value FROM meta WHERE key = ?", (key,))
        return None if row is None else str(row["value"])

    def set_meta(self, key: str, value: str) -> None:
        """Record a fact about the database."""
        with self.database.write() as connection:
            connection.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))


def _halt(row: sqlite3.Row) -> Halt:
    return of_row(Halt, row, f"the halt {row['id']}", by=row["halted_by"], sleeve=row["strategy"])
