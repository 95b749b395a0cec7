"""`mtum status` on a hand-made database."""

import json
import os
import re
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from mtum.adapters.clock import SystemClock
from mtum.adapters.store.opening import open_store
from support.recorded import ACCOUNT, THIRD, UPCOMING, recorded
from support.store import decision
from support.values import replace


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    recorded(tmp_path / "data")
    return tmp_path / "data"


def test_before_the_first_run_there_is_nothing_and_that_is_fine(mtum: Any) -> None:
    called = mtum("status")
    assert (called.code, called.err) == (0, "")
    assert called.out.startswith("nothing recorded yet; `mtum run` plays the first session")
    document = mtum("status", "--json").document
    assert (document["mode"], document["position"], document["last_run"]) == ("practice", None, None)
    assert document["database"] is None


def test_an_empty_file_is_a_database_without_a_run(mtum: Any, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mtum.db").touch()
    assert mtum("status").code == 0


def test_a_file_that_is_no_database_is_named(mtum: Any, tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "mtum.db").write_bytes(b"no database at all " * 100)
    called = mtum("status")
    assert called.code == 3
    assert called.err.startswith(f"mtum: {tmp_path}/data/mtum.db is not a SQLite database")
    assert called.err.count("\n") == 1


def test_the_state_is_told_from_the_records(mtum: Any, folder: Path) -> None:
    document = mtum("status", "--json").document
    assert (document["account"], document["strategy"], document["halt"]) == ("PRACTICE", "mtum_confluence", "none")
    # 5,000 - 1,000 - 1 + 1,100 - 1 - 520 - 1
    assert document["cash_usd"] == {"mtum_confluence": 4577}
    assert [(point["session"], point["equity_usd"]) for point in document["equity"]] == [("2018-01-02", 5097)]
    assert document["last_run"]["session"] == "2018-01-02"
    assert document["open_orders"] == []
    assert document["database"] == str(folder / "mtum.db")


def test_what_the_last_run_left_to_a_person_is_told(mtum: Any, folder: Path) -> None:
    assert mtum("status", "--json").document["needs"] == []
    told = [{"code": 6, "text": "look at MTUM"}, {"code": 3, "text": "no mail"}]
    with closing(sqlite3.connect(folder / "mtum.db")) as connection, connection:
        newest = "SELECT id FROM runs ORDER BY session DESC, started_at DESC, id DESC LIMIT 1"
        changed = "UPDATE runs SET document = ? WHERE id = (" + newest + ")"
        connection.execute(changed, (json.dumps({"problems": told}),))
    assert mtum("status", "--json").document["needs"] == ["look at MTUM"]
    assert re.search(r"needs you +look at MTUM", mtum("status").out)


def test_a_replay_wakes_in_its_own_time(mtum: Any, folder: Path) -> None:
    document = mtum("status", "--json").document
    assert document["replayed"] is True
    assert document["next_session"] == {
        "session": UPCOMING[0].isoformat(),
        "closes_at": "2018-01-03T21:00:00Z",
        "half_day": False,
    }
    decide = [wake for wake in document["next_wakes"] if wake["job"] == "decide_and_order"]
    # 22 minutes before 16:00, and before 13:00 on the half day; New York is five hours behind.
    assert [(wake["at_utc"], wake["at_new_york"]) for wake in decide] == [
        ("2018-01-03T20:38:00Z", "2018-01-03 15:38"),
        ("2018-01-04T17:38:00Z", "2018-01-04 12:38"),
    ]


def test_a_real_market_wakes_by_the_computers_clock(mtum: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded(tmp_path / "data", mode="paper", account="DU1")
    for name, value in {"MODE": "paper", "MARKET__SOURCE": "yahoo", "BROKER__ACCOUNT": "DU1"}.items():
        monkeypatch.setenv(f"MTUM_{name}", value)
    document = mtum("status", "--json").document
    # Every session that the last run knew is long past: the calendar knows the next.
    assert document["replayed"] is False
    assert document["next_session"]["session"] >= SystemClock().now().date().isoformat()
    assert {wake["session"] for wake in document["next_wakes"]} >= {document["next_session"]["session"]}


def test_a_real_market_knows_its_next_session_before_the_first_run(mtum: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"MODE": "paper", "MARKET__SOURCE": "yahoo", "BROKER__ACCOUNT": "DU1"}.items():
        monkeypatch.setenv(f"MTUM_{name}", value)
    assert mtum("status", "--json").document["next_session"]["session"] >= SystemClock().now().date().isoformat()


def test_a_decided_session_whose_books_are_behind_waits_to_be_settled(mtum: Any, folder: Path) -> None:
    store = open_store(folder / "mtum.db", "practice", ACCOUNT)
    for day in (THIRD, *UPCOMING[:1]):
        store.decisions.commit_decisions([replace(decision(day), account=ACCOUNT)], [])
    store.close()
    with closing(sqlite3.connect(folder / "mtum.db")) as connection, connection:
        connection.execute("DELETE FROM equity WHERE session = '2018-01-02'")
    # The 3rd is the session to come.
    assert mtum("status", "--json").document["unsettled"] == ["2018-01-02"]
    assert "2018-01-02 (`mtum settle --session DATE`)" in mtum("status").out


def test_times_are_new_yorks_with_utc_beside_them(mtum: Any, folder: Path) -> None:
    told = mtum("status").out
    assert "2018-01-03, closes 16:00 New York (21:00 UTC)" in told
    assert re.search(r"2018-01-03 15:38\s+20:38\s+decide_and_order", told)


def test_another_modes_database_is_shown_and_refused(mtum: Any, tmp_path: Path) -> None:
    recorded(tmp_path / "data", mode="paper", account="DU1")
    called = mtum("status", "--json")
    assert called.code == 2
    assert called.document["last_run"]["session"] == "2018-01-02"
    assert called.err == (
        'mtum: the database belongs to mode "paper", the settings say "practice"; give each its own --data-dir\n'
    )


def test_another_accounts_database_is_refused(mtum: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorded(tmp_path / "data", mode="paper", account="DU1")
    for name, value in {"MODE": "paper", "MARKET__SOURCE": "yahoo", "BROKER__ACCOUNT": "DU2"}.items():
        monkeypatch.setenv(f"MTUM_{name}", value)
    called = mtum("show", "trades")
    assert called.code == 2
    assert 'belongs to account DU1, the settings say "DU2"' in called.err


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anything")
def test_a_read_only_folder_can_be_read(mtum: Any, folder: Path) -> None:
    folder.chmod(0o555)
    try:
        assert mtum("status").code == 0
    finally:
        folder.chmod(0o755)


def test_reading_changes_nothing(mtum: Any, folder: Path) -> None:
    before = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith("-shm")}
    assert mtum("explain", "--session", "2018-01-03").code == 2
    for words in (("status",), ("show", "trades"), ("show", "runs"), ("explain",)):
        mtum(*words)
    after = {path.name: path.read_bytes() for path in folder.iterdir() if not path.name.endswith("-shm")}
    assert {name: text for name, text in after.items() if text} == {name: text for name, text in before.items() if text}


@pytest.mark.parametrize("words", [("status",), ("show", "trades")])
def test_on_the_embedded_market_every_output_says_what_stands_in(
    mtum: Any, folder: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
) -> None:
    line = (
        "S&P 500 / 10 of the embedded sample stands in for MTUM: price index, dividends missing; "
        "everything is simulated"
    )
    assert mtum(*words).out.splitlines()[-1] == line
    monkeypatch.setenv("MTUM_MARKET__SOURCE", "csv")
    assert line not in mtum(*words).out


def test_a_file_in_the_place_of_the_data_folder_is_named(mtum: Any, tmp_path: Path) -> None:
    (tmp_path / "data").touch()
    for words in (("status",), ("show", "trades"), ("explain",)):
        called = mtum(*words)
        assert (called.code, called.err) == (
            3,
            f"mtum: {tmp_path}/data is not a folder; name another one with --data-dir\n",
        )
