"""Whatever happens leaves an event in its own transaction, and nothing takes an event back."""

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest

from mtum.adapters.store.checks import problems
from mtum.adapters.store.database import connect
from mtum.adapters.store.opening import SqliteStore
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.orders import OrderStatus
from mtum.errors import StoreError
from mtum.ports.records import EquityPoint
from support.store import MONDAY, STRATEGY, TUESDAY, decision, fill, intent, later, opened, traded
from support.values import replace

DAY = MONDAY.isoformat()
POINT = EquityPoint(
    MONDAY, STRATEGY, Decimal(3000), Decimal(0), Decimal(2000), Decimal(5000), Decimal(0), None, None, 19, final=False
)


def told(store: SqliteStore) -> list[tuple[str, str]]:
    return [(row["kind"], row["key"]) for row in store.database.rows("SELECT kind, key FROM events ORDER BY id")]


def test_a_session_is_told_in_the_order_it_was_recorded(store: SqliteStore) -> None:
    run = store.runs.start_run("decide_and_order", "", MONDAY, later(0))
    order = intent()
    store.decisions.commit_decisions([decision()], [order])
    store.orders.claim_order(order.id, later(224))
    store.orders.move_order(order.id, OrderStatus.ACCEPTED, later(225))
    store.orders.add_fills([fill(order, "a.01", 19, "105")])
    store.ledger.write_equity(POINT)
    store.runs.finish_run(run, later(250), "finished", 0, {"problems": []})
    rows = store.database.rows("SELECT * FROM events ORDER BY id")
    clock = "2018-12-03T{}:00.000000Z"
    assert [tuple(row) for row in rows] == [
        (1, clock.format("17:00"), DAY, "run_started", "1", None),
        (2, clock.format("20:43"), DAY, "decision", "1", STRATEGY),
        (3, clock.format("20:43"), DAY, "order", "1", STRATEGY),
        (4, clock.format("20:44"), DAY, "order", "2", STRATEGY),
        (5, clock.format("20:45"), DAY, "order", "3", STRATEGY),
        (6, clock.format("20:45"), DAY, "fill", "a.01", STRATEGY),
        (7, clock.format("20:45"), DAY, "equity", DAY, STRATEGY),
        (8, clock.format("21:10"), DAY, "run_finished", "1", None),
    ]


def test_an_event_stays_or_goes_with_what_it_tells(store: SqliteStore) -> None:
    traded(store, intent())
    before = told(store)
    with pytest.raises(StoreError):
        store.orders.add_fills([fill(intent(), "a.01", 19, "105"), fill(intent(TUESDAY), "b.01", 19, "105")])
    assert store.orders.fills() == ()
    assert told(store) == before


@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE events SET kind = 'resume'",
        "DELETE FROM events",
        "INSERT OR REPLACE INTO events VALUES (1, 'now', NULL, 'halt', '7', NULL)",
    ],
)
def test_an_event_is_never_changed(store: SqliteStore, sql: str) -> None:
    store.control.halt(Restriction.FULL, "test", "person", later(0))
    with (
        closing(connect(store.database.path)) as by_hand,
        pytest.raises(sqlite3.IntegrityError, match="never changed"),
    ):
        by_hand.execute(sql)
    assert told(store) == [("halt", "1")]


def test_what_a_person_writes_past_the_program_is_told_too(store: SqliteStore) -> None:
    store.control.halt(Restriction.FULL, "test", "person", later(0))
    with closing(connect(store.database.path)) as by_hand:
        by_hand.execute("UPDATE halts SET lifted_at = '2018-12-03T18:00:00.000000Z'")
    assert told(store) == [("halt", "1"), ("resume", "1")]


