"""The sleeve before a session: cash, holdings and what is left from earlier sessions."""

from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from mtum import config
from mtum.app.desk import Desk
from mtum.app.ledger.sleeve_records import (
    Records,
    SleeveCash,
    SleeveRecords,
    build_book,
    cash_of,
    equity_before,
    flows_since,
    held_shares,
    loss_pause,
    read_records,
    read_sleeve,
    read_sleeves,
    remembered_with,
    unsettled_usd,
    with_capital,
    write_lots,
)
from mtum.core.portfolio.decision import Book, Standing
from mtum.core.portfolio.equity_points import OfficialEquity
from mtum.core.portfolio.fills import Action, ChangeKind, Fill, Split, SymbolChange
from mtum.core.portfolio.fund import FUND
from mtum.core.portfolio.limits import LossState, Restriction
from mtum.core.portfolio.lots import Lot
from mtum.core.portfolio.money import AccountKind
from mtum.core.portfolio.orders import OrderIntent, OrderStatus, Side
from mtum.core.portfolio.sleeves import Sleeve, SleeveState
from mtum.core.strategies.contract import Holding, Price
from mtum.core.strategies.pair_reversal import PairReversal
from mtum.ports.broker import BrokerLists
from mtum.ports.records import CashMovement, ChangeRecord, EquityPoint, Observed, PlanRecord
from support.bars import weekday_sessions
from support.fakes import SENT_AT, FakeBroker, fake_desk, shown
from support.store import ACCOUNT, FRIDAY, MONDAY, STRATEGY, THURSDAY, TUESDAY, decision, fill, intent, traded
from support.values import replace

D = Decimal
BUY = intent()
AFTER = date(2018, 12, 10)
"""The Monday after."""
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


def book_of(desk: Desk, lists: BrokerLists, today: date = FRIDAY, sleeve: Sleeve | None = None) -> Book:
    sleeve = sleeve or desk.sleeves[0]
    records = read_sleeve(desk.store, sleeve.name)
    cash = cash_of(desk.sleeves, {sleeve.name: records}, lists.account, {}, today)[sleeve.name]
    return build_book(records, sleeve, desk.store, cash, SESSIONS, today)


def sold(
    desk: Desk,
    day: date,
    shares: int,
    filled: int,
    status: OrderStatus,
    reasons: tuple[str, ...],
    *,
    symbol: str = "MTUM",
) -> OrderIntent:
    """An exit of that session that ended with so many shares sold."""
    order = intent(day, Side.SELL, shares, symbol, reasons)
    desk.store.orders.add_intent(order, SENT_AT)
    if status is not OrderStatus.PLANNED:
        desk.store.orders.claim_order(order.id, SENT_AT)
        desk.store.orders.move_order(order.id, status, SENT_AT, Observed(filled=filled))
    if filled:
        desk.store.orders.add_fills([fill(order, f"x{day.day}.01", filled, "101", "1")])
    return order


def test_cash_is_the_sum_of_all_paid_movements(tmp_path: Path) -> None:
    with fake_desk(tmp_path, FakeBroker()) as desk:
        moved(desk, ("capital", MONDAY, "5000", True), ("dividend", TUESDAY, "10.45", False))
        moved(desk, ("deposit", TUESDAY, "250.10", True), ("withdrawal", THURSDAY, "-100", True))
        moved(desk, ("dividend", THURSDAY, "0.40", True))
        bought(desk, ("7.01", 19, "104", "1.98"))
        sleeve = read_sleeve(desk.store, desk.sleeves[0].name)
        # 5000 + 250.10 - 100 + 0.40 - 1976 - 1.98
        assert (sleeve.cash_usd, sleeve.receivable_usd) == (D("3172.52"), D("10.45"))
        # Those that are looked at one by one.
        assert [one.kind for one in sleeve.movements] == ["capital", "dividend", "deposit", "withdrawal"]


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
        desk.store.decisions.commit_decisions([decision()], [BUY])
        desk.store.orders.add_fills([fill(BUY, "7.01", 9, "104"), fill(BUY, "8.01", 10, "104.95")])
        # (9 * 104 + 10 * 104.95) / 19 = 104.5
        assert book_of(desk, shown()).holdings == {"MTUM": Holding("MTUM", 19, 104.5, MONDAY, {"atr": 1.5}, None)}


