"""Cash that comes or becomes known after a session's report was written stands in a later one, once."""

from decimal import Decimal
from pathlib import Path

import pytest

from mtum.core.reporting.parts.account import OwedLine
from mtum.core.reporting.parts.corrections import CorrectionLine
from mtum.core.reporting.stated import UNKNOWN, final
from mtum.core.reporting.summary import Summary
from mtum.ports.records import CashMovement
from support.report_days import ENTRY, Market, bars_of, history_of
from support.report_history import Day, History
from support.values import replace

LONG = Market({day: 106.0 + day / 100 for day in range(61, 80)})
USUAL = Day()
EX_DATE = bars_of(LONG).day(ENTRY + 1)
NOTE = f"46 shares at 0.5 USD, ex-date {EX_DATE}"
DUE = CashMovement("dividend:test", "mtum_confluence", EX_DATE, "dividend", Decimal("23.00"), NOTE, "MTUM", paid=False)
RECEIVED = CorrectionLine(EX_DATE, f"dividend received, {NOTE}", final(0.0), final(23.0), "USD")


def reported(history: History, step: int, special: Day = USUAL) -> Summary:
    return history.report(history.play(ENTRY + step, special)).summary


def cash_corrections(summary: Summary) -> list[CorrectionLine]:
    words = ("dividend", "fee", "tax", "deposit")
    return [line for line in summary.corrections if line.subject.startswith(words)]


def opened(folder: Path) -> History:
    history = history_of(folder, LONG)
    reported(history, 0)
    return history


@pytest.mark.parametrize("waited", [1, 4, 12])
def test_a_dividend_paid_later_is_one_correction_however_late(tmp_path: Path, waited: int) -> None:
    history = opened(tmp_path)
    history.store.ledger.move_cash([DUE])
    owed = (OwedLine(EX_DATE, "dividend", 23.0, NOTE),)
    for step in range(1, 1 + waited):
        summary = reported(history, step)
        assert (summary.owed, cash_corrections(summary)) == (owed, [])
    history.store.ledger.move_cash([replace(DUE, paid=True)])
    report = history.report(history.play(ENTRY + 1 + waited))
    assert (report.summary.owed, cash_corrections(report.summary)) == ((), [RECEIVED])
    assert "dividend received" in " ".join(report.text.split())
    assert max(len(line) for line in report.text.splitlines()) <= 78
    for step in range(2 + waited, 5 + waited):
        assert cash_corrections(reported(history, step)) == []


def test_a_dividend_paid_at_once_needs_no_correction(tmp_path: Path) -> None:
    history = opened(tmp_path)
    history.store.ledger.move_cash([replace(DUE, paid=True)])
    assert [line.paid for line in reported(history, 1).cash] == [True]
    assert cash_corrections(reported(history, 2)) == []


def test_a_dividend_recorded_after_its_report_is_told_when_due_and_when_received(tmp_path: Path) -> None:
    history = opened(tmp_path)
    reported(history, 1)
    history.store.ledger.move_cash([DUE])
    due = CorrectionLine(EX_DATE, f"dividend due, {NOTE}", UNKNOWN, final(23.0), "USD")
    assert cash_corrections(reported(history, 2)) == [due]
    history.store.ledger.move_cash([replace(DUE, paid=True)])
    assert [line.subject for line in cash_corrections(reported(history, 3))] == [RECEIVED.subject]
    assert cash_corrections(reported(history, 4)) == []


def test_a_fee_booked_to_an_earlier_session_is_a_correction(tmp_path: Path) -> None:
    history = opened(tmp_path)
    reported(history, 1)
    fee = CashMovement("fee:test", "mtum_confluence", EX_DATE, "fee", Decimal("-1.50"), "data", "", paid=True)
    history.store.ledger.move_cash([fee])
    (line,) = cash_corrections(reported(history, 2))
    assert (line.session, line.subject, line.before.amount, line.now) == (EX_DATE, "fee, data", None, final(-1.5))
