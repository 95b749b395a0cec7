"""What an older database holds is what a newer program reads of it."""

import json
import sqlite3
from contextlib import closing
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from mtum.adapters.store.checks import problems
from mtum.adapters.store.reading import meta, open_read_only
from mtum.adapters.store.schema.owner_tables import OWNER
from mtum.core.portfolio.fills import Split
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.orders import Side
from mtum.ports.records import AccountWorth
from support.option_store import P95, leg_fill, planned
from support.store import ACCOUNT, FRIDAY, MONDAY, TUESDAY, decision, fill, intent, later, opened, traded

FOREIGN = "m1-00aabbccddee.1"
FACTS = {
    "external:MTUM": "12.5",
    "external:SPY": "0",
    f"reconstructed:{intent().id}": '{"atr": 2.25}',
    f"foreign_acknowledged:{FOREIGN}": "2018-12-03T17:04:00+00:00",
    "foreign_acknowledged:m1-00aabbccddef.1": "paper_check",
    "flatten:MTUM": "on holiday: all of it",
    "flatten:SPY": "",
    "approved:2018-12-04:enter": "2018-12-03T12:01:00.000250-05:00",
    "approved:2018-12-06:exit": "2018-12-03T17:01:00+00:00",
    "approved_settings": '{"risk": {"max_position_usd": 5000.0}}',
    "approved_code": '{"code_hash": "c0de"}',
    "approved_backtest": '{"metrics": {"win_rate_frac": 0.35}}',
    "contract:MTUM": "319359861@BATS",
    "contract:VIX": "",
    "peak_since": "2018-12-03",
    "account_value": "2018-12-03 10123.45 1995.0 8001.1",
}
"""Every kind of fact that schema 10 kept in `meta` as text and that has a table now."""
PLAYED = [
    [
        3,
        "decide_and_order",
        "",
        "2018-12-03",
        "2018-12-03T20:30:00+00:00",
        "2018-12-03T20:31:00.5+00:00",
        "finished",
        0,
    ],
    [4, "backup", "evening", "2018-12-03", "2018-12-03T23:00:00+00:00", None, None, None],
]
KEPT = {"practice_gateway": "yes", "told_closed": "2018-12-05"}


@pytest.fixture
def schema_10(tmp_path: Path) -> Path:
    """A folder with a database as the program of schema 10 left it."""
    store = opened(tmp_path)
    store.decisions.commit_decisions([decision()], [intent()])
    said = "12.5 shares of MTUM are the owner's own and never traded"
    store.orders.record_event(None, later(2), "stated", said)
    store.control.halt(Restriction.REDUCE_ONLY, "flatten MTUM: on holiday: all of it", "person", later(3))
    store.control.halt(Restriction.REDUCE_ONLY, "equity has fallen", "max_drawdown_frac", later(4))
    store.control.resume(later(5))
    store.close()
    with closing(sqlite3.connect(tmp_path / "mtum.db")) as connection:
        for table in OWNER:
            connection.execute(f"DROP TABLE {table.name}")
        connection.execute("DELETE FROM _sqlite_migrations WHERE name > '0011'")
        connection.executemany(
            "INSERT INTO meta VALUES (?, ?)", [*FACTS.items(), *KEPT.items(), ("timetable", json.dumps(PLAYED))]
        )
        connection.execute("DROP TABLE replayed_runs")
        connection.execute("PRAGMA user_version = 10")
        connection.commit()
    return tmp_path


def test_facts_kept_as_text_are_told_by_their_tables(schema_10: Path) -> None:
    store = opened(schema_10)
    assert store.statements.external_shares() == {"MTUM": Decimal("12.5"), "SPY": Decimal(0)}
    assert store.statements.stated_entry(intent().id) == {"atr": 2.25}
    assert [store.statements.acknowledged_foreign(ref) for ref in (FOREIGN, FOREIGN[:-1] + "2")] == [True, False]
    assert store.statements.flatten_requests() == ("MTUM",)
    days = (date(2018, 12, 4), date(2018, 12, 6))
    assert [store.approvals.approved(day, "enter") for day in days] == [True, False]
    assert [store.approvals.approved(day, "exit") for day in days] == [False, True]
    assert store.approvals.approved_document("settings") == {"risk": {"max_position_usd": 5000.0}}
    assert store.approvals.approved_document("code") == {"code_hash": "c0de"}
    assert store.approvals.approved_document("backtest") == {"metrics": {"win_rate_frac": 0.35}}
    assert [store.approvals.pinned_contract(symbol) for symbol in ("MTUM", "VIX")] == ["319359861@BATS", ""]
    assert store.limits.peak_since() == MONDAY
    assert store.limits.last_worth() == AccountWorth(MONDAY, 10123.45, 1995.0, 8001.1)
    store.close()