def test_a_split_rebases_shares_price_and_what_was_kept(tmp_path: Path) -> None:
    with fake_desk(tmp_path, FakeBroker()) as desk:
        desk.store.decisions.commit_decisions([decision()], [BUY])
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
        desk.store.decisions.commit_decisions([decision(document=left)], ())
        desk.store.bars.agree_split(Split("MTUM", TUESDAY, D(2)), SENT_AT)
        book = book_of(desk, shown())
        assert book.memory == {"month": "2018-11", "stop:MTUM": Price("MTUM", 75.0)}
        assert book.standing == (Standing("MTUM", 14, MONDAY, "burst"),)


@pytest.mark.parametrize("virtual", [True, False])
def test_virtual_and_real_money_remember_nothing_of_each_other(tmp_path: Path, *, virtual: bool) -> None:
    standing = [{"symbol": "MTUM", "shares": 7, "since": "2018-12-03", "reason": "burst"}]
    left = {"memory": {"month": "2018-11"}, "standing": standing, "stopped": {"MTUM": "stop_loss"}}
    with fake_desk(tmp_path, FakeBroker()) as desk:
        desk.store.decisions.commit_decisions(
            [decision(document={**left, **({"virtual": True} if virtual else {})})], ()
        )
        (own,) = desk.sleeves
        for sleeve in (own, replace(own, state=SleeveState.WATCH)):
            book = book_of(desk, shown(), sleeve=sleeve)
            assert bool(book.memory and book.standing and book.stopped) is (virtual is not sleeve.owns_money)
            assert bool(book.memory or book.standing or book.stopped) is (virtual is not sleeve.owns_money)


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


WEDNESDAY = TUESDAY + timedelta(days=1)


def changed(desk: Desk, change: SymbolChange) -> None:
    desk.store.changes.state_change(ChangeRecord(change, SENT_AT, {}, {}, {}), [])


@pytest.mark.parametrize(
    ("exits", "pending"),
    [
        # Left from an exit under the name that the shares had then.
        ([("MTUM", TUESDAY, 19, 8, OrderStatus.EXPIRED, ("vix_fear",))], {"NEW": "vix_fear"}),
        # The newest of both names counts: one sold all it was to sell, one did not.
        (
            [
                ("MTUM", TUESDAY, 8, 8, OrderStatus.FILLED, ("vix_fear",)),
                ("NEW", THURSDAY, 11, 2, OrderStatus.EXPIRED, ("rsi_low",)),
            ],
            {"NEW": "rsi_low"},
        ),
        (
            [
                ("MTUM", TUESDAY, 19, 8, OrderStatus.EXPIRED, ("vix_fear",)),
                ("NEW", THURSDAY, 2, 2, OrderStatus.FILLED, ("rsi_low",)),
            ],
            {},
        ),
    ],
)
def test_an_exit_is_pending_under_the_new_name_of_its_shares(
    tmp_path: Path, exits: list[Any], pending: dict[str, str]
) -> None:
    with fake_desk(tmp_path, FakeBroker()) as desk:
        bought(desk, ("7.01", 19, "104", "0"))
        changed(desk, SymbolChange(ChangeKind.RENAMED, "MTUM", WEDNESDAY, "NEW"))
        for symbol, *one in exits:
            sold(desk, *one, symbol=symbol)
        assert book_of(desk, shown()).exit_pending == pending


def test_lots_have_the_symbol_of_their_day_and_the_shares_of_today(tmp_path: Path) -> None:
    kept = {"AAA": {"atr": 9.0}, "MTUM": {"atr": 1.5}}
    with fake_desk(tmp_path, FakeBroker()) as desk:
        desk.store.decisions.commit_decisions([replace(decision(), remembered=kept)], [BUY])
        desk.store.orders.add_fills([fill(BUY, "7.01", 19, "104")])
        desk.store.bars.agree_split(Split("MTUM", WEDNESDAY, D(2)), SENT_AT)
        changed(desk, SymbolChange(ChangeKind.RENAMED, "MTUM", THURSDAY, "NEW"))
        for until, symbol in ((None, "NEW"), (TUESDAY, "MTUM"), (WEDNESDAY, "MTUM"), (THURSDAY, "NEW")):
            assert [(lot.symbol, lot.shares) for lot in read_records(desk.store, until=until).lots] == [(symbol, 38)]
        # What was kept under the old name, before the split; not what another symbol kept.
        assert read_sleeve(desk.store, STRATEGY).remembered == {(BUY.id, "NEW"): {"atr": 0.75}}


