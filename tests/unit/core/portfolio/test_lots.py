"""Open lots and round trips, worked out by hand."""

from datetime import UTC, date, datetime
from decimal import Decimal

from mtum.core.market.sessions import Sessions
from mtum.core.portfolio.carried import in_todays_shares
from mtum.core.portfolio.decision import Standing
from mtum.core.portfolio.fills import Fill, Split, rebased
from mtum.core.portfolio.lots import Lot, Trade, holding_of, lots_of, sessions_since_exit, trades_of
from mtum.core.portfolio.orders import Side
from mtum.core.strategies.contract import Holding, Memory, Price
from support.bars import weekday_sessions
from support.values import replace

D = Decimal
MON, TUE, WED, THU = (date(2018, 12, day) for day in (3, 4, 5, 6))


def fill(
    intent: str, side: str, shares: int, price: str, day: date, cost: str | None = None, *, symbol: str = "MTUM"
) -> Fill:
    instant = datetime(day.year, day.month, day.day, 21, tzinfo=UTC)
    commission = None if cost is None else D(cost)
    exec_id = f"{intent}-{shares}.01"
    return Fill(exec_id, intent, "A", "s", symbol, Side(side), day, instant, shares, D(price), commission)


def test_fills_of_one_intent_make_one_lot_at_their_average_price() -> None:
    fills = [fill("e", "BUY", 10, "100", MON, "1.00"), fill("e", "BUY", 30, "104", MON, "0.50")]
    # (10 * 100 + 30 * 104) / 40 = 4120 / 40
    assert lots_of(fills) == (Lot("e", "s", "MTUM", MON, 40, 40, D(103), D("1.50")),)


def test_a_sale_takes_the_oldest_shares_and_leaves_its_part_of_the_commission() -> None:
    fills = [
        fill("e1", "BUY", 10, "100", MON, "1.00"),
        fill("e2", "BUY", 20, "110", TUE, "2.00"),
        fill("x", "SELL", 15, "120", WED, "1.00"),
    ]
    # All 10 of the first lot and 5 of the second go; 15 of 20 shares keep 2.00 * 15 / 20.
    assert lots_of(fills) == (Lot("e2", "s", "MTUM", TUE, 15, 20, D(110), D("1.50")),)
    assert lots_of([*fills[:2], fill("x", "SELL", 4, "120", WED)]) == (
        Lot("e1", "s", "MTUM", MON, 6, 10, D(100), D("0.60")),
        Lot("e2", "s", "MTUM", TUE, 20, 20, D(110), D("2.00")),
    )


def test_commission_left_after_two_sales_is_still_in_proportion() -> None:
    fills = [
        fill("e", "BUY", 8, "100", MON, "2.00"),
        fill("x1", "SELL", 2, "101", TUE),
        fill("x2", "SELL", 3, "102", WED),
    ]
    (lot,) = lots_of(fills)
    assert (lot.shares, lot.opened_shares, lot.cost_usd) == (3, 8, D("0.75"))


def test_a_purchase_that_goes_on_after_a_sale_averages_the_shares_left() -> None:
    fills = [
        fill("e", "BUY", 10, "100", MON, "1.00"),
        fill("x", "SELL", 6, "105", TUE),
        fill("e", "BUY", 4, "110", WED, "0.50"),
    ]
    # 4 at 100 and 4 at 110; 4 of the first 10 shares keep 0.40 of their commission.
    assert lots_of(fills) == (Lot("e", "s", "MTUM", MON, 8, 14, D(105), D("0.90")),)


def test_lots_of_two_symbols_do_not_touch_each_other() -> None:
    fills = [fill("a", "BUY", 5, "10", MON, symbol="AAA"), fill("b", "BUY", 7, "20", MON, symbol="BBB")]
    left = lots_of([*fills, fill("x", "SELL", 5, "11", TUE, symbol="AAA")])
    assert [(lot.symbol, lot.shares) for lot in left] == [("BBB", 7)]


def test_a_split_rebases_the_lot_and_keeps_what_it_cost() -> None:
    split = Split("MTUM", TUE, D(4))
    fills = [fill("e", "BUY", 10, "100", MON, "1.00"), fill("x", "SELL", 8, "26", WED)]
    (lot,) = lots_of(rebased(fills, [split]))
    # 10 shares at 100 became 40 at 25; 8 new shares were sold after it.
    assert (lot.shares, lot.opened_shares, lot.entry_price) == (32, 40, D(25))
    assert lot.cost_usd == D("0.8")


def test_a_round_trip_with_a_commission_that_is_not_known_has_no_profit_yet() -> None:
    fills = (fill("e", "BUY", 10, "100", MON, "1.00"), fill("x", "SELL", 10, "110", TUE))
    (trade,) = trades_of(fills)
    assert (trade.commission_usd, trade.pnl_usd, trade.return_frac) == (None, None, None)
    assert trade.exit_session is not None


