"""A sleeve of options through the whole daily job: decided, committed, managed, booked, explained, verified."""

import json
import shutil
import sqlite3
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest

from mtum.app.ledger.sleeve_records import held_lots
from mtum.app.ledger.virtual import virtual_records
from mtum.app.ledger.virtual_options import virtual_options
from mtum.app.owner.flatten import flatten_now
from mtum.app.queries.explain import told_of
from mtum.app.records.verify import verify
from mtum.app.session.account_limits import DAILY_LOSS
from mtum.app.session.decide_and_order import decide_and_order
from mtum.app.session.likely_order import likely_order
from mtum.app.session.play_session import play_session
from mtum.config import load
from mtum.core.market.instruments import Right
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.orders import OrderStatus, Side
from mtum.core.reporting.explain import explanation_text
from mtum.core.reporting.explain_options import contract_lines
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.wheel import Wheel
from mtum.wiring.desks import replay_desk
from mtum.wiring.resources import DATABASE_NAME, opened_reader
from support.option_orders import contract
from support.option_store import leg_fill, planned
from support.practice import desk_in, exchange_in, play_next, settings_of
from support.values import replace

WHEEL: dict[str, Any] = {
    "market__sample": "multi",
    "portfolio__strategy": "wheel",
    "portfolio__capital_usd": 100_000.0,
    "strategy__wheel__symbols": {"SP500": 1.0},
    "strategy__wheel__write_on": "any",
    "risk__max_position_usd": None,
    "risk__max_daily_loss_usd": None,
}


@pytest.fixture(scope="module")
def begun(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, Any]]:
    """A folder after the first session of a wheel, and its document."""
    folder = tmp_path_factory.mktemp("wheel")
    with desk_in(folder, **WHEEL) as replay:
        desk = replay.desk
        session = replay.upcoming()
        assert session is not None
        return folder, play_session(desk, session).document


@pytest.fixture
def folder(begun: tuple[Path, Any], tmp_path: Path) -> Path:
    shutil.copytree(begun[0], tmp_path / "wheel")
    return tmp_path / "wheel"


def test_a_put_is_decided_sold_and_booked(begun: tuple[Path, dict[str, Any]]) -> None:
    folder, document = begun
    (order,) = document["option_orders"]
    assert (document["action"], document["reasons"], document["exit_code"]) == ("enter", ["write_put"], 0)
    assert (order["purpose"], order["status"], order["filled"], order["attempts"]) == ("open", "FILLED", 1, 1)
    assert document["sleeves"]["wheel"]["options"]["orders"] == [order]
    with desk_in(folder, **WHEEL) as replay:
        desk = replay.desk
        (lot,) = desk.store.options.book("wheel").lots
        price = -Decimal(order["price"])
        assert (lot.quantity, lot.premium, lot.group) == (-1, price, order["group"])
        # The capital and the premium less the fees; the mark takes the premium back.
        cash = Decimal(100_000) + 100 * price - (lot.fees_usd or 0)
        assert desk.store.books.cash("wheel") == cash
        marked = desk.store.options.marks(lot.session)[lot.contract][0]
        assert document["equity_usd"] == pytest.approx(float(cash - 100 * marked), abs=1e-6)


def test_the_record_keeps_the_rows_and_names_every_contract(begun: tuple[Path, dict[str, Any]]) -> None:
    settings = settings_of(**WHEEL)
    with opened_reader(settings, begun[0] / DATABASE_NAME) as reader:
        assert reader is not None
        told = told_of(reader, None, None, ["wheel"], contracts=True)
        short = told_of(reader, None, None, ["wheel"])
    assert told is not None
    assert short is not None
    (decision,) = told.decisions
    frame = decision.options
    lines = list(contract_lines(frame))
    chosen = [line for line in lines if line.endswith("chosen")]
    considered = told.document["options"]["verdicts"][0]["selection"]["considered"]
    assert len(considered) == sum("  SELL  " in line for line in lines) > 100
    assert len(chosen) == 1
    assert short.document["options"]["verdicts"][0]["selection"]["considered"] == len(considered)
    text = explanation_text(decision)
    assert "Options (MODEL-PRICED, chains: model)" in text
    assert f"{len(considered)} contracts considered" in text