def test_of_two_symbols_that_became_one_each_lot_keeps_its_own(tmp_path: Path) -> None:
    kept = {"AAA": {"atr": 9.0}, "MTUM": {"atr": 1.5}}
    other = intent(shares=6, symbol="AAA")
    with fake_desk(tmp_path, FakeBroker()) as desk:
        desk.store.decisions.commit_decisions([replace(decision(), remembered=kept)], [BUY, other])
        desk.store.orders.add_fills([fill(BUY, "7.01", 10, "104"), fill(other, "8.01", 6, "30")])
        for symbol, ratio, shares in (("AAA", "0.5", 3), ("MTUM", "2", 20)):
            taken = SymbolChange(ChangeKind.MERGED, symbol, TUESDAY, "NEW", D(ratio), given={STRATEGY: shares})
            changed(desk, taken)
        assert {(lot.intent_id, lot.shares) for lot in read_records(desk.store).lots} == {(BUY.id, 20), (other.id, 3)}
        assert read_sleeve(desk.store, STRATEGY).remembered == {
            (BUY.id, "NEW"): {"atr": 0.75},
            (other.id, "NEW"): {"atr": 18.0},
        }


def test_what_was_stated_follows_a_split_and_a_new_name_with_an_order_or_without(tmp_path: Path) -> None:
    actions: list[Action] = [Split("MTUM", TUESDAY, D(2)), SymbolChange(ChangeKind.RENAMED, "MTUM", THURSDAY, "NEW")]
    lot = Lot(BUY.id, STRATEGY, "NEW", MONDAY, 38, 38, D(52), D(0))
    with fake_desk(tmp_path, FakeBroker()) as desk:
        bought(desk, ("7.01", 19, "104", "0"))
        for key in (BUY.id, "virtual"):
            desk.store.statements.state_entry(key, {"atr": 2.0}, SENT_AT)
        assert remembered_with(desk.store, lot, actions) == {"atr": 1.0}
        assert remembered_with(desk.store, replace(lot, intent_id="virtual", symbol="MTUM"), actions[:1]) == {
            "atr": 1.0
        }


def test_a_spun_off_child_keeps_nothing_of_what_was_stated_for_its_parent(tmp_path: Path) -> None:
    child = SymbolChange(ChangeKind.SPUN_OFF, "MTUM", TUESDAY, "KID", basis_frac=D("0.25"), given={STRATEGY: 19})
    with fake_desk(tmp_path, FakeBroker()) as desk:
        bought(desk, ("7.01", 19, "104", "0"))
        desk.store.statements.state_entry(BUY.id, {"atr": 2.0}, SENT_AT)
        changed(desk, child)
        records = read_records(desk.store)
        found = {lot.symbol: remembered_with(desk.store, lot, records.actions) for lot in records.lots}
        # A quarter of every price went to the child.
        assert found == {"MTUM": {"atr": 1.5}, "KID": {}}
        assert book_of(desk, shown()).holdings["MTUM"].remembered == {"atr": 1.5}
        assert read_sleeve(desk.store, STRATEGY).remembered == {(BUY.id, name): kept for name, kept in found.items()}


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
        (TUESDAY, 50, True),  # more than there were sessions
        (MONDAY, 5, False),
    ],
)
def test_a_loss_pauses_so_many_sessions_after_it(tmp_path: Path, today: date, pause: int, paused: bool) -> None:
    with fake_desk(tmp_path, FakeBroker()) as desk:
        desk.store.decisions.commit_decisions([decision(document={"daily_loss_hit": True})], [])
        sleeve = replace(desk.sleeves[0], loss_pause_sessions=pause)
        assert loss_pause(desk.store.decisions, sleeve, SESSIONS, today) is paused
        assert not loss_pause(desk.store.decisions, replace(sleeve, state=SleeveState.WATCH), SESSIONS, today)