def test_facts_are_dated_where_another_record_dates_them(schema_10: Path) -> None:
    store = opened(schema_10)

    def instants(column: str, table: str) -> list[object]:
        return [row[0] for row in store.database.rows(f"SELECT {column} FROM {table} ORDER BY id")]

    noon = "2018-12-03T17:0{}:00.000000Z"
    assert instants("stated_at", "external_shares") == [noon.format(2), None]
    assert instants("asked_at", "flatten_requests") == [noon.format(3)]
    assert instants("set_at", "peaks") == [noon.format(5)]
    assert instants("stated_at", "stated_entries") == instants("at", "account_worth") == ["2018-12-03T20:43:00.000000Z"]
    assert instants("acknowledged_at", "foreign_orders") == [noon.format(4), None]
    assert instants("why", "foreign_orders") == ["", "paper_check"]
    assert instants("approved_at", "approvals") == ["2018-12-03T17:01:00.000250Z", noon.format(1)]
    assert instants("approved_at", "approved_documents") == [None, None, None]
    store.close()


def test_what_is_no_statement_stays_where_it_was_and_the_copy_before_is_whole(schema_10: Path) -> None:
    opened(schema_10).close()
    with closing(open_read_only(schema_10 / "mtum.db")) as connection:
        assert problems(connection) == ()
        found = meta(connection)
        assert found.pop("schema") == str(connection.execute("PRAGMA user_version").fetchone()[0])
    assert found == {"mode": "practice", "account": ACCOUNT, **KEPT}
    with closing(sqlite3.connect(schema_10 / "mtum.db.schema-10")) as copy:
        assert FACTS.items() <= dict(copy.execute("SELECT key, value FROM meta").fetchall()).items()


def test_a_database_brought_up_has_the_schema_of_a_new_one(schema_10: Path, tmp_path: Path) -> None:
    def schema(folder: Path) -> dict[str, str]:
        store = opened(folder)
        rows = store.database.rows("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
        store.close()
        return {row["name"]: row["sql"] for row in rows}

    assert schema(schema_10) == schema(tmp_path / "new")


def test_the_round_trips_of_older_fills_are_put_in_their_table(tmp_path: Path) -> None:
    store = opened(tmp_path)
    entry, exit_ = intent(), intent(FRIDAY, Side.SELL, 38, reasons=("exit_carried", "rsi_low"))
    traded(store, entry, fill(entry, "a.01", 19, "105", "2"))
    store.bars.agree_split(Split("MTUM", TUESDAY, Decimal(2)), later(0))
    traded(store, exit_, fill(exit_, "b.01", 38, "53.75", "2.04"))
    before = [tuple(row) for row in store.database.rows("SELECT * FROM v_trades")]
    store.close()
    with closing(sqlite3.connect(tmp_path / "mtum.db")) as old, old:
        old.execute("DROP TABLE trades")
        old.execute("DELETE FROM _sqlite_migrations WHERE name >= '0029'")
        old.execute("PRAGMA user_version = 28")
    again = opened(tmp_path)
    # 19 at 105 are 38 at 52.50; 38 x 53.75 - 38 x 52.50 - 4.04 = 43.46
    assert [tuple(row) for row in again.database.rows("SELECT * FROM v_trades")] == before
    assert [(row[3], row[5], row[6], row[7], row[9]) for row in before] == [(52.5, 53.75, 38, 43.46, "rsi_low")]
    again.close()


def test_a_fee_of_nothing_that_stood_for_one_not_told_is_empty_and_a_stated_one_stays(tmp_path: Path) -> None:
    store = opened(tmp_path)
    one = planned()
    store.options.commit_intents([one], later(0))
    for name, fee in (("a.01", "0"), ("b.01", "0.70"), ("stated:m1.1:2.01", "0")):
        store.options.record_fills([leg_fill(one, name, P95, -1, "1.20", fee)])
    store.close()
    with closing(sqlite3.connect(tmp_path / "mtum.db")) as old, old:
        old.execute("DELETE FROM _sqlite_migrations WHERE name >= '0033'")
        old.execute("DELETE FROM cash_movements WHERE amount_usd = 0")
        old.execute("PRAGMA user_version = 32")
    again = opened(tmp_path)
    assert [fill.fee_usd for fill in again.options.fills()] == [None, Decimal("0.70"), Decimal(0)]
    assert [lot.fees_usd for lot in again.options.book().lots] == [None, Decimal("0.70"), Decimal(0)]
    assert again.database.rows("SELECT group_concat(ifnull(fees_usd, '-')) FROM option_lots")[0][0] == "-,0.7,0.0"
    assert again.events.unsound_options() == ()
    again.close()


def test_jobs_on_a_replayed_market_are_rows_of_their_own(schema_10: Path) -> None:
    store = opened(schema_10)
    decided, copied = store.replayed_runs.runs_between(MONDAY, MONDAY)
    began = datetime(2018, 12, 3, 20, 30, tzinfo=UTC)
    assert (decided.job, decided.started_at, decided.outcome, decided.exit_code) == (
        "decide_and_order", began, "finished", 0,
    )  # fmt: skip
    assert decided.finished_at == began + timedelta(seconds=60.5)
    assert (copied.job, copied.slot, copied.finished_at) == ("backup", "evening", None)
    assert store.runs.runs_between(MONDAY, MONDAY) == ()
    again = store.replayed_runs.start_run("backup", "evening", MONDAY, began)
    assert again == copied.id
    store.replayed_runs.finish_run(again, began, "finished", 0)
    found = store.replayed_runs.run_of("backup", "evening", MONDAY)
    assert found is not None
    assert found.outcome == "finished"
    assert store.database.rows("SELECT kind FROM events WHERE kind LIKE 'run%'") == []
    store.close()
