"""The same sixty sessions through the gateway and through the in-process exchange: the same in every detail."""

from pathlib import Path
from typing import Any

import pytest

from mtum.app.desk import Desk
from mtum.app.session.play_session import play_session
from support.live_days import installation, market
from support.practice import ENTRY_DAY, desk_in
from support.values import replace

SESSIONS = 60
SAME: dict[str, Any] = {"market__volume_mode": "raw", "market__sample_share": "exact"}
# No fault is waited for here, and a busy machine must not look like one.
PATIENT: dict[str, Any] = {f"broker__{limit}_seconds": 15.0 for limit in ("connect", "request", "acknowledge")}


def recorded(desk: Desk) -> dict[str, Any]:
    """Decisions, orders, fills and equity, without what only names the account or the broker."""
    name = desk.sleeves[0].name
    return {
        "decisions": [
            (one.session, one.action, one.reasons, one.document["symbols"], one.document["planned"])
            for one in desk.store.decisions.final_decisions()
        ],
        "orders": [
            (replace(one.intent, id="", account=""), one.status, one.filled) for one in desk.store.orders.states()
        ],
        "fills": [
            (one.session, one.side, one.shares, one.price, one.commission_usd, one.instant)
            for one in desk.store.orders.fills(name)
        ],
        "equity": [(one.session, one.equity_usd, one.cash_usd, one.shares) for one in desk.store.ledger.equity(name)],
    }


@pytest.mark.parametrize("count", [12, pytest.param(SESSIONS, marks=pytest.mark.full)])
def test_gateway_and_in_process_exchange_give_the_same_decisions_orders_and_fills(tmp_path: Path, count: int) -> None:
    days = [session.day for session in market().sessions if session.day >= ENTRY_DAY][:count]
    with desk_in(tmp_path / "inside", **SAME) as replay:
        for day in days:
            play_session(replay.desk, replay.session(day))
        inside = recorded(replay.desk)
    with installation(tmp_path / "wire", **PATIENT) as ours:
        for day in days:
            decided = ours.run(day)
            settled = ours.settle(day)
            assert (decided.exit_code, settled.exit_code) == (0, 0), (
                decided.document["problems"],
                settled.document["problems"],
            )
        with ours.desk() as desk:
            outside = recorded(desk)
    for part, expected in inside.items():
        assert outside[part] == expected, part
    assert len(inside["fills"]) >= 2
