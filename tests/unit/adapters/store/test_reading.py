"""The read side: plain rows, the newest of them, while a run writes."""

import json
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import asdict, astuple

from mtum.adapters.store import reading
from mtum.adapters.store.opening import SqliteStore
from mtum.adapters.store.reading import SqliteReader
from mtum.adapters.store.schema import SCHEMA_VERSION
from mtum.adapters.store.schema.statements import columns_documentation
from mtum.core.canonical import as_table
from mtum.core.market.sessions import Session
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.lots import lots_of
from mtum.core.portfolio.orders import OrderStatus, Purpose, Side
from mtum.errors import StoreError, VerificationError
from mtum.ports.messages import Message, Urgency
from mtum.ports.records import Observed
from mtum.ports.rows import (
    BarRow,
    CashRow,
    DayRow,
    EquityRow,
    FillRow,
    OrderRow,
    PositionRow,
    RunRow,
    SignalRow,
    TradeRow,
)
from support.grown_store import READ_AT, grown
from support.markets import made_up_bars
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
from support.values import replace


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    with closing(reading.open_read_only(path)) as opened:
        yield opened


@pytest.fixture
def reader(connection: sqlite3.Connection) -> SqliteReader:
    return SqliteReader(connection)


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


def test_listings_keep_the_newest_rows_oldest_first(store: SqliteStore, reader: SqliteReader) -> None:
    store.bars.accept(bars_of({MONDAY: 1.0, TUESDAY: 2.0, THURSDAY: 3.0, FRIDAY: 4.0}), later(0), TUESDAY)
    assert [row.close for row in reader.rows(BarRow, limit=2)] == [3.0, 4.0]
    assert [row.close for row in reader.rows(BarRow, since=THURSDAY)] == [3.0, 4.0]
    assert [row.close for row in reader.rows(BarRow, since=TUESDAY, limit=1)] == [4.0]
    assert [row.final for row in reader.rows(BarRow, symbol="MTUM", source="csv")] == [1, 1, 0, 0]
    assert reader.rows(BarRow, symbol="SPY") == []


def test_the_newest_trades_and_points_are_the_last_of_all(tmp_path: Path) -> None:
    grown(tmp_path, 43).close()
    with closing(reading.open_read_only(tmp_path / "mtum.db")) as connection:
        reader = SqliteReader(connection)
        trades, points = reader.rows(TradeRow), reader.rows(EquityRow)
        assert [astuple(one) for one in trades] == [tuple(row) for row in connection.execute("SELECT * FROM v_trades")]
        assert [one.sessions_held for one in trades] == [5, 5, 5, 5, None]
        assert [len(points), points[0].session < points[-1].session] == [43, True]
        entered = date.fromisoformat(trades[2].entry_session)
        assert [reader.rows(TradeRow, None, count) for count in (0, 1, 3)] == [[], trades[-1:], trades[-3:]]
        assert reader.rows_until(TradeRow, entered, None, 2) == trades[1:3]
        assert reader.rows(TradeRow, entered, None, strategy=STRATEGY) == trades[2:]
        assert [reader.rows(EquityRow, None, count) for count in (0, 1, 7)] == [[], points[-1:], points[-7:]]
        assert not reader.rows(EquityRow, strategy="another")
        assert not reader.rows(TradeRow, date.max)


def test_what_is_held_is_priced_by_the_newest_bar_of_any_source(tmp_path: Path) -> None:
    newer = replace(made_up_bars(45, seed=4, symbol="MTUM"), source="another")
    with closing(grown(tmp_path, 43)) as store:
        store.bars.accept(newer, READ_AT, newer.last_day)
    with closing(reading.open_read_only(tmp_path / "mtum.db")) as connection:
        held = SqliteReader(connection).state().positions
        assert [astuple(one) for one in held] == [tuple(row) for row in connection.execute("SELECT * FROM v_positions")]
        assert [(one.price_session, one.last_price) for one in held] == [(f"{newer.last_day}", newer.close[-1])]


