"""The books of options: executions and events once, with the cash and the shares of each, by hand."""

from datetime import timedelta
from decimal import Decimal

import pytest

from mtum.adapters.store.events import option_problems
from mtum.adapters.store.opening import SqliteStore
from mtum.core.options.legs import OptionPurpose
from mtum.core.portfolio.money import AccountKind
from mtum.core.portfolio.options.lots import EventKind
from mtum.core.portfolio.orders import OrderStatus, Side
from mtum.errors import StoreError
from mtum.ports.broker import BrokerAccount, BrokerLists, OtherInstrument
from support.option_orders import DAY, GROUP, STRATEGY, put
from support.option_store import AT, C105, P90, P95, ended, leg_fill, planned
from support.values import replace

MONDAY = DAY + timedelta(days=3)
XSP = put(600, underlying="XSP")


def cash(store: SqliteStore, strategy: str = STRATEGY) -> Decimal:
    return store.books.cash(strategy)


def sound(store: SqliteStore) -> bool:
    connection = store.database.connection
    return option_problems(connection) == () and store.events.missing() == () and store.events.unsound_fills() == ()


def sold_put(store: SqliteStore, quantity: int = 1, price: str = "1.20") -> None:
    one = planned(quantity=quantity)
    store.options.commit_intents([one], AT)
    store.options.record_fills([leg_fill(one, "e.01", P95, -quantity, price, "0.70")])


def test_an_execution_moves_cash_once_and_its_fee_when_it_is_told(store: SqliteStore) -> None:
    one = planned()
    store.options.commit_intents([one], AT)
    untold = leg_fill(one, "e.01", P95, -1, "1.20", None)
    assert store.options.record_fills([untold, untold]) == 1
    assert cash(store) == 120
    assert [lot.fees_usd for lot in store.options.book().lots] == [None]
    assert store.options.record_fills([replace(untold, fee_usd=Decimal("0.70"))]) == 0
    assert cash(store) == Decimal("119.30") == store.options.book().cash_usd
    assert store.options.fills(STRATEGY) == (replace(untold, fee_usd=Decimal("0.70")),)
    assert (store.options.book("other").lots, store.options.fills("other")) == ((), ())
    assert store.options.states()[0].status is OrderStatus.FILLED
    kinds = [row["kind"] for row in store.database.rows("SELECT kind FROM events ORDER BY id")]
    assert kinds == ["option_order", "option_fill", "option_fill"]
    assert sound(store)


def test_a_correction_takes_the_place_of_what_it_corrects(store: SqliteStore) -> None:
    sold_put(store)
    again = leg_fill(planned(), "e.02", P95, -1, "1.25", "0.70")
    assert store.options.record_fills([again]) == 1
    assert cash(store) == Decimal("124.30") == store.options.book().cash_usd
    assert [lot.premium for lot in store.options.book().lots] == [Decimal("1.25")]
    assert sound(store)


def test_of_a_corrected_combination_each_leg_counts_once_whenever_its_fee_is_told(store: SqliteStore) -> None:
    spread = planned((Side.SELL, P95), (Side.BUY, P90))
    store.options.commit_intents([spread], AT)
    legs = [leg_fill(spread, "0000e1a7.1.02.01", P95, -1, "1.20"), leg_fill(spread, "0000e1a7.1.03.01", P90, 1, "0.40")]
    store.options.record_fills(legs)
    # 120 less 40, twice a fee of 0.70.
    assert cash(store) == Decimal("78.60")
    corrected = replace(legs[0], exec_id="0000e1a7.1.02.02", price=Decimal("1.25"), fee_usd=None)
    for told in ([corrected], [*legs, corrected], [legs[0]]):
        store.options.record_fills(told)
        assert cash(store) == Decimal("83.60") == store.options.book().cash_usd
        assert store.options.book().contracts() == {P95: -1, P90: 1}
        assert store.options.states()[0].filled == 1
        assert sound(store)
    store.options.record_fills([replace(corrected, fee_usd=Decimal("0.90"))])
    assert cash(store) == Decimal("83.40") == store.options.book().cash_usd
    assert sound(store)


