"""`mtum report`, `mtum review` and `mtum export tax` on the command line."""

import json
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest

from mtum.adapters.store.opening import open_store
from support.report_days import ENTRY, KINDS, ORDINARY, Market, history_of
from support.report_history import ACCOUNT, Day


class Called(Protocol):
    code: int
    out: str
    err: str
    document: dict[str, object]


class Mtum(Protocol):
    def __call__(self, *words: str) -> Called: ...


@pytest.fixture
def day(tmp_path: Path) -> date:
    history, day = KINDS["exit-target"](tmp_path / "data")
    history.store.close()
    return day


def test_report_without_a_database_is_friendly(mtum: Mtum) -> None:
    called = mtum("report")
    assert called.code == 0
    assert "nothing recorded yet" in called.out


def test_report_shows_the_last_session_and_names_its_page(mtum: Mtum, day: date, tmp_path: Path) -> None:
    called = mtum("report")
    assert called.code == 0
    assert called.out.startswith("MTUM 31 Mar: SOLD 46")
    page = tmp_path / "data" / "reports" / f"{day}.html"
    assert str(page) in called.out
    assert "</html>" in page.read_text(encoding="utf-8")


def test_report_document_has_the_fields_of_the_contract(mtum: Mtum, day: date) -> None:
    fields = (
        "session mode account strategy action reasons conditions orders fills position pnl equity benchmark flips "
        "data_quality timings drift corrections problems"
    )
    called = mtum("report", "--session", str(day), "--json")
    assert set(fields.split()) <= set(called.document)
    assert called.document["session"] == str(day)
    assert called.document == mtum("--json", "report").document  # stored by the first call


def test_report_that_lacks_a_part_is_shown_and_ends_with_exit_1(mtum: Mtum, tmp_path: Path) -> None:
    history = history_of(tmp_path / "data", ORDINARY)
    first = history.play(ENTRY)
    row = history.store.runs.start_run("daily_report", "", first, history.calendar.session(first).close)
    broken = {"session": str(first), "conditions": [], "corrections": []}
    history.store.runs.finish_run(row, history.calendar.session(first).close, "finished", 0, broken)
    history.play(ENTRY + 1)
    history.store.close()
    called = mtum("report")
    assert called.code == 1
    assert "Equity" in called.out
    assert called.err.splitlines()[-1].startswith("mtum: the report lacks its corrections (KeyError: ")


def test_report_written_before_a_backtest_was_approved_says_so_and_that_one_is_now(
    mtum: Mtum, day: date, tmp_path: Path
) -> None:
    before = mtum("report")
    assert "No backtest was approved by then" in " ".join(before.out.split())
    assert "has been approved since" not in before.out
    store = open_store(tmp_path / "data" / "mtum.db", "practice", ACCOUNT)
    store.approvals.approve_document("backtest", {}, datetime(2026, 4, 2, 20, tzinfo=UTC))
    store.close()
    after = mtum("report")
    assert after.code == 0
    assert "A backtest has been approved since this report was written" in after.out


def test_report_of_a_closed_day_and_of_an_empty_one_are_usage_errors(mtum: Mtum, day: date) -> None:
    closed = mtum("report", "--session", "2026-04-04")
    assert closed.code == 2
    assert "2026-04-04 is not a session" in closed.err
    empty = mtum("report", "--session", str(day - timedelta(days=35)))
    assert empty.code == 2
    assert "nothing was recorded" in empty.err
    assert mtum("report", "--session", "31.3.2026").code == 2


def test_session_that_is_not_over_is_shown_and_not_stored(mtum: Mtum, tmp_path: Path) -> None:
    history = history_of(tmp_path / "data", Market({}))
    day = history.play(ENTRY, Day(settled=False))
    called = mtum("report")
    assert called.code == 0
    assert "not settled yet" in called.out
    assert not (tmp_path / "data" / "reports").exists()
    assert history.store.runs.run_of("daily_report", "", day) is None


def test_review_of_a_strategy_without_conditions_invents_none(mtum: Mtum, tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text('[portfolio]\nstrategy = "buy_and_hold"\n')
    assert mtum("run").code == 0
    assert mtum("run").out.splitlines()[0].endswith(": hold")  # not "hold (hold)"
    assert mtum("run").code == 0
    called = mtum("review", "week", "--json")
    assert called.code == 0
    assert [called.document[name] for name in ("accuracy", "missed", "validation", "regret")] == [[]] * 4


def test_report_is_sent_by_the_terminal_where_no_channel_is_set_up(mtum: Mtum, day: date) -> None:
    called = mtum("report", "--send")
    assert called.code == 0
    assert "SOLD 46" in called.err
    assert "SOLD 46" not in mtum("report", "--send").err  # not sent twice


@pytest.mark.parametrize("kind", ["week", "month", "quarter"])
def test_review_of_a_period_that_is_not_over_says_so(mtum: Mtum, day: date, kind: str) -> None:
    called = mtum("review", kind)
    assert called.code == 0
    assert mtum("review", kind, "--json").document["kind"] == kind
    complete = json.loads(mtum("review", kind, "--json").out)["complete"]
    assert ("is not over" in called.out) == (not complete)


def test_unknown_kind_of_review_is_a_usage_error(mtum: Mtum, day: date) -> None:
    called = mtum("review", "year")
    assert called.code == 2
    assert "week, month or quarter" in called.err


def test_review_takes_any_day_of_the_period(mtum: Mtum, tmp_path: Path) -> None:
    history = history_of(tmp_path / "data", ORDINARY)
    for step in range(3):
        history.play(ENTRY + step)
    found = mtum("review", "week", "--end", "2026-03-30", "--json").document
    assert (found["first"], found["last"], found["recorded"]) == ("2026-03-30", "2026-04-01", 3)


def test_tax_lots_are_exported(mtum: Mtum, day: date, tmp_path: Path) -> None:
    called = mtum("export", "tax", "--year", "2026", "--json")
    assert called.code == 0
    files = called.document["files"]
    assert isinstance(files, list)
    assert called.document["rows"] == 1
    head, row = Path(files[0]).read_text(encoding="utf-8").splitlines()
    assert head.startswith("description,symbol,shares,date_acquired,date_sold,proceeds_usd,cost_basis_usd")
    # 46 bought at 106.5 with 4.90, sold at 115 with 5.29.
    assert row.startswith("46 sh. MTUM,MTUM,46,2026-03-30,2026-03-31,5284.71,4903.90,,0.00,380.81,short")


def test_tax_export_without_a_database_is_an_empty_table(mtum: Mtum) -> None:
    assert mtum("export", "tax", "--json").document["rows"] == 0


@pytest.mark.parametrize("end", ["2010-01-04", "2030-06-03"])
def test_review_of_a_period_without_records_is_a_usage_error_and_stores_nothing(
    mtum: Mtum, day: date, tmp_path: Path, end: str
) -> None:
    called = mtum("review", "month", "--end", end)
    assert called.code == 2
    assert "nothing was recorded from" in called.err
    assert not list((tmp_path / "data" / "reports").glob("month-*"))
