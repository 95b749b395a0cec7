"""The sleeve before a session: cash, holdings and what is left from earlier sessions."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from mtum.app.desk import Desk
from mtum.app.ledger.book import build_book, cash_of, flows_since, loss_pause, read_sleeve
from mtum.core.portfolio.decision import Book, Standing
from mtum.core.portfolio.fills import Split
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.orders import OrderIntent, OrderStatus, Side
from mtum.core.strategies.contract import Holding, Price
from mtum.ports.broker import AccountKind, BrokerLists
from mtum.ports.records import CashMovement, EquityPoint, Observed
from support.bars import weekday_sessions
from support.fakes import SENT_AT, FakeBroker, fake_desk, shown
from support.store import FRIDAY, MONDAY, STRATEGY, THURSDAY, TUESDAY, decision, fill, intent, traded

D = Decimal
BUY = intent()
SESSIONS = weekday_sessions(date(2018, 11, 26), 20)


def moved(desk: Desk, *movements: tuple[str, date, str, bool]) -> None:
    desk.store.ledger.move_cash(
        [
            CashMovement(f"{kind}:{day}", STRATEGY, day, kind, D(amount), paid=paid)
            for kind, day, amount, paid in movements
        ]
    )


def bought(desk: Desk, *fills: tuple[str, int, str, str]) -> None:
    made = [fill(BUY, exec_id, shares, price, cost) for exec_id, shares, price, cost in fills]
    traded(desk.store, BUY, *made)  # type: ignore[arg-type]


def book_of(desk: Desk, lists: BrokerLists, today: date = FRIDAY) -> Book:
    (sleeve,) = desk.sleeves
    records = read_sleeve(desk.store, sleeve.name)
    cash = cash_of(desk.sleeves, {sleeve.name: records}, lists.account, today)[sleeve.name]
    return build_book(records, sleeve, desk.store, cash, SESSIONS, today)


def sold(desk: Desk, day: date, shares: int, filled: int, status: OrderStatus, reasons: tuple[str, ...]) -> OrderIntent:
    """An exit of that session that ended with so many shares sold."""
    order = intent(day, Side.SELL, shares, reasons=reasons)
    desk.store.orders.add_intent(order, SENT_AT)
    if status is not OrderStatus.PLANNED:
        desk.store.orders.claim(order.id, SENT_AT)
        desk.store.orders.move(order.id, status, SENT_AT, Observed(filled=filled))
    if filled:
        desk.store.orders.add_fills([fill(order, f"x{day.day}.01", filled, "101", "1")])
    return order


def test_cash_is_the_sum_of_all_paid_movements(tmp_path: Path) -> None:
    with fake_desk(tmp_path, FakeBroker()) as desk:
        moved(desk, ("capital", MONDAY, "5000", True), ("dividend", TUESDAY, "10.45", False))
        moved(desk, ("deposit", TUESDAY, "250.10", True), ("withdrawal", THURSDAY, "-100", True))
        bought(desk, ("7.01", 19, "104", "1.98"))
        sleeve = read_sleeve(desk.store, desk.sleeves[0].name)
        # 5000 + 250.10 - 100 - 1976 - 1.98
        assert (sleeve.cash_usd, sleeve.receivable_usd) == (D("3172.12"), D("10.45"))


def test_equity_points_of_the_session_itself_are_left_out(tmp_path: Path) -> None:
    with fake_desk(tmp_path, FakeBroker()) as desk:
        for day, equity in ((MONDAY, "5000"), (TUESDAY, "5100")):
            desk.store.ledger.write_equity(
                EquityPoint(day, STRATEGY, D(equity), D(0), D(0), D(equity), D(0), None, None, 0)
            )
        assert [point.session for point in read_sleeve(desk.store, desk.sleeves[0].name, TUESDAY).points] == [MONDAY]
        later = MONDAY + timedelta(days=7)
        assert [point.session for point in read_sleeve(desk.store, desk.sleeves[0].name, later).points] == [
            MONDAY,
            TUESDAY,
        ]
        assert read_sleeve(desk.store, desk.sleeves[0].name).points == ()


@pytest.mark.parametrize(
    ("kind", "cash", "settled", "available", "unsettled"),
    [
        (AccountKind.CASH, "5000", "5000", 4000.0, 0.0),  # the sleeve's own 4000 bound it
        (AccountKind.CASH, "5000", "1500", 1500.0, 2500.0),
        (AccountKind.MARGIN, "5000", "1500", 4000.0, 0.0),
        (AccountKind.MARGIN, "900", "900", 900.0, 0.0),
        (AccountKind.CASH, "-3", "-3", 0.0, 0.0),
    ],
)
def test_available_is_what_is_settled_at_the_broker_and_in_the_sleeve(
    tmp_path: Path, kind: AccountKind, cash: str, settled: str, available: float, unsettled: float
) -> None:
    with fake_desk(tmp_path, FakeBroker()) as desk:
        moved(desk, ("capital", MONDAY, "4000", True))
        book = book_of(desk, shown(cash=cash, settled=settled, kind=kind))
        assert (book.cash_usd, book.available_usd, book.unsettled_usd) == (4000.0, available, unsettled)


def test_a_holding_has_average_price_and_what_the_decision_kept(tmp_path: Path) -> None:
    with fake_desk(tmp_path, FakeBroker()) as desk:
        desk.store.decisions.commit([decision()], [BUY])
        desk.store.orders.add_fills([fill(BUY, "7.01", 9, "104"), fill(BUY, "8.01", 10, "104.95")])
        # (9 * 104 + 10 * 104.95) / 19 = 104.5
        assert book_of(desk, shown()).holdings == {"MTUM": Holding("MTUM", 19, 104.5, MONDAY, {"atr": 1.5}, None)}


def test_a_split_rebases_shares_price_and_what_was_kept(tmp_path: Path) -> None:
    with fake_desk(tmp_path, FakeBroker()) as desk:
        desk.store.decisions.commit([decision()], [BUY])
        desk.store.orders.add_fills([fill(BUY, "7.01", 19, "104")])
        desk.store.bars.agree_split(Split("MTUM", TUESDAY, D(2)), SENT_AT)
        held = book_of(desk, shown()).holdings["MTUM"]
        assert (held.shares, held.entry_price, held.remembered) == (38, 52.0, {"atr": 0.75})


def test_a_split_rebases_what_the_last_decision_remembered_and_still_wants(tmp_path: Path) -> None:
    left = {
        "memory": {"month": "2018-11", "stop:MTUM": {"symbol": "MTUM", "usd": 150.0}},
        "standing": [{"symbol": "MTUM", "shares": 7, "since": "2018-12-03", "reason": "burst"}],
    }
    with fake_desk(tmp_path, FakeBroker()) as desk:
        desk.store.decisions.commit([decision(document=left)], ())
        desk.store.bars.agree_split(Split("MTUM", TUESDAY, D(2)), SENT_AT)
        book = book_of(desk, shown())
        assert book.memory == {"month": "2018-11", "stop:MTUM": Price("MTUM", 75.0)}
        assert book.standing == (Standing("MTUM", 14, MONDAY, "burst"),)


def test_values_a_person_stated_are_used_where_no_decision_kept_any(tmp_path: Path) -> None:
    with fake_desk(tmp_path, FakeBroker()) as desk:
        bought(desk, ("7.01", 19, "104", "0"))
        desk.store.statements.state_entry(BUY.id, {"atr": 2.25}, SENT_AT)
        assert book_of(desk, shown()).holdings["MTUM"].remembered == {"atr": 2.25}


@pytest.mark.parametrize(
    ("exits", "pending"),
    [
        ([], {}),
        ([(TUESDAY, 19, 8, OrderStatus.EXPIRED, ("rsi_low", "vix_fear"))], {"MTUM": "rsi_low"}),
        ([(TUESDAY, 19, 0, OrderStatus.REJECTED, ("rsi_low",))], {"MTUM": "rsi_low"}),
        ([(TUESDAY, 19, 0, OrderStatus.PLANNED, ("rsi_low",))], {}),  # the broker never had it
        ([(FRIDAY, 19, 8, OrderStatus.EXPIRED, ("rsi_low",))], {}),  # today's own exit is not carried today
        ([(MONDAY, 19, 0, OrderStatus.REJECTED, ("rsi_low",))], {}),  # an exit of shares from before this entry
        ([(TUESDAY, 8, 8, OrderStatus.FILLED, ("rsi_low",))], {}),
        (
            [
                (TUESDAY, 19, 8, OrderStatus.EXPIRED, ("rsi_low",)),
                (THURSDAY, 11, 2, OrderStatus.EXPIRED, ("exit_carried", "rsi_low")),
            ],
            {"MTUM": "rsi_low"},
        ),
    ],
)
def test_shares_left_from_an_exit_are_pending_with_its_first_reason(
    tmp_path: Path, exits: list[tuple[date, int, int, OrderStatus, tuple[str, ...]]], pending: dict[str, str]
) -> None:
    with fake_desk(tmp_path, FakeBroker()) as desk:
        bought(desk, ("7.01", 19, "104", "0"))
        for one in exits:
            sold(desk, *one)
        assert book_of(desk, shown()).exit_pending == pending


def test_the_book_knows_halts_and_sessions_since_the_last_sale(tmp_path: Path) -> None:
    with fake_desk(tmp_path, FakeBroker()) as desk:
        bought(desk, ("7.01", 19, "104", "0"))
        sold(desk, TUESDAY, 19, 19, OrderStatus.FILLED, ("rsi_low",))
        desk.store.control.halt(Restriction.REDUCE_ONLY, "why", "person", SENT_AT)
        book = book_of(desk, shown())
        assert book.restriction is Restriction.REDUCE_ONLY
        # Wednesday, Thursday, Friday.
        assert book.holdings == {"MTUM": Holding("MTUM", sessions_since_exit=3)}


def test_only_deposits_and_withdrawals_after_a_date_are_flows() -> None:
    kinds = (("capital", MONDAY), ("deposit", MONDAY), ("deposit", TUESDAY), ("withdrawal", THURSDAY), ("buy", FRIDAY))
    movements = [
        CashMovement(kind, STRATEGY, day, kind, D(-30) if kind == "withdrawal" else D(100)) for kind, day in kinds
    ]
    assert flows_since(movements, MONDAY) == 70
    assert flows_since(movements, None) == 0


@pytest.mark.parametrize(
    ("today", "pause", "paused"),
    [
        (TUESDAY, 1, True),
        (date(2018, 12, 5), 1, False),
        (date(2018, 12, 5), 2, True),
        (TUESDAY, 0, False),
        (MONDAY, 5, False),
    ],
)
def test_a_loss_pauses_so_many_sessions_after_it(tmp_path: Path, today: date, pause: int, paused: bool) -> None:
    with fake_desk(tmp_path, FakeBroker()) as desk:
        desk.store.decisions.commit([decision(document={"daily_loss_hit": True})], [])
        assert loss_pause(desk.store, desk.sleeves[0].name, SESSIONS, today, pause) is paused


def test_what_is_bought_and_sold_again_the_day_after_costs_both_commissions(tmp_path: Path) -> None:
    with fake_desk(tmp_path, FakeBroker(), SENT_AT + timedelta(days=1)) as desk:
        moved(desk, ("capital", MONDAY, "5000", True))
        bought(desk, ("7.01", 19, "104", "1.98"))
        sold(desk, TUESDAY, 19, 19, OrderStatus.FILLED, ("rsi_low",))
        # 5000 - 1976 - 1.98 + 19 * 101 - 1
        assert read_sleeve(desk.store, desk.sleeves[0].name).cash_usd == D("4940.02")
