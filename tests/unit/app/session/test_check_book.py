"""Lots and references against the broker's lists: what is told, what must wait, what may be sold."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mtum.app.desk import Desk
from mtum.app.session.check_book import BookCheck, check_book, check_hours, hours_apart
from mtum.app.session.our_books import open_books
from mtum.core.market.sessions import Session
from mtum.core.portfolio.orders import OrderStatus, Side
from mtum.core.strategies.contract import Holding
from mtum.errors import CalendarMismatchError, ExitCode
from mtum.ports.broker import BrokerLists
from support.bars import full_session
from support.fakes import SENT_AT, SESSION, FakeBroker, executed, fake_desk, listed, shown
from support.store import TUESDAY, fill, intent, traded
from support.values import replace

BUY = intent()
TODAY = full_session(TUESDAY)
SELL = intent(TUESDAY, Side.SELL)
FOREIGN = "m181203-AAAAAAAAAAAA-1"
BY_HAND = listed(SELL, ref="by hand", shares=11)


@contextmanager
def holding(folder: Path, shares: int = 19) -> Iterator[Desk]:
    """Tuesday, with shares bought on Monday."""
    with fake_desk(folder, FakeBroker()) as desk:
        if shares:
            traded(desk.store, BUY, fill(BUY, "7.01", shares, "104"))  # type: ignore[arg-type]
            desk.store.orders.claim_order(BUY.id, SENT_AT)
            desk.store.orders.move_order(BUY.id, OrderStatus.FILLED, SENT_AT)
        yield desk


def checked(desk: Desk, lists: BrokerLists, session: Session) -> BookCheck:
    return check_book(desk, open_books(desk, lists, session), lists, session)


def told(check: BookCheck) -> list[tuple[int, str]]:
    return [(int(problem.exit_code), problem.text) for problem in check.problems]


def test_equal_books_bar_nothing(tmp_path: Path) -> None:
    with holding(tmp_path) as desk:
        assert checked(desk, shown(held="19"), TODAY) == BookCheck(sellable={"MTUM": 19})


def test_a_fresh_database_on_a_flat_account_trades_normally(tmp_path: Path) -> None:
    with holding(tmp_path, 0) as desk:
        assert checked(desk, shown(), TODAY) == BookCheck(sellable={"MTUM": 0})


@pytest.mark.parametrize(
    "lists",
    [
        shown(held="19"),
        shown(listed(BUY, ref=FOREIGN)),
        shown(fills=[executed(BUY, "1.01", 19, "104", ref=FOREIGN)]),
    ],
)
def test_a_database_without_orders_only_reconciles_while_the_broker_knows_of_some(
    tmp_path: Path, lists: BrokerLists
) -> None:
    with holding(tmp_path, 0) as desk:
        check = checked(desk, lists, TODAY)
        assert check.only_reconcile
        assert check.error().exit_code is ExitCode.PERSON
        assert "restore the database from a backup" in str(check.error())


def test_shares_stated_as_external_are_no_reason_to_stop(tmp_path: Path) -> None:
    with holding(tmp_path, 0) as desk:
        desk.store.statements.state_external("MTUM", Decimal(19), SENT_AT, "")
        assert checked(desk, shown(held="19.4"), TODAY) == BookCheck(sellable={"MTUM": 0})


@pytest.mark.parametrize(
    ("held", "sellable", "words"),
    [
        ("25", 19, "the broker holds 25, we expect 19 of ours and 0 external, 6 more"),
        ("12", 12, "the broker holds 12, we expect 19 of ours and 0 external, 7 fewer"),
    ],
)
def test_another_position_bars_entries_and_lets_our_own_shares_be_sold(
    tmp_path: Path, held: str, sellable: int, words: str
) -> None:
    with holding(tmp_path) as desk:
        check = checked(desk, shown(held=held), TODAY)
        assert check.entries_barred == {"MTUM": "mismatch"}
        assert (check.exits_barred, check.sellable, check.only_reconcile) == ({}, {"MTUM": sellable}, False)
        ((code, text),) = told(check)
        assert (code, words in text) == (6, True)


# min(lots, position - open sells): a sale by hand takes the shares that are not ours first.
@pytest.mark.parametrize(
    ("held", "external", "orders", "sellable"),
    [
        ("19", "", [], 19),
        ("19", "", [BY_HAND], 8),
        ("30", "11", [BY_HAND], 19),
        ("30", "", [BY_HAND], 19),
        ("24", "5", [BY_HAND], 13),
        ("5", "", [BY_HAND], 0),
        ("30", "", [BY_HAND, BY_HAND], 8),
        ("19", "", [listed(SELL)], 0),
        ("30", "11", [listed(SELL)], 0),
        ("19", "", [listed(SELL, OrderStatus.PARTIALLY_FILLED, 4)], 4),
        ("19", "", [listed(SELL, OrderStatus.CANCELED)], 19),
        ("19", "", [listed(BUY, ref="by hand")], 19),
    ],
)
def test_what_may_be_sold_leaves_out_what_is_being_sold(
    tmp_path: Path, held: str, external: str, orders: list[object], sellable: int
) -> None:
    with holding(tmp_path) as desk:
        desk.store.orders.add_intent(SELL, SENT_AT)
        if external:
            desk.store.statements.state_external("MTUM", Decimal(external), SENT_AT, "")
        check = checked(desk, shown(*orders, held=held), TODAY)  # type: ignore[arg-type]
        assert check.sellable == {"MTUM": sellable}


def test_another_installation_stops_entries_until_it_is_acknowledged(tmp_path: Path) -> None:
    lists = shown(listed(BUY, ref=FOREIGN), held="19")
    with holding(tmp_path) as desk:
        check = checked(desk, lists, TODAY)
        assert (check.entries_barred, check.exits_barred) == ({"MTUM": "mismatch"}, {})
        ((code, text),) = told(check)
        assert (code, f"reconcile --accept foreign {FOREIGN}" in text) == (6, True)
        desk.store.statements.acknowledge_foreign(FOREIGN, SENT_AT, "")
        assert checked(desk, lists, TODAY).problems == ()


@pytest.mark.parametrize("begun", [OrderStatus.SUBMITTING, OrderStatus.UNKNOWN])
def test_an_order_of_an_earlier_session_without_an_end_bars_its_symbol(tmp_path: Path, begun: OrderStatus) -> None:
    with fake_desk(tmp_path, FakeBroker()) as desk:
        desk.store.orders.add_intent(BUY, SENT_AT)
        desk.store.orders.claim_order(BUY.id, SENT_AT)
        desk.store.orders.move_order(BUY.id, begun, SENT_AT)
        check = checked(desk, shown(), TODAY)
        assert check.entries_barred == check.exits_barred == {"MTUM": "unresolved"}
        same_day = checked(desk, shown(), SESSION)
        assert same_day.entries_barred == same_day.exits_barred == {}


@pytest.mark.parametrize(("really", "left"), [(19, 19), (30, 19), (7, 7), (0, 0)])
def test_a_holding_is_capped_at_what_is_really_there(really: int, left: int) -> None:
    check = BookCheck(sellable={"MTUM": really})
    assert check.capped(Holding("MTUM", 19, 104.0)) == Holding("MTUM", left, 104.0)
    assert check.beyond(Holding("MTUM", 19, 104.0)) == 19 - left
    assert BookCheck().capped(Holding("MTUM", 19)) == Holding("MTUM", 19)


EARLY = Session(SESSION.day, SESSION.open, SESSION.close - timedelta(hours=3))


@pytest.mark.parametrize(
    ("hours", "words"), [(EARLY, "closes 16:00 by our calendar, 13:00"), (None, "shut by the broker's")]
)
def test_other_hours_at_the_broker_stop_the_session(tmp_path: Path, hours: Session | None, words: str) -> None:
    with fake_desk(tmp_path, FakeBroker(hours=hours)) as desk, pytest.raises(CalendarMismatchError, match=words):
        check_hours(desk, SESSION)


def test_hours_of_one_symbol_stop_that_symbol_and_are_asked_until_one_agrees(tmp_path: Path) -> None:
    class Early(FakeBroker):
        hours_of: list[str]

        def session_hours(self, symbol: str, day: date) -> Session | None:
            self.hours_of.append(symbol)
            return EARLY if symbol == "A" else SESSION

    broker = Early()
    broker.hours_of = []
    changes: dict[str, Any] = {
        "portfolio__strategy": "buy_and_hold",
        "strategy__buy_and_hold__symbols": ["A", "B", "C"],
    }
    with fake_desk(tmp_path, broker, **changes) as desk:
        check_hours(desk, SESSION)
        assert broker.hours_of == ["A", "B"]
        (error,) = hours_apart(desk, SESSION, desk.symbols).values()
        assert str(error).startswith("A: ")


def test_the_same_hours_are_fine(tmp_path: Path) -> None:
    with fake_desk(tmp_path, FakeBroker()) as desk:
        check_hours(desk, SESSION)
        assert hours_apart(desk, SESSION, desk.symbols) == {}


def test_an_order_of_an_earlier_session_that_still_works_bars_its_symbol(tmp_path: Path) -> None:
    with holding(tmp_path) as desk:
        lists = replace(shown(listed(BUY), held="19"), at=TODAY.before_close(20))
        check = checked(desk, lists, TODAY)
        ((code, text),) = told(check)
        assert (code, f"{BUY.ref}, 2018-12-03) still works at the broker" in text) == (6, True)
        assert (dict(check.entries_barred), dict(check.exits_barred)) == ({"MTUM": "unresolved"},) * 2
