"""The schema's history: one migration per step, each applied once and recorded."""

import json
import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from datetime import datetime

from sqlite_utils import Database, Migrations

from mtum.adapters.clock import SystemClock
from mtum.adapters.store.market.checksums import COLUMNS, checksum
from mtum.adapters.store.options.books import write_option_lots
from mtum.adapters.store.orders.intents import insert_instrument
from mtum.adapters.store.orders.trades import write_trades
from mtum.adapters.store.schema import SCHEMA_VERSION
from mtum.adapters.store.schema.event_log import EVENTS, TRIGGERS
from mtum.adapters.store.schema.option_tables import OPTIONS
from mtum.adapters.store.schema.owner_tables import OWNER
from mtum.adapters.store.schema.statements import create_statements, create_table, create_view
from mtum.adapters.store.schema.tables import TABLES
from mtum.adapters.store.schema.views import VIEWS
from mtum.adapters.store.texts import instant_text
from mtum.errors import StoreError

MIGRATIONS = Migrations("mtum")


@MIGRATIONS(name="0001_tables_and_views")
def tables_and_views(db: Database) -> None:
    """Create every table and view of the first schema."""
    for statement in create_statements():
        db.execute(statement)


@MIGRATIONS(name="0002_numbers_of_orders")
def numbers_of_orders(db: Database) -> None:
    """Keep under which number an order was sent, for executions that come back without its reference."""
    _add(db, "orders", {"client_id": "INTEGER", "order_id": "INTEGER"})


@MIGRATIONS(name="0003_bands_of_projections")
def bands_of_projections(db: Database) -> None:
    """Keep how sure a projected volume was, and how far off it turned out."""
    band = {"projected_low": "REAL", "projected_high": "REAL", "learned_sessions": "INTEGER NOT NULL DEFAULT 0"}
    _add(db, "volume_snapshots", {**band, "error_frac": "REAL"})


@MIGRATIONS(name="0004_signed_lots")
def signed_lots(db: Database) -> None:
    """Let lots and round trips be short: what was sold beyond the shares held."""
    _made_anew(db, "lots", "shares <> 0")


@MIGRATIONS(name="0005_unknown_commissions")
def unknown_commissions(db: Database) -> None:
    """Leave empty what depends on a commission that is not known, instead of counting it as none."""


@MIGRATIONS(name="0006_views_in_one_pass")
def views_in_one_pass(db: Database) -> None:
    """Let no view look at all bars or fills once for each of its rows."""


@MIGRATIONS(name="0007_reasons_as_they_began")
def reasons_as_they_began(db: Database) -> None:
    """Tell of a carried exit why it began, and of a decision every true reason."""


@MIGRATIONS(name="0008_fractions_of_splits")
def fractions_of_splits(db: Database) -> None:
    """End a round trip whose split left a fraction of a share, which was paid in cash."""


@MIGRATIONS(name="0009_multipliers")
def multipliers(db: Database) -> None:
    """Keep how many shares a contract stands for, 1 so far, and a lot for each instrument of an intent."""
    _add(db, "fills", {"multiplier": "INTEGER NOT NULL DEFAULT 1 CHECK (multiplier > 0)"})
    _made_anew(db, "lots")


@MIGRATIONS(name="0010_legs")
def legs(db: Database) -> None:
    """Keep what every intent trades as legs, one for those so far, and what is known of each instrument."""
    _make(db, "instruments", "order_legs")
    for (traded,) in db.execute("SELECT symbol FROM order_intents UNION SELECT symbol FROM fills").fetchall():
        insert_instrument(db.conn, traded)
    db.execute("INSERT INTO order_legs SELECT id, 1, symbol, side, 1 FROM order_intents")


def _make(db: Database, *tables: str) -> None:
    """Create tables with their indexes, unless they are there: a new database has every table as it is now."""
    known = {name for (name,) in db.execute("SELECT name FROM sqlite_master")}
    for name in tables:
        if name not in known:
            for statement in (create_table(TABLES[name]), *TABLES[name].indexes):
                db.execute(statement)


def _made_anew(db: Database, table: str, which: str = "1") -> None:
    """Create a table as it is now, with the rows it had."""
    before = f"{table}_before"
    db.execute(f"ALTER TABLE {table} RENAME TO {before}")
    db.execute(create_table(TABLES[table]))
    columns = ", ".join(row[1] for row in db.execute(f"PRAGMA table_info({before})"))
    db.execute(f"INSERT INTO {table} ({columns}) SELECT {columns} FROM {before} WHERE {which}")
    db.execute(f"DROP TABLE {before}")


