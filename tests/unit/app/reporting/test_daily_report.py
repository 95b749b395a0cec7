"""The daily report from a real database: its numbers, its corrections, its kinds of day."""

import json
import sqlite3
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from mtum.app.approvals.approve_settings import approve_settings
from mtum.app.reporting.daily_report import preview_report
from mtum.app.reporting.period import Kind
from mtum.app.reporting.review import write_review
from mtum.config import load
from mtum.core.market.bars import Bar, Bars
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.orders import OrderStatus
from mtum.core.reporting.codec import document, from_document
from mtum.core.reporting.daily import page
from mtum.core.reporting.parts.problems import ProblemLine
from mtum.core.reporting.stated import NOT_SIMULATED, State
from mtum.core.reporting.subject import subject
from mtum.core.reporting.summary import Summary
from mtum.core.reporting.text import text
from mtum.errors import StoreError
from support.report_days import ENTRY, KINDS, ORDINARY, history_of
from support.report_history import Day
from support.values import replace


@pytest.mark.parametrize("kind", KINDS)
def test_document_and_summary_are_one(tmp_path: Path, kind: str) -> None:
    history, day = KINDS[kind](tmp_path)
    report = history.report(day)
    stored = json.loads(json.dumps(document(report.summary), allow_nan=False))
    assert from_document(Summary, stored) == report.summary
    assert json.loads((tmp_path / "reports" / f"{day}.json").read_text()) == stored


@pytest.mark.parametrize("kind", KINDS)
def test_text_fits_and_answers_the_four_questions_on_the_first_screen(tmp_path: Path, kind: str) -> None:
    history, day = KINDS[kind](tmp_path)
    report = history.report(day)
    lines = report.text.splitlines()
    assert max(len(line) for line in lines) <= 78
    assert len(lines[0]) <= 60
    first = " ".join(" ".join(lines[:14]).split())
    # What was done, and why: in the verdict, or the alarm says what kept it from deciding.
    assert any(word in lines[2] for word in ("Bought", "Sold", "Held", "Stayed out", "No decision", "order for"))
    assert ": " in first.partition("=")[2] or "Exit code" in first
    # Is all well?
    assert any(word in first for word in ("ALL WELL", "NEEDS YOU", "NOTICES", "NOT SETTLED YET"))
    # How does it do against simply holding?
    settled = report.summary.equity.equity_usd.state is not State.UNKNOWN
    assert ("since start" in first and "(holding" in first) == settled
    assert settled or "Equity and result are not known yet." in first
    assert "WHY" in lines or report.summary.action == "none"


@pytest.mark.parametrize("kind", KINDS)
def test_first_word_of_the_subject_says_whether_a_person_should_look(tmp_path: Path, kind: str) -> None:
    history, day = KINDS[kind](tmp_path)
    report = history.report(day)
    looks = {
        "exit-partly-filled": "ALERT:",
        "halted": "ALERT:",
        "failed-broker": "ALERT:",
        "no-decision": "ALERT:",
        "missed": "ALERT:",
        "order-rejected": "ACTION:",
    }
    assert subject(report.summary).split()[0] == looks.get(kind, "MTUM")


def test_a_half_day_ahead_is_flagged_with_its_earlier_decision(tmp_path: Path) -> None:
    half = history_of(tmp_path / "days", ORDINARY).bars.day(ENTRY + 1)
    history = history_of(tmp_path, ORDINARY, frozenset({half}))
    told = " ".join(history.report(history.play(ENTRY)).text.split())
    assert "Next decision Tue 31 Mar 2026, 12:40 New York, half day." in told


@pytest.mark.parametrize(
    ("kind", "restriction", "changes"),
    [
        ("hold-flat", Restriction.REDUCE_ONLY, False),
        ("hold-long", Restriction.REDUCE_ONLY, True),
        ("hold-long", Restriction.FULL, False),
    ],
)
def test_a_halt_in_force_leaves_nothing_that_would_change_the_next_decision(
    tmp_path: Path, kind: str, restriction: Restriction, *, changes: bool
) -> None:
    history, day = KINDS[kind](tmp_path)
    history.store.control.halt(restriction, "test", "owner", history.calendar.session(day).close)
    told = " ".join(history.report(day).text.split())
    assert ("Smallest move that changes it" in told) == changes
    assert ("No single move of price, VIX or volume would change it." in told) != changes


