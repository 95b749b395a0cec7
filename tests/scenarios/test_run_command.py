"""`mtum run` as a person types it: dry runs, reruns, days without a session, the end of the sample, the lock."""

import shutil
from datetime import date
from pathlib import Path
from typing import Any

import pytest

from mtum.wiring import resources
from support.commands import call, call_json, start
from support.practice import ENTRY_DAY, desk_in, exchange_in, play_until

RUN_FIELDS = {
    "session",
    "mode",
    "account",
    "strategy",
    "action",
    "reasons",
    "conditions",
    "indicators",
    "orders",
    "order",
    "symbols",
    "provisional",
    "degraded",
    "problems",
    "exit_code",
}
ORDER_FIELDS = {"id", "ref", "symbol", "side", "shares", "type", "status", "broker_id"}
INDICATORS = {
    "close",
    "ma",
    "rsi",
    "atr",
    "volume",
    "volume_so_far",
    "volume_share",
    "volume_average",
    "vix",
    "bar_time",
}


@pytest.fixture(scope="module")
def entered_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("entered")
    play_until(folder / "data", ENTRY_DAY)
    return folder


@pytest.fixture
def entered(entered_once: Path, tmp_path: Path) -> Path:
    shutil.copytree(entered_once, tmp_path / "copy")
    return tmp_path / "copy"


def decided(folder: Path) -> list[date]:
    with desk_in(folder / "data") as replay:
        return [record.session for record in replay.desk.store.decisions.final_decisions()]


def test_the_document_of_a_run_has_the_fields_of_its_contract(tmp_path: Path) -> None:
    ended = start(tmp_path, "run", "--json")
    assert (ended.code, ended.err) == (0, "")
    document = ended.document
    assert set(document) >= RUN_FIELDS
    assert set(document["order"]) >= ORDER_FIELDS
    assert document["order"] == document["orders"][0]
    assert set(document["indicators"]) == INDICATORS
    assert set(document["symbols"]) == {"MTUM"}
    assert [set(one) for one in document["conditions"]] == [{"name", "value", "threshold", "margin", "passed"}] * 8
    assert (document["mode"], document["action"], document["provisional"]) == ("practice", "enter", True)


def test_a_dry_run_sends_nothing_and_does_not_count(tmp_path: Path) -> None:
    dry = call_json(tmp_path, "run", "--dry-run").document
    assert (dry["session"], dry["action"], dry["dry_run"], dry["orders"]) == (str(ENTRY_DAY), "enter", True, [])
    assert dry["planned"][0]["shares"] == 18
    assert decided(tmp_path) == []
    assert exchange_in(tmp_path / "data").orders == ()
    again = call_json(tmp_path, "run", "--dry-run").document
    assert again == dry
    real = call_json(tmp_path, "run").document
    assert (real["session"], real["action"], real["order"]["shares"]) == (str(ENTRY_DAY), "enter", 18)
    assert (real["conditions"], real["indicators"]) == (dry["conditions"], dry["indicators"])


def test_a_dry_run_between_two_sessions_changes_neither_exchange_nor_books(entered: Path) -> None:
    exchange = entered / "data" / resources.EXCHANGE_NAME
    before = exchange.read_bytes(), decided(entered)
    dry = call_json(entered, "run", "--dry-run")
    assert (dry.code, dry.document["session"]) == (0, "2018-01-04")
    assert (exchange.read_bytes(), decided(entered)) == before
    assert call_json(entered, "run").document["session"] == "2018-01-04"


def test_a_finished_session_answers_from_its_record(entered: Path) -> None:
    exchange = entered / "data" / resources.EXCHANGE_NAME
    call_json(entered, "run")
    before = exchange.read_bytes(), decided(entered)
    again = call_json(entered, "run", "--session", str(ENTRY_DAY))
    assert (again.code, again.document["rerun"], again.document["order"]["status"]) == (0, True, "FILLED")
    assert again.document["equity_usd"] == 4995.12
    assert (exchange.read_bytes(), decided(entered)) == before


@pytest.mark.parametrize(
    ("day", "said"),
    [
        ("2018-01-02", "time does not run back"),
        ("2018-01-06", "is not a session"),
        ("2025-01-02", "is not a session of the sample market, which runs from"),
        ("next week", "write it as 2026-01-31"),
    ],
)
def test_a_session_that_cannot_be_played_is_refused(entered: Path, day: str, said: str) -> None:
    before = decided(entered)
    refused = call_json(entered, "run", "--session", day)
    assert (refused.code, said in refused.texts) == (2, True), refused.err
    assert decided(entered) == before


@pytest.mark.parametrize("instant", ["2018-01-06T20:40:00Z", "2018-01-15T20:40:00+00:00", "2018-01-06T15:40:00-05:00"])
def test_an_instant_on_a_day_without_a_session_is_no_failure(entered: Path, instant: str) -> None:
    before = decided(entered)
    called = call_json(entered, "run", "--as-of", instant)
    assert (called.code, called.document["session"], called.document["action"]) == (0, None, "none")
    assert decided(entered) == before


def test_after_the_last_session_the_sample_is_over(tmp_path: Path) -> None:
    assert call_json(tmp_path, "run", "--session", "2018-12-31").document["session"] == "2018-12-31"
    fields = call_json(tmp_path, "run", "--session", "2018-12-31").document.keys() - {"decided_at", "source"}
    for _ in range(2):
        over = call_json(tmp_path, "run")
        assert (over.code, over.document["action"]) == (0, "none")
        assert fields - over.document.keys() <= {"fills", "equity_usd", "benchmark_usd"}
    assert "market is over" in call(tmp_path, "run").out
    assert decided(tmp_path) == [date(2018, 12, 31)]


def test_one_run_at_a_time_holds_the_lock_and_reading_needs_none(entered: Path) -> None:
    before = decided(entered)
    with desk_in(entered / "data"):
        locked = call_json(entered, "run")
        assert (locked.code, locked.document["exit_code"]) == (9, 9)
        assert "holds the lock" in locked.texts
        assert call_json(entered, "settle").code == 9
        for words in (("status",), ("show", "trades"), ("explain",), ("halt", "--why", "x")):
            assert call_json(entered, *words).code == 0
    assert decided(entered) == before


def test_a_session_settled_twice_stays_as_it_is(entered: Path) -> None:
    once, twice = (call_json(entered, "settle") for _ in range(2))
    assert (once.code, once.document["equity_usd"], len(once.document["fills"])) == (0, 4995.12, 1)
    assert twice.document == once.document


def test_every_reading_command_works_on_a_played_folder(entered: Path) -> None:
    commands: list[tuple[str, ...]] = [("status",), ("explain",), ("verify",), ("report",), ("config", "show")]
    commands += [("show", what) for what in ("trades", "orders", "fills", "decisions", "bars", "equity", "runs")]
    for words in commands:
        called = call_json(entered, *words)
        assert called.code == 0, (words, called.err)
        assert documented(called.document)


def documented(document: dict[str, Any]) -> bool:
    return bool(document)