_CARRIED = {
    "external": """
        INSERT INTO external_shares (symbol, shares, stated_at) SELECT :about, CAST(:fact AS REAL), max(at)
        FROM order_events WHERE kind = 'stated'
        AND text = :fact || ' shares of ' || :about || ' are the owner''s own and never traded'""",
    "reconstructed": """
        INSERT INTO stated_entries (intent_id, remembered, stated_at)
        SELECT :about, :fact, max(planned_at) FROM order_intents WHERE id = :about""",
    "foreign_acknowledged": """
        INSERT INTO foreign_orders (ref, acknowledged_at, why) VALUES (:about, :at, iif(:at IS NULL, :fact, ''))""",
    "flatten": """
        INSERT INTO flatten_requests (symbol, why, asked_at) SELECT :about, :fact, max(since)
        FROM halts WHERE why = 'flatten ' || :about || ': ' || :fact""",
    "approved": """
        INSERT INTO approvals (session, way, approved_at) VALUES (substr(:about, 1, 10), substr(:about, 12), :at)""",
    "approved_settings": "INSERT INTO approved_documents (subject, document) VALUES ('settings', :fact)",
    "approved_code": "INSERT INTO approved_documents (subject, document) VALUES ('code', :fact)",
    "approved_backtest": "INSERT INTO approved_documents (subject, document) VALUES ('backtest', :fact)",
    "contract": "INSERT INTO pinned_contracts (symbol, identity) VALUES (:about, :fact)",
    "peak_since": """
        INSERT INTO peaks (session, set_at)
        SELECT :fact, max(lifted_at) FROM halts WHERE halted_by = 'max_drawdown_frac'""",
    "account_value": """
        INSERT INTO account_worth (session, net_usd, shares_usd, cash_usd, at)
        SELECT :session, CAST(:net AS REAL), CAST(:shares AS REAL), CAST(:cash AS REAL), max(decided_at)
        FROM decisions WHERE session = :session AND preview = 0""",
}
"""What a key of `meta` began with -> the statement that takes its fact to a table."""


@MIGRATIONS(name="0011_facts_in_tables")
def facts_in_tables(db: Database) -> None:
    """Give what a person stated and approved, and what the limits go by, tables that keep every change."""
    _make(db, *(table.name for table in OWNER))
    for key, fact in db.execute("SELECT key, value FROM meta").fetchall():
        name, _, about = key.partition(":")
        if name not in _CARRIED:
            continue
        if fact:  # an empty fact was one taken back
            worth = dict(zip(("session", "net", "shares", "cash"), fact.split(" "), strict=False))
            db.execute(_CARRIED[name], {"about": about, "fact": fact, "at": _maybe_instant(fact), **worth})
        db.execute("DELETE FROM meta WHERE key = ?", (key,))


@MIGRATIONS(name="0012_events")
def events(db: Database) -> None:
    """Tell of everything that happens from now on in one place."""
    _make(db, EVENTS.name)


@MIGRATIONS(name="0013_other_instruments")
def other_instruments(db: Database) -> None:
    """Keep what else than shares the broker showed in the account."""
    _add(db, "account_snapshots", {"others": "TEXT NOT NULL DEFAULT '[]'"})


@MIGRATIONS(name="0014_what_is_open_at_hand")
def what_is_open_at_hand(db: Database) -> None:
    """Find unfinished runs, deposits, new fills and unlearned volumes without going through all there ever were."""
    for table in ("runs", "equity", "fills", "volume_snapshots"):
        for statement in TABLES[table].indexes:
            db.execute(statement.replace("CREATE INDEX", "CREATE INDEX IF NOT EXISTS", 1))


@MIGRATIONS(name="0015_indicators_of_any_strategy")
def indicators_of_any_strategy(db: Database) -> None:
    """Let the view of days show what any strategy recorded."""