def test_what_is_bought_and_sold_again_the_day_after_costs_both_commissions(tmp_path: Path) -> None:
    with fake_desk(tmp_path, FakeBroker(), SENT_AT + timedelta(days=1)) as desk:
        moved(desk, ("capital", MONDAY, "5000", True))
        bought(desk, ("7.01", 19, "104", "1.98"))
        sold(desk, TUESDAY, 19, 19, OrderStatus.FILLED, ("rsi_low",))
        # 5000 - 1976 - 1.98 + 19 * 101 - 1
        assert read_sleeve(desk.store, desk.sleeves[0].name).cash_usd == D("4940.02")


def one_sleeve(name: str = STRATEGY, weight: float = 1.0) -> Sleeve:
    (sleeve,) = config.load(None, {}, {}).sleeves()
    return replace(sleeve, name=name, weight=weight)


def own(cash: str, *fills: Fill, movements: tuple[CashMovement, ...] = ()) -> SleeveRecords:
    return SleeveRecords(fills, (), {}, D(cash), D(0), movements, (), ())


SALES = (
    fill(intent(MONDAY), "1.01", 19, "104"),
    fill(intent(TUESDAY, Side.SELL), "2.01", 10, "101"),  # settles on Thursday
    fill(intent(THURSDAY, Side.SELL), "3.01", 9, "100"),  # settles on the Monday after
)


@pytest.mark.parametrize(("today", "usd"), [(MONDAY, "1910"), (THURSDAY, "900"), (FRIDAY, "900"), (AFTER, "0")])
def test_proceeds_wait_until_their_sale_has_settled(today: date, usd: str) -> None:
    assert unsettled_usd(SALES, today) == D(usd)


def test_what_waits_is_less_its_commission_and_what_crossed_has_settled_at_once() -> None:
    """1,010 for ten shares less one dollar; the nine that went to another sleeve wait for nothing."""
    sold = replace(SALES[1], commission_usd=D(1))
    crossed = replace(SALES[2], exec_id="cross:1.01", session=TUESDAY)
    assert unsettled_usd((SALES[0], sold, crossed), TUESDAY) == D(1009)


@pytest.mark.parametrize(
    ("kind", "weight", "cash"),
    [
        (AccountKind.CASH, 0.5, {"a": SleeveCash(D(2100), D(900)), "b": SleeveCash(D(2000), D(0))}),
        (AccountKind.MARGIN, 0.5, {"a": SleeveCash(D(3000), D(0)), "b": SleeveCash(D(2000), D(0))}),
        # What has settled of a sleeve with all the money only the broker tells.
        (AccountKind.CASH, 1.0, {"a": SleeveCash(D(3000), D(0)), "b": SleeveCash(D(2000), D(0))}),
    ],
)
def test_a_sleeve_waits_for_its_own_sales_alone(kind: AccountKind, weight: float, cash: dict[str, SleeveCash]) -> None:
    records = {"a": own("3000", *SALES), "b": own("2000")}
    broker = shown(cash="5000", settled="5000", kind=kind).account
    assert cash_of([one_sleeve("a", weight), one_sleeve("b", weight)], records, broker, {}, FRIDAY) == cash


def test_what_the_cash_fund_is_worth_may_be_spent_and_what_has_no_price_may_not() -> None:
    """1,000 of the fund beside 4,000 at the broker, of which 3,500 have settled: 4,500 for 3,000 and 2,000."""
    lots = [Lot(symbol, FUND, symbol, MONDAY, 10, 10, D(99), D(0)) for symbol in ("FFF", "OLD")]
    records = {"a": own("3000"), "b": own("2000"), FUND: replace(own("-990"), lots=tuple(lots))}
    broker = shown(cash="4000", settled="3500").account
    sleeves = [one_sleeve("a", 0.5), one_sleeve("b", 0.5)]
    assert cash_of(sleeves, records, broker, {"FFF": 100.0}, FRIDAY) == {
        "a": SleeveCash(D(2700), D(300), in_fund=True),
        "b": SleeveCash(D(1800), D(200), in_fund=True),
    }