def test_a_round_trip_counts_every_commission() -> None:
    fills = [
        fill("e", "BUY", 10, "100", MON, "1.00"),
        fill("x1", "SELL", 4, "110", TUE, "0.50"),
        fill("x2", "SELL", 6, "105", WED, "0.50"),
    ]
    # 440 + 630 - 1000 - 2.00 = 68; 68 / 1000.
    assert trades_of(fills) == (
        Trade("s", "MTUM", MON, D(100), "e", 10, WED, D(107), "x1", D("68.00"), 0.068, D("2.00")),
    )


def test_a_trade_of_two_entries_begins_with_the_first() -> None:
    fills = [
        fill("e1", "BUY", 10, "100", MON, "0"),
        fill("e2", "BUY", 10, "110", TUE, "0"),
        fill("x", "SELL", 20, "126", WED, "0"),
    ]
    # 2,520 - 2,100 = 420, a fifth of what was paid.
    assert trades_of(fills) == (Trade("s", "MTUM", MON, D(105), "e1", 20, WED, D(126), "x", D(420), 0.2, D(0)),)


def test_an_open_trade_has_no_profit_yet() -> None:
    (trade,) = trades_of([fill("e", "BUY", 10, "100", MON, "1.00"), fill("x", "SELL", 4, "110", TUE, "0")])
    assert (trade.shares, trade.exit_session, trade.exit_price, trade.pnl_usd, trade.return_frac) == (
        10,
        None,
        None,
        None,
        None,
    )
    assert trade.commission_usd == D("1.00")


def test_buying_again_after_flat_begins_another_trade() -> None:
    fills = [
        fill("e1", "BUY", 1, "100", MON, "0"),
        fill("x1", "SELL", 1, "90", TUE, "0"),
        fill("e2", "BUY", 2, "95", WED),
    ]
    first, second = trades_of(fills)
    assert (first.pnl_usd, second.entry_session, second.entry_intent_id) == (D(-10), WED, "e2")


def test_a_holding_has_the_average_price_of_its_purchases_since_flat_and_what_the_oldest_entry_kept() -> None:
    fills = [
        fill("e0", "BUY", 7, "50", date(2018, 11, 1)),
        fill("x0", "SELL", 7, "60", date(2018, 11, 2)),
        fill("e1", "BUY", 4, "99", MON),
        fill("e1", "BUY", 6, "102", MON),
        fill("x1", "SELL", 9, "90", TUE),
        fill("e2", "BUY", 10, "104", WED),
        fill("e2", "BUY", 20, "107", WED),
        fill("other", "BUY", 99, "1", MON, symbol="SPY"),
    ]
    held = holding_of("MTUM", fills, {("e1", "MTUM"): {"atr": 1.5}, ("e2", "MTUM"): {"atr": 9.0}}, 7)
    # (4 x 99 + 6 x 102 + 10 x 104 + 20 x 107) / 40 = 104.7; the last purchase (10 x 104 + 20 x 107) / 30 = 106
    assert held == Holding("MTUM", 31, 104.7, MON, {"atr": 1.5}, 7, 1, 106.0)
    assert holding_of("MTUM", fills, {}, 7) == replace(held, remembered={})
    assert (held.purchases, held.last_price) == (2, 106.0)


def test_what_was_sent_and_what_crossed_of_an_order_are_one_purchase() -> None:
    """Four shares from another sleeve and six from the market, then five more a week later at 12."""
    fills = [
        fill("crossed", "BUY", 4, "10", date(2024, 6, 3)),
        fill("sent", "BUY", 6, "10", date(2024, 6, 3)),
        fill("more", "BUY", 5, "12", date(2024, 6, 10)),
    ]
    first, later = holding_of("MTUM", fills[:2], {}, None), holding_of("MTUM", fills, {}, None)
    assert (first.shares, first.added, first.added_price) == (10, 0, None)
    assert (later.shares, later.added, later.added_price) == (15, 1, 12.0)


def test_what_a_decision_left_follows_the_splits_since() -> None:
    memory: Memory = {"month": "2018-11", "stop:MTUM": Price("MTUM", 150.0), "stop:SPY": Price("SPY", 90.0), "w": 0.5}
    standing = [Standing("MTUM", 7, MON, "burst"), Standing("SPY", 3, MON, "burst")]
    splits = [Split("MTUM", TUE, D("1.5")), Split("MTUM", MON, D(9))]
    kept, wanted, _ = in_todays_shares(memory, standing, {}, MON, splits)
    # One and a half new for one old: 150 / 1.5 = 100, 7 x 1.5 = 10.5. The session's own split is in its prices.
    assert kept == {**memory, "stop:MTUM": Price("MTUM", 100.0)}
    assert [(one.symbol, one.shares) for one in wanted] == [("MTUM", 10), ("SPY", 3)]


