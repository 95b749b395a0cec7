"""Options that reach their last day in the whole daily job: expired, exercised, and a spread in the money."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, ClassVar

import pytest

from mtum.app.desk import Desk
from mtum.app.ledger.sleeve_records import held_lots
from mtum.app.options.option_events import option_events
from mtum.app.queries.option_groups import option_groups
from mtum.app.records.verify import verify
from mtum.app.session.play_session import Replay, play_session
from mtum.config import load
from mtum.core.options.legs import OptionPurpose
from mtum.core.portfolio.options.lots import EventKind
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.wheel import Wheel
from mtum.wiring.desks import replay_desk
from mtum.wiring.resources import DATABASE_NAME, opened_reader
from support.commands import call as command
from support.practice import desk_in, exchange_in
from support.scripted_options import BUY, SELL, Move, Scripted, call

OPENED, LAST, AFTER = date(2018, 1, 3), date(2018, 1, 12), date(2018, 1, 16)
"""A Wednesday, the Friday of the week after it and the next session; SP500 closes above 277 on the Friday."""

SOLD_ONCE = """
mode = "practice"

[market]
sample = "multi"

[portfolio]
strategy = "wheel"
capital_usd = 30000.0

[risk]
max_position_usd = "none"
max_daily_loss_usd = "none"