def test_a_fee_that_is_told_for_what_was_corrected_counts_once_and_one_of_nothing_too(
    store: SqliteStore,
) -> None:
    store.options.commit_intents([planned()], AT)
    first, second = (leg_fill(planned(), f"e.0{n}", P95, -1, "1.20", None) for n in (1, 2))
    store.options.record_fills([first, second])
    bought = planned((Side.BUY, P95), purpose=OptionPurpose.CLOSE)
    store.options.commit_intents([bought], AT)
    store.options.record_fills([leg_fill(bought, "f.01", P95, 1, "0.50", None)])
    # 120 received and 50 paid; what it earned waits for both fees.
    assert cash(store) == 70
    assert [one.pnl_usd for one in store.options.book().closed] == [None]
    for told in (replace(first, fee_usd=Decimal("0.70")), replace(first, fee_usd=Decimal("0.70"))):
        store.options.record_fills([told])
        assert cash(store) == Decimal("69.30") == store.options.book().cash_usd
        assert [one.pnl_usd for one in store.options.book().closed] == [None]
    store.options.record_fills([leg_fill(bought, "f.01", P95, 1, "0.50", "0")])
    assert [one.pnl_usd for one in store.options.book().closed] == [Decimal("69.30")]
    assert store.database.rows("SELECT fees_usd, pnl_usd FROM v_option_trades")[0][:] == (0.7, 69.3)
    assert sound(store)


def test_an_execution_of_no_leg_of_ours_is_refused(store: SqliteStore) -> None:
    store.options.commit_intents([planned()], AT)
    with pytest.raises(StoreError, match="belongs to no leg"):
        store.options.record_fills([leg_fill(planned(), "e.01", P90, -1, "1.20")])


def test_an_assigned_put_brings_shares_at_the_strike_with_the_net_entry_beside_it(store: SqliteStore) -> None:
    sold_put(store, 2)
    event = ended(EventKind.ASSIGNED, P95, -2, P95.strike, -2)
    assert store.options.record_events([event], AT) == (event,)
    assert store.options.record_events([event], AT) == ()
    # 240 received less 0.70, then 200 shares at 95.
    assert cash(store) == Decimal("239.30") - 19_000 == store.options.book().cash_usd
    (fill,) = store.orders.fills()
    assert (fill.symbol, fill.side, fill.shares, fill.price, fill.session) == ("SPY", Side.BUY, 200, P95.strike, MONDAY)
    (state,) = store.orders.states()
    assert (state.status, state.intent.reasons, state.intent.purpose.internal) == (
        OrderStatus.FILLED,
        ("assigned",),
        True,
    )
    assert store.statements.stated_entry(fill.intent_id) == {"net_entry": 93.8}
    (delivery,) = store.options.book(STRATEGY).delivered
    assert (delivery.group, delivery.shares, delivery.net_entry) == (GROUP, 200, Decimal("93.80"))
    assert store.options.book().lots == ()
    rows = [tuple(row) for row in store.database.rows("SELECT * FROM v_option_trades")]
    words = "SPY 2026-08-21 95 put"
    assert rows == [(STRATEGY, GROUP, "SPY", words, -2, "2026-07-10", 1.2, "2026-07-13", 0.0, "assigned", 0.7, 239.3)]
    assert sound(store)


def test_two_strikes_of_one_morning_bring_shares_under_one_intent(store: SqliteStore) -> None:
    sold_put(store)
    other = planned((Side.SELL, P90), group="g2")
    store.options.commit_intents([other], AT)
    store.options.record_fills([leg_fill(other, "f.01", P90, -1, "0.60")])
    first = ended(EventKind.ASSIGNED, P95, -1, P95.strike, -1)
    second = ended(EventKind.ASSIGNED, P90, -1, P90.strike, -1)
    store.options.record_events([first], AT)
    store.options.record_events([second, first], AT)
    (state,) = store.orders.states()
    assert (state.intent.shares, state.filled, [fill.price for fill in store.orders.fills()]) == (
        200,
        200,
        [P90.strike, P95.strike],
    )
    # Half of 95 less 1.20 and of 90 less 0.60.
    assert store.statements.stated_entry(state.intent.id) == {"net_entry": 91.6}
    assert store.books.overfilled() == ()
    assert sound(store)


