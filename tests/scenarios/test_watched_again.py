"""A sleeve that is watched, trades, and is watched again: each time it begins with nothing of what it did before."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from mtum.app.ledger.books import book_problems
from mtum.app.owner.approve_settings import watched, watched_line
from mtum.app.records.verify import verify
from mtum.ports.records import DecisionRecord
from scenarios.test_coordination import account, row, sleeve
from support.three_sleeves import played

CORE = sleeve("core", 0.5, row(date(2017, 9, 5), "BBB", 0.5))
TIMING = sleeve(
    "timing",
    0.3,
    row(date(2017, 9, 5), "AAA", 1.0),  # with virtual money
    row(date(2017, 9, 11), "AAA", 1.0),  # with its own
    row(date(2017, 9, 12), "AAA", 0.0),
    row(date(2017, 9, 14), "BBB", 0.5),  # with virtual money again
)
WATCHED = TIMING.replace("weight = 0.3", 'weight = 0.3\nstate = "watch"')


def book_of(record: DecisionRecord) -> dict[str, Any]:
    book = record.frame["book"]
    held = {symbol: one["shares"] for symbol, one in book["holdings"].items() if one["shares"]}
    return {"held": held, "cash": book["cash_usd"]}


def decided(replay: Any) -> dict[str, DecisionRecord]:
    records = replay.desk.store.decisions.all()
    return {str(one.session): one for one in records if one.strategy == "timing"}


def test_a_sleeve_that_is_watched_again_begins_again(tmp_path: Path) -> None:
    backtest = {"strategy": "scripted", "start": "2010-01-04", "end": "2016-12-30", "sessions": 1762}
    with account(tmp_path, CORE, WATCHED) as replay:
        played(replay, 4)  # 1, 5, 6, 7 September
        store = replay.desk.store
        assert book_of(decided(replay)["2017-09-06"])["held"] == {"AAA": decided_shares(decided(replay)["2017-09-05"])}
        metrics = {"total_return_frac": 0.5, "max_drawdown_frac": 0.2}
        store.approvals.approve_document("backtest", {**backtest, "metrics": metrics}, replay.desk.clock.now())
    with account(tmp_path, CORE, TIMING) as replay:
        desk = replay.desk
        (shown,) = watched(desk.store, desk.settings, desk.account)
        points = [float(replay.desk.store.bars.bars("AAA", "csv").find(date(2017, 9, day)).close) for day in (5, 6, 7)]  # type: ignore[union-attr] # played
        bought = decided_shares(decided(replay)["2017-09-05"])
        paid = float((Decimal(bought) * Decimal(str(points[0])) * Decimal("0.001")).quantize(Decimal("0.01")))
        worth = [10_000 - paid + bought * (price - points[0]) for price in points]
        assert (shown["sleeve"], shown["start"], shown["end"], shown["sessions"]) == (
            "timing",
            "2017-09-01",
            "2017-09-07",
            4,
        )
        assert abs(shown["equity_usd"] - worth[-1]) < 0.011
        assert shown["max_drawdown_frac"] == round(1 - min(worth) / 10_000, 6)
        assert watched_line(shown).endswith(
            "its approved backtest, 2010-01-04 to 2016-12-30: +50.0%, largest fall 20.0%"
        )
        played(replay, 3)  # 8, 11, 12 September
        first = decided(replay)["2017-09-08"]
        assert "virtual" not in first.document
        assert book_of(first) == {"held": {}, "cash": 9000.0}
        orders = [one.intent.side.value for one in replay.desk.store.orders.states() if one.intent.strategy == "timing"]
        assert orders == ["BUY", "SELL"]
        assert watched(desk.store, desk.settings, desk.account) == []
    with account(tmp_path, CORE, WATCHED) as replay:
        played(replay, 3)  # 13, 14, 15 September
        desk, records = replay.desk, decided(replay)
        assert book_of(records["2017-09-13"]) == {"held": {}, "cash": 10_000.0}
        assert book_of(records["2017-09-14"]) == {"held": {}, "cash": 10_000.0}
        assert book_of(records["2017-09-15"])["held"] == {"BBB": decided_shares(records["2017-09-14"])}
        assert verify(desk.store, desk.settings, desk.provenance).exit_code == 0
        assert not book_problems(desk.store)
    # Of 30,000 USD 15,000 are core's and what timing traded with stays its own: a sleeve added now has the rest.
    with account(tmp_path, CORE.replace("0.5\n", "0.1\n", 1), WATCHED, sleeve("late", 0.6)) as replay:
        played(replay, 1)
        ledger = replay.desk.store.ledger
        own = {name: sum(one.amount_usd for one in ledger.movements(name)) for name in ("timing", "late")}
        assert own["late"] == 6000
        assert 8000 < own["timing"] < 10_000


def decided_shares(record: DecisionRecord) -> int:
    (order,) = record.document["planned"]
    return int(order["shares"])
