"""Idle cash in a fund, and purchases that need it back, through the whole daily job."""

from datetime import date
from decimal import Decimal
from functools import partial
from pathlib import Path
from shutil import copytree
from typing import Any

import pytest

from mtum.app.ledger.book_problems import book_problems
from mtum.app.queries.performance import account_performance
from mtum.app.records.verify import verify
from mtum.app.reporting.daily_report import preview_report
from mtum.app.reporting.period import Kind
from mtum.app.reporting.review import write_review
from mtum.app.session.play_session import Replay, play_session
from mtum.core.portfolio.limits import Restriction
from mtum.core.reporting.parts.coordination import coordination_lines
from mtum.errors import ConfigError
from mtum.wiring.reports import writer_of
from mtum.wiring.resources import opened_reader
from scenarios.test_benchmarks import closes
from scenarios.test_coordination import account, row, sleeve
from support.practice import KillAt, Steps, exchange_in, in_child
from support.three_sleeves import played

BEFORE, WANTED, AFTER = date(2017, 9, 1), date(2017, 9, 5), date(2017, 9, 6)
FUND = 'cash_symbol = "MTUM"'
SLEEVES = (sleeve("core", 0.6, row(WANTED, "AAA", 0.5)), sleeve("timing", 0.4))


def until(replay: Replay, day: date) -> list[dict[str, Any]]:
    documents = played(replay, 1)
    while documents[-1]["session"] < str(day):
        documents += played(replay, 1)
    return documents


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, dict[str, Any]]]:
    """A fortnight: the fund is bought, a purchase needs its money back, and what is left goes in again."""
    folder = tmp_path_factory.mktemp("fund")
    with account(folder, *SLEEVES, extra=FUND) as replay:
        return folder, {one["session"]: one for one in until(replay, date(2017, 9, 12))}


def orders(document: dict[str, Any]) -> list[tuple[str, str, int]]:
    return [(one["side"], one["symbol"], one["shares"]) for one in document["orders"]]


def test_idle_cash_above_what_is_kept_buys_the_fund_and_is_still_the_sleeves(history: Any) -> None:
    folder, documents = history
    first = documents[str(BEFORE)]
    price = closes(folder, "MTUM")[str(BEFORE)]
    # 29,000 of 30,000, with 0.6 % kept back for costs and the auction's price.
    shares = int(29000 / (price * 1.006))
    assert orders(first) == [("BUY", "MTUM", shares)]
    assert first["sleeves"]["cash"]["orders"][0]["reasons"] == ["idle_cash"]
    assert coordination_lines(first["coordination"]) == [f"Idle cash buys {shares} MTUM."]
    with account(folder, *SLEEVES, extra=FUND) as replay:
        ledger = replay.desk.store.ledger
        (paid,) = [one for one in ledger.movements("cash") if one.kind == "buy"]
        assert [one.kind for one in ledger.movements("timing")] == ["capital"]
        # The sleeve owns the fund and owes what it cost: its equity is what it has earned, less the commission.
        point = ledger.equity("cash")[0]
        cost = -float(paid.amount_usd)
        assert cost == pytest.approx(shares * price)
        assert float(point.equity_usd) == pytest.approx(-round(cost / 1000, 2), abs=0.005)
        assert float(point.cash_usd) == pytest.approx(-cost - round(cost / 1000, 2), abs=0.005)
        assert point.flows_usd == 0