def test_a_flat_holding_remembers_only_how_long_ago_it_was_sold() -> None:
    assert holding_of("MTUM", [], {}, 3) == Holding("MTUM", sessions_since_exit=3)


def test_sessions_since_the_last_sale_are_counted_without_weekends() -> None:
    sessions: Sessions = weekday_sessions(date(2018, 11, 26), 15)
    fills = [fill("e", "BUY", 2, "1", MON), fill("x1", "SELL", 1, "1", TUE), fill("x2", "SELL", 1, "1", THU)]
    # Thursday 6 to Tuesday 11 December: Friday, Monday, Tuesday.
    assert sessions_since_exit("MTUM", fills, sessions, date(2018, 12, 11)) == 3
    assert sessions_since_exit("MTUM", fills, sessions, THU) == 0
    assert sessions_since_exit("MTUM", fills[:1], sessions, THU) is None
    assert sessions_since_exit("SPY", fills, sessions, THU) is None


def test_what_is_sold_beyond_the_shares_held_is_a_short_lot() -> None:
    fills = [fill("e", "BUY", 10, "100", MON, "1.00"), fill("x", "SELL", 15, "110", TUE, "3.00")]
    # 5 of the 15 are short; they carry 3.00 * 5 / 15 of the commission.
    assert lots_of(fills) == (Lot("x", "s", "MTUM", TUE, -5, -5, D(110), D("1.00")),)


def test_a_purchase_closes_the_oldest_short_shares_before_it_holds_any() -> None:
    fills = [
        fill("x1", "SELL", 4, "110", MON, "0.40"),
        fill("x2", "SELL", 6, "120", TUE, "0.60"),
        fill("c", "BUY", 7, "100", WED),
    ]
    assert lots_of(fills) == (Lot("x2", "s", "MTUM", TUE, -3, -6, D(120), D("0.30")),)
    assert lots_of([*fills, fill("e", "BUY", 5, "101", THU)]) == (Lot("e", "s", "MTUM", THU, 2, 2, D(101), D(0)),)


def test_a_fill_that_turns_the_position_ends_one_trade_and_begins_the_next() -> None:
    fills = [
        fill("e", "BUY", 10, "100", MON, "1.00"),
        fill("x", "SELL", 15, "110", TUE, "3.00"),
        fill("c", "BUY", 5, "112", WED, "0.50"),
    ]
    # Long: 10 x 10 - 1.00 - 2.00 = 97. Short: 5 at 110 bought back at 112 with 1.00 and 0.50: -11.50.
    assert trades_of(fills) == (
        Trade("s", "MTUM", MON, D(100), "e", 10, TUE, D(110), "x", D(97), 0.097, D(3)),
        Trade("s", "MTUM", TUE, D(110), "x", -5, WED, D(112), "c", D("-11.5"), -11.5 / 550, D("1.5")),
    )


def test_an_open_short_sale_is_a_trade_without_an_exit() -> None:
    (trade,) = trades_of([fill("x", "SELL", 3, "100", MON)])
    assert (trade.shares, trade.entry_price, trade.exit_session) == (-3, D(100), None)


PUT = "MTUM  190118P00100000"


def contracts(intent: str, side: str, number: int, price: str, day: date, cost: str) -> Fill:
    return replace(fill(intent, side, number, price, day, cost, symbol=PUT), multiplier=100)


def test_contracts_are_worth_their_price_times_the_shares_they_stand_for() -> None:
    (lot,) = lots_of([contracts("e", "SELL", 2, "1.50", MON, "1.30")])
    # Sold short for 2 x 1.50 x 100; at 0.40 they would cost 80 to buy back.
    assert (lot.shares, lot.entry_price, lot.multiplier) == (-2, D("1.50"), 100)
    assert (lot.paid_usd, lot.value_usd(D("0.40"))) == (D(-300), D(-80))


def test_a_round_trip_in_contracts_gains_what_the_cash_says() -> None:
    fills = [contracts("e", "SELL", 2, "1.50", MON, "1.30"), contracts("x", "BUY", 2, "0.40", WED, "1.20")]
    (trade,) = trades_of(fills)
    # 300 received, 80 paid, 2.50 of commissions.
    assert (trade.shares, trade.entry_price, trade.exit_price) == (-2, D("1.50"), D("0.40"))
    assert trade.pnl_usd == D("217.50") == sum(one.cash_usd - (one.commission_usd or 0) for one in fills)
    assert trade.return_frac == 0.725


def test_an_order_of_two_legs_opens_a_lot_in_each() -> None:
    long = "MTUM  190118P00095000"
    sold = contracts("spread", "SELL", 1, "2.00", MON, "0.70")
    bought = replace(contracts("spread", "BUY", 1, "1.20", MON, "0.70"), symbol=long)
    found = [(lot.intent_id, lot.symbol, lot.shares) for lot in lots_of([sold, bought])]
    assert found == [("spread", PUT, -1), ("spread", long, 1)]
