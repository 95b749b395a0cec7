"""The read side: plain rows, the newest of them, while a run writes."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path

import pytest

from mtum.adapters.store import reading
from mtum.adapters.store.opening import SqliteStore
from mtum.adapters.store.schema import SCHEMA_VERSION
from mtum.core.market.sessions import Session
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.lots import lots_of
from mtum.core.portfolio.orders import OrderStatus, Side
from mtum.errors import StoreError
from mtum.ports.messages import Message, Urgency
from mtum.ports.records import Observed
from support.store import (
    ACCOUNT,
    FRIDAY,
    MONDAY,
    NOON,
    STRATEGY,
    THURSDAY,
    TUESDAY,
    bars_of,
    decision,
    fill,
    intent,
    later,
    traded,
)


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(reading.open_read_only(path)) as opened:
        yield opened


def test_reading_loads_no_heavy_library() -> None:
    code = (
        "import sys, mtum.adapters.store.reading; print(sorted({'numpy', 'pandas', 'sqlite_utils'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_a_missing_database_is_named_and_not_made(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="does not exist; the first run creates it"):
        reading.open_read_only(tmp_path / "mtum.db")
    assert list(tmp_path.iterdir()) == []


def test_a_reader_sees_what_is_committed_while_a_run_writes(store: SqliteStore, connection: sqlite3.Connection) -> None:
    with store.database.write() as writing:
        writing.execute("INSERT INTO meta VALUES ('cursor', '1')")
        assert "cursor" not in reading.meta(connection)
    assert reading.meta(connection)["cursor"] == "1"


def test_a_reader_cannot_write(connection: sqlite3.Connection) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        connection.execute("DELETE FROM meta")


def test_the_file_alone_is_readable_after_the_last_writer_left(store: SqliteStore, path: Path) -> None:
    store.close()
    assert not path.with_name("mtum.db-wal").exists()
    with closing(reading.open_read_only(path)) as opened:
        assert reading.meta(opened) == {"account": ACCOUNT, "mode": "practice", "schema": str(SCHEMA_VERSION)}


def test_listings_keep_the_newest_rows_oldest_first(store: SqliteStore, connection: sqlite3.Connection) -> None:
    store.bars.accept(bars_of({MONDAY: 1.0, TUESDAY: 2.0, THURSDAY: 3.0, FRIDAY: 4.0}), later(0), TUESDAY)
    assert [row["close"] for row in reading.bars(connection, limit=2)] == [3.0, 4.0]
    assert [row["close"] for row in reading.bars(connection, since=THURSDAY)] == [3.0, 4.0]
    assert [row["close"] for row in reading.bars(connection, since=TUESDAY, limit=1)] == [4.0]
    assert [row["final"] for row in reading.bars(connection, symbol="MTUM", source="csv")] == [1, 1, 0, 0]
    assert reading.bars(connection, symbol="SPY") == []


def test_an_order_shows_intent_and_broker_together(store: SqliteStore, connection: sqlite3.Connection) -> None:
    order = intent()
    store.decisions.commit(decision(), [order])
    store.orders.claim(order.id, later(1))
    store.orders.move(order.id, OrderStatus.REJECTED, later(2), Observed(0, "77", "201", "no margin"))
    (row,) = reading.orders(connection)
    assert row == {
        "id": order.id,
        "ref": f"{order.id}-1",
        "session": "2018-12-03",
        "strategy": STRATEGY,
        "account": ACCOUNT,
        "symbol": "MTUM",
        "side": "BUY",
        "purpose": "enter",
        "type": "MOC",
        "shares": 19,
        "filled": 0,
        "status": "REJECTED",
        "reference_price": 105.25,
        "reasons": ["close_above_ma"],
        "broker_id": "77",
        "code": "201",
        "text": "no margin",
        "attempt": 1,
        "planned_at": "2018-12-03T20:43:00.000000Z",
        "submitted_at": "2018-12-03T17:01:00.000000Z",
        "updated_at": "2018-12-03T17:02:00.000000Z",
    }
    json.dumps(row)


def test_every_event_of_an_order_is_told_in_order(store: SqliteStore, connection: sqlite3.Connection) -> None:
    order = intent()
    store.orders.add_intent(order, later(0))
    store.orders.claim(order.id, later(1))
    store.orders.event(order.id, later(2), "lists", "not among the open orders")
    store.orders.event(None, later(2), "foreign", "an order of another program")
    store.orders.move(order.id, OrderStatus.ACCEPTED, later(3), Observed(broker_id="7", text="held"))
    store.orders.move(order.id, OrderStatus.ACCEPTED, later(4), Observed(filled=0))
    assert [
        (row["kind"], row["status"], row["text"], row["ref"]) for row in reading.order_events(connection, order.id)
    ] == [
        ("status", "PLANNED", "", f"{order.id}-1"),
        ("status", "SUBMITTING", "", f"{order.id}-1"),
        ("lists", None, "not among the open orders", f"{order.id}-1"),
        ("status", "ACCEPTED", "held", f"{order.id}-1"),
    ]
    assert [row["kind"] for row in reading.order_events(connection) if row["intent_id"] is None] == ["foreign"]


def test_an_attempt_given_up_stays_listed_beside_the_next(store: SqliteStore, connection: sqlite3.Connection) -> None:
    order = intent()
    store.orders.add_intent(order, later(0))
    store.orders.claim(order.id, later(1))
    store.orders.move(order.id, OrderStatus.UNKNOWN, later(2))
    store.orders.move(order.id, OrderStatus.PLANNED, later(3))
    assert [(row["attempt"], row["status"], row["text"]) for row in reading.orders(connection)] == [
        (1, "LAPSED", "stated as never sent"),
        (2, "PLANNED", ""),
    ]


def test_corrected_fills_are_left_out(store: SqliteStore, connection: sqlite3.Connection) -> None:
    order = intent()
    traded(store, order, fill(order, "a.01", 19, "105"), fill(order, "a.02", 18, "104", "1.9"))
    (row,) = reading.fills(connection)
    assert (row["exec_id"], row["shares"], row["price"], row["commission_usd"]) == ("a.02", 18, 104.0, 1.9)
    assert row["instant"] == "2018-12-03T21:00:00.000000Z"


def test_a_decision_is_read_whole(store: SqliteStore, connection: sqlite3.Connection) -> None:
    assert reading.decision(connection) is None
    store.decisions.commit(decision(MONDAY), ())
    store.decisions.commit(decision(TUESDAY, frame={"vix": 17.5}), ())
    store.decisions.preview(decision(FRIDAY, preview=True))
    newest, asked = reading.decision(connection), reading.decision(connection, MONDAY, STRATEGY)
    assert newest is not None
    assert asked is not None
    assert (newest["session"], newest["frame"]) == ("2018-12-04", {"vix": 17.5})
    assert (asked["document"]["indicators"], asked["reasons"]) == ({"close": 105.25}, ["close_above_ma", "vix_calm"])
    assert reading.decision(connection, FRIDAY) is None
    assert [row["session"] for row in reading.decisions(connection)] == ["2018-12-03", "2018-12-04"]


def test_conditions_keep_the_order_of_the_strategy(store: SqliteStore, connection: sqlite3.Connection) -> None:
    names = ["vix_calm", "close_above_ma", "rsi_high"]
    for day in (MONDAY, TUESDAY):
        document = {"symbols": {"MTUM": {"conditions": [{"name": name, "passed": True} for name in names]}}}
        store.decisions.commit(decision(day, document=document), ())
    assert [row["condition"] for row in reading.signals(connection)] == names * 2
    assert [row["condition"] for row in reading.signals(connection, limit=2)] == names[1:]


def test_runs_are_listed_with_their_steps(store: SqliteStore, connection: sqlite3.Connection) -> None:
    run = store.runs.start("settle", "", MONDAY, later(0))
    store.runs.step(run, "connected", later(1))
    store.runs.start("backup", "night", None, later(600))
    first, second = reading.runs(connection)
    assert (first["job"], first["steps"]) == ("settle", {"connected": "2018-12-03T17:01:00.000000Z"})
    assert (second["job"], second["session"]) == ("backup", None)
    assert [row["job"] for row in reading.runs(connection, since=TUESDAY)] == ["backup"]


def test_the_status_tells_the_state_at_a_glance(store: SqliteStore, connection: sqlite3.Connection) -> None:
    done, waiting = intent(shares=10), intent(TUESDAY, Side.SELL, 10)
    traded(store, done, fill(done, "a.01", 10, "100", "1"))
    store.orders.move(done.id, OrderStatus.ACCEPTED, later(1))
    store.orders.move(done.id, OrderStatus.FILLED, later(2))
    store.orders.add_intent(waiting, later(3))
    store.ledger.write_lots(STRATEGY, lots_of(store.orders.fills()), {done.id: {"atr": 1.5}})
    store.control.halt(Restriction.REDUCE_ONLY, "daily loss", "limit", later(4))
    store.control.write_sessions([Session(TUESDAY, NOON, later(210))])
    store.control.write_sessions([Session(THURSDAY, NOON, later(390))])
    store.messages.note(Message("k", Urgency.REPORT, "s", "t"), later(5), None)
    store.runs.start("settle", "", MONDAY, later(6))
    seen = reading.status(connection)
    assert (seen["mode"], seen["account"], seen["undelivered"]) == ("practice", ACCOUNT, 1)
    assert [(row["symbol"], row["shares"], row["entry_price"]) for row in seen["positions"]] == [("MTUM", 10, 100.0)]
    assert [row["id"] for row in seen["open_orders"]] == [waiting.id]
    assert [(row["restriction"], row["by"]) for row in seen["halts"]] == [("reduce_only", "limit")]
    assert seen["cash_usd"] == {STRATEGY: -1001.0}  # 10 x 100 and 1 of commission
    assert seen["last_run"]["job"] == "settle"
    assert [(row["session"], row["half_day"]) for row in seen["sessions"]] == [("2018-12-06", 0)]
    json.dumps(seen)


def test_an_empty_database_has_an_empty_status(connection: sqlite3.Connection) -> None:
    seen = reading.status(connection)
    assert (seen["positions"], seen["last_run"], seen["cash_usd"], seen["equity"]) == ([], None, {}, [])
    for listing in (reading.trades, reading.orders, reading.fills, reading.decisions, reading.bars, reading.equity):
        assert listing(connection) == []
    for listing in (reading.runs, reading.signals, reading.cash_movements):
        assert listing(connection, since=date(2018, 1, 1), limit=3) == []


def test_damage_met_while_rows_are_fetched_is_one_clear_line(store: SqliteStore, path: Path) -> None:
    store.bars.accept(bars_of({date.fromordinal(700_000 + n): 1.0 for n in range(2000)}), later(0), None)
    store.close()
    content = bytearray(path.read_bytes())
    content[-60_000:] = b"\xff" * 60_000
    path.write_bytes(content)
    with (
        closing(reading.open_read_only(path)) as connection,
        pytest.raises(StoreError, match=r"mtum\.db is damaged; restore a backup"),
    ):
        reading.bars(connection)
