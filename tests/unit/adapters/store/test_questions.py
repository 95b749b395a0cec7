"""The example questions run as they stand, and their answers are right on a made-up history."""

import shutil
import sqlite3
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from mtum.adapters.store.schema.questions import QUESTIONS
from support.report_days import ENTRY, KINDS, ORDINARY, history_of

type Ask = Callable[[str], list[tuple[object, ...]]]


def asked(folder: Path) -> Ask:
    def ask(beginning: str) -> list[tuple[object, ...]]:
        (sql,) = [sql for question, sql in QUESTIONS.items() if question.startswith(beginning)]
        connection = sqlite3.connect(f"file:{folder / 'mtum.db'}?mode=ro", uri=True)
        try:
            return connection.execute(sql).fetchall()
        finally:
            connection.close()

    return ask


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """One trade: 46 bought at 106.5 on 30 March 2026, sold at 115 the day after."""
    history, _ = KINDS["exit-target"](tmp_path)
    history.store.close()
    return asked(tmp_path)


def test_there_are_ten_questions() -> None:
    assert len(QUESTIONS) == 10


def test_every_question_can_be_asked_of_a_new_database(tmp_path: Path) -> None:
    history_of(tmp_path, ORDINARY).store.close()
    connection = sqlite3.connect(tmp_path / "mtum.db")
    for sql in QUESTIONS.values():
        connection.execute(sql).fetchall()
    connection.close()


@pytest.mark.skipif(shutil.which("sqlite3") is None, reason="no sqlite3 shell on this machine")
def test_every_question_works_in_the_shell(tmp_path: Path) -> None:
    KINDS["enter"](tmp_path)[0].store.close()
    for sql in QUESTIONS.values():
        answer = subprocess.run(
            ["sqlite3", "-readonly", str(tmp_path / "mtum.db"), sql], capture_output=True, text=True, check=False
        )
        assert (answer.returncode, answer.stderr) == (0, "")


def test_trade_and_its_reason(ask: Ask) -> None:
    # 46 shares gain 8.50 each, less 4.90 and 5.29.
    assert ask("What was each trade") == [("2026-03-30", "2026-03-31", 46, 380.81, "atr_target")]
    assert ask("Which exit reasons") == [("atr_target", 1, 1, 380.81)]


def test_month_against_holding(ask: Ask) -> None:
    # Holding: 46 shares bought at 106.5 with 4.90, 96.10 in cash, now worth 115 each.
    assert ask("How is the sleeve") == [("2026-03", "2026-03-31", 5380.81, 5386.1, -5.29)]


def test_nothing_is_held_after_the_exit_and_46_before(ask: Ask, tmp_path: Path) -> None:
    assert ask("What is held") == []
    history, _ = KINDS["enter"](tmp_path / "before")
    history.store.close()
    ((symbol, shares, session, price, last, gain),) = asked(tmp_path / "before")("What is held")
    assert (symbol, shares, session, price, last, gain) == ("MTUM", 46, "2026-03-30", 106.5, 106.5, -4.9)


def test_condition_that_alone_barred_an_entry(tmp_path: Path) -> None:
    history, _ = KINDS["hold-flat"](tmp_path)
    history.store.close()
    assert asked(tmp_path)("Which condition most") == [("volume_high", 2)]


def test_cost_of_trading(ask: Ask) -> None:
    # 10.19 on 46 * (106.5 + 115) = 10189 USD.
    assert ask("What did trading cost") == [("2026", 2, 0, 10.19, 10.0)]


def test_gap_between_decision_and_fill(tmp_path: Path) -> None:
    history, _ = KINDS["enter"](tmp_path)
    history.store.close()
    ((session, side, shares, seen, price, cost),) = asked(tmp_path)("How far was each fill")
    assert (session, side, shares, seen, price) == ("2026-03-30", "BUY", 46, 106.39, 106.5)
    assert cost == round((106.5 / 106.39 - 1) * 1e4, 1)


def test_sessions_that_went_wrong(tmp_path: Path) -> None:
    history, day = KINDS["failed-broker"](tmp_path)
    history.store.close()
    ((session, job, outcome, code, problem),) = asked(tmp_path)("Which sessions did not")
    assert (session, job, outcome, code) == (str(day), "decide_and_order", "failed", 4)
    assert str(problem).startswith("no connection to the broker")


def test_worst_sessions_and_other_money(tmp_path: Path) -> None:
    history = history_of(tmp_path, ORDINARY)
    history.play(ENTRY)
    history.play(ENTRY + 1)
    history.store.close()
    ask = asked(tmp_path)
    assert ask("What were the worst") == [("2026-03-31", -41.4)]  # 46 * (105.6 - 106.5)
    assert ask("What money came in") == [("2026-03-30", "capital", 5000.0, 1, "")]