def test_with_the_cash_in_a_fund_what_lacked_cash_is_wanted_for_five_sessions(tmp_path: Path) -> None:
    left = {
        "standing": [
            {"symbol": symbol, "shares": 7, "since": f"{since}", "reason": "burst"}
            for symbol, since in (("MTUM", MONDAY), ("SPY", MONDAY), ("IEF", TUESDAY))
        ]
    }
    rows = (("MTUM", STRATEGY), ("IEF", STRATEGY), ("SPY", "other"))
    cuts = [
        {"sleeve": sleeve, "symbol": symbol, "limit": "account_cash_usd", "before": 7, "after": 0}
        for symbol, sleeve in rows
    ]
    plan = PlanRecord(ACCOUNT, FRIDAY, SENT_AT, {"cuts": cuts, "held_back": []}, {})
    pair = replace(one_sleeve(), strategy=PairReversal())
    with fake_desk(tmp_path, FakeBroker()) as desk:
        desk.store.decisions.commit_decisions([decision(TUESDAY, document=left)], ())
        desk.store.decisions.commit_decisions([decision(FRIDAY, document=left)], (), (), plan)

        def wanted(sleeve: Sleeve, today: date, *, in_fund: bool = True) -> list[str]:
            cash = SleeveCash(D(0), D(0), in_fund)
            return [one.symbol for one in build_book(own("0"), sleeve, desk.store, cash, SESSIONS, today).standing]

        # On Tuesday the account made no plan: nothing was cut.
        assert wanted(one_sleeve(), THURSDAY) == ["MTUM", "SPY", "IEF"]
        # Tuesday to the Monday after are five sessions; IEF stands for one more.
        assert wanted(one_sleeve(), AFTER) == ["MTUM", "IEF"]
        assert wanted(one_sleeve(), AFTER + timedelta(days=1)) == ["IEF"]
        assert wanted(one_sleeve(), AFTER, in_fund=False) == ["MTUM", "SPY", "IEF"]
        # Where purchases always stand the strategy's own rules say how long.
        assert wanted(pair, AFTER + timedelta(days=1)) == ["MTUM", "SPY", "IEF"]
        assert build_book(own("0"), pair, desk.store, SleeveCash(D(0), D(0), True), SESSIONS, AFTER).in_fund


def test_capital_counts_from_the_day_before_and_what_comes_after_a_watch_is_a_deposit() -> None:
    deposit = CashMovement("d", STRATEGY, MONDAY, "deposit", D(7))
    begun = with_capital(own("7", movements=(deposit,)), STRATEGY, TUESDAY, D(500))
    first = CashMovement(f"capital:{STRATEGY}", STRATEGY, TUESDAY, "capital", D(500))
    assert (begun.cash_usd, begun.movements) == (D(507), (first, deposit))
    assert begun.points == (OfficialEquity(MONDAY, D(500)),)
    again = with_capital(begun, STRATEGY, FRIDAY, D(500))
    assert (again.cash_usd, again.points) == (D(1007), begun.points)
    assert again.movements[-1] == CashMovement(
        f"begins_again:{STRATEGY}:{FRIDAY}", STRATEGY, FRIDAY, "deposit", D(500), "trades again"
    )


def test_todays_change_counts_from_the_last_close_and_money_moved_since() -> None:
    moved_in = tuple(CashMovement(f"{day}", STRATEGY, day, "deposit", D(100)) for day in (MONDAY, TUESDAY, THURSDAY))
    points = (OfficialEquity(MONDAY, D(4000)), OfficialEquity(MONDAY, D(4100)), OfficialEquity(TUESDAY, D(5100)))
    assert equity_before(replace(own("0", movements=moved_in), points=points)) == 5200.0
    assert equity_before(own("0", movements=moved_in)) is None


