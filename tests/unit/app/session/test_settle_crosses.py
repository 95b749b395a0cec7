"""Shares that change sleeves at the official close, worked out by hand."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from mtum.app.desk import Desk
from mtum.app.ledger.book_problems import book_problems
from mtum.app.records.export_tax import tax_csv
from mtum.app.session.confirm_fills import confirm_fills
from mtum.app.session.settle_crosses import settle_crosses, settle_earlier_crosses
from mtum.core.market.bars import Bars
from mtum.core.portfolio.orders import OrderStatus, Purpose, Side, intent_id
from mtum.errors import ExitCode, StoreError
from mtum.ports.records import CashMovement, Cross
from support.bars import without
from support.desks import ShelfSource
from support.fakes import SESSION, FakeBroker, fake_desk, market, shown
from support.store import ACCOUNT, MONDAY, TUESDAY, decision, fill, intent, later
from support.values import replace

D = Decimal
EVENING = SESSION.close + timedelta(hours=2, minutes=30)
FRIDAY_BEFORE = MONDAY - timedelta(days=3)
EARLIER = intent(FRIDAY_BEFORE, Side.BUY, 30, strategy="core")


def cross(strategy: str, side: Side, shares: int) -> Cross:
    purpose = Purpose.ENTER if side is Side.BUY else Purpose.REDUCE
    inside = Purpose.CROSSED_IN if side is Side.BUY else Purpose.CROSSED_OUT
    return Cross(
        id=intent_id(ACCOUNT, MONDAY, strategy, "MTUM", inside),
        account=ACCOUNT,
        session=MONDAY,
        strategy=strategy,
        symbol="MTUM",
        purpose=purpose,
        side=side,
        shares=shares,
        reference_price=D("104.5"),
        reasons=("because",),
    )


OUT, IN = cross("core", Side.SELL, 12), cross("timing", Side.BUY, 12)


@contextmanager
def evening(folder: Path, bars: Bars | None = None, held: str = "30") -> Iterator[Desk]:
    """The evening of a Monday on which the sleeve core, which holds 30, gave 12 to the sleeve timing."""
    source = ShelfSource({"MTUM": market(d3=104.0) if bars is None else bars})
    broker = FakeBroker([shown(held=held, cash="7000")])
    with fake_desk(folder, broker, EVENING, source) as desk:
        store = desk.store
        for name in ("core", "timing"):
            store.ledger.move_cash([CashMovement(f"capital:{name}", name, FRIDAY_BEFORE, "capital", D(5000))])
        store.orders.add_intent(EARLIER, later(-4000))
        store.orders.add_fills([fill(EARLIER, "7.01", 30, "100", "3")])
        store.orders.move_order(EARLIER.id, OrderStatus.FILLED, later(-3900))
        both = [replace(decision(), strategy=name) for name in ("core", "timing")]
        store.decisions.commit_decisions(both, [], [OUT, IN])
        yield desk


def cash(desk: Desk, strategy: str) -> Decimal:
    return sum((one.amount_usd for one in desk.store.ledger.movements(strategy)), D(0))


def test_a_cross_is_filled_at_the_official_close_without_commission(tmp_path: Path) -> None:
    with evening(tmp_path) as desk:
        result = confirm_fills(desk, SESSION)

        assert result.exit_code is ExitCode.DONE
        lots = {
            name: [(lot.shares, lot.entry_price) for lot in desk.store.ledger.lots(name)] for name in ("core", "timing")
        }
        assert lots == {"core": [(18, D(100))], "timing": [(12, D(104))]}
        # 5,000 - 30 x 100 - 3 + 12 x 104, and 5,000 - 12 x 104.
        assert (cash(desk, "core"), cash(desk, "timing")) == (D(3245), D(3752))
        assert [one.status for one in desk.store.crosses.crosses_of(MONDAY)] == [OrderStatus.FILLED] * 2
        assert not desk.store.crosses.planned_crosses()
        assert not book_problems(desk.store)


def test_settling_again_changes_nothing(tmp_path: Path) -> None:
    with evening(tmp_path) as desk:
        confirm_fills(desk, SESSION)
        confirm_fills(desk, SESSION)

        assert len(desk.store.orders.fills()) == 3
        assert cash(desk, "timing") == D(3752)


def test_until_the_close_is_there_the_shares_stay_where_they_are(tmp_path: Path) -> None:
    with evening(tmp_path) as desk:
        assert settle_crosses(desk, MONDAY) == ()

        assert [one.status for one in desk.store.crosses.planned_crosses()] == [OrderStatus.PLANNED] * 2
        assert len(desk.store.orders.fills()) == 1


def test_a_session_without_a_close_lets_the_cross_lapse(tmp_path: Path) -> None:
    bars = market(d3=104.0)
    desk_bars = without(bars, bars.days.tolist().index(MONDAY))
    with evening(tmp_path, desk_bars) as desk:
        desk.store.bars.accept(desk_bars, EVENING, TUESDAY)
        (problem,) = settle_crosses(desk, TUESDAY)

        assert problem.exit_code is ExitCode.ORDER
        assert problem.text == f"12 MTUM were to change sleeves at the close of {MONDAY}, which never came"
        assert {one.status for one in desk.store.crosses.crosses_of(MONDAY)} == {OrderStatus.LAPSED}


def test_the_next_session_fills_what_no_evening_did(tmp_path: Path) -> None:
    with evening(tmp_path) as desk:
        sessions = desk.calendar.sessions(MONDAY - timedelta(days=400), TUESDAY)
        desk.clock.wait_until(sessions.get(TUESDAY).before_close(22))  # type: ignore[union-attr] # it is a session

        assert settle_earlier_crosses(desk, TUESDAY, sessions) == ()
        assert not desk.store.crosses.planned_crosses()


def test_sides_that_differ_are_never_filled(tmp_path: Path) -> None:
    with evening(tmp_path) as desk:
        crosses = desk.store.crosses
        with pytest.raises(StoreError, match="differ by -12 shares"):
            crosses.fill_crosses([OUT], D(104), EVENING, EVENING)
        crosses.fill_crosses([OUT, IN], D(104), EVENING, EVENING)
        with pytest.raises(StoreError, match="has ended already"):
            crosses.fill_crosses([OUT, IN], D(104), EVENING, EVENING)


def test_a_sale_between_sleeves_is_no_disposal(tmp_path: Path) -> None:
    with evening(tmp_path) as desk:
        confirm_fills(desk, SESSION)
        fills = list(desk.store.orders.fills())
        sold = intent(TUESDAY, Side.SELL, 12, strategy="timing")

        text, count = tax_csv([*fills, fill(sold, "9.01", 12, "110", "0")], [])
        assert count == 1
        # Of the purchase at 100 with a tenth of a dollar each, whichever sleeve it lies in.
        assert f"{FRIDAY_BEFORE},{TUESDAY},1320.00,1201.20" in text
