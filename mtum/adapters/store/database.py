"""One connection to the database: every write is one durable transaction."""

import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct, field

from mtum.adapters.clock import growing, retried
from mtum.adapters.store.faults import explained, faults_of

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars  # loads numpy

BUSY_SECONDS = 5.0
"""How long a statement waits for another process before it gives up."""

type Values = Sequence[str | int | float | bytes | None] | dict[str, str | int | float | bytes | None]


class ReadBars(NamedTuple):
    """Bars as they were read from a session on, and what `Database.version` was then."""

    version: int
    first: str
    bars: "Bars"


class Database(Struct, frozen=True):
    """A connection with the file it belongs to and the account it is for.

    Parameters
    ----------
    bars : dict of (symbol, source) to ReadBars
        Bars read through this connection and not written through it since: many parts of a run look at the same.
    """

    path: Path
    connection: sqlite3.Connection
    account: str
    bars: dict[tuple[str, str], ReadBars] = field(default_factory=dict)

    @contextmanager
    def write(self, *, flushed: bool = True) -> Iterator[sqlite3.Connection]:
        """Run a block as one transaction that no other process can come between.

        Within a block it is a part of that one: nothing lasts before the outermost ends.

        Parameters
        ----------
        flushed : bool
            False for what a source can tell again: a power cut may undo it as a whole, never in part, and
            not once a flushed write has followed.

        Raises
        ------
        StoreError
            If the file is locked for long, read-only, full or damaged; nothing is kept then.
        """
        within = self.connection.in_transaction
        if within:
            with faults_of(self.path):
                yield self.connection
            return
        with faults_of(self.path), self._flushing(flushed):
            self.connection.execute("BEGIN IMMEDIATE")
            try:
                yield self.connection
                self.connection.execute("COMMIT")
            except BaseException:
                # Some faults, a full disk among them, end the transaction by themselves.
                if self.connection.in_transaction:
                    self.connection.execute("ROLLBACK")
                self.bars.clear()
                raise

    @contextmanager
    def read(self) -> Iterator[None]:
        """Run a block of questions that all see the database as it is at the first, whoever writes meanwhile."""
        with faults_of(self.path):
            within = self.connection.in_transaction
            if within:
                yield
                return
            self.connection.execute("BEGIN")
            try:
                yield
            finally:
                if self.connection.in_transaction:  # else a fault has ended it
                    self.connection.execute("ROLLBACK")

    @contextmanager
    def _flushing(self, flushed: bool) -> Iterator[None]:
        if flushed:
            yield
            return
        self.connection.execute("PRAGMA synchronous = NORMAL")
        try:
            yield
        finally:
            self.connection.execute("PRAGMA synchronous = FULL")

    def version(self) -> int:
        """Return a number that is another one once any other connection has written."""
        ((found,),) = self.tuples("PRAGMA data_version")
        return int(found)

    def rows(self, sql: str, values: Values = ()) -> list[sqlite3.Row]:
        """Return every row of a query."""
        try:
            return self.connection.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise explained(self.path, error) from error

    def tuples(self, sql: str, values: Values = ()) -> list[tuple[Any, ...]]:
        """Return every row of a query without the names of its columns: of bars there are thousands."""
        cursor = self.connection.cursor()
        cursor.row_factory = None
        try:
            return cursor.execute(sql, values).fetchall()
        except sqlite3.Error as error:
            raise explained(self.path, error) from error

    def cells(self, sql: str, values: Values = ()) -> Iterator[Any]:
        """Return every cell of a query one by one, row after row, as they are read; only within `read`."""
        cursor = self.connection.cursor()
        cursor.row_factory = None
        return chain.from_iterable(cursor.execute(sql, values))

    def row(self, sql: str, values: Values = ()) -> sqlite3.Row | None:
        """Return the first row of a query, or None."""
        try:
            found: sqlite3.Row | None = self.connection.execute(sql, values).fetchone()
        except sqlite3.Error as error:
            raise explained(self.path, error) from error
        return found


def connect(path: Path) -> sqlite3.Connection:
    """Open the file for writing with foreign keys, write-ahead log and full durability.

    Raises
    ------
    StoreError
        If it cannot be opened or is not a database.
    """
    with faults_of(path):
        # A forgotten connection is closed by whatever thread collects it; it is used by one at a time.
        connection = sqlite3.connect(path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False)
        connection.row_factory = sqlite3.Row
        try:
            connection.execute("PRAGMA foreign_keys = ON")
            connection.execute("PRAGMA synchronous = FULL")
            if connection.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
                _write_ahead(connection)
        except sqlite3.Error:
            connection.close()
            raise
        return connection


def _write_ahead(connection: sqlite3.Connection) -> None:
    # SQLite does not wait for another process here, whatever the timeout: two first runs would collide.
    def busy(error: Exception) -> bool:
        return getattr(error, "sqlite_errorcode", None) == sqlite3.SQLITE_BUSY

    retried(lambda: connection.execute("PRAGMA journal_mode = WAL"), busy, growing(0.02, 0.2, BUSY_SECONDS))