[strategy.wheel]
symbols = {SP500 = 1.0}
write_on = "any"
dte = 7
max_dte = 14
roll_dte = 0
roll_pnl = 1.0
min_pnl = 1.0
"""


def played(replay: Replay, day: date) -> dict[str, Any]:
    return play_session(replay.desk, replay.session(day)).document


def morning(replay: Replay) -> dict[str, Any]:
    """The look at 09:45 of the session after the last day of the options."""
    replay.desk.clock.wait_until(replay.session(AFTER).open)
    result = option_events(replay.desk, replay.session(AFTER), "first")
    return dict(result.document) | {"exit_code": result.exit_code}


def cash_at_exchange(folder: Path) -> Decimal:
    (account,) = exchange_in(folder).accounts
    return account.cash


def kinds(desk: Desk) -> list[tuple[EventKind, int, int, date]]:
    return [(one.kind, one.quantity, one.shares, one.effective) for one in desk.store.options.events()]


def test_a_put_that_expires_worthless_ends_once_and_its_cash_secures_the_next(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(SOLD_ONCE)
    settings, own = load(tmp_path / "config.toml", {}, {}), ("--config", "config.toml", "--data-dir", ".")
    with replay_desk(settings, tmp_path) as replay:
        store = replay.desk.store
        (order,) = played(replay, OPENED)["option_orders"]
        # The premium less 1.00 of commission.
        cash = 30_000 - 100 * Decimal(order["price"]) - 1
        evening = played(replay, LAST)
        assert (evening["exit_code"], evening["option_orders"]) == (0, [])
        # 26,900 of 30,053 USD secure the put: there is no cash for a second.
        assert [(lot.contract.words, lot.quantity) for lot in store.options.book().lots] == [
            ("SP500 2018-01-12 269 put", -1)
        ]
        with opened_reader(settings, tmp_path / DATABASE_NAME) as reader:
            assert option_groups(settings, reader)["collateral_usd"] == 26_900.0
        told = morning(replay)
        assert (told["exit_code"], told["undecided"]) == (0, [])
        assert [one["text"] for one in told["problems"]] == ["1 SP500 2018-01-12 269 put expired on 2018-01-12"]
        assert kinds(replay.desk) == [(EventKind.EXPIRED, -1, 0, LAST)]
        assert store.options.book().lots == ()
        assert (held_lots(store), store.books.cash("wheel")) == ((), cash)
        assert cash_at_exchange(tmp_path) == cash
        shown = command(tmp_path, *own, "options", "--json").document
        assert (shown["groups"], shown["collateral_usd"], shown["pnl_usd"]) == ([], 0.0, 0.0)
        assert morning(replay)["problems"] == []
        # Only with that cash free is there room for the next put.
        (second,) = (document := played(replay, AFTER))["option_orders"]
        assert (second["purpose"], second["status"]) == ("open", "FILLED")
        assert len(kinds(replay.desk)) == 1
        (lot,) = store.options.book().lots
        after = cash + 100 * lot.premium - (lot.fees_usd or 0)
        mark = store.options.marks(AFTER)[lot.contract][0]
        assert store.books.cash("wheel") == after
        assert document["equity_usd"] == pytest.approx(float(after - 100 * mark), abs=1e-6)
        found = verify(store, replay.desk.settings, replay.desk.provenance)
        assert (found.exit_code, found.document["failed"], found.document["books"]) == (0, 0, [])


@pytest.mark.full
def test_the_report_of_the_session_after_says_what_expired(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text(SOLD_ONCE)
    with replay_desk(load(tmp_path / "config.toml", {}, {}), tmp_path) as replay:
        played(replay, OPENED)
        morning(replay)
        played(replay, AFTER)
    told = command(tmp_path, "--config", "config.toml", "--data-dir", ".", "report").out
    assert "1 contract of SP500 2018-01-12 269 put expired (2018-01-12)" in " ".join(told.split())


@dataclass(frozen=True, slots=True, kw_only=True)
class Told(Wheel):
    """Opens on one session what it is told, and waits for its end."""

    name: ClassVar[str] = "told"
    CASH_SECURED: ClassVar[bool] = False
    REASONS: ClassVar[Mapping[str, str]] = {**Wheel.REASONS, "script": "the script says so"}
    MOVE: ClassVar[Move]

    def wants(self, view: Any, own: Any) -> Any:
        return Scripted(symbol="SP500", script={OPENED: self.MOVE}).wants(view, own)

    def option_verdicts(self, view: Any, own: Any, chains: Any) -> Any:
        return Scripted(symbol="SP500", script={OPENED: self.MOVE}).option_verdicts(view, own, chains)


CALL_270, CALL_275 = (call(strike, LAST, "SP500") for strike in ("270", "275"))


@pytest.mark.parametrize(
    ("parts", "events", "shares", "cash"),
    [
        pytest.param(
            ((BUY, CALL_270),), [(EventKind.EXERCISED, 1, 100, LAST)], [("SP500", 100, Decimal(270))], -27_000,
            id="a call that was bought is exercised",
        ),
        pytest.param(
            ((SELL, CALL_270), (BUY, CALL_275)),
            [(EventKind.ASSIGNED, -1, -100, LAST), (EventKind.EXERCISED, 1, 100, LAST)], [], -500,
            id="a spread in the money leaves no shares and its width in cash",
        ),
    ],
)  # fmt: skip
def test_what_ends_in_the_money_is_booked_at_the_strike(
    parts: Any, events: Any, shares: Any, cash: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Told, "MOVE", (OptionPurpose.OPEN, parts, 1), raising=False)
    monkeypatch.setitem(STRATEGIES, "told", Told)
    changes: dict[str, Any] = {
        "market__sample": "multi",
        "portfolio__strategy": "told",
        "portfolio__capital_usd": 100_000.0,
        "risk__max_position_usd": None,
        "risk__max_daily_loss_usd": None,
        "strategy__told__symbols": {"SP500": 1.0},
        "options__level": 4,
        "portfolio__account_kind": "margin",
    }
    with desk_in(tmp_path, **changes) as replay:
        store = replay.desk.store
        (order,) = played(replay, OPENED)["option_orders"]
        assert (order["status"], len(store.options.book().lots)) == ("FILLED", len(parts))
        before = store.books.cash("told")
        # The commission of one order: 0.70 a contract, 1.00 at least.
        assert before == 100_000 - 100 * Decimal(order["price"]) - max(Decimal(1), Decimal("0.70") * len(parts))
        told = morning(replay)
        assert told["exit_code"] == 0
        assert sorted(kinds(replay.desk), key=lambda one: one[1]) == events
        assert store.options.book().lots == ()
        assert [(lot.symbol, lot.shares, lot.entry_price) for lot in held_lots(store)] == shares
        assert store.books.cash("told") == before + cash
        assert cash_at_exchange(tmp_path) == before + cash
        assert morning(replay)["problems"] == []
        document = played(replay, AFTER)
        closes = replay.desk.source.history("SP500", AFTER, AFTER)
        worth = sum(lot.shares * Decimal(str(closes.bar(0).close)) for lot in held_lots(store))
        assert document["exit_code"] == 0
        assert document["equity_usd"] == pytest.approx(float(before + cash + worth), abs=1e-6)
        assert len(kinds(replay.desk)) == len(events)
        found = verify(store, replay.desk.settings, replay.desk.provenance)
        assert (found.exit_code, found.document["failed"], found.document["books"]) == (0, 0, [])
