"""Open the database for writing: create or bring up the schema, check whose it is."""

import sqlite3
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING

from mtum.adapters.store.approvals import SqliteApprovals
from mtum.adapters.store.books import SqliteBooks
from mtum.adapters.store.control import SqliteControl
from mtum.adapters.store.database import Database, connect
from mtum.adapters.store.decisions import SqliteDecisions
from mtum.adapters.store.events import SqliteEvents
from mtum.adapters.store.faults import faults_of
from mtum.adapters.store.ledger import SqliteLedger
from mtum.adapters.store.limits import SqliteLimits
from mtum.adapters.store.lock import run_lock
from mtum.adapters.store.market.bars import SqliteBars
from mtum.adapters.store.market.quarantine import SqliteQuarantine
from mtum.adapters.store.market.volumes import SqliteVolumes
from mtum.adapters.store.orders.crosses import SqliteCrosses
from mtum.adapters.store.orders.order_store import SqliteOrders
from mtum.adapters.store.plans import SqlitePlans
from mtum.adapters.store.runs import SqliteRuns
from mtum.adapters.store.schema import SCHEMA_VERSION
from mtum.adapters.store.statements import SqliteStatements
from mtum.errors import StoreError, StoreMismatchError

if TYPE_CHECKING:
    from mtum.ports.bar_store import BarStore, IntradayStore, QuarantineStore, VolumeStore
    from mtum.ports.books import BookStore, CrossStore, LedgerStore, PlanStore
    from mtum.ports.control_store import ControlStore
    from mtum.ports.event_log import EventStore
    from mtum.ports.messages import MessageStore
    from mtum.ports.option_store import OptionStore
    from mtum.ports.order_store import OrderStore
    from mtum.ports.owner_store import ApprovalStore, ChangeStore, LimitStore, StatementStore
    from mtum.ports.run_store import DecisionStore, RunStore


class SqliteStore:
    """The program's own database; owns the connection."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.runs: RunStore = SqliteRuns(database)
        self.replayed_runs: RunStore = SqliteRuns(database, "replayed_runs")
        self.decisions: DecisionStore = SqliteDecisions(database)
        self.orders: OrderStore = SqliteOrders(database)
        self.crosses: CrossStore = SqliteCrosses(database)
        self.plans: PlanStore = SqlitePlans(database)
        self.ledger: LedgerStore = SqliteLedger(database)
        self.bars: BarStore = SqliteBars(database)
        self.quarantine: QuarantineStore = SqliteQuarantine(database)
        self.volumes: VolumeStore = SqliteVolumes(database)
        self.control: ControlStore = SqliteControl(database)
        self.statements: StatementStore = SqliteStatements(database)
        self.books: BookStore = SqliteBooks(database)
        self.approvals: ApprovalStore = SqliteApprovals(database)
        self.limits: LimitStore = SqliteLimits(database)
        self.events: EventStore = SqliteEvents(database)

    @property
    def intraday(self) -> "IntradayStore":
        """Bars within sessions; who reads daily bars alone loads nothing of them."""
        from mtum.adapters.store.market.intraday import SqliteIntraday

        return SqliteIntraday(self.database)

    @property
    def changes(self) -> "ChangeStore":
        """Symbols that changed; most sessions have none."""
        from mtum.adapters.store.changes import SqliteChanges

        return SqliteChanges(self.database)

    @property
    def options(self) -> "OptionStore":
        """Option orders and their books; who trades none loads nothing of them."""
        from mtum.adapters.store.options.option_store import SqliteOptions

        return SqliteOptions(self.database)

    @property
    def messages(self) -> "MessageStore":
        """What is to be told; a run that tells nobody loads nothing of it."""
        from mtum.adapters.store.outbox import SqliteMessages

        return SqliteMessages(self.database)

    def lock(self) -> AbstractContextManager[None]:
        """Hold the run lock; raises RunLockedError when another process has it."""
        return run_lock(self.database.path)

    def together(self, *, flushed: bool = True) -> AbstractContextManager[object]:
        """Record everything that a block records, or nothing of it: one durable transaction."""
        return self.database.write(flushed=flushed)

    def close(self) -> None:
        """Close the database."""
        self.database.connection.close()


def open_store(path: Path, mode: str, account: str) -> SqliteStore:
    """Open the database of a mode and account, creating it when there is none.

    Parameters
    ----------
    path : Path
        The database's file.
    mode : str
        practice, paper or live.
    account : str
        Code of the account.

    Raises
    ------
    StoreMismatchError
        If it belongs to another mode or account, or a newer program wrote it.
    StoreError
        If it cannot be opened, read or written, or is no database of this program.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder {path.parent} cannot be created ({error.strerror})") from error
    connection = connect(path)
    try:
        with faults_of(path):
            _prepare(path, connection, mode, account)
    except BaseException:
        connection.close()
        raise
    return SqliteStore(Database(path, connection, account))


def read_store(path: Path, mode: str, account: str) -> SqliteStore:
    """Open the database for commands that only read; file and folder need not be writable.

    One of an older schema is brought up first, and that writes.

    Parameters
    ----------
    path : Path
        The database's file.
    mode : str
        practice, paper or live.
    account : str
        Code of the account.

    Raises
    ------
    StoreMismatchError, StoreError
        As `open_store`.
    """
    from mtum.adapters.store.reading import open_read_only

    try:
        connection = open_read_only(path)
    except StoreError:
        return open_store(path, mode, account)
    try:
        with faults_of(path):
            _check_stamp(path, connection, mode, account)
    except BaseException:
        connection.close()
        raise
    return SqliteStore(Database(path, connection, account))


def _prepare(path: Path, connection: sqlite3.Connection, mode: str, account: str) -> None:
    # Inside the write transaction: a second first run waits, and a read-only file is noticed now.
    database = Database(path, connection, account)
    with database.write():
        version = int(connection.execute("PRAGMA user_version").fetchone()[0])
        if version > SCHEMA_VERSION:
            from mtum.adapters.store.reading import newer

            raise newer(path, version)
        if version == 0 and connection.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
            raise StoreError(f"{path} is a database of another program; name another data folder")
        if version == 0:
            _bring_up(connection)
            connection.executemany("INSERT INTO meta VALUES (?, ?)", [("mode", mode), ("account", account)])
        _check_stamp(path, connection, mode, account)
        if 0 < version < SCHEMA_VERSION:
            from mtum.adapters.store.backup import keep_copy

            # Another connection copies what is committed; the way back to the program before.
            keep_copy(path, path.with_name(f"{path.name}.schema-{version}"))
            _bring_up(connection)


def _bring_up(connection: sqlite3.Connection) -> None:
    # sqlite-utils loads pandas, if it can, only to know its types; that takes longer than all migrations together.
    hidden = "pandas" not in sys.modules
    if hidden:
        sys.modules["pandas"] = None  # type: ignore[assignment]  # so that an import of it fails
    try:
        from mtum.adapters.store.schema.migrations import migrate
    finally:
        if hidden:
            del sys.modules["pandas"]
    migrate(connection)


def _check_stamp(path: Path, connection: sqlite3.Connection, mode: str, account: str) -> None:
    found = dict(connection.execute("SELECT key, value FROM meta WHERE key IN ('mode', 'account')").fetchall())
    expected = {"mode": mode, "account": account}
    if found != expected:
        theirs, ours = (f"mode {one.get('mode')}, account {one.get('account')}" for one in (found, expected))
        raise StoreMismatchError(f"{path} belongs to {theirs}; the settings say {ours}; take another --data-dir")