def test_an_unknown_order_and_a_mismatch_ask_for_action(tmp_path: Path) -> None:
    history = history_of(tmp_path, ORDINARY)
    day = history.play(ENTRY, Day(ended=OrderStatus.UNKNOWN, text="no answer"))
    summary = history.report(day).summary
    assert subject(summary).startswith("ACTION: MTUM 30 Mar: BUY 46 MTUM was sent")
    assert len(subject(summary)) <= 60
    live = replace(summary, mode="live", problems=(ProblemLine(6, "the broker holds 3 shares more"),))
    assert subject(live) == "ACTION: MTUM 30 Mar: the broker holds 3 shares more [LIVE]"


def test_numbers_of_an_entry_by_hand(tmp_path: Path) -> None:
    history, day = KINDS["enter"](tmp_path)
    report = history.report(day)
    close = float(history.bars.bar(ENTRY).close)
    assert close == 106.5  # 100 + 60 * 0.1 + 0.5
    seen = round(close * 0.999, 2)  # 106.39
    (fill,) = report.summary.fills
    assert (fill.decision_price, fill.official_close.amount, fill.fill_price) == (seen, close, close)
    assert fill.wait_bps.amount == pytest.approx((106.5 / 106.39 - 1) * 1e4, abs=1e-5)
    # The simulated auction fills at the close it is held against.
    assert fill.auction_bps == NOT_SIMULATED
    assert fill.slippage_usd.amount == pytest.approx(46 * 0.11)
    assert fill.commission_usd.amount == 4.90  # 0.1 % of 46 * 106.5 = 4.899
    assert report.summary.equity.equity_usd.amount == pytest.approx(5000 - 4.90)
    assert report.summary.pnl.day_usd.amount == pytest.approx(-4.90)
    position = report.summary.position
    assert position is not None
    assert position.unrealized_usd.amount == pytest.approx(-4.90)
    assert position.atr_at_entry is not None
    assert position.target_usd == pytest.approx(106.5 + 4 * position.atr_at_entry)


def test_realized_and_unrealized_add_up_to_the_result(tmp_path: Path) -> None:
    history, day = KINDS["exit-partly-filled"](tmp_path)
    summary = history.report(day).summary
    assert summary.position is not None
    assert summary.position.exit_pending == "close_below_ma"
    assert summary.pnl.realized_usd is not None
    both = summary.pnl.realized_usd + (summary.position.unrealized_usd.amount or 0.0)
    assert both == pytest.approx(summary.pnl.start_usd.amount)


def test_carried_exit_leaves_no_condition_to_decide(tmp_path: Path) -> None:
    history, day = KINDS["exit-carried"](tmp_path)
    summary = history.report(day).summary
    assert summary.reasons == ("exit_carried", "close_below_ma")
    assert not any(line.alone for line in summary.flips if line.when == "session")


def test_unsettled_session_guesses_nothing(tmp_path: Path) -> None:
    history, day = KINDS["nothing-final"](tmp_path)
    summary = history.report(day).summary
    late = (summary.equity.equity_usd, summary.pnl.day_usd, summary.benchmark.ahead_usd)
    assert {given.state for given in late} == {State.UNKNOWN}
    assert summary.fills == ()


def test_late_figures_come_as_corrections_and_only_once(tmp_path: Path) -> None:
    history = history_of(tmp_path, ORDINARY)
    first = history.play(ENTRY, Day(commission_known=False))
    before = history.report(first)
    assert before.summary.fills[0].commission_usd.state is State.UNKNOWN
    (fill,) = history.store.orders.fills()
    history.store.orders.add_fills([replace(fill, commission_usd=Decimal("1.25"))])
    point = history.store.ledger.equity("mtum_confluence")[-1]
    history.store.ledger.write_equity(replace(point, equity_usd=point.equity_usd - Decimal("1.25")))
    second = history.play(ENTRY + 1)
    told = {line.subject: line for line in history.report(second).summary.corrections}
    assert set(told) == {"equity", f"commission, fill {fill.stem}"}
    assert told["equity"].before.amount == 5000.0
    assert told["equity"].now.amount == 4998.75
    assert told[f"commission, fill {fill.stem}"].before.state is State.UNKNOWN
    assert told[f"commission, fill {fill.stem}"].now.amount == 1.25
    third = history.play(ENTRY + 2)
    assert history.report(third).summary.corrections == ()
    assert history.report(first).document == before.document


def test_unsettled_session_is_completed_by_the_next_report(tmp_path: Path) -> None:
    history = history_of(tmp_path, ORDINARY)
    first = history.play(ENTRY, Day(settled=False))
    history.report(first)
    history.settle_late(ENTRY)
    (state,), (fill,) = history.store.orders.states(first), history.store.orders.fills()
    second = history.play(ENTRY + 1)
    subjects = {line.subject for line in history.report(second).summary.corrections}
    assert {"equity", "volume", f"filled, {state.intent.ref}", f"price, fill {fill.stem}"} <= subjects