@MIGRATIONS(name="0016_replayed_runs")
def replayed_runs(db: Database) -> None:
    """Keep the timetable's jobs on a replayed market in rows, as those of any other market."""
    _make(db, "replayed_runs")
    account = "coalesce((SELECT value FROM meta WHERE key = 'account'), '')"
    columns = "account, job, slot, session, started_at, finished_at, outcome, exit_code"
    for (known,) in db.execute("SELECT value FROM meta WHERE key = 'timetable'").fetchall():
        for _, job, slot, session, *instants, outcome, exit_code in json.loads(known):
            began, ended = (at and _maybe_instant(at) for at in instants)
            sql = f"INSERT OR IGNORE INTO replayed_runs ({columns}) VALUES ({account}, ?, ?, ?, ?, ?, ?, ?)"
            db.execute(sql, (job, slot, session, began, ended, outcome, exit_code))
    db.execute("DELETE FROM meta WHERE key = 'timetable'")


@MIGRATIONS(name="0017_crosses")
def crosses(db: Database) -> None:
    """Keep the shares that change sleeves."""
    _make(db, "crosses")


@MIGRATIONS(name="0018_bars_of_frames")
def bars_of_frames(db: Database) -> None:
    """Keep each finished bar of large frames once."""
    _make(db, "frame_bars")


@MIGRATIONS(name="0019_bars_with_events")
def bars_with_events(db: Database) -> None:
    """Find dividends and splits without going through all bars."""
    for statement in TABLES["bars"].indexes:
        db.execute(statement.replace("CREATE INDEX", "CREATE INDEX IF NOT EXISTS", 1))


@MIGRATIONS(name="0020_unknown_volumes")
def unknown_volumes(db: Database) -> None:
    """Leave a volume empty that nobody recorded, instead of keeping the bar out."""
    _made_anew(db, "bars")
    for statement in TABLES["bars"].indexes:
        db.execute(statement)


@MIGRATIONS(name="0021_plans")
def plans(db: Database) -> None:
    """Keep what the account did with the wishes of its sleeves."""
    _make(db, "plans")


@MIGRATIONS(name="0022_checksums_of_bars")
def checksums_of_bars(db: Database) -> None:
    """Notice a bar that is changed by hand, whether a decision used it or not."""
    _add(db, "bars", {"checksum": "INTEGER"})
    rows = db.execute(f"SELECT rowid, {', '.join(COLUMNS)} FROM bars").fetchall()
    sums = [(checksum(values), number) for number, *values in rows]
    db.conn.executemany("UPDATE bars SET checksum = ? WHERE rowid = ?", sums)


@MIGRATIONS(name="0023_sleeves")
def sleeves(db: Database) -> None:
    """Let a halt, a wish to close a position and a peak be one sleeve's; those so far are the account's."""
    for table in ("halts", "flatten_requests", "peaks"):
        _add(db, table, {"strategy": "TEXT"})


@MIGRATIONS(name="0024_events_by_kind")
def events_by_kind(db: Database) -> None:
    """Find the events of fills without going through all events: every run looks whether its fills are whole."""
    for statement in EVENTS.indexes:
        db.execute(statement.replace("CREATE INDEX", "CREATE INDEX IF NOT EXISTS", 1))


@MIGRATIONS(name="0025_sums_and_peaks_at_hand")
def sums_and_peaks_at_hand(db: Database) -> None:
    """Find a strategy's cash, what is not paid and the highest equity without going through all there ever were."""
    for name in ("cash_movements_by_session", "fills_by_stem", "fills_by_intent"):
        db.execute(f"DROP INDEX IF EXISTS {name}")
    for table in ("cash_movements", "equity", "fills"):
        for statement in TABLES[table].indexes:
            db.execute(statement.replace("CREATE INDEX", "CREATE INDEX IF NOT EXISTS", 1))


@MIGRATIONS(name="0026_transfers_at_hand")
def transfers_at_hand(db: Database) -> None:
    """Find what moved between strategies with the deposits and withdrawals: it is money put in or taken out too."""
    db.execute("DROP INDEX IF EXISTS cash_movements_open")
    for statement in TABLES["cash_movements"].indexes:
        db.execute(statement.replace("CREATE INDEX", "CREATE INDEX IF NOT EXISTS", 1))


@MIGRATIONS(name="0027_symbol_changes")
def symbol_changes(db: Database) -> None:
    """Keep new names, mergers and spin-offs."""
    _make(db, "symbol_changes")


@MIGRATIONS(name="0028_one_symbol_a_price")
def one_symbol_a_price(db: Database) -> None:
    """Show no price beside a decision on several symbols: it was the first one's, and the close another's."""


@MIGRATIONS(name="0029_trades")
def trades(db: Database) -> None:
    """Keep the round trips that the fills make, where a view put them together anew."""
    _make(db, "trades")
    write_trades(db.conn)