def test_a_purchase_without_cash_sells_the_fund_once_and_is_made_when_that_has_settled(history: Any) -> None:
    folder, documents = history
    wanted = documents[str(WANTED)]
    cut = next(one for one in wanted["coordination"]["cuts"] if one["limit"] == "account_cash_usd")
    # Half of 18,000 at the decision, as if the fund were cash.
    assert cut["before"] == int(9000 / (closes(folder, "AAA")[str(WANTED)] * 1.006))
    bought = sum(one[2] for each in documents.values() for one in orders(each) if one[:2] == ("BUY", "AAA"))
    assert bought == cut["before"]
    sold = {day: one for day, each in documents.items() for one in orders(each) if one[:2] == ("SELL", "MTUM")}
    # A sale settles after two sessions: what is on its way is not raised once more, but for a dearer price.
    assert min(sold) == str(WANTED)
    assert sum(one[2] for day, one in sold.items() if day > str(WANTED)) <= 2
    lacking = (cut["before"] - cut["after"]) * closes(folder, "AAA")[str(WANTED)] * 1.006
    assert sold[str(WANTED)][2] == -int(-lacking // (closes(folder, "MTUM")[str(WANTED)] * 0.999))
    assert any(
        "of the cash fund are sold, as purchases were cut" in one for one in coordination_lines(wanted["coordination"])
    )
    assert {one["exit_code"] for one in documents.values()} == {0}
    carried = [one for each in documents.values() for one in each["orders"] if one["reasons"][0] == "purchase_carried"]
    assert carried


def test_reports_tell_what_the_fund_earns_in_usd_as_it_has_no_money_of_its_own(history: Any) -> None:
    folder, _ = history
    with account(folder, *SLEEVES, extra=FUND) as replay:
        desk = replay.desk
        writer = writer_of(desk.settings, folder, desk.store, desk.calendar, html=False)
        report = preview_report(writer, AFTER)
        review = write_review(writer, Kind.MONTH, AFTER, desk.clock.now()).review
    day, month = report.summary.sleeves["cash"], review.sleeves["cash"]

    assert (day.pnl.start_frac.amount, day.equity.drawdown_frac.amount, month.pnl_frac, month.drawdown_frac) == (
        None,
    ) * 4
    assert not [line for line in report.summary.problems if "cash" in line.text]  # what it owes is no debit
    assert month.pnl_usd == pytest.approx(
        (review.pnl_usd or 0) - sum(review.sleeves[name].pnl_usd or 0 for name in ("core", "timing"))
    )
    assert "Cash fund" in report.text


def test_books_account_and_exchange_agree_and_everything_replays(history: Any) -> None:
    folder, documents = history
    with account(folder, *SLEEVES, extra=FUND) as replay:
        desk = replay.desk
        found = verify(desk.store, desk.settings, desk.provenance)
        assert (found.document["failed"], found.exit_code) == (0, 0)
        assert not book_problems(desk.store)
        (broker,) = exchange_in(folder).accounts
        names = ("core", "timing", "cash")
        cash = sum(desk.store.books.cash(name) for name in names)
        assert float(broker.cash) == pytest.approx(float(cash), abs=1e-6)
        last = max(documents)
        shares = sum(float(one.shares) * closes(folder, one.symbol)[last] for one in broker.positions)
        with opened_reader(desk.settings, folder / "mtum.db") as reader:
            assert reader is not None
            rows = account_performance(reader, names).rows
    assert rows[-1].equity_usd == pytest.approx(float(broker.cash) + shares, abs=0.005)
    gained = sum(usd for one in rows for usd in one.gained_usd.values())
    assert gained == pytest.approx(rows[-1].equity_usd - 30000, abs=0.005)


def test_a_changed_order_of_the_fund_is_noticed(history: Any, tmp_path: Path) -> None:
    copytree(history[0], tmp_path, dirs_exist_ok=True)
    with account(tmp_path, *SLEEVES, extra=FUND) as replay:
        desk = replay.desk
        database = desk.store.database  # type: ignore[attr-defined] # the store of SQLite has it
        with database.write() as connection:
            connection.execute("UPDATE plans SET document = replace(document, 'idle_cash', 'cash_lacking')")
        assert verify(desk.store, desk.settings, desk.provenance).exit_code == 6


def test_nothing_is_bought_while_entries_are_stopped_and_flatten_sells_it_all(tmp_path: Path) -> None:
    with account(tmp_path, *SLEEVES, extra=FUND) as replay:
        desk = replay.desk
        halt = desk.store.control.halt(Restriction.REDUCE_ONLY, "look", "a person", desk.clock.now())
        (first,) = played(replay, 1)
        assert (orders(first), halt) == ([], 1)
        desk.store.control.resume(desk.clock.now())
        (second,) = played(replay, 1)
        bought = orders(second)
        desk.store.statements.request_flatten("MTUM", "enough", desk.clock.now())
        (third,) = played(replay, 1)
        assert ("SELL", *bought[-1][1:]) in orders(third)


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ('cash_symbol = "AAA"', "portfolio.cash_symbol: AAA is traded by core"),
        ('cash_symbol = "sgov"', 'portfolio.cash_symbol: "sgov" is no ticker'),
        ('cash_symbol = "VIX"', "portfolio.cash_symbol: VIX is an"),
    ],
)
def test_a_fund_that_cannot_be_one_is_refused(tmp_path: Path, extra: str, said: str) -> None:
    with pytest.raises(ConfigError, match=said), account(tmp_path, *SLEEVES, extra=extra):
        pass