def test_every_decision_replays_and_the_books_add_up(begun: tuple[Path, Any], folder: Path) -> None:
    with desk_in(folder, **WHEEL) as replay:
        desk = replay.desk
        found = verify(desk.store, desk.settings, desk.provenance)
        assert (found.exit_code, found.document["failed"], found.document["books"]) == (0, 0, [])


def test_a_quote_that_was_changed_in_the_record_is_found(folder: Path) -> None:
    with sqlite3.connect(folder / DATABASE_NAME) as connection:
        rows = connection.execute("SELECT hash, frame FROM input_frames").fetchall()
        ((key, text),) = [row for row in rows if '"options"' in row[1]]
        frame = json.loads(text)
        chain = frame["options"]["chains"]["SP500"]
        chain["columns"]["ask"] = [None if ask is None else ask + 0.5 for ask in chain["columns"]["ask"]]
        for name in [row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE type = 'trigger'")]:
            connection.execute(f"DROP TRIGGER {name}")
        connection.execute("UPDATE input_frames SET frame = ? WHERE hash = ?", (json.dumps(frame), key))
    with desk_in(folder, **WHEEL) as replay:
        desk = replay.desk
        found = verify(desk.store, desk.settings, desk.provenance, books=False)
    assert any("hash" in line for line in found.document["sessions"][0]["replay"])
    assert any("options.planned" in line for line in found.document["sessions"][0]["replay"])


def test_a_dry_run_shows_what_would_be_sold_and_commits_nothing(folder: Path) -> None:
    before = exchange_in(folder).option_books.orders
    with desk_in(folder, **WHEEL) as replay:
        desk = replay.desk
        session = replay.upcoming()
        assert session is not None
        result = decide_and_order(desk, session, dry_run=True)
        assert [one["purpose"] for one in result.document["sleeves"]["wheel"]["options"]["planned"]] == ["open"]
        assert result.document["option_orders"] == []
        assert desk.store.options.states(session.day) == ()
        assert exchange_in(folder).option_books.orders == before


def test_under_a_full_halt_nothing_is_sold(folder: Path) -> None:
    with desk_in(folder, **WHEEL) as replay:
        desk = replay.desk
        session = replay.upcoming()
        assert session is not None
        desk.store.control.halt(Restriction.FULL, "test", "test", desk.clock.now())
        document = play_session(desk, session).document
        assert (document["option_orders"], document["exit_code"]) == ([], 7)
        assert [one["reason"] for one in document["sleeves"]["wheel"]["options"]["held_back"]] == ["halted"]


def test_what_a_person_wants_flat_is_bought_back_and_nothing_is_opened(folder: Path) -> None:
    with desk_in(folder, **WHEEL) as replay:
        desk = replay.desk
        session = replay.upcoming()
        assert session is not None
        desk.store.statements.request_flatten("SP500", "test", desk.clock.now(), "wheel")
        document = play_session(desk, session).document
        assert [(one["purpose"], one["reasons"], one["status"]) for one in document["option_orders"]] == [
            ("close", ["flatten"], "FILLED")
        ]
        assert [one["reason"] for one in document["sleeves"]["wheel"]["options"]["held_back"]] == ["flatten"]
        assert desk.store.options.book().lots == ()


def test_a_loss_that_closes_everything_does_so_until_a_person_resumes(folder: Path) -> None:
    with desk_in(folder, **WHEEL | {"risk__max_daily_loss_usd": 50_000.0}, risk__on_daily_loss="flatten") as replay:
        desk = replay.desk
        session = replay.upcoming()
        assert session is not None
        # The loss was yesterday's, and what it was to close was not filled.
        desk.store.control.halt(Restriction.REDUCE_ONLY, "a loss of yesterday", DAILY_LOSS, desk.clock.now())
        document = play_session(desk, session).document
        assert [(one["purpose"], one["reasons"]) for one in document["option_orders"]] == [("close", ["daily_loss"])]
        assert desk.store.options.book().lots == ()


def test_an_account_without_options_says_nothing_of_them(tmp_path: Path) -> None:

    document = play_next(tmp_path).document
    assert "option_orders" not in document
    assert all("options" not in one for one in document["sleeves"].values())


ASKS = WHEEL | {"risk__require_confirmation": "true"}


def test_an_opening_waits_for_a_person_and_the_notice_names_it(folder: Path) -> None:
    before = exchange_in(folder).option_books.orders
    with desk_in(folder, **ASKS) as replay:
        desk = replay.desk
        session = replay.upcoming()
        assert session is not None
        desk.clock.wait_until(session.before_close(90))
        told = likely_order(desk, session)
        assert told is not None
        assert "would open 1 x SELL 1 SP500" in told.text
        document = play_session(desk, session).document
        assert [one["status"] for one in document["option_orders"]] == ["LAPSED"]
        assert document["problems"][0]["code"] == 7
        assert "not approved" in document["problems"][0]["text"]
        assert exchange_in(folder).option_books.orders == before


@pytest.mark.parametrize(
    ("sleeve", "symbol", "sold"), [(None, None, True), ("wheel", "SP500", True), ("wheel", "MTUM", False)]
)
def test_what_a_person_approved_is_sold(folder: Path, sleeve: str | None, symbol: str | None, sold: bool) -> None:
    with desk_in(folder, **ASKS) as replay:
        desk = replay.desk
        session = replay.upcoming()
        assert session is not None
        desk.clock.wait_until(session.before_close(90))
        likely_order(desk, session)
        desk.store.approvals.approve(session.day, "enter", desk.clock.now(), sleeve, symbol)
        play_session(desk, session)
        assert (desk.store.options.states(session.day)[0].status is OrderStatus.FILLED) is sold


def test_a_watched_wheel_remembers_what_it_sold_with_virtual_money(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(WATCHED)
    settings = load(tmp_path / "config.toml", {}, {})
    with replay_desk(settings, tmp_path) as replay:
        desk, found = replay.desk, []
        for _ in range(2):
            session = replay.upcoming()
            assert session is not None
            document = play_session(desk, session).document
            assert (document["exit_code"], document["option_orders"]) == (0, [])
            found.append(virtual_options(desk.store, "sample", desk.account, "income", session.day + timedelta(days=1)))
        (first, second), day = found, max(found[-1].worth_usd)
        assert [lot.quantity for lot in first.book.lots] == [-1]
        assert len(second.book.lots) == 2
        assert second.worth_usd[day] < first.worth_usd[min(first.worth_usd)] < 0
        records = virtual_records(desk.store, "sample", desk.account, desk.sleeves[1], day + timedelta(days=1))
        assert records.cash_usd == 100_000 + second.book.cash_usd
        assert records.points[-1].equity_usd == records.cash_usd + second.worth_usd[day]
        assert desk.store.options.states(day) == ()
        assert verify(desk.store, desk.settings, desk.provenance).exit_code == 0


WATCHED = """
mode = "practice"

[market]
sample = "multi"
source = "sample"

[portfolio]
capital_usd = 100000.0

[risk]
max_position_usd = "none"
max_daily_loss_usd = "none"

[sleeve.core]
strategy = "buy_and_hold"
weight = 1.0

[sleeve.core.rules]
symbol = "SP500"

[sleeve.income]
strategy = "wheel"
state = "watch"
weight = 0.0
virtual_usd = 100000.0

[sleeve.income.rules]
symbols = {SP500 = 1.0}
write_on = "any"
"""


def test_nothing_is_decided_while_options_are_open_that_nobody_trades(folder: Path) -> None:
    with desk_in(folder, **WHEEL) as replay:
        session = replay.upcoming()
    assert session is not None
    other = WHEEL | {"portfolio__strategy": "buy_and_hold", "strategy__buy_and_hold__symbol": "SP500"}
    with desk_in(folder, **other) as replay:
        result = decide_and_order(replay.desk, session)
        assert (result.exit_code, replay.desk.decided(session.day)) == (2, False)
        (problem,) = result.document["problems"]
        assert problem["text"].startswith("wheel holds -1 SP500 2018-02-23 267 put and trades no options here")


@dataclass(frozen=True, slots=True, kw_only=True)
class Broken(Wheel):
    """A wheel that ends in an error when it is asked."""

    name: ClassVar[str] = "broken_wheel"

    def option_verdicts(self, view: Any, own: Any, chains: Any) -> Any:
        raise ZeroDivisionError("division by zero")


def test_a_strategy_of_options_that_fails_orders_nothing_and_fails_again_in_the_replay(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(STRATEGIES, "broken_wheel", Broken)
    text = WATCHED.replace("weight = 1.0", "weight = 0.5").replace('"wheel"', '"broken_wheel"')
    (tmp_path / "config.toml").write_text(
        text.replace('state = "watch"\nweight = 0.0\nvirtual_usd = 100000.0', "weight = 0.5")
    )
    with replay_desk(load(tmp_path / "config.toml", {}, {}), tmp_path) as replay:
        desk, session = replay.desk, replay.upcoming()
        assert session is not None
        document = play_session(desk, session).document
        assert (document["exit_code"], document["option_orders"]) == (1, [])
        assert document["sleeves"]["income"]["reasons"] == ["strategy_failed"]
        assert any("broken_wheel at 2018-01-03: ZeroDivisionError" in one["text"] for one in document["problems"])
        assert [one["status"] for one in document["orders"]] == ["FILLED"]
        assert verify(desk.store, desk.settings, desk.provenance).exit_code == 0


@pytest.mark.full
def test_what_a_sleeves_own_call_pledges_is_not_sold_though_another_sleeve_has_as_many_shares(tmp_path: Path) -> None:
    two = WATCHED.replace("weight = 1.0", "weight = 0.8")
    two = two.replace('state = "watch"\nweight = 0.0\nvirtual_usd = 100000.0', "weight = 0.2")
    (tmp_path / "config.toml").write_text(two)
    with replay_desk(load(tmp_path / "config.toml", {}, {}), tmp_path) as replay:
        desk = replay.desk
        first = replay.upcoming()
        assert first is not None
        play_session(desk, first)
        session = replay.upcoming()
        assert session is not None
        decide_and_order(desk, session)
        held = sum(lot.shares for lot in held_lots(desk.store))
        sold = replace(
            planned((Side.SELL, contract(Right.CALL, 300, date(2018, 2, 23), "SP500"))),
            session=first.day,
            strategy="core",
            underlying="SP500",
        )
        desk.store.options.commit_intents([sold], desk.clock.now())
        desk.store.options.record_fills([leg_fill(sold, "F1.01", sold.legs[0].contract, -1, "1.00")])
        assert held > 200
        flatten_now(desk, "SP500", "enough")
        assert [state.intent.shares for state in desk.store.orders.states(session.day)] == [held - 100]


@pytest.mark.full
def test_the_cash_fund_leaves_what_secures_a_put_that_is_sold_in_the_same_session(tmp_path: Path) -> None:
    document = play_next(tmp_path, **WHEEL, portfolio__cash_symbol="MTUM").document
    assert [(one["purpose"], one["filled"]) for one in document["option_orders"]] == [("open", 1)]
    # Of 100,000 less 26,700 for the put and 1,000 that is kept; a share is reckoned at 272.9.
    assert [one["shares"] for one in document["orders"]] == [264]
    assert document["exit_code"] == 0
