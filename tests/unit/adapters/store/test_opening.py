"""Opening creates, recognizes and refuses; a refused file keeps every byte."""

import sqlite3
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from threading import Barrier

import pytest

from mtum.adapters.store.database import Database, connect
from mtum.adapters.store.opening import SqliteStore, open_store
from mtum.adapters.store.reading import open_read_only
from mtum.adapters.store.schema import SCHEMA_VERSION
from mtum.core.market.instruments import InstrumentId
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.lots import Lot
from mtum.core.portfolio.orders import Leg, OrderStatus, Side
from mtum.errors import ExitCode, StoreError, StoreMismatchError
from mtum.ports.records import Observed, VolumeSnapshot
from support.store import ACCOUNT, MONDAY, STRATEGY, intent, later, opened


def made(folder: Path) -> Path:
    opened(folder).close()
    return folder / "mtum.db"


def change(path: Path, sql: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(sql)
        connection.commit()


def test_a_new_database_says_whose_it_is(store: SqliteStore) -> None:
    assert (store.control.meta("mode"), store.control.meta("account")) == ("practice", ACCOUNT)


def test_missing_folders_are_made(tmp_path: Path) -> None:
    assert made(tmp_path / "a" / "b").is_file()


def test_opening_again_keeps_what_was_stored(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.control.set_meta("cursor", "7")
    first.close()
    again = opened(tmp_path)
    assert again.control.meta("cursor") == "7"
    again.close()


def test_first_runs_at_the_same_time_create_one_database(tmp_path: Path) -> None:
    together = Barrier(4)

    def first_run() -> str | None:
        together.wait()
        store = opened(tmp_path)
        try:
            return store.control.meta("account")
        finally:
            store.close()

    with ThreadPoolExecutor(4) as pool:
        found = [run.result() for run in [pool.submit(first_run) for _ in range(4)]]
    assert found == [ACCOUNT] * 4


@pytest.mark.parametrize(
    ("mode", "account", "words"),
    [
        ("live", ACCOUNT, f"belongs to mode practice, account {ACCOUNT}; the settings say mode live"),
        ("practice", "U7654321", f"account {ACCOUNT}; the settings say mode practice, account U7654321"),
    ],
)
def test_the_database_of_another_mode_or_account_is_refused(
    tmp_path: Path, mode: str, account: str, words: str
) -> None:
    path = made(tmp_path)
    before = path.read_bytes()
    with pytest.raises(StoreMismatchError, match=words) as refused:
        open_store(path, mode, account)
    assert refused.value.exit_code is ExitCode.USAGE
    assert path.read_bytes() == before


def test_a_newer_database_is_refused_by_both_sides(tmp_path: Path) -> None:
    path = made(tmp_path)
    change(path, "PRAGMA user_version = 99")
    with pytest.raises(StoreMismatchError, match=rf"newer program \(schema 99, this one knows {SCHEMA_VERSION}\)"):
        opened(tmp_path)
    with pytest.raises(StoreMismatchError, match="newer program"):
        open_read_only(path)


def test_a_database_of_the_schema_before_is_brought_up_and_keeps_what_it_holds(tmp_path: Path) -> None:
    first = opened(tmp_path)
    first.orders.add_intent(intent(), later(0))
    lot = Lot(intent().id, STRATEGY, "MTUM", MONDAY, 19, 19, Decimal(105), Decimal(1))
    first.ledger.write_lots(STRATEGY, [lot], {})
    first.close()
    for sql in (
        "DROP VIEW v_positions",
        "DROP VIEW v_trades",
        "CREATE VIEW v_positions AS SELECT * FROM lots",
        "CREATE VIEW v_trades AS SELECT * FROM fills",
        "ALTER TABLE fills DROP COLUMN multiplier",
        "ALTER TABLE lots DROP COLUMN multiplier",
        "DROP TABLE order_legs",
        "DROP TABLE instruments",
        "ALTER TABLE account_snapshots DROP COLUMN others",
        "ALTER TABLE orders DROP COLUMN client_id",
        "ALTER TABLE orders DROP COLUMN order_id",
        *(
            f"ALTER TABLE volume_snapshots DROP COLUMN {name}"
            for name in ("projected_low", "projected_high", "learned_sessions", "error_frac")
        ),
        "DELETE FROM _sqlite_migrations WHERE name > '0002'",
        "PRAGMA user_version = 1",
    ):
        change(tmp_path / "mtum.db", sql)
    with pytest.raises(StoreMismatchError):
        open_store(tmp_path / "mtum.db", "practice", "U7654321")
    assert not (tmp_path / "mtum.db.schema-1").exists()
    again = opened(tmp_path)
    with closing(sqlite3.connect(tmp_path / "mtum.db.schema-1")) as copy:  # the way back
        assert copy.execute("PRAGMA user_version").fetchone() == (1,)
        assert copy.execute("SELECT id FROM order_intents").fetchall() == [(intent().id,)]
    again.orders.move_order(intent().id, OrderStatus.ACCEPTED, later(1), Observed(client_id=17, order_id=35))
    found = again.orders.state_of(intent().id)
    assert found is not None
    seen = VolumeSnapshot("MTUM", "csv", MONDAY, 20.0, 870.0, 0.87, 1000.0, learned_sessions=20, error_frac=0.01)
    again.volumes.write(seen)
    snapshots = again.volumes.snapshots("MTUM", "csv")
    lots = {row["intent_id"]: dict(row) for row in again.database.rows("SELECT * FROM lots")}
    with pytest.raises(StoreError, match="shares <> 0"), again.database.write() as connection:
        connection.execute("UPDATE lots SET shares = 0")
    assert again.database.rows("SELECT * FROM v_trades") == []
    assert [row["shares"] for row in again.database.rows("SELECT * FROM v_positions")] == [19]
    assert again.ledger.lots(STRATEGY) == (lot,)
    assert [tuple(row) for row in again.database.rows("SELECT * FROM order_legs")] == [
        (intent().id, 1, "MTUM", "BUY", 1)
    ]
    assert [tuple(row)[:5] for row in again.database.rows("SELECT * FROM instruments")] == [
        ("MTUM", "stock", "MTUM", "USD", 1)
    ]
    assert (found.intent, found.intent.legs) == (intent(), (Leg(InstrumentId("MTUM"), Side.BUY),))
    again.close()
    assert {key: held["shares"] for key, held in lots.items()} == {intent().id: 19}
    assert (found.status, found.client_id, found.order_id) == (OrderStatus.ACCEPTED, 17, 35)
    assert snapshots == (seen,)


def test_a_file_that_is_no_database_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "mtum.db"
    path.write_bytes(b"date,open,high,low,close\n" * 400)
    for attempt in (lambda: opened(tmp_path), lambda: open_read_only(path)):
        with pytest.raises(StoreError, match=r"mtum\.db is not a SQLite database; `mtum restore FILE`") as refused:
            attempt()
        assert refused.value.exit_code is ExitCode.DATA
        assert "\n" not in str(refused.value)
    assert path.read_bytes() == b"date,open,high,low,close\n" * 400


def test_the_database_of_another_program_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "mtum.db"
    change(path, "CREATE TABLE theirs (x)")
    with pytest.raises(StoreError, match="another program"):
        opened(tmp_path)
    with pytest.raises(StoreError, match="not a database of this program"):
        open_read_only(path)
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("SELECT name FROM sqlite_master").fetchall() == [("theirs",)]


def test_a_folder_in_the_place_of_the_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mtum.db").mkdir()
    with pytest.raises(StoreError, match="cannot be opened"):
        opened(tmp_path)
    with pytest.raises(StoreError, match="is a folder, not a file"):
        open_read_only(tmp_path / "mtum.db")


def test_a_damaged_database_is_refused(tmp_path: Path) -> None:
    path = made(tmp_path)
    content = bytearray(path.read_bytes())
    content[100:4096] = b"\xff" * 3996  # the page that lists the tables
    path.write_bytes(content)
    with pytest.raises(StoreError, match="is damaged; `mtum restore FILE`"):
        opened(tmp_path)


def test_a_file_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    path = made(tmp_path)
    connection = sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True, isolation_level=None)
    with closing(connection), pytest.raises(StoreError, match="cannot be written; check the permissions"):
        SqliteStore(Database(path, connection, ACCOUNT)).control.set_meta("cursor", "1")


def test_a_full_disk_is_named_and_leaves_nothing_half_written(store: SqliteStore) -> None:
    connection = store.database.connection
    pages = connection.execute("PRAGMA page_count").fetchone()[0]
    connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(StoreError, match="the disk is full"):
        store.control.set_meta("cursor", "1" * 100_000)
    assert store.control.meta("cursor") is None
    store.control.set_meta("cursor", "small")
    assert store.control.meta("cursor") == "small"


def test_a_database_locked_for_long_is_named(store: SqliteStore, path: Path) -> None:
    store.database.connection.execute("PRAGMA busy_timeout = 20")
    with closing(connect(path)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="kept locked by another process"):
            store.control.halt(Restriction.FULL, "test", "owner", later(0))
    assert store.control.restriction() is Restriction.NONE


def test_every_write_but_that_of_bars_is_durable_and_references_are_checked(store: SqliteStore) -> None:
    def pragma(name: str) -> object:
        return store.database.connection.execute(f"PRAGMA {name}").fetchone()[0]

    assert (pragma("journal_mode"), pragma("synchronous"), pragma("foreign_keys")) == ("wal", 2, 1)
    assert pragma("busy_timeout") == 5000
    # Bars can be read again, so that they do not wait for the disk; what follows them does.
    with store.database.write(flushed=False):
        assert pragma("synchronous") == 1
    with pytest.raises(ZeroDivisionError), store.database.write(flushed=False):
        _ = 1 / 0
    assert pragma("synchronous") == 2


def test_the_user_version_is_the_number_of_migrations(store: SqliteStore) -> None:
    from mtum.adapters.store.schema.migrations import MIGRATIONS

    applied = store.database.rows("SELECT name FROM _sqlite_migrations")
    version = store.database.connection.execute("PRAGMA user_version").fetchone()[0]
    assert store.control.meta("schema") == str(version)
    assert version == len(applied) == len(MIGRATIONS._migrations)


def test_a_new_database_is_what_every_step_in_turn_leads_to(store: SqliteStore) -> None:
    from sqlite_utils import Database as Steps

    from mtum.adapters.store.schema.migrations import MIGRATIONS, migrate

    def schema(connection: sqlite3.Connection) -> set[tuple[str, ...]]:
        return {tuple(row) for row in connection.execute("SELECT type, name, sql FROM sqlite_master")}

    with closing(sqlite3.connect(":memory:", isolation_level=None)) as stepwise:
        MIGRATIONS.apply(Steps(stepwise, recursive_triggers=False))
        migrate(stepwise)
        assert schema(store.database.connection) == schema(stepwise)