def _played(folder: Path, number: int | None) -> int:
    with account(folder, *SLEEVES, extra=FUND, journal=KillAt(number) if number is not None else None) as replay:
        session = replay.upcoming()
        assert session is not None
        return int(play_session(replay.desk, session).exit_code)


def _books(folder: Path) -> Any:
    with account(folder, *SLEEVES, extra=FUND) as replay:
        store = replay.desk.store
        return (
            {name: (store.ledger.movements(name), store.ledger.equity(name)) for name in ("core", "timing", "cash")},
            [(one.intent, one.status, one.filled) for one in store.orders.states()],
        )


@pytest.mark.parametrize("every", [False, pytest.param(True, marks=pytest.mark.full)])
def test_a_session_killed_at_any_step_orders_the_fund_once(
    tmp_path_factory: pytest.TempPathFactory, *, every: bool
) -> None:
    before, whole, steps = tmp_path_factory.mktemp("before"), tmp_path_factory.mktemp("whole"), Steps()
    with account(before, *SLEEVES, extra=FUND) as replay:
        until(replay, BEFORE)
    copytree(before, whole, dirs_exist_ok=True)
    with account(whole, *SLEEVES, extra=FUND, journal=steps) as replay:
        session = replay.upcoming()
        assert session is not None
        play_session(replay.desk, session)
    expected, made = _books(whole), len(exchange_in(whole).orders)
    assert made == 3  # the fund of the day before, a purchase, and a sale of the fund
    for number, step in enumerate(steps.seen[:-1]):
        if not every and step not in ("decided", "sent"):
            continue
        killed = tmp_path_factory.mktemp("killed")
        copytree(before, killed, dirs_exist_ok=True)
        assert in_child(partial(_played, killed, number)) == -9, step
        assert in_child(partial(_played, killed, None)) == 0, step
        assert len(exchange_in(killed).orders) == made, step
        assert _books(killed) == expected, step


def test_what_a_removed_fund_lost_is_the_sleeves_in_proportion_to_their_cash(tmp_path: Path) -> None:
    with account(tmp_path, *SLEEVES, extra=FUND) as replay:
        played(replay, 1)
        replay.desk.store.statements.request_flatten("MTUM", "no fund any more", replay.desk.clock.now())
        (second,) = played(replay, 1)
        assert ("SELL", "MTUM") in [one[:2] for one in orders(second)]
    with account(tmp_path, *SLEEVES) as replay:
        ledger, books = replay.desk.store.ledger, replay.desk.store.books
        before = {name: books.cash(name) for name in ("core", "timing", "cash")}
        cash = [before["core"], before["timing"]]
        assert before["cash"] < 0
        (third,) = played(replay, 1)
        assert third["exit_code"] == 0, third["problems"]
        moved = {name: [one for one in ledger.movements(name) if one.key.startswith("fund:")] for name in before}
        assert {one.kind for own in moved.values() for one in own} == {"adjustment"}
        lost = {name: sum(one.amount_usd for one in own) for name, own in moved.items()}
        assert abs(before["cash"] + lost["cash"]) < Decimal("0.01")
        assert sum(lost.values()) == 0
        assert abs(lost["core"] - before["cash"] * cash[0] / sum(cash)) <= Decimal("0.01")
        (broker,) = exchange_in(tmp_path).accounts
        owned = sum(books.cash(name) for name in ("core", "timing"))
        assert abs(broker.cash - owned) < Decimal("0.01")
        assert {one.symbol: int(one.shares) for one in broker.positions if one.shares} == {
            lot.symbol: lot.shares for lot in ledger.lots("core")
        }
        assert not replay.desk.store.control.halts(in_force=True)
        assert not book_problems(replay.desk.store)
        played(replay, 1)
        assert [len(own) for own in moved.values()] == [
            len([one for one in ledger.movements(name) if one.key.startswith("fund:")]) for name in before
        ]