@MIGRATIONS(name="0030_intraday_bars")
def intraday_bars(db: Database) -> None:
    """Keep bars within the sessions, where a strategy asks for them."""
    _make(db, "intraday_bars", "intraday_readings")


@MIGRATIONS(name="0031_options")
def options(db: Database) -> None:
    """Keep contracts, orders, executions and events of options, and tell of them with everything that happens."""
    _make(db, *(table.name for table in OPTIONS))
    for name in TRIGGERS:
        db.execute(f"DROP TRIGGER IF EXISTS {name}")
    _made_anew(db, EVENTS.name)
    for statement in EVENTS.indexes:
        db.execute(statement)


@MIGRATIONS(name="0032_notes")
def notes(db: Database) -> None:
    """Keep what a person writes down."""
    _make(db, "notes")


@MIGRATIONS(name="0033_unknown_option_fees")
def unknown_option_fees(db: Database) -> None:
    """Leave the fee of an option empty while it is not told, where 0 stood for it; what a person stated stays."""
    for name in TRIGGERS:
        db.execute(f"DROP TRIGGER IF EXISTS {name}")
    for table in ("option_fills", "option_lots", "option_ends"):
        _made_anew(db, table)
        for statement in TABLES[table].indexes:
            db.execute(statement)
    db.execute("UPDATE option_fills SET fee_usd = NULL WHERE fee_usd = 0 AND exec_id NOT GLOB 'stated:*'")
    with suppress(StoreError):  # books that do not hang together stay as they are, and `mtum verify` says so
        write_option_lots(db.conn)


@MIGRATIONS(name="0034_newest_decisions_at_hand")
def newest_decisions_at_hand(db: Database) -> None:
    """Find the newest decisions, and those of watched sleeves, without going through all there ever were."""
    for statement in TABLES["decisions"].indexes:
        db.execute(statement.replace("CREATE INDEX", "CREATE INDEX IF NOT EXISTS", 1))


@MIGRATIONS(name="0035_spans_of_frames")
def spans_of_frames(db: Database) -> None:
    """Tell by a hash that a frame has the bars of the one before."""
    _make(db, "frame_spans")


@MIGRATIONS(name="0036_bars_with_any_split")
def bars_with_any_split(db: Database) -> None:
    """Find bars with a split of 1, which some sources tell of every session, without going through all."""
    db.execute("DROP INDEX IF EXISTS bars_with_events")
    for statement in TABLES["bars"].indexes:
        db.execute(statement)


def _maybe_instant(fact: str) -> str | None:
    try:
        return instant_text(datetime.fromisoformat(fact))
    except ValueError:
        return None


def _add(db: Database, table: str, columns: Mapping[str, str]) -> None:
    known = {row[1] for row in db.execute(f"PRAGMA table_info({table})")}
    for name, kind in columns.items():
        if name not in known:  # a new database has every table as it is now
            db.execute(f"ALTER TABLE {table} ADD COLUMN {name} {kind}")


def _create(db: Database) -> None:
    """Make every table as it is now, which leaves nothing to any step."""
    for statement in create_statements():
        db.execute(statement)
    MIGRATIONS.ensure_migrations_table(db)
    rows = [(MIGRATIONS.name, one.name, str(SystemClock().now())) for one in MIGRATIONS.pending(db)]
    sql = f"INSERT INTO {MIGRATIONS.migrations_table} (migration_set, name, applied_at) VALUES (?, ?, ?)"
    db.conn.executemany(sql, rows)


def migrate(connection: sqlite3.Connection) -> None:
    """Bring the schema up to this program's, all or nothing; `PRAGMA user_version` says how far it is.

    The caller holds the write transaction, so that two first runs do not collide.
    """
    db = Database(connection, recursive_triggers=False)
    # Views are made last, as they are now: none may read a table that a step makes anew.
    for name in VIEWS:
        connection.execute(f"DROP VIEW IF EXISTS {name}")
    if connection.execute("SELECT 1 FROM sqlite_master").fetchone():
        MIGRATIONS.apply(db)
    else:
        _create(db)
    for view in VIEWS.values():
        connection.execute(create_view(view))
    # Last too, as a table made anew has lost those that hung on it.
    known = {row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")}
    for name, statement in TRIGGERS.items():
        if name not in known:
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
    # The same number where a person looks.
    connection.execute("INSERT OR REPLACE INTO meta VALUES ('schema', ?)", (str(SCHEMA_VERSION),))