def test_the_points_are_the_capital_the_outline_and_what_the_peak_is_counted_from(tmp_path: Path) -> None:
    """The whole curve is told by its first, highest and last two points; from Tuesday on by the first and highest."""
    equities = ((MONDAY, 5000), (TUESDAY, 4000), (THURSDAY, 4500), (FRIDAY, 4200), (AFTER, 4300))
    with fake_desk(tmp_path, FakeBroker()) as desk:
        moved(desk, ("deposit", MONDAY - timedelta(days=9), "1", True), ("capital", MONDAY, "4900", True))
        for day, usd in equities:
            flow = D(30) if day == FRIDAY else D(0)
            desk.store.ledger.write_equity(
                EquityPoint(day, STRATEGY, D(usd), D(0), D(0), D(usd), flow, None, None, 0),
            )
        later = AFTER + timedelta(days=1)
        capital = OfficialEquity(MONDAY - timedelta(days=1), D(4900))
        points = read_sleeve(desk.store, STRATEGY, later).points
        assert points[0] == capital
        assert [one.session for one in points[1:]] == [MONDAY, THURSDAY, FRIDAY, AFTER]  # the flow is one of Friday
        assert points[3] == OfficialEquity(FRIDAY, D(4200), D(30))
        desk.store.limits.count_peak_since(TUESDAY, SENT_AT, STRATEGY)
        assert [one.session for one in read_sleeve(desk.store, STRATEGY, later).points[1:]] == [
            day for day, _ in equities
        ]


def test_the_book_tells_losses_settlement_and_what_was_left(tmp_path: Path) -> None:
    left = {
        "memory": {},
        "standing": [{"symbol": "MTUM", "shares": 7, "since": "2018-12-03", "reason": "burst"}],
        "stopped": {"MTUM": "stop_loss"},
    }
    cuts = [{"sleeve": STRATEGY, "symbol": "MTUM", "limit": "max_symbol_frac", "before": 7, "after": 4}]
    plan = PlanRecord(ACCOUNT, TUESDAY, SENT_AT, {"cuts": cuts, "held_back": []}, {})
    with fake_desk(tmp_path, FakeBroker()) as desk:
        moved(desk, ("capital", MONDAY, "5000", True), ("dividend", TUESDAY, "10.45", False))
        moved(desk, ("deposit", TUESDAY, "300", True), ("deposit", THURSDAY, "40", True))
        bought(desk, ("7.01", 19, "104", "1.98"))
        sold(desk, TUESDAY, 19, 19, OrderStatus.FILLED, ("rsi_low",))
        for day, usd, flow in ((MONDAY, 5000, 0), (TUESDAY, 4900, 300)):
            point = EquityPoint(day, STRATEGY, D(usd), D(0), D(0), D(usd), D(flow), None, None, 0)
            desk.store.ledger.write_equity(point)
        desk.store.limits.count_peak_since(TUESDAY, SENT_AT, STRATEGY)
        desk.store.decisions.commit_decisions([decision(TUESDAY, document=left)], (), (), plan)
        records = read_sleeve(desk.store, STRATEGY, FRIDAY)
        wednesday = TUESDAY + timedelta(days=1)
        waits = build_book(records, one_sleeve(), desk.store, SleeveCash(D(100), D(5)), SESSIONS, wednesday)
        done = build_book(records, one_sleeve(), desk.store, SleeveCash(D(100), D(0)), SESSIONS, FRIDAY)
        late = build_book(records, one_sleeve(), desk.store, SleeveCash(D(100), D(5)), SESSIONS, THURSDAY)
    assert (waits.receivable_usd, waits.unsettled_usd, waits.last_fill) == (10.45, 5.0, TUESDAY)
    # 5,000 became 4,900 with 300 paid in; the peak counts from Tuesday on.
    assert waits.losses == LossState(last_change_usd=-400.0, peak_equity_usd=4900.0, flows_since_usd=40.0)
    assert (waits.standing, waits.stopped) == ((Standing("MTUM", 4, MONDAY, "burst"),), {"MTUM": "stop_loss"})
    # Tuesday's sale settles on Thursday; where none waits, one of today would on the Monday.
    assert (waits.settles_by, done.settles_by, late.settles_by) == (THURSDAY, None, AFTER)


