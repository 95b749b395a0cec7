"""Reports of every kind of day against stored files; `make.py` beside them writes them anew."""

import importlib.util
import json
from datetime import date
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest
from msgspec import structs

from mtum.app.reporting.daily_report import daily_report, preview_report
from mtum.app.reporting.period import Kind
from mtum.app.reporting.review import write_review
from mtum.core.reporting.codec import document, from_document
from mtum.core.reporting.layout import Facts
from mtum.core.reporting.parts.problems import ProblemLine
from mtum.core.reporting.sleeves import overview
from mtum.core.reporting.stated import final
from mtum.core.reporting.summary import Summary
from support.account_days import BUSY_DAY, MONTH_END, SLEEVES, account_days, play_account, scripted_known
from support.commands import call, call_json
from support.report_days import KINDS
from support.values import replace

HERE = Path(__file__).parent
PLACE = ("--config", "config.toml", "--data-dir", ".")


def make() -> Any:
    spec = importlib.util.spec_from_file_location("make_golden_reports", HERE / "make.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("kind", KINDS)
def test_report_equals_its_golden_file(tmp_path: Path, kind: str) -> None:
    for name, content in make().reports(kind, tmp_path).items():
        assert content == (HERE / name).read_text(encoding="utf-8"), name


@pytest.fixture(scope="module")
def account(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("account")
    play_account(folder)
    return folder


def test_reports_of_three_sleeves_equal_their_golden_files(account: Path) -> None:
    for name, content in make().account_reports(account).items():
        assert content == (HERE / name).read_text(encoding="utf-8"), name


def test_every_golden_file_belongs_to_a_kind_of_day() -> None:
    stored = {path.stem for path in HERE.glob("*.txt")} | {path.stem for path in HERE.glob("*.json")}
    assert stored == {*KINDS, *make().ACCOUNTS}


def stored_reports(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(path.read_text()) for path in sorted((folder / "reports").glob("2*.json"))]


def test_the_sleeves_add_up_to_the_account_to_the_cent_and_virtual_money_is_in_no_figure(account: Path) -> None:
    reports = stored_reports(account)
    assert len(reports) == 13
    for report in reports:
        real = {name: one for name, one in report["sleeves"].items() if one["state"] != "watch"}
        assert [*report["sleeves"]] == [*SLEEVES]
        assert [*real] == ["core", "timing", "trend"]
        for part, figure in (
            ("equity", "equity_usd"),
            ("equity", "cash_usd"),
            ("pnl", "day_usd"),
            ("pnl", "start_usd"),
        ):
            assert report[part][figure] == pytest.approx(sum(one[part][figure] for one in real.values()), abs=1e-6)
        assert report["benchmark"]["equity_usd"] == pytest.approx(
            sum(one["benchmark"]["equity_usd"] for one in real.values()), abs=1e-6
        )
        assert {one["sleeve"] for one in report["coordination"]["crosses"]} <= {*real}
        assert sorted(order["id"] for order in report["orders"]) == sorted(
            order["id"] for one in real.values() for order in one["orders"]
        )


def test_a_cross_is_no_order_and_no_fill_of_the_account_but_a_trade_of_both_sleeves(account: Path) -> None:
    report = next(one for one in stored_reports(account) if one["session"] == str(BUSY_DAY))
    sides = {row["sleeve"]: (row["side"], row["crossed"], row["status"]) for row in report["coordination"]["crosses"]}

    assert sides == {"core": ("SELL", 83, "filled"), "timing": ("BUY", 83, "filled")}
    assert [(order["side"], order["shares"]) for order in report["orders"]] == [("BUY", 12)]
    assert [fill["shares"] for fill in report["fills"]] == [12]
    assert sorted(fill["shares"] for fill in report["sleeves"]["timing"]["fills"]) == [12, 83]
    assert [one["type"] for one in report["sleeves"]["core"]["internal_orders"]] == ["cross"]


def test_every_position_has_its_own_close(account: Path) -> None:
    # AAA closed at 47.42; timing holds CCC longer, whose last close is another.
    report = next(one for one in stored_reports(account) if one["session"] == str(BUSY_DAY))
    timing = report["sleeves"]["timing"]
    held = {line["symbol"]: line["close_usd"] for line in (timing["position"], *timing["other_positions"])}

    assert held == {"AAA": 47.42, "CCC": None}
    assert report["undecided"] == ["timing/CCC"]


def test_a_sleeve_asked_for_alone_has_the_report_it_has_within_the_account(account: Path) -> None:
    with account_days(account) as (_, writer):
        for name in SLEEVES:
            alone = preview_report(replace(writer, setup=replace(writer.setup, sleeve=name)), BUSY_DAY)
            within = next(one for one in stored_reports(account) if one["session"] == str(BUSY_DAY))["sleeves"][name]
            same = ("strategy", "action", "orders", "fills", "position", "pnl", "equity", "internal_orders")
            assert {key: alone.document.get(key) for key in same} == {key: within.get(key) for key in same}
            assert ("VIRTUAL" in alone.text) is (name == "paper")


def test_a_fault_in_a_part_of_one_sleeve_is_said_by_the_account(account: Path, tmp_path: Path) -> None:
    copytree(account, tmp_path / "copy")
    with account_days(tmp_path / "copy") as (replay, writer):
        row = writer.store.runs.run_of("daily_report", "", BUSY_DAY)
        assert row is not None
        assert row.document is not None
        core = {name: given for name, given in row.document["sleeves"]["core"].items() if name != "fills"}
        stored = {**row.document, "sleeves": {**row.document["sleeves"], "core": core}}
        writer.store.runs.finish_run(row.id, replay.desk.clock.now(), "finished", 0, stored)
        report = preview_report(writer, next(one.day for one in replay.market if one.day > BUSY_DAY))
    (line,) = report.broken
    assert line == ProblemLine(1, "the report lacks its corrections of core (KeyError: 'fills'); this is a bug")
    assert line in report.summary.problems


def test_what_another_sleeve_did_and_what_was_crossed_is_no_correction(account: Path) -> None:
    following = next(one for one in stored_reports(account) if one["session"] > str(BUSY_DAY))
    assert following["corrections"] == []
    assert {name: one["corrections"] for name, one in following["sleeves"].items()} == {name: [] for name in SLEEVES}


def test_a_stored_report_of_an_account_reads_back_as_it_was(account: Path) -> None:
    with account_days(account) as (replay, writer):
        again = daily_report(writer, BUSY_DAY, replay.desk.clock.now())
    assert again.text == (account / "reports" / f"{BUSY_DAY}.txt").read_text()
    assert document(again.summary) == json.loads((account / "reports" / f"{BUSY_DAY}.json").read_text())


def test_cash_that_moves_between_sleeves_is_told_and_moves_nothing_in_the_account(account: Path) -> None:
    report = stored_reports(account)[-1]
    moved = {
        name: sum(line["amount_usd"] for line in one["cash"] if line["kind"] == "transfer")
        for name, one in report["sleeves"].items()
    }

    assert report["session"] == str(MONTH_END)
    assert min(moved.values()) < 0 < max(moved.values())
    assert sum(moved.values()) == pytest.approx(0, abs=1e-9)
    assert report["cash"] == []
    assert report["equity"]["paid_in_usd"] == 30000
    assert f"receives {max(moved.values()):,.2f} USD" in (account / "reports" / f"{MONTH_END}.txt").read_text()


def test_a_review_has_the_account_first_and_sleeves_that_add_up_to_it_to_the_cent(account: Path) -> None:
    review = json.loads((account / "reports" / f"month-{MONTH_END}.json").read_text())
    real = [one for one in review["sleeves"].values() if one["state"] != "watch"]

    assert [*review["sleeves"]] == [*SLEEVES]
    for figure in ("equity_usd", "pnl_usd", "paid_usd"):
        assert review[figure] == pytest.approx(sum(one[figure] for one in real), abs=0.005)
    assert review["win_loss_start"]["closed"] == sum(one["win_loss_start"]["closed"] for one in real)
    assert review["costs"]["fills"] == sum(one["costs"]["fills"] for one in real) > 0
    # -841.62 of 30,000 is the month, as it is the first.
    assert review["pnl_frac"] == pytest.approx(review["pnl_usd"] / 30000, abs=2e-4)
    assert [one["variant"] for one in review["sleeves"]["trend"]["effects"]][:1] == ["all conditions"]
    assert review["effects"] == review["trades"] == []


@pytest.mark.parametrize("kind", [Kind.WEEK, Kind.QUARTER])
def test_weeks_and_quarters_tell_each_sleeve_what_is_its_own(account: Path, kind: Kind) -> None:
    with account_days(account) as (replay, writer):
        review = write_review(writer, kind, BUSY_DAY, replay.desk.clock.now()).review

    trend = review.sleeves["trend"]
    assert [name for name, one in review.sleeves.items() if one.virtual] == ["paper"]
    assert review.pnl_usd == pytest.approx(sum(one.pnl_usd or 0 for one in review.sleeves.values() if not one.virtual))
    if kind is Kind.WEEK:
        assert {line.symbol for line in trend.accuracy} == {"MTUM"}
        assert (bool(review.slack), trend.slack) == (True, ())
    else:
        checks = {line.check: line for line in review.audit}
        assert checks["lots and position"].result == "ok"
        assert checks["daily loss limit, core"].detail == "10% of its equity, reached in 0 sessions"
        assert trend.audit == ()


def test_explaining_the_day_says_first_what_the_account_did_and_with_each_order_what_came_of_it(account: Path) -> None:
    with scripted_known():
        told = call(account, "explain", "--session", str(BUSY_DAY), *PLACE)
        document = call_json(account, "explain", "--session", str(BUSY_DAY), *PLACE).document
    lines = told.out.splitlines()

    assert lines[:3] == [
        "The account:",
        "  timing buys 95 AAA instead of 133 (max_symbol_frac): AAA would have been 31.1% of the account, the limit is "
        "25.0%.",
        "  83 AAA changed sleeves at the official close of 47.42 USD, without commission: core 83 sold, timing 83 "
        "bought. To the broker go 12 of timing.",
    ]
    assert "order: SELL 83 AAA (reduce): 83 change sleeves, none to the broker" in lines
    assert "order: BUY 133 AAA (enter): 83 change sleeves, 12 to the broker" in lines
    assert f"{BUSY_DAY}  paper: EXIT (VIRTUAL: nothing is sent)" in lines
    assert {row["price_usd"] for row in document["coordination"]["crosses"]} == {47.42}


def test_the_command_shows_the_account_and_with_a_sleeve_that_one(account: Path) -> None:
    with scripted_known():
        whole = call(account, "report", "--session", str(BUSY_DAY), *PLACE)
        one = call_json(account, "report", "--session", str(BUSY_DAY), "--sleeve", "timing", *PLACE).document
        review = call(account, "review", "month", "--end", str(MONTH_END), *PLACE)

    assert whole.out.startswith((account / "reports" / f"{BUSY_DAY}.txt").read_text().rstrip())
    assert (one["strategy"], "sleeves" in one, one["state"]) == ("timing", False, "on")
    assert review.out.startswith((account / "reports" / f"month-{MONTH_END}.txt").read_text().rstrip())
    assert (whole.code, review.code) == (0, 0)


def test_an_account_that_had_other_sleeves_corrects_nothing_of_it(account: Path) -> None:
    following = next(one for one in stored_reports(account) if one["session"] > str(BUSY_DAY))["session"]
    with account_days(account) as (_, writer):
        fewer = {name: one for name, one in writer.setup.settings.sleeve.items() if name != "core"}
        settings = structs.replace(writer.setup.settings, sleeve=fewer)
        changed = replace(writer, setup=replace(writer.setup, settings=settings))
        summary = preview_report(changed, date.fromisoformat(following)).summary

    assert summary.equity.equity_usd.amount == pytest.approx(
        sum(summary.sleeves[name].equity.equity_usd.amount or 0 for name in ("timing", "trend"))
    )
    assert summary.corrections == ()


def test_what_the_cash_fund_holds_is_cash_not_exposure(account: Path) -> None:
    stored = next(one for one in stored_reports(account) if one["session"] == str(BUSY_DAY))
    summary = from_document(Summary, stored)
    # 15,099.49 of shares in 29,421.41 USD, of them 5,892.81 in the fund: (15,099.49 - 5,892.81) / 29,421.41 = 31.29 %.
    held = replace(summary.sleeves["trend"].equity, market_usd=final(5892.81))
    fund = replace(summary.sleeves["trend"], equity=held)
    (facts, *_) = overview(replace(summary, sleeves={**summary.sleeves, "cash": fund})).blocks

    assert isinstance(facts, Facts)
    assert {name: cell.text for name, cell, _ in facts.rows}["Exposure"] == "31.29% ~"
    assert {name: cell.text for name, cell, _ in facts.rows}["Cash fund"] == "5,892.81"
