"""A sleeve that is watched, trades, and is watched again: each time it begins with nothing of what it did before."""

from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mtum.app.approvals.approve_settings import watched, watched_line
from mtum.app.ledger.book_problems import book_problems
from mtum.app.queries.risk import account_risk
from mtum.app.records.verify import verify
from mtum.app.reporting.daily_report import preview_report
from mtum.ports.records import DecisionRecord
from mtum.wiring.reports import writer_of
from mtum.wiring.resources import opened_reader
from scenarios.test_coordination import account, row, sleeve
from support.commands import call_json
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
    records = replay.desk.store.decisions.final_decisions()
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
            "its approved backtest, 2010-01-04 to 2016-12-30: +50.0%, max drawdown 20.0%"
        )
        played(replay, 3)  # 8, 11, 12 September
        first = decided(replay)["2017-09-08"]
        assert "virtual" not in first.document
        assert book_of(first) == {"held": {}, "cash": 9000.0}
        orders = [one.intent.side.value for one in replay.desk.store.orders.states() if one.intent.strategy == "timing"]
        assert orders == ["BUY", "SELL"]
        assert watched(desk.store, desk.settings, desk.account) == []
        gained = desk.store.books.cash("timing") - 9000
    with account(tmp_path, CORE, WATCHED) as replay:
        played(replay, 3)  # 13, 14, 15 September
        desk, records = replay.desk, decided(replay)
        assert book_of(records["2017-09-13"]) == {"held": {}, "cash": 10_000.0}
        assert book_of(records["2017-09-14"]) == {"held": {}, "cash": 10_000.0}
        assert book_of(records["2017-09-15"])["held"] == {"BBB": decided_shares(records["2017-09-14"])}
        assert verify(desk.store, desk.settings, desk.provenance).exit_code == 0
        assert not book_problems(desk.store)
    times = _in_no_figure(tmp_path, gained)
    _trades_once_more(tmp_path, gained, times)


def _in_no_figure(folder: Path, gained: Decimal) -> list[dict[str, Any]]:
    """What it traded with went back to cash that no sleeve owns: virtual money is left, in no figure of the account."""
    with account(folder, CORE, WATCHED) as replay:
        desk = replay.desk
        moved = [(one.key, one.kind, one.amount_usd) for one in desk.store.ledger.movements("timing")][-1]
        assert moved == ("handed_back:timing:2017-09-13", "withdrawal", -(9000 + gained))
        core = desk.store.ledger.equity("core")[-1]
        assert sleeves_told(folder)["equity_usd"] == float(core.equity_usd)
        assert not desk.store.control.halts(in_force=True)
        with opened_reader(desk.settings, folder / "mtum.db") as reader:
            assert reader is not None
            assert account_risk(desk.settings, reader).equity_usd == pytest.approx(float(core.equity_usd), abs=0.01)
            assert reader.state().unsettled == []
        writer = writer_of(desk.settings, folder, desk.store, desk.calendar, html=False)
        summary = preview_report(writer, date(2017, 9, 15)).summary
        assert summary.equity.equity_usd.amount == pytest.approx(float(core.equity_usd))
        (line,) = [one for one in sleeves_told(folder)["sleeves"] if one["sleeve"] == "timing"]
        first, second = line["watched"]
        assert (first["start"], first["end"], first["sessions"], first["start_usd"]) == (
            *("2017-09-01", "2017-09-07"),
            *(4, 10_000),
        )
        assert (second["start"], second["end"], second["sessions"]) == ("2017-09-13", "2017-09-15", 3)
        assert (line["equity_usd"], line["return_frac"]) == (second["equity_usd"], second["return_frac"])
        assert [(one["symbol"], one["shares"]) for one in line["positions"]] == [
            ("BBB", virtual := book_of(decided(replay)["2017-09-15"])["held"]["BBB"])
        ]
        assert line["cash_usd"] == book_of(decided(replay)["2017-09-15"])["cash"] < 10_000 - 20 * virtual
        assert (line["gained_usd"], line["benchmark_usd"]) == (None, None)
    return [first, second]


def _trades_once_more(folder: Path, gained: Decimal, times: list[dict[str, Any]]) -> None:
    """It is flat, with its part again, which is told beside its virtual curve; that is kept."""
    with account(folder, CORE, TIMING) as replay:
        (document,) = played(replay, 1)  # 18 September
        desk = replay.desk
        assert any(one["text"].startswith("timing begins with real money. VIRTUAL") for one in document["problems"])
        assert document["exit_code"] == 0
        assert book_of(decided(replay)["2017-09-18"]) == {"held": {}, "cash": 9000.0}
        assert desk.store.limits.peak_since("timing") == date(2017, 9, 18)
        (line,) = [one for one in sleeves_told(folder)["sleeves"] if one["sleeve"] == "timing"]
        assert (line["equity_usd"], line["cash_usd"], line["watched"]) == (9000, 9000, times)
        shown = told(folder, "show", "equity", "--sleeve", "timing")
        assert [one["session"] for one in shown["virtual"]][-3:] == ["2017-09-13", "2017-09-14", "2017-09-15"]
        assert [one["equity_usd"] for one in shown["virtual"]][-1] == times[1]["equity_usd"]
    # Of 30,000 USD 15,000 are core's and timing has its 9,000: a sleeve added now has the rest.
    with account(folder, CORE.replace("0.5\n", "0.1\n", 1), TIMING, sleeve("late", 0.6)) as replay:
        played(replay, 1)
        ledger = replay.desk.store.ledger
        assert sum(one.amount_usd for one in ledger.movements("late")) == 6000 + gained
        assert not book_problems(replay.desk.store)


def test_a_sleeve_that_was_only_watched_and_is_closed_is_given_no_money(tmp_path: Path) -> None:
    idle = sleeve("timing", 0.3)
    with account(tmp_path, CORE, idle.replace("weight = 0.3", 'weight = 0.3\nstate = "watch"')) as replay:
        played(replay, 1)
    with account(tmp_path, CORE, idle.replace("weight = 0.3", 'weight = 0.3\nstate = "close"')) as replay:
        (document,) = played(replay, 1)
        desk = replay.desk
        assert (document["exit_code"], desk.store.ledger.movements("timing")) == (0, ())
        with opened_reader(desk.settings, tmp_path / "mtum.db") as reader:
            assert reader is not None
            assert reader.state().unsettled == []
        writer = writer_of(desk.settings, tmp_path, desk.store, desk.calendar, html=False)
        report = preview_report(writer, date.fromisoformat(document["session"]))
        assert report.summary.equity.equity_usd.amount == float(desk.store.ledger.equity("core")[-1].equity_usd)
    with account(tmp_path, CORE, idle) as replay:
        played(replay, 1)
        assert replay.desk.store.books.cash("timing") == 9000


def told(folder: Path, *words: str) -> dict[str, Any]:
    called = call_json(folder, *words, "--config", "config.toml", "--data-dir", ".")
    assert called.code == 0, called.err
    return called.document


def sleeves_told(folder: Path) -> dict[str, Any]:
    return told(folder, "sleeves")


def decided_shares(record: DecisionRecord) -> int:
    (order,) = record.document["planned"]
    return int(order["shares"])
