"""Round trips as documents."""

from datetime import date
from pathlib import Path

from mtum.app.ledger.trades import trade_documents
from mtum.core.portfolio.orders import Side
from support.bars import weekday_sessions
from support.fakes import FakeBroker, fake_desk
from support.store import FRIDAY, MONDAY, STRATEGY, THURSDAY, TUESDAY, fill, intent, traded

SESSIONS = weekday_sessions(date(2018, 11, 26), 20)


def test_a_carried_exit_keeps_its_first_reason_and_an_open_trade_has_no_exit(tmp_path: Path) -> None:
    enter, again = intent(), intent(FRIDAY)
    exit_, rest = (
        intent(TUESDAY, Side.SELL, reasons=("rsi_low", "vix_fear")),
        intent(THURSDAY, Side.SELL, reasons=("exit_carried", "rsi_low")),
    )
    with fake_desk(tmp_path, FakeBroker()) as desk:
        traded(desk.store, enter, fill(enter, "1.01", 10, "100", "1"))  # type: ignore[arg-type]
        traded(desk.store, exit_, fill(exit_, "2.01", 4, "110", "1"))  # type: ignore[arg-type]
        traded(desk.store, rest, fill(rest, "3.01", 6, "105", "1"))  # type: ignore[arg-type]
        traded(desk.store, again, fill(again, "4.01", 3, "99", "1"))  # type: ignore[arg-type]
        first, second = trade_documents(desk.store, STRATEGY, SESSIONS)
    # 440 + 630 - 1000 - 3 = 67; Tuesday, Wednesday, Thursday after Monday.
    assert first == {
        "symbol": "MTUM",
        "entry_session": MONDAY.isoformat(),
        "entry_price": 100.0,
        "exit_session": THURSDAY.isoformat(),
        "exit_price": 107.0,
        "shares": 10,
        "pnl_usd": 67.0,
        "return_frac": 0.067,
        "reason": "rsi_low",
        "sessions_held": 3,
    }
    assert {name for name, value in second.items() if value is None} == {
        "exit_session",
        "exit_price",
        "pnl_usd",
        "return_frac",
        "reason",
        "sessions_held",
    }
