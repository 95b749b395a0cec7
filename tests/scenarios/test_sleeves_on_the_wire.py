"""Two sleeves on one symbol through the practice gateway: as in the process, each order its own."""

from pathlib import Path
from typing import Any

import pytest

from mtum.app.desk import Desk
from mtum.app.session.play_session import play_session
from support.live_days import installation, market
from support.practice import ENTRY_DAY, EXIT_DAY, desk_in
from support.values import replace

SAME: dict[str, Any] = {"market__volume_mode": "raw", "market__sample_share": "exact"}
PATIENT: dict[str, Any] = {f"broker__{limit}_seconds": 15.0 for limit in ("connect", "request", "acknowledge")}
SLEEVES: dict[str, Any] = {
    "sleeve__core__strategy": "buy_and_hold",
    "sleeve__core__weight": 0.5,
    "sleeve__core__rules__symbol": "MTUM",
    "sleeve__timing__strategy": "mtum_confluence",
    "sleeve__timing__weight": 0.5,
}


def recorded(desk: Desk) -> dict[str, Any]:
    store = desk.store
    names = [sleeve.name for sleeve in desk.sleeves]
    return {
        "decisions": [
            (one.session, one.strategy, one.action, one.document["planned"])
            for one in store.decisions.final_decisions()
        ],
        "orders": [(replace(one.intent, id="", account=""), one.status, one.filled) for one in store.orders.states()],
        "equity": {
            name: [(one.session, one.equity_usd, one.cash_usd, one.shares) for one in store.ledger.equity(name)]
            for name in names
        },
    }


def test_two_sleeves_trade_over_the_wire_what_they_trade_in_the_process(tmp_path: Path) -> None:
    days = [session.day for session in market().sessions if ENTRY_DAY <= session.day <= EXIT_DAY]
    with desk_in(tmp_path / "inside", **SAME, **SLEEVES) as replay:
        for day in days:
            play_session(replay.desk, replay.session(day))
        inside = recorded(replay.desk)
    with installation(tmp_path / "wire", **PATIENT, **SLEEVES) as ours:
        for day in days:
            decided, settled = ours.run(day), ours.settle(day)
            assert (decided.exit_code, settled.exit_code) == (0, 0), (
                decided.document["problems"],
                settled.document["problems"],
            )
        with ours.desk() as desk:
            outside = recorded(desk)
    for part, expected in inside.items():
        assert outside[part] == expected, part
    # Both enter on the first day, each with its half: two orders of one symbol, and one of them leaves again.
    traded = [(intent.session, intent.strategy, intent.side.value) for intent, _, _ in inside["orders"]]
    assert traded == [(ENTRY_DAY, "core", "BUY"), (ENTRY_DAY, "timing", "BUY"), (EXIT_DAY, "timing", "SELL")]


@pytest.mark.full
def test_the_cash_fund_is_ordered_over_the_wire_as_everything_else_is(tmp_path: Path) -> None:
    fund: dict[str, Any] = {
        "portfolio__cash_symbol": "SGOV",
        "portfolio__cash_keep_usd": 500.0,
        "portfolio__cash_step_usd": 500.0,
    }
    weights: dict[str, Any] = {**SLEEVES, "sleeve__core__weight": 0.4, "sleeve__timing__state": "off"}
    with installation(tmp_path, symbols=("MTUM", "SGOV"), **PATIENT, **weights, **fund) as ours:
        decided, settled = ours.run(ENTRY_DAY), ours.settle(ENTRY_DAY)
        assert (decided.exit_code, settled.exit_code) == (0, 0), (decided.document, settled.document["problems"])
        sent = {(one["symbol"], one["side"]): one for one in decided.document["orders"]}
        assert list(sent) == [("MTUM", "BUY"), ("SGOV", "BUY")]
        assert len(ours.accepted()) == 2
        with ours.desk() as desk:
            store = desk.store
            names = [sleeve.name for sleeve in desk.sleeves]
            cash = {name: store.books.cash(name) for name in names}
            # 4,500 of 5,000 belong to a sleeve; of what MTUM leaves 500 are kept.
            price = {one.symbol: float(one.price) for one in store.orders.fills()}
            left = 4500 - sent["MTUM", "BUY"]["shares"] * price["MTUM"] * 1.006
            wanted = (left - 500) / (price["SGOV"] * 1.006)
            # Decided at the price of the moment, filled at the auction's.
            assert sent["SGOV", "BUY"]["shares"] == pytest.approx(wanted, abs=1)
            assert cash["cash"] < 0 < sum(cash.values())
            assert store.ledger.equity("cash")[0].shares == sent["SGOV", "BUY"]["shares"]
