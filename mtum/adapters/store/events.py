"""Is everything there that events tell of, and every event?"""

import sqlite3
from collections.abc import Collection, Sequence

from msgspec import Struct

from mtum.adapters.store.database import Database
from mtum.adapters.store.faults import faults_of
from mtum.adapters.store.orders.executions import fill_problems
from mtum.adapters.store.schema import KINDS

# Each by itself SQLite tells without looking at a row.
_OPTIONS = "EXISTS (SELECT 1 FROM option_fills) OR EXISTS (SELECT 1 FROM events WHERE kind = 'option_fill')"
_COUNTED = f"SELECT (SELECT count(*) FROM events), (SELECT coalesce(max(id), 0) FROM events), {_OPTIONS}"


class SqliteEvents(Struct, frozen=True):
    """The port `EventStore` on SQLite."""

    database: Database

    def missing(self) -> Sequence[str]:
        """Return events that are gone, and rows that are gone though an event tells of them, one line each."""
        with faults_of(self.database.path):
            connection = self.database.connection
            return (*orphans(connection), *missing_events(connection))

    def unsound_fills(self) -> Sequence[str]:
        """Return fills that are missing though an event or their cash tells of them, or whose cash is another's."""
        with faults_of(self.database.path):
            return unsound_fills(self.database.connection)

    def option_strategies(self) -> Sequence[str]:
        """Return the strategies that ever traded options, so that without any nothing of them is loaded."""
        rows = self.database.rows("SELECT strategy FROM option_fills GROUP BY strategy ORDER BY min(place)")
        return tuple(strategy for (strategy,) in rows)

    def unsound_options(self) -> Sequence[str]:
        """Return what in the books of options is not what their executions and events make, one line each."""
        with faults_of(self.database.path):
            return option_problems(self.database.connection)


def unsound_fills(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return fills that are missing though an event or their cash tells of them, or whose cash is another's."""
    gone, options = _missing(connection, ("fill",))
    shares = (*gone, *fill_problems(connection))
    if not options:
        return shares
    return (*shares, *_missing(connection, ("option_fill", "option_event"))[0], *option_problems(connection))


def option_problems(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return what in the books of options is not what executions and events make; nothing is loaded without any."""
    if connection.execute("SELECT 1 FROM option_fills LIMIT 1").fetchone() is None:
        return ()
    from mtum.adapters.store.options.checks import option_problems as found

    return found(connection)


def orphans(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return the rows that refer to one that is gone, one line each: a decision without its frame, for instance."""
    rows = connection.execute("PRAGMA foreign_key_check")
    return tuple(f"{table} row {rowid} refers to a missing row of {parent}" for table, rowid, parent, _ in rows)


def missing_events(connection: sqlite3.Connection, kinds: Collection[str] = tuple(KINDS)) -> tuple[str, ...]:
    """Return events that are gone, and rows that are gone though an event of a kind tells of them, one line each."""
    return _missing(connection, kinds)[0]


def _missing(connection: sqlite3.Connection, kinds: Collection[str]) -> tuple[tuple[str, ...], bool]:
    # With it, whether options were ever traded.
    count, last, options = connection.execute(_COUNTED).fetchone()
    found = [f"{last - count} of {last} events are missing"] if count != last else []
    for kind in kinds:
        table, column = KINDS[kind]
        key = "substr(key, 1, instr(key, '.') - 1)" if kind == "problem" else "key"
        there = f"SELECT CAST({column} AS TEXT) FROM {table}"
        rows = connection.execute(f"SELECT id, key FROM events WHERE kind = ? AND {key} NOT IN ({there})", (kind,))
        found += [f"event {number} tells of {kind} {told}, which is not in {table}" for number, told in rows]
    return tuple(found), bool(options)
