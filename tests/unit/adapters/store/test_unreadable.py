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