def test_only_what_is_new_is_told(store: SqliteStore) -> None:
    order = intent()
    traded(store, order, fill(order, "a.01", 19, "105"))
    store.ledger.write_equity(POINT)
    begun = len(told(store))
    store.orders.add_fills([fill(order, "a.01", 19, "105")])
    store.ledger.write_equity(POINT)
    store.decisions.write_preview(decision(preview=True))
    assert told(store)[begun:] == []
    store.orders.add_fills([fill(order, "a.01", 19, "105", "1.95")])
    store.ledger.write_equity(replace(POINT, benchmark_usd=Decimal(5001)))
    store.ledger.write_equity(replace(POINT, benchmark_usd=Decimal(5001), final=True))
    store.orders.add_fills([fill(order, "a.02", 18, "105", "1.95")])
    assert told(store)[begun:] == [("fill", "a.01"), ("equity", DAY), ("equity", DAY), ("fill", "a.02")]


def test_each_problem_is_told_and_that_a_job_ended_otherwise_than_before(store: SqliteStore) -> None:
    ends = [(0, []), (6, [{"code": 6, "text": "one"}, {"code": 6, "text": "two"}]), (6, []), (0, [])]
    for day, (code, found) in enumerate(ends, 3):
        run = store.runs.start_run("settle", "", MONDAY.replace(day=day), later(0))
        store.runs.finish_run(run, later(1), "finished", code, {"problems": found})
    apart = [event for event in told(store) if not event[0].startswith("run_")]
    assert apart == [("problem", "2.0"), ("problem", "2.1"), ("health", "2"), ("health", "4")]


def test_an_end_recorded_anew_tells_only_what_is_new(store: SqliteStore) -> None:
    run = store.runs.start_run("decide_and_order", "", MONDAY, later(0))
    first, second = ({"code": 4, "text": text} for text in ("no volume", "the broker reduced it"))
    store.runs.finish_run(run, later(1), "failed", 4, {"problems": [first]})
    begun = len(told(store))
    store.runs.finish_run(run, later(2), "failed", 4, {"problems": [first]})
    store.runs.finish_run(run, later(3), "failed", 5, {"problems": [first, second]})
    assert told(store)[begun:] == [("run_finished", "1"), ("run_finished", "1"), ("problem", "1.1"), ("health", "1")]


def test_an_attempt_that_mends_the_one_before_is_told(store: SqliteStore) -> None:
    for code in (4, 0):
        run = store.runs.start_run("settle", "", MONDAY, later(code))
        store.runs.finish_run(run, later(9), "finished", code)
    assert told(store) == [
        ("run_started", "1"),
        ("run_finished", "1"),
        ("health", "1"),
        ("run_started", "1"),
        ("run_finished", "1"),
        ("health", "1"),
    ]


def test_a_copy_without_one_of_its_events_or_their_rows_is_not_sound(store: SqliteStore) -> None:
    for minute in range(3):
        store.control.halt(Restriction.FULL, f"test {minute}", "person", later(minute))
    connection = store.database.connection
    assert problems(connection) == ()
    connection.execute("DELETE FROM halts WHERE id = 3")
    connection.execute("DROP TRIGGER events_kept_from_delete")
    connection.execute("DELETE FROM events WHERE id = 2")
    assert problems(connection) == (
        "1 of 3 events are missing",
        "event 3 tells of halt 3, which is not in halts",
    )


def test_a_database_from_before_events_tells_of_what_comes_from_then_on(tmp_path: Path) -> None:
    store = opened(tmp_path)
    store.control.halt(Restriction.FULL, "before", "person", later(0))
    store.close()
    with closing(sqlite3.connect(tmp_path / "mtum.db")) as connection:
        triggers = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]
        for sql in (
            *(f"DROP TRIGGER {name}" for name in triggers),
            "DROP TABLE events",
            "DELETE FROM _sqlite_migrations WHERE name > '0012'",
            "PRAGMA user_version = 11",
        ):
            connection.execute(sql)
        connection.commit()
    again = opened(tmp_path)
    assert told(again) == []
    again.control.resume(later(1))
    assert told(again) == [("resume", "1")]
    assert problems(again.database.connection) == ()
    again.close()