def test_stored_report_is_not_rewritten(tmp_path: Path) -> None:
    history, day = KINDS["enter"](tmp_path)
    first = history.report(day)
    point = history.store.ledger.equity("mtum_confluence")[-1]
    history.store.ledger.write_equity(replace(point, equity_usd=Decimal(1)))
    again = history.report(day)
    assert (first.fresh, again.fresh) == (True, False)
    assert again.document == first.document
    assert again.text == first.text


def test_changed_setting_and_library_are_drift(tmp_path: Path) -> None:
    history = history_of(tmp_path, ORDINARY)
    history.report(history.play(ENTRY))
    history.settings = load(None, {}, {"risk.max_daily_loss_usd": 400.0})
    lines = history.report(history.play(ENTRY + 1)).summary.drift
    assert [(line.subject, line.before, line.now) for line in lines] == [
        ("setting risk.max_daily_loss_usd", "500.0", "400.0")
    ]


def test_missed_session_says_so(tmp_path: Path) -> None:
    history, day = KINDS["enter"](tmp_path)
    following = history.calendar.days[history.calendar.days.index(day) + 1]
    summary = history.report(following).summary
    assert (summary.action, summary.outcome) == ("none", "")
    assert summary.problems[0].text == "the daily job did not run in this session"
    assert text(page(summary)).startswith("ALERT: the daily job did not run · MTUM 31 Mar [PRACTICE]")


def query(folder: Path, sql: str, *values: object) -> float:
    connection = sqlite3.connect(folder / "mtum.db")
    try:
        found = connection.execute(sql, values).fetchone()[0]
    finally:
        connection.close()
    return float(found)


@pytest.mark.parametrize("kind", ["enter", "exit-target", "exit-carried"])
def test_money_equals_queries_on_the_database(tmp_path: Path, kind: str) -> None:
    history, day = KINDS[kind](tmp_path)
    stored = history.report(day).document
    equity = "SELECT {} FROM equity WHERE session = ?"
    for name in ("equity_usd", "cash_usd", "market_usd", "receivable_usd"):
        assert stored["equity"][name] == query(tmp_path, equity.format(name), str(day))
    assert stored["benchmark"]["equity_usd"] == query(tmp_path, equity.format("benchmark_usd"), str(day))
    ahead = query(tmp_path, equity.format("equity_usd - benchmark_usd"), str(day))
    assert stored["benchmark"]["ahead_usd"] == pytest.approx(ahead)
    paid = query(tmp_path, "SELECT sum(commission_usd) FROM fills WHERE session <= ?", str(day))
    assert stored["pnl"]["commission_usd"] == pytest.approx(paid)
    put_in = query(tmp_path, "SELECT sum(amount_usd) FROM cash_movements WHERE kind = 'capital'")
    assert stored["pnl"]["start_usd"] == pytest.approx(stored["equity"]["equity_usd"] - put_in)
    for fill in stored["fills"]:
        price = query(tmp_path, "SELECT price FROM fills WHERE exec_id = ?", fill["exec_id"])
        assert fill["fill_price"] == price
    assert stored["data_quality"]["final_volume"] == query(
        tmp_path, "SELECT volume FROM bars WHERE symbol = 'MTUM' AND session = ?", str(day)
    )


def test_report_of_a_session_looks_at_nothing_later(tmp_path: Path) -> None:
    history = history_of(tmp_path, ORDINARY)
    first = history.play(ENTRY)
    alone = history.report(first).summary
    for step in range(1, 6):
        history.play(ENTRY + step)
    later = preview_report(history.writer(), first).summary
    assert replace(later, timings=()) == replace(alone, timings=())


def test_settings_other_than_the_approved_ones_are_drift(tmp_path: Path) -> None:
    history = history_of(tmp_path, ORDINARY)
    at = datetime(2026, 3, 27, 20, tzinfo=UTC)
    approve_settings(history.store.approvals, load(None, {}, {"risk.max_position_usd": 3000.0}), at)
    lines = history.report(history.play(ENTRY)).summary.drift
    assert [(line.subject, line.before, line.now, line.since) for line in lines] == [
        ("setting risk.max_position_usd", "3000.0", "5000.0", "the approval")
    ]


