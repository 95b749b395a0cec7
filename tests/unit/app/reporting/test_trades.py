"""Round trips as reports and the demo show them."""

from pathlib import Path

from mtum.app.reporting.facts import Setup, session_facts
from mtum.app.reporting.trading import trade_lines
from mtum.core.portfolio.orders import Side
from mtum.core.reporting.parts.trades import TradeLine
from support.fakes import FakeBroker, fake_desk
from support.store import FRIDAY, MONDAY, THURSDAY, TUESDAY, fill, intent, traded


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
        facts = session_facts(desk.store, desk.calendar, Setup(desk.settings, desk.account), FRIDAY)
        first, second = trade_lines(desk.store, facts)
    # 440 + 630 - 1000 - 3 = 67; Tuesday, Wednesday, Thursday after Monday.
    assert first == TradeLine("MTUM", MONDAY, 100.0, THURSDAY, 107.0, 10, 67.0, 0.067, "rsi_low", 3, 3.0)
    assert second == TradeLine("MTUM", FRIDAY, 99.0, None, None, 3, None, None, None, 0, 1.0)