def test_a_call_takes_the_shares_at_its_strike(store: SqliteStore) -> None:
    sold_put(store)
    store.options.record_events([ended(EventKind.ASSIGNED, P95, -1, P95.strike, -1)], AT)
    written = planned((Side.SELL, C105), group="g2", session=MONDAY)
    store.options.commit_intents([written], AT)
    store.options.record_fills([leg_fill(written, "f.01", C105, -1, "0.90")])
    gone = replace(ended(EventKind.ASSIGNED, C105, -1, C105.strike, -1), effective=MONDAY + timedelta(days=1))
    store.options.record_events([gone], AT)
    # 119.30 - 9,500 + 89.30 + 10,500
    assert cash(store) == Decimal("1208.60")
    (trade,) = store.database.rows("SELECT symbol, entry_price, exit_price, shares, pnl_usd FROM trades")
    assert tuple(trade) == ("SPY", 95.0, 105.0, 100, 1000.0)
    assert sound(store)


def test_expiry_costs_nothing_and_a_settlement_pays(store: SqliteStore) -> None:
    spread = planned((Side.SELL, XSP), underlying="XSP")
    store.options.commit_intents([spread], AT)
    store.options.record_fills([leg_fill(spread, "e.01", XSP, -1, "5.00")])
    provisional = replace(ended(EventKind.CASH_SETTLED, XSP, -1, "12.50", -1), provisional=True)
    store.options.record_events([provisional], AT)
    # 499.30 received, 1,250 paid.
    assert cash(store) == Decimal("-750.70") == store.options.book(STRATEGY).cash_usd
    assert [one.provisional for one in store.options.events()] == [True]
    assert store.options.record_events([replace(provisional, provisional=False)], AT) == ()
    assert [one.provisional for one in store.options.events()] == [False]
    assert store.orders.fills() == ()
    assert sound(store)


def test_an_event_that_ends_more_than_there_is_leaves_nothing(store: SqliteStore) -> None:
    sold_put(store)
    with pytest.raises(StoreError, match="the lots have 0; nothing is recorded"):
        store.options.record_events(
            [ended(EventKind.EXPIRED, P95, -1, "0", -1), ended(EventKind.ASSIGNED, P95, -1, "95", 0)], AT
        )
    assert store.options.events() == ()
    assert len(store.options.book().lots) == 1
    assert sound(store)


def test_an_assigned_leg_breaks_its_spread_and_the_shares_are_marked(store: SqliteStore) -> None:
    spread = planned((Side.SELL, P95), (Side.BUY, P90), quantity=2)
    store.options.commit_intents([spread], AT)
    store.options.record_fills([leg_fill(spread, "e.01", P95, -2, "1.80"), leg_fill(spread, "f.01", P90, 2, "0.60")])
    store.options.record_events([ended(EventKind.ASSIGNED, P95, -1, P95.strike, -2)], AT)
    book = store.options.book()
    assert [(lot.group, lot.quantity, lot.broken) for lot in book.lots] == [
        (GROUP, -1, False),
        (GROUP, 1, False),
        ("g1!260713", 1, True),
    ]
    assert [(one.group, one.broken) for one in book.delivered] == [("g1!260713", True)]
    legs = [row["legs"] for row in store.database.rows("SELECT legs FROM v_option_groups")]
    assert legs == ["-1 SPY 2026-08-21 95 put, 1 SPY 2026-08-21 90 put", "1 SPY 2026-08-21 90 put"]
    assert sound(store)


def test_the_book_of_a_day_knows_nothing_of_later_ones(store: SqliteStore) -> None:
    sold_put(store)
    closing = planned((Side.BUY, P95), purpose=OptionPurpose.CLOSE, session=MONDAY)
    store.options.commit_intents([closing], AT)
    store.options.record_fills([leg_fill(closing, "f.01", P95, 1, "0.40")])
    assert [lot.quantity for lot in store.options.book(day=DAY).lots] == [-1]
    assert store.options.book(day=MONDAY).lots == ()
    assert store.options.book(STRATEGY, DAY).cash_usd == Decimal("119.30")
    # 1.20 - 0.40, less 0.70 twice.
    assert [one.pnl_usd for one in store.options.book().closed] == [Decimal("78.60")]


