"""A person can open the database anywhere and understand it."""

import pytest

from mtum.adapters.store.opening import SqliteStore
from mtum.adapters.store.schema.statements import columns_documentation, tables_documentation

DESIGNED = {
    "runs", "replayed_runs", "decisions", "input_frames", "frame_bars", "frame_spans", "sessions", "instruments",
    "order_intents", "order_legs", "crosses", "plans", "orders", "order_events", "fills", "lots", "trades",
    "intraday_bars", "intraday_readings",
    "cash_movements", "bars", "bar_revisions", "corporate_actions", "quarantined_bars", "volume_snapshots",
    "account_snapshots", "equity", "halts", "notifications", "meta",
    "external_shares", "stated_entries", "foreign_orders", "flatten_requests", "approvals", "approved_documents",
    "pinned_contracts", "peaks", "notes", "account_worth", "events", "symbol_changes",
    "option_contracts", "option_intents", "option_legs", "option_attempts", "option_prices", "option_order_events",
    "option_fills", "option_events", "option_lots", "option_ends", "option_external", "option_marks",
    "v_trades", "v_daily", "v_signals", "v_positions", "v_option_groups", "v_option_trades",
}  # fmt: skip


def found(store: SqliteStore) -> dict[str, str]:
    """Every table and view of a new database with its SQL, SQLite's and the migrations' own left out."""
    rows = store.database.rows("SELECT name, sql FROM sqlite_master WHERE type IN ('table', 'view')")
    return {name: sql for name, sql in rows if not name.startswith(("sqlite_", "_sqlite_"))}


def test_the_database_has_the_designed_tables_and_views(store: SqliteStore) -> None:
    assert set(found(store)) == DESIGNED


def test_every_column_is_documented_and_no_other(store: SqliteStore) -> None:
    columns = {
        name: [row["name"] for row in store.database.rows(f"PRAGMA table_info({name})")] for name in found(store)
    }
    assert columns == {name: list(texts) for name, texts in columns_documentation().items()}
    assert all(text for texts in columns_documentation().values() for text in texts.values())


def test_every_table_and_view_says_what_a_row_is() -> None:
    assert set(tables_documentation()) == DESIGNED
    assert all(text.endswith(".") for text in tables_documentation().values())


@pytest.mark.parametrize("name", sorted(DESIGNED))
def test_the_schema_itself_carries_the_documentation(store: SqliteStore, name: str) -> None:
    sql = found(store)[name]
    assert tables_documentation()[name] in sql
    assert [text for text in columns_documentation()[name].values() if text not in sql] == []


def test_every_table_checks_the_types_of_its_values(store: SqliteStore) -> None:
    rows = store.database.rows("PRAGMA table_list")
    loose = [row["name"] for row in rows if row["type"] == "table" and row["name"] in DESIGNED and not row["strict"]]
    assert loose == []


def test_every_reference_has_an_index(store: SqliteStore) -> None:
    missing = []
    for table in found(store):
        indexed = {
            store.database.rows(f"PRAGMA index_info({index['name']})")[0]["name"]
            for index in store.database.rows(f"PRAGMA index_list({table})")
        }
        for reference in store.database.rows(f"PRAGMA foreign_key_list({table})"):
            if reference["from"] not in indexed:
                missing.append((table, reference["from"]))
    assert missing == []