@pytest.mark.parametrize(
    ("traded_on", "today", "settles_by"),
    [
        # On Columbus Day nothing settles: Thursday's sale waits until Tuesday, Friday's until Wednesday.
        ({date(2018, 10, 4): Side.SELL, date(2018, 10, 5): Side.SELL}, date(2018, 10, 8), date(2018, 10, 10)),
        ({date(2018, 10, 4): Side.SELL, date(2018, 10, 5): Side.BUY}, date(2018, 10, 8), date(2018, 10, 9)),
        ({date(2018, 10, 4): Side.SELL, date(2018, 10, 8): Side.SELL}, date(2018, 10, 8), date(2018, 10, 9)),
        # Settled on the day itself: then one of that day counts.
        ({date(2018, 10, 1): Side.SELL}, date(2018, 10, 3), date(2018, 10, 5)),
    ],
)
def test_cash_settles_with_the_last_sale_before_today(
    tmp_path: Path, traded_on: dict[date, Side], today: date, settles_by: date
) -> None:
    fills = [fill(intent(day, side), f"{day}.01", 1, "100") for day, side in traded_on.items()]
    with fake_desk(tmp_path, FakeBroker()) as desk:
        book = build_book(own("0", *fills), one_sleeve(), desk.store, SleeveCash(D(0), D(5)), SESSIONS, today)
    assert book.settles_by == settles_by


def test_lots_are_read_and_written_strategy_by_strategy(tmp_path: Path) -> None:
    with fake_desk(tmp_path, FakeBroker()) as desk:
        bought(desk, ("7.01", 19, "104", "0"))
        for symbol, shares in (("MTUM", 5), ("SPY", 3)):
            order = intent(shares=shares, symbol=symbol, strategy="other")
            traded(desk.store, order, fill(order, f"{symbol}.01", shares, "100"))  # type: ignore[arg-type]
        records = read_records(desk.store)
        assert held_shares(desk.store) == {(STRATEGY, "MTUM"): 19, ("other", "MTUM"): 5, ("other", "SPY"): 3}
        assert records.holders() == {"MTUM": {STRATEGY, "other"}, "SPY": {"other"}}
        write_lots(desk.store, Records((), (), ()))
        assert not desk.store.ledger.lots("other")
        write_lots(desk.store)
        assert [(lot.symbol, lot.shares) for lot in desk.store.ledger.lots(STRATEGY)] == [("MTUM", 19)]
        assert [(lot.symbol, lot.shares) for lot in desk.store.ledger.lots("other")] == [("MTUM", 5), ("SPY", 3)]
        found = read_sleeves(desk.store, [one_sleeve(), one_sleeve("other")], FRIDAY, records)
        assert {name: len(one.fills) for name, one in found.items()} == {STRATEGY: 1, "other": 2}
        assert {name: len(one.lots) for name, one in found.items()} == {STRATEGY: 1, "other": 2}
        nobody = read_sleeves(desk.store, [one_sleeve()], FRIDAY, Records((), (), ()))
        assert nobody[STRATEGY].fills == ()


def test_what_the_first_purchase_kept_stays_when_its_shares_are_sold(tmp_path: Path) -> None:
    more = intent(TUESDAY, Side.BUY, 10, "MTUM")
    with fake_desk(tmp_path, FakeBroker()) as desk:
        desk.store.decisions.commit_decisions([replace(decision(), remembered={"MTUM": {"atr": 1.5}})], [BUY])
        desk.store.orders.add_fills([fill(BUY, "7.01", 19, "104")])
        traded(desk.store, more, fill(more, "8.01", 10, "106"))  # type: ignore[arg-type]
        sold(desk, THURSDAY, 19, 19, OrderStatus.FILLED, ("reduce",))
        holding = book_of(desk, shown()).holdings["MTUM"]
        assert (holding.shares, holding.entry_session, holding.remembered) == (10, MONDAY, {"atr": 1.5})


@pytest.mark.parametrize(("kind", "kept"), [("another", {}), ("mtum_confluence", {"month": "2018-11"})])
def test_a_strategy_begins_without_the_memory_of_another_under_the_same_name(
    tmp_path: Path, kind: str, kept: dict[str, str]
) -> None:
    said = {"memory": {"month": "2018-11"}, "standing": [], "stopped": {}}
    settings = {**decision().settings, "sleeve": {STRATEGY: {"strategy": kind}}}
    with fake_desk(tmp_path, FakeBroker()) as desk:
        other = replace(decision(), document={**decision().document, **said}, settings=settings)
        desk.store.decisions.commit_decisions([other], [])
        assert book_of(desk, shown()).memory == kept