def test_an_order_shows_intent_and_broker_together(store: SqliteStore, reader: SqliteReader) -> None:
    order = intent()
    store.decisions.commit_decisions([decision()], [order])
    store.orders.claim_order(order.id, later(1))
    store.orders.move_order(order.id, OrderStatus.REJECTED, later(2), Observed(0, "77", "201", "no margin"))
    (row,) = reader.rows(OrderRow)
    assert asdict(row) == {
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
    json.dumps(asdict(row))


@pytest.mark.parametrize(
    ("purpose", "reason", "told"),
    [
        (Purpose.DELIVERED_IN, "assigned", "ASSIGNED"),
        (Purpose.DELIVERED_OUT, "exercised", "EXERCISED"),
        (Purpose.CROSSED_IN, "rebalance", "CROSSED"),
        (Purpose.STATED_OUT, "stated", "STATED"),
        (Purpose.ENTER, "close_above_ma", "MOC"),
    ],
)
def test_what_is_no_order_says_what_it_is(
    store: SqliteStore, reader: SqliteReader, purpose: Purpose, reason: str, told: str
) -> None:
    store.orders.add_intent(replace(intent(reasons=(reason,)), purpose=purpose), later(0))
    assert [row.type for row in reader.rows(OrderRow)] == [told]
    assert purpose.internal is (told != "MOC")


def test_every_event_of_an_order_is_told_in_order(store: SqliteStore, connection: sqlite3.Connection) -> None:
    order = intent()
    store.orders.add_intent(order, later(0))
    store.orders.claim_order(order.id, later(1))
    store.orders.record_event(order.id, later(2), "lists", "not among the open orders")
    store.orders.record_event(None, later(2), "foreign", "an order of another program")
    store.orders.move_order(order.id, OrderStatus.ACCEPTED, later(3), Observed(broker_id="7", text="held"))
    store.orders.move_order(order.id, OrderStatus.ACCEPTED, later(4), Observed(filled=0))
    events = connection.execute("SELECT kind, status, text, ref, intent_id FROM order_events ORDER BY id").fetchall()
    assert [tuple(row)[:4] for row in events if row["intent_id"] == order.id] == [
        ("status", "PLANNED", "", f"{order.id}-1"),
        ("status", "SUBMITTING", "", f"{order.id}-1"),
        ("lists", None, "not among the open orders", f"{order.id}-1"),
        ("status", "ACCEPTED", "held", f"{order.id}-1"),
    ]
    assert [row["kind"] for row in events if row["intent_id"] is None] == ["foreign"]


def test_an_attempt_given_up_stays_listed_beside_the_next(store: SqliteStore, reader: SqliteReader) -> None:
    order = intent()
    store.orders.add_intent(order, later(0))
    store.orders.claim_order(order.id, later(1))
    store.orders.move_order(order.id, OrderStatus.UNKNOWN, later(2))
    store.orders.move_order(order.id, OrderStatus.PLANNED, later(3))
    assert [(row.attempt, row.status, row.text) for row in reader.rows(OrderRow)] == [
        (1, "LAPSED", "stated as never sent"),
        (2, "PLANNED", ""),
    ]


def test_corrected_fills_are_left_out(store: SqliteStore, reader: SqliteReader) -> None:
    order = intent()
    traded(store, order, fill(order, "a.01", 19, "105"), fill(order, "a.02", 18, "104", "1.9"))
    (row,) = reader.rows(FillRow)
    assert (row.exec_id, row.shares, row.price, row.commission_usd) == ("a.02", 18, 104.0, 1.9)
    assert row.instant == "2018-12-03T21:00:00.000000Z"


def test_a_decision_is_read_whole(store: SqliteStore, reader: SqliteReader) -> None:
    assert reader.decision() is None
    store.decisions.commit_decisions([decision(MONDAY)], ())
    store.decisions.commit_decisions([decision(TUESDAY, frame={"vix": 17.5})], ())
    store.decisions.write_preview(decision(FRIDAY, preview=True))
    newest, asked = reader.decision(), reader.decision(MONDAY, STRATEGY)
    assert newest is not None
    assert asked is not None
    assert (newest.session, newest.frame) == ("2018-12-04", {"vix": 17.5})
    assert (asked.document["indicators"], asked.reasons) == ({"close": 105.25}, ["close_above_ma", "vix_calm"])
    assert reader.decision(FRIDAY) is None
    assert [row.session for row in reader.rows(DayRow)] == ["2018-12-03", "2018-12-04"]


def test_conditions_keep_the_order_of_the_strategy(store: SqliteStore, reader: SqliteReader) -> None:
    names = ["vix_calm", "close_above_ma", "rsi_high"]
    for day in (MONDAY, TUESDAY):
        document = {"symbols": {"MTUM": {"conditions": [{"name": name, "passed": True} for name in names]}}}
        store.decisions.commit_decisions([decision(day, document=document)], ())
    assert [row.condition for row in reader.rows(SignalRow)] == names * 2
    assert [row.condition for row in reader.rows(SignalRow, limit=2)] == names[1:]


def test_runs_are_listed_with_their_steps(store: SqliteStore, reader: SqliteReader) -> None:
    run = store.runs.start_run("settle", "", MONDAY, later(0))
    store.runs.record_step(run, "connected", later(1))
    store.runs.start_run("backup", "night", None, later(600))
    first, second = reader.rows(RunRow)
    assert (first.job, first.steps) == ("settle", {"connected": "2018-12-03T17:01:00.000000Z"})
    assert (second.job, second.session) == ("backup", None)
    assert [row.job for row in reader.rows(RunRow, since=TUESDAY)] == ["backup"]


def test_the_status_tells_the_state_at_a_glance(store: SqliteStore, reader: SqliteReader) -> None:
    done, waiting = intent(shares=10), intent(TUESDAY, Side.SELL, 10)
    traded(store, done, fill(done, "a.01", 10, "100", "1"))
    store.orders.move_order(done.id, OrderStatus.ACCEPTED, later(1))
    store.orders.move_order(done.id, OrderStatus.FILLED, later(2))
    store.orders.add_intent(waiting, later(3))
    store.ledger.write_lots(STRATEGY, lots_of(store.orders.fills()), {(done.id, done.symbol): {"atr": 1.5}})
    store.control.halt(Restriction.REDUCE_ONLY, "daily loss", "limit", later(4))
    store.control.write_sessions([Session(TUESDAY, NOON, later(210))])
    store.control.write_sessions([Session(THURSDAY, NOON, later(390))])
    store.messages.queue_message(Message("k", Urgency.REPORT, "s", "t"), later(5), None)
    store.runs.start_run("settle", "", MONDAY, later(6))
    seen = reader.state()
    assert (seen.mode, seen.account, seen.undelivered) == ("practice", ACCOUNT, 1)
    assert [(row.symbol, row.shares, row.entry_price) for row in seen.positions] == [("MTUM", 10, 100.0)]
    assert [row.id for row in seen.open_orders] == [waiting.id]
    assert [(row.restriction, row.by) for row in seen.halts] == [("reduce_only", "limit")]
    assert seen.cash_usd == {STRATEGY: -1001.0}  # 10 x 100 and 1 of commission
    assert seen.last_run is not None
    assert seen.last_run.job == "settle"
    assert [(row.session, row.half_day) for row in seen.sessions] == [("2018-12-06", 0)]
    json.dumps(as_table(seen))


def test_an_empty_database_has_an_empty_status(reader: SqliteReader) -> None:
    seen = reader.state()
    assert (seen.positions, seen.last_run, seen.cash_usd, seen.equity) == ([], None, {}, [])
    for kind in (TradeRow, OrderRow, FillRow, DayRow, BarRow, EquityRow):
        assert reader.rows(kind) == []
    for other in (RunRow, SignalRow, CashRow):
        assert reader.rows(other, since=date(2018, 1, 1), limit=3) == []


@pytest.mark.parametrize(
    ("table", "kind"),
    [
        ("v_trades", TradeRow),
        ("v_daily", DayRow),
        ("v_signals", SignalRow),
        ("v_positions", PositionRow),
        ("bars", BarRow),
        ("equity", EquityRow),
        ("cash_movements", CashRow),
    ],
)
def test_a_row_has_every_column_of_its_table_in_order(table: str, kind: type[Any]) -> None:
    assert [*kind.__struct_fields__] == list(columns_documentation()[table])


def test_damage_met_while_rows_are_fetched_is_one_clear_line(store: SqliteStore, path: Path) -> None:
    store.bars.accept(bars_of({date.fromordinal(700_000 + n): 1.0 for n in range(2000)}), later(0), None)
    store.close()
    content = bytearray(path.read_bytes())
    content[-60_000:] = b"\xff" * 60_000
    path.write_bytes(content)
    with (
        closing(reading.open_read_only(path)) as connection,
        pytest.raises(StoreError, match=r"mtum\.db is damaged; `mtum restore FILE`"),
    ):
        SqliteReader(connection).rows(BarRow)


@pytest.mark.parametrize(("table", "column"), [("decisions", "document"), ("input_frames", "frame")])
def test_a_document_that_is_no_longer_json_is_one_clear_line(
    store: SqliteStore, reader: SqliteReader, table: str, column: str
) -> None:
    store.decisions.commit_decisions([decision(MONDAY)], ())
    with store.database.write() as writing:
        writing.execute(f"UPDATE {table} SET {column} = '{{'")
    with pytest.raises(VerificationError, match=r"mtum\.db is damaged: the document of one decision cannot be read"):
        reader.decision()
