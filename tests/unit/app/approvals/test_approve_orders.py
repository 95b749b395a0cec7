"""What a person's approval covers: what was noticed, or what it names."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from mtum.app.approvals.approve_orders import approved_shares, keep_notice, noticed, wait_for_approval
from mtum.core.market.sessions import Session
from mtum.core.portfolio.orders import Side
from support.bars import weekday_sessions
from support.fakes import FakeBroker, fake_desk
from support.store import MONDAY, STRATEGY, TUESDAY, intent


def session() -> Session:
    found = weekday_sessions(date(2018, 11, 26), 20).get(MONDAY)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("told", "covered"),
    [
        (None, True),  # nothing was noticed: the whole session is meant
        ([], False),
        ([("MTUM", "BUY", 19)], True),
        ([("MTUM", "BUY", 18)], True),  # 19 shares are less than 19.8
        ([("MTUM", "BUY", 17)], False),  # and more than 18.7
        ([("SPY", "BUY", 19)], False),
        ([("MTUM", "SELL", 19)], False),
    ],
)
def test_an_approval_of_a_session_covers_what_was_noticed(
    tmp_path: Path, told: list[tuple[str, str, int]] | None, covered: bool
) -> None:
    with fake_desk(tmp_path, FakeBroker(), risk__require_confirmation=True) as desk:
        order = intent()
        assert (order.symbol, order.side, order.shares) == ("MTUM", Side.BUY, 19)
        if told is not None:
            names = ("sleeve", "symbol", "side", "shares")
            keep_notice(desk, MONDAY, [dict(zip(names, (STRATEGY, *row), strict=True)) for row in told])
        at = session().close - timedelta(hours=1)
        desk.store.approvals.approve(MONDAY, "enter", at)
        assert wait_for_approval(desk, session(), order) is covered
        desk.store.approvals.approve(MONDAY, "enter", at, symbol="MTUM")
        assert wait_for_approval(desk, session(), order)


def test_the_notice_that_was_read_is_the_one_that_counts(tmp_path: Path) -> None:
    rows = [{"sleeve": STRATEGY, "symbol": "MTUM", "side": "BUY", "shares": shares} for shares in (10, 90)]
    with fake_desk(tmp_path, FakeBroker(), risk__require_confirmation=True) as desk:
        assert noticed(desk.store.control, MONDAY) is None
        keep_notice(desk, MONDAY, [])
        assert noticed(desk.store.control, MONDAY) == []
        for row in rows:
            keep_notice(desk, MONDAY, [row])
        assert noticed(desk.store.control, MONDAY) == rows[:1]
        assert noticed(desk.store.control, TUESDAY) is None
        keep_notice(desk, TUESDAY, rows[1:])
        assert (noticed(desk.store.control, MONDAY), noticed(desk.store.control, TUESDAY)) == (None, rows[1:])


def test_a_sale_is_approved_whole_and_a_purchase_to_the_share(tmp_path: Path) -> None:
    buy, sale = intent(), intent(side=Side.SELL)
    with fake_desk(tmp_path, FakeBroker(), risk__require_confirmation="all") as desk:
        listed = [
            {"sleeve": STRATEGY, "symbol": "MTUM", "side": order.side.value, "shares": 15} for order in (buy, sale)
        ]
        keep_notice(desk, MONDAY, listed)
        assert [approved_shares(desk, MONDAY, STRATEGY, order) for order in (buy, sale)] == [0, 0]
        for way in ("enter", "exit"):
            desk.store.approvals.approve(MONDAY, way, session().close)
        assert [approved_shares(desk, MONDAY, STRATEGY, order) for order in (buy, sale)] == [16, None]
        assert approved_shares(desk, MONDAY, "other", buy) == 0