def test_every_symbol_held_has_its_position(tmp_path: Path) -> None:
    history = history_of(tmp_path, ORDINARY)
    first = history.play(ENTRY)
    (state,) = history.store.orders.states(first)
    other = replace(state.intent, id="m260330-OTHER", symbol="BBB", shares=7)
    history.store.orders.add_intent(other, history.calendar.session(first).close)
    (fill,) = history.store.orders.fills()
    bought = replace(
        fill,
        exec_id="other.01",
        intent_id=other.id,
        symbol="BBB",
        shares=7,
        price=Decimal(50),
        commission_usd=Decimal(1),
    )
    history.store.orders.add_fills([bought])
    at = history.calendar.session(first).close
    history.store.bars.accept(Bars.of("BBB", "sample", [Bar(first, 50, 52, 49, 51, 1000)]), at, first)
    report = history.report(first)
    (line,) = report.summary.other_positions
    assert (line.symbol, line.shares, line.entry_price) == ("BBB", 7, 50.0)
    # 7 * (51 - 50) less the commission of 1.
    assert line.unrealized_usd.amount == pytest.approx(6.0)
    assert "BBB" in report.text
    assert report.summary.position is not None
    assert report.summary.position.symbol == "MTUM"


def test_cash_movements_are_typed_and_a_deposit_is_no_profit(tmp_path: Path) -> None:
    history, day = KINDS["cash-moves"](tmp_path)
    summary = history.report(day).summary
    lines = {line.kind: (line.amount_usd, line.paid) for line in summary.cash}
    assert lines == {"dividend": (23.0, False), "tax": (-3.45, True), "deposit": (1000.0, True), "fee": (-1.5, True)}
    assert summary.equity.receivable_usd.amount == 23.0
    assert summary.equity.paid_in_usd == 6000.0
    # 46 shares fall by 0.90; the dividend less tax and fee counts, the deposit does not.
    assert summary.pnl.day_usd.amount == pytest.approx(46 * -0.9 + 23 - 3.45 - 1.5)
    assert "(receivable)" in text(page(summary))


@pytest.mark.parametrize(("outcome", "code"), [("missed", 4), ("failed", 1)])
def test_an_evening_without_a_report_costs_that_report_alone(tmp_path: Path, outcome: str, code: int) -> None:
    history = history_of(tmp_path, ORDINARY)
    for step in range(3):
        day = history.play(ENTRY + step)
        at = history.calendar.session(day).close
        if step == 1:
            row = history.store.runs.start_run("daily_report", "", day, at)
            missed = {"session": str(day), "problems": [{"code": code, "text": "not running"}], "cause": "not running"}
            history.store.runs.finish_run(row, at, outcome, code, missed)
        else:
            summary = history.report(day).summary
    assert summary.corrections == ()
    assert max(line.sessions for line in summary.regret) == 2
    assert [problem.text for problem in summary.problems] == []


def test_a_fault_in_one_part_costs_that_part_and_is_said(tmp_path: Path) -> None:
    history = history_of(tmp_path, ORDINARY)
    first = history.play(ENTRY)
    stored = dict(history.report(first).document)
    del stored["fills"]
    row = history.store.runs.run_of("daily_report", "", first)
    assert row is not None
    history.store.runs.finish_run(row.id, history.calendar.session(first).close, "finished", 0, stored)
    report = history.report(history.play(ENTRY + 1))
    assert report.summary.corrections == ()
    assert report.summary.equity.equity_usd.state is State.FINAL
    (line,) = report.broken
    assert line in report.summary.problems
    assert line == ProblemLine(1, "the report lacks its corrections (KeyError: 'fills'); this is a bug")
    assert line.text in " ".join(report.text.split())


def test_a_report_that_cannot_be_made_is_no_job_still_at_work(tmp_path: Path) -> None:
    history = history_of(tmp_path, ORDINARY)
    day = history.play(ENTRY)
    (tmp_path / "reports").write_text("a file where the folder belongs")
    with pytest.raises(StoreError, match="cannot be written"):
        history.report(day)
    friday = date(2026, 4, 3)
    with pytest.raises(StoreError, match="cannot be written"):
        write_review(history.writer(), Kind.WEEK, friday, datetime(2026, 7, 1, tzinfo=UTC))
    rows = (history.store.runs.run_of(*key) for key in (("daily_report", "", day), ("review", "week", friday)))
    assert [(row.outcome, row.exit_code) for row in rows if row is not None] == [("failed", 3)] * 2


def test_a_replay_that_decides_on_the_close_claims_no_gap_it_could_not_have(tmp_path: Path) -> None:
    history, day = KINDS["exit-vix"](tmp_path)
    report = history.report(day)
    (fill,) = report.summary.fills
    assert fill.decision_price == fill.official_close.amount == fill.fill_price
    assert (fill.wait_bps, fill.auction_bps, fill.slippage_usd) == (NOT_SIMULATED,) * 3
    assert report.summary.data_quality.official_close
    assert "Decision to close, cost  not simulated" in report.text
    assert "Price decided on" in report.text
    assert "Newest price seen" not in report.text
    assert "0.0 bps" not in report.text
