"""Sessions played through the whole daily job: every row that counts has its event, in order."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from support.commands import call_json

SESSIONS = 21
ENDS = ("started", "finished")


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> Iterator[sqlite3.Connection]:
    document = call_json(tmp_path_factory.mktemp("played"), "demo", "--sessions", str(SESSIONS)).document
    with closing(sqlite3.connect(Path(document["database"]))) as connection:
        yield connection


def keys(played: sqlite3.Connection, kind: str) -> list[str]:
    """Keys of a kind's events in their order, each where it was told first."""
    found = played.execute("SELECT key FROM events WHERE kind = ? ORDER BY id", (kind,))
    return list(dict.fromkeys(key for (key,) in found))


@pytest.mark.parametrize(
    ("kind", "rows"),
    [
        ("run_started", "SELECT id FROM runs ORDER BY id"),
        ("run_finished", "SELECT id FROM runs WHERE finished_at IS NOT NULL ORDER BY finished_at, id"),
        ("decision", "SELECT id FROM decisions WHERE preview = 0 ORDER BY id"),
        ("order", "SELECT id FROM order_events ORDER BY id"),
        ("fill", "SELECT exec_id FROM fills ORDER BY rowid"),
        ("equity", "SELECT session FROM equity ORDER BY rowid"),
    ],
)
def test_every_row_has_its_event_in_the_order_it_was_written(played: sqlite3.Connection, kind: str, rows: str) -> None:
    expected = [str(key) for (key,) in played.execute(rows)]
    assert expected
    assert keys(played, kind) == expected


def test_a_run_that_nobody_began_again_ends_once(played: sqlite3.Connection) -> None:
    begun, ended = ([*played.execute("SELECT key FROM events WHERE kind = ?", (f"run_{end}",))] for end in ENDS)
    assert sorted(begun) == sorted(ended) == sorted({(str(key),) for (key,) in played.execute("SELECT id FROM runs")})


def test_halts_and_problems_are_told_as_often_as_they_came(played: sqlite3.Connection) -> None:
    (halts,) = played.execute("SELECT count(*) FROM halts").fetchone()
    problems = played.execute(
        "SELECT runs.id || '.' || place.key FROM runs, json_each(document, '$.problems') AS place ORDER BY runs.id"
    )
    assert len(keys(played, "halt")) == halts
    assert keys(played, "problem") == [key for (key,) in problems]


def test_an_order_is_told_after_its_decision_and_before_its_fill(played: sqlite3.Connection) -> None:
    told = played.execute("SELECT kind FROM events WHERE kind NOT IN ('problem', 'health') ORDER BY id").fetchall()
    kinds = [kind for (kind,) in told]
    first_fill = kinds.index("fill")
    start = max(place for place in range(first_fill) if kinds[place] == "decision")
    between = kinds[start + 1 : first_fill]
    assert between.count("order") >= 3  # planned, claimed, accepted
    assert set(between) <= {"order", "run_started", "run_finished"}


def test_no_instant_goes_back_and_no_number_is_left_out(played: sqlite3.Connection) -> None:
    rows = played.execute("SELECT id, at FROM events ORDER BY id").fetchall()
    assert [number for number, _ in rows] == list(range(1, len(rows) + 1))
    assert [at for _, at in rows] == sorted(at for _, at in rows)