def test_the_newest_mark_and_the_newest_statement_count(store: SqliteStore) -> None:
    sold_put(store)
    store.options.record_marks(DAY, {P95: Decimal("1.10"), P90: Decimal("0.55")}, "quotes", AT)
    store.options.record_marks(DAY, {P95: Decimal("1.15")}, "quotes", AT)
    store.options.record_marks(MONDAY, {P95: Decimal("0.80")}, "model", AT)
    assert store.options.marks(DAY) == {P95: (Decimal("1.15"), DAY), P90: (Decimal("0.55"), DAY)}
    assert store.options.marks(MONDAY)[P95] == (Decimal("0.80"), MONDAY)
    (row,) = store.database.rows("SELECT credit_usd, market_usd, unrealized_usd, marked FROM v_option_groups")
    # 120 received, 80 to buy it back, 0.70 paid.
    assert tuple(row) == (120.0, -80.0, 39.3, "2026-07-13")
    store.options.state_external(C105, -1, AT, "a person")
    assert store.options.external() == {C105: -1}
    store.options.state_external(C105, 0, AT, "a person")
    assert store.options.external() == {}


def test_only_what_is_not_ours_of_the_account_is_kept_as_something_else(store: SqliteStore) -> None:
    sold_put(store, 2)
    mine = OtherInstrument("SPY", "SPY 20260821 95 P", "OPT", Decimal(-2), call=False, multiplier=Decimal(100))
    future = OtherInstrument("ES", "ES 20260918 FUT", "FUT", Decimal(1))
    account = BrokerAccount("DU1", AccountKind.CASH, Decimal(0), Decimal(0), Decimal(0))
    for minutes, quantity, words in ((0, -2, ()), (1, -3, ("-1 SPY 20260821 95 P",))):
        at = AT + timedelta(minutes=minutes)
        lists = BrokerLists(at, account, {}, (), (), others=(replace(mine, quantity=Decimal(quantity)), future))
        store.ledger.write_account(DAY, at, lists)
        assert store.ledger.others(DAY) == (*words, "1 ES 20260918 FUT")


@pytest.mark.parametrize(
    ("sql", "told"),
    [
        ("UPDATE cash_movements SET amount_usd = 130 WHERE key = 'option_fill:e'", "240.00 are due"),
        ("DELETE FROM cash_movements WHERE key = 'option_fee:e'", "no cash movement option_fee:e of -0.70"),
        ("UPDATE option_lots SET quantity = -3", "row 1 of option_lots is not what"),
        ("DELETE FROM option_ends", "row 1 of option_ends is not what"),
        ("UPDATE fills SET shares = 99 WHERE exec_id GLOB 'option:*'", "100 at 95.0 are due"),
        ("UPDATE option_fills SET current = 0", "does not count exactly once"),
    ],
)
def test_books_that_were_changed_by_hand_are_told(store: SqliteStore, sql: str, told: str) -> None:
    sold_put(store, 2)
    store.options.record_events([ended(EventKind.ASSIGNED, P95, -1, P95.strike, -2)], AT)
    assert sound(store)
    store.database.connection.execute(sql)
    assert told in " ".join(option_problems(store.database.connection))


def test_a_correction_after_an_assignment_still_stands_before_it(store: SqliteStore) -> None:
    sold_put(store)
    store.options.record_events([ended(EventKind.ASSIGNED, P95, -1, P95.strike, -1)], AT)
    store.options.record_fills([leg_fill(planned(), "e.02", P95, -1, "1.25", "0.70")])
    assert [one.premium for one in store.options.book().delivered] == [Decimal("-1.25")]
    assert cash(store) == Decimal("124.30") - 9_500
    assert sound(store)


def test_what_is_closed_after_an_assignment_is_what_it_left(store: SqliteStore) -> None:
    sold_put(store, price="1.20")
    again = planned(session=MONDAY)
    store.options.commit_intents([again], AT)
    store.options.record_fills([leg_fill(again, "f.01", P95, -1, "2.00")])
    store.options.record_events([ended(EventKind.ASSIGNED, P95, -1, P95.strike, -2)], AT)
    closing = planned((Side.BUY, P95), purpose=OptionPurpose.CLOSE, session=MONDAY)
    store.options.commit_intents([closing], AT)
    store.options.record_fills([leg_fill(closing, "h.01", P95, 1, "0.50")])
    # The older one was assigned: 120 less 0.70; the other was bought back for 150 less than it brought, twice 0.70.
    earned = [(one.kind, one.pnl_usd) for one in store.options.book().closed]
    assert earned == [("assigned", Decimal("119.30")), ("traded", Decimal("148.60"))]
    assert sound(store)
