"""The report of a whole run against its database."""

import json
import sqlite3
from datetime import date
from pathlib import Path

import pytest

from mtum.app.reporting.review import run_review
from support.report_days import KINDS, ORDINARY, history_of
from support.report_history import sample_history


def test_whole_run_equals_its_database(tmp_path: Path) -> None:
    history = sample_history(tmp_path)
    for index in range(len(history.bars) - 40, len(history.bars)):
        day = history.play(index)
    report = run_review(history.writer(), day)
    run = report.review
    database = sqlite3.connect(tmp_path / "mtum.db")
    first, sessions = database.execute("SELECT min(session), count(*) FROM equity").fetchone()
    assert (str(run.first), run.sessions) == (first, sessions)
    equity, benchmark = database.execute(
        "SELECT equity_usd, benchmark_usd FROM equity ORDER BY session DESC LIMIT 1"
    ).fetchone()
    assert run.equity_usd == equity
    assert run.benchmark_frac == pytest.approx(benchmark / 5000 - 1, abs=1e-6)
    assert run.pnl_frac == pytest.approx(equity / 5000 - 1, abs=1e-6)
    trades = database.execute(
        "SELECT entry_session, exit_session, shares, pnl_usd, reason, sessions_held FROM v_trades"
        " ORDER BY entry_session"
    ).fetchall()
    found = [
        (str(one.entry_session), str(one.exit_session), one.shares, one.pnl_usd, one.reason, one.sessions_held)
        for one in run.trades
    ]
    assert [row[:3] + row[4:] for row in found] == [row[:3] + row[4:] for row in trades]
    assert [row[3] for row in found] == pytest.approx([row[3] for row in trades])
    assert run.costs is not None
    assert run.costs.fills == database.execute("SELECT count(*) FROM fills").fetchone()[0]
    database.close()
    assert json.loads((tmp_path / "reports" / "demo.json").read_text())["equity_usd"] == equity
    assert "A single period proves nothing" in report.text
    assert max(len(line) for line in report.text.splitlines()) <= 78


def test_settings_and_end_date_stand_in_the_report(tmp_path: Path) -> None:
    history, day = KINDS["exit-target"](tmp_path)
    report = run_review(history.writer(), day)
    assert report.review.settings["portfolio.capital_usd"] == "5000.0"
    assert report.review.last == day
    assert "31 Mar 2026" in report.text


def test_run_without_a_settled_session_is_refused(tmp_path: Path) -> None:
    history = history_of(tmp_path, ORDINARY)
    with pytest.raises(ValueError, match="no session up to"):
        run_review(history.writer(), date(2026, 3, 30))
