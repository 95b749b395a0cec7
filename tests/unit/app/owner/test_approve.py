"""What a person's approval covers: what was noticed, or what it names."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from mtum.app.owner.approve import wait_for_approval
from mtum.core.market.sessions import Session
from mtum.core.portfolio.orders import Side
from support.bars import weekday_sessions
from support.fakes import FakeBroker, fake_desk
from support.store import MONDAY, decision, intent


def session() -> Session:
    found = weekday_sessions(date(2018, 11, 26), 20).get(MONDAY)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("noticed", "covered"),
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
    tmp_path: Path, noticed: list[tuple[str, str, int]] | None, covered: bool
) -> None:
    with fake_desk(tmp_path, FakeBroker(), risk__require_confirmation=True) as desk:
        order = intent()
        assert (order.symbol, order.side, order.shares) == ("MTUM", Side.BUY, 19)
        if noticed is not None:
            planned = [{"symbol": symbol, "side": side, "shares": shares} for symbol, side, shares in noticed]
            desk.store.decisions.preview(decision(preview=True, document={"planned": planned}))
        at = session().close - timedelta(hours=1)
        desk.store.approvals.approve(MONDAY, "enter", at)
        assert wait_for_approval(desk, session(), order) is covered
        desk.store.approvals.approve(MONDAY, "enter", at, symbol="MTUM")
        assert wait_for_approval(desk, session(), order)
