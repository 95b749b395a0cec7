"""A stored document that is none is named in one line, with the way out."""

from pathlib import Path

import pytest

from support.commands import call, call_json


@pytest.fixture
def played(tmp_path: Path) -> Path:
    assert call(tmp_path, "run", "--quiet").code == 0
    return tmp_path


def spoil(folder: Path, statement: str) -> None:
    import sqlite3

    with sqlite3.connect(folder / "data" / "mtum.db") as connection:
        connection.execute(statement)
    connection.close()


@pytest.mark.parametrize("words", [("report",), ("review", "month"), ("run",)])
def test_a_run_whose_document_is_no_json_is_named(played: Path, words: tuple[str, ...]) -> None:
    spoil(played, "UPDATE runs SET document = '{'")
    called = call_json(played, *words)
    assert called.code == 3
    assert "cannot be read" in called.err


@pytest.mark.parametrize(("words", "code"), [(("verify", "--all"), 6), (("explain",), 6)])
def test_a_decision_whose_document_is_no_table_is_named(played: Path, words: tuple[str, ...], code: int) -> None:
    spoil(played, "UPDATE decisions SET document = '[]'")
    called = call_json(played, *words)
    assert called.code == code
    assert "cannot be read" in called.err


def test_a_stored_report_without_one_of_its_parts_is_named(played: Path) -> None:
    assert call(played, "report").code == 0
    spoil(played, "UPDATE runs SET document = json_remove(document, '$.pnl') WHERE job = 'daily_report'")
    called = call_json(played, "report")
    assert called.code == 6
    assert "a stored report (Summary) cannot be read: Object missing required field `pnl`" in called.err


def test_a_decision_that_left_something_else_than_memory_is_named(played: Path) -> None:
    spoil(played, "UPDATE decisions SET document = json_set(document, '$.memory', json('[3]'))")
    called = call_json(played, "run", "--session", "2018-01-04")
    assert called.code == 6
    assert "the memory of a stored decision cannot be read: Expected `object`, got `array`" in called.err


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        ("UPDATE decisions SET remembered = '{'", "the stored decision of 2018-01-03 cannot be read"),
        ("UPDATE order_intents SET reasons = '[1]'", "cannot be read: Expected `str`, got `int` - at `$[0]`"),
        ("UPDATE orders SET status = 'GONE'", "cannot be read: Invalid enum value 'GONE' - at `$.status`"),
    ],
)
def test_what_the_next_run_looks_at_is_named_where_it_is_damaged(played: Path, damage: str, said: str) -> None:
    assert call(played, "settle").code == 0
    spoil(played, damage)
    called = call_json(played, "run", "--session", "2018-01-04")
    assert called.code in (3, 6)
    assert said in called.err
    assert len(called.err.splitlines()) == 1
