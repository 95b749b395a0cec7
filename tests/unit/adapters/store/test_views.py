"""The views over a small history whose numbers are worked out by hand."""

import random
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from mtum.adapters.store.checks import problems
from mtum.adapters.store.opening import SqliteStore
from mtum.core.portfolio.fills import Split, folded, rebased
from mtum.core.portfolio.lots import lots_of, trades_of
from mtum.core.portfolio.orders import OrderStatus, Side
from mtum.ports.records import EquityPoint
from support.store import FRIDAY, MONDAY, STRATEGY, THURSDAY, TUESDAY, bars_of, decision, fill, intent, later, traded
from support.values import replace

TENTH, ELEVENTH, TWELFTH, THIRTEENTH = (date(2018, 12, day) for day in (10, 11, 12, 13))
CLOSES = {MONDAY: 105.0, TUESDAY: 106.0, THURSDAY: 104.0, FRIDAY: 107.5, TENTH: 100.0, ELEVENTH: 90.0, TWELFTH: 95.0}


def rows(store: SqliteStore, view: str) -> list[dict[str, Any]]:
    return [dict(row) for row in store.database.rows(f"SELECT * FROM {view}")]


def bought(store: SqliteStore, day: date, shares: int, price: str, commission: str) -> None:
    order = intent(day, shares=shares)
    traded(store, order, fill(order, f"{order.id}.1", shares, price, commission))


def sold(store: SqliteStore, day: date, shares: int, price: str, commission: str, *reasons: str) -> None:
    order = intent(day, Side.SELL, shares, reasons=reasons)
    traded(store, order, fill(order, f"{order.id}.1", shares, price, commission))


def test_a_round_trip_is_one_trade(store: SqliteStore) -> None:
    store.bars.accept(bars_of(CLOSES), later(0), None)
    bought(store, MONDAY, 19, "105", "2")
    sold(store, FRIDAY, 19, "107.5", "2.04", "vix_fear", "rsi_low")
    # 19 x 107.50 - 19 x 105 - 4.04 = 2042.50 - 1995 - 4.04 = 43.46; bars after Monday: 4th, 6th, 7th
    assert rows(store, "v_trades") == [
        {
            "strategy": STRATEGY,
            "symbol": "MTUM",
            "entry_session": "2018-12-03",
            "entry_price": 105.0,
            "exit_session": "2018-12-07",
            "exit_price": 107.5,
            "shares": 19,
            "pnl_usd": 43.46,
            "return_frac": pytest.approx(43.46 / 1995),
            "reason": "vix_fear",
            "sessions_held": 3,
            "commission_usd": 4.04,
        }
    ]


def test_a_trade_with_a_commission_that_is_not_known_has_no_profit_yet(store: SqliteStore) -> None:
    store.bars.accept(bars_of(CLOSES), later(0), None)
    bought(store, MONDAY, 19, "105", "2")
    order = intent(FRIDAY, Side.SELL, 19, reasons=("vix_fear",))
    traded(store, order, fill(order, "untold.1", 19, "107.5"))
    (row,) = rows(store, "v_trades")
    assert (row["exit_session"], row["exit_price"]) == ("2018-12-07", 107.5)
    assert (row["pnl_usd"], row["return_frac"], row["commission_usd"]) == (None, None, None)
    store.orders.add_fills([fill(order, "untold.1", 19, "107.5", "2.04")])
    (row,) = rows(store, "v_trades")
    assert (row["pnl_usd"], row["commission_usd"]) == (43.46, 4.04)


def test_a_position_bought_at_a_commission_that_is_not_known_has_no_result_yet(store: SqliteStore) -> None:
    store.bars.accept(bars_of(CLOSES), later(0), None)
    order = intent(MONDAY, shares=19)
    traded(store, order, fill(order, "untold.1", 19, "105"))
    store.ledger.write_lots(STRATEGY, lots_of(store.orders.fills(STRATEGY)), {})
    (row,) = rows(store, "v_positions")
    assert (row["shares"], row["commission_usd"], row["unrealized_usd"]) == (19, None, None)


def test_a_carried_exit_belongs_to_its_trade_and_keeps_the_first_reason(store: SqliteStore) -> None:
    store.bars.accept(bars_of(CLOSES), later(0), None)
    bought(store, TENTH, 10, "100", "1")
    sold(store, ELEVENTH, 4, "90", "0.5", "close_below_ma")
    sold(store, TWELFTH, 6, "95", "0.5", "exit_carried", "close_below_ma")
    (trade,) = rows(store, "v_trades")
    # 4 x 90 + 6 x 95 = 930, so 93 a share; 930 - 1000 - 2 = -72
    assert (trade["exit_session"], trade["exit_price"], trade["pnl_usd"]) == ("2018-12-12", 93.0, -72.0)
    assert (trade["reason"], trade["sessions_held"]) == ("close_below_ma", 2)
    assert trade["return_frac"] == pytest.approx(-0.072)


def test_an_exit_that_was_carried_over_whole_keeps_the_reason_it_began_with(store: SqliteStore) -> None:
    """The first order expired unfilled; all shares were sold by the one that carried it on."""
    bought(store, MONDAY, 10, "100", "1")
    sold(store, TUESDAY, 10, "95", "1", "exit_carried", "flatten")
    (trade,) = rows(store, "v_trades")
    assert trade["reason"] == "flatten"


def test_an_open_trade_has_no_exit(store: SqliteStore) -> None:
    bought(store, MONDAY, 10, "100", "1")
    sold(store, TUESDAY, 4, "101", "1")
    (trade,) = rows(store, "v_trades")
    assert (trade["shares"], trade["entry_price"], trade["commission_usd"]) == (10, 100.0, 2.0)
    empty = ("exit_session", "exit_price", "pnl_usd", "return_frac", "reason", "sessions_held")
    assert [trade[name] for name in empty] == [None] * 6


def test_only_the_last_correction_of_a_fill_counts(store: SqliteStore) -> None:
    order = intent()
    traded(store, order, fill(order, "a.01", 19, "105"), fill(order, "a.02", 18, "104"))
    (trade,) = rows(store, "v_trades")
    assert (trade["shares"], trade["entry_price"]) == (18, 104.0)


def test_agreed_splits_turn_a_trade_into_todays_shares(store: SqliteStore) -> None:
    bought(store, MONDAY, 10, "120", "0")
    store.bars.agree_split(Split("MTUM", TUESDAY, Decimal(2)), later(0))
    store.bars.agree_split(Split("MTUM", THURSDAY, Decimal(3)), later(0))
    store.bars.agree_split(Split("SPY", THURSDAY, Decimal(7)), later(0))
    sold(store, FRIDAY, 60, "21", "0")
    (trade,) = rows(store, "v_trades")
    # 10 shares at 120 are 60 at 20; 60 x 21 - 1200 = 60
    assert (trade["shares"], trade["entry_price"], trade["exit_price"], trade["pnl_usd"]) == (60, 20.0, 21.0, 60.0)


def test_a_trade_whose_split_left_a_fraction_ends_when_the_whole_shares_are_sold(store: SqliteStore) -> None:
    bought(store, MONDAY, 17, "150", "0")
    store.bars.agree_split(Split("MTUM", TUESDAY, Decimal("1.5")), later(0))
    sold(store, FRIDAY, 25, "110", "0")
    (trade,) = rows(store, "v_trades")
    # 17 at 150 are 25.5 at 100; the half share was paid in cash: 25 x 110 - 25 x 100 = 250
    assert (trade["shares"], trade["entry_price"], trade["exit_price"], trade["pnl_usd"]) == (25, 100.0, 110.0, 250.0)
    assert trade["exit_session"] == "2018-12-07"
    (same,) = trades_of(rebased(folded(store.orders.fills(STRATEGY)), store.bars.actions()))
    assert (same.shares, same.entry_price) == (25, Decimal(100))
    assert (same.exit_price, same.pnl_usd) == (Decimal(110), Decimal(250))


def test_a_trade_that_is_not_what_its_fills_make_is_told(store: SqliteStore) -> None:
    bought(store, MONDAY, 10, "100", "1")
    sold(store, TUESDAY, 10, "101", "1")
    assert not any("trade" in line for line in problems(store.database.connection))
    with store.database.write() as connection:
        connection.execute("UPDATE trades SET pnl_usd = 100")
    assert f"the trade of MTUM by {STRATEGY} since 2018-12-03 is not what its fills make" in problems(
        store.database.connection
    )


@pytest.mark.parametrize("seed", range(2))
def test_the_trades_of_the_view_are_those_of_the_core(store: SqliteStore, seed: int) -> None:
    draw = random.Random(seed)
    held = {"MTUM": 0, "SPY": 0}
    for number in range(30):
        day = date.fromordinal(MONDAY.toordinal() + number)
        for symbol, now in held.items():
            side = Side.SELL if draw.random() < (0.7 if now > 0 else 0.3) else Side.BUY
            # Every other history never sells more than is held; the rest turn from long to short and back.
            side = Side.BUY if now <= 0 and seed % 2 else side
            shares = draw.randint(1, now if side is Side.SELL and seed % 2 else 20)
            held[symbol] += shares if side is Side.BUY else -shares
            order = intent(day, side, shares, symbol)
            price, commission = f"{draw.randint(5000, 9000) / 100}", f"{draw.randint(0, 300) / 100}"
            traded(store, order, fill(order, f"{order.id}.1", shares, price, commission))
    expected = trades_of(folded(store.orders.fills()))
    found = rows(store, "v_trades")
    assert len(found) > 2
    assert [(one["symbol"], one["entry_session"], one["exit_session"], one["shares"]) for one in found] == [
        (one.symbol, str(one.entry_session), str(one.exit_session) if one.exit_session else None, one.shares)
        for one in expected
    ]
    assert any(one.shares < 0 for one in expected) is not bool(seed % 2)
    assert [one["entry_price"] for one in found] == [
        pytest.approx(float(one.entry_price), abs=1e-6) for one in expected
    ]
    assert [one["pnl_usd"] for one in found] == [
        None if one.pnl_usd is None else pytest.approx(float(one.pnl_usd)) for one in expected
    ]


def test_a_day_shows_what_was_seen_decided_ordered_and_filled(store: SqliteStore) -> None:
    order = intent()
    indicators = {"close": 105.25, "vix": 16.44, "rsi": 55.5, "ma": 103.1, "atr": 1.5}
    store.decisions.commit_decisions([decision(document={"symbols": {"MTUM": {"indicators": indicators}}})], [order])
    store.decisions.write_preview(decision(TUESDAY, preview=True))
    store.orders.claim_order(order.id, later(1))
    store.orders.move_order(order.id, OrderStatus.FILLED, later(2))
    store.orders.add_fills([fill(order, "a.01", 12, "105.2"), fill(order, "b.01", 7, "105.21")])
    store.ledger.write_equity(point())
    (day,) = rows(store, "v_daily")
    assert day == {
        "session": "2018-12-03",
        "strategy": STRATEGY,
        "action": "enter",
        "reason": "close_above_ma",
        "all_reasons": "close_above_ma, vix_calm",
        "decision_price": 105.25,
        "close": 105.2,
        "indicators": '{"MTUM":{"close":105.25,"vix":16.44,"rsi":55.5,"ma":103.1,"atr":1.5}}',
        "equity_usd": 4998.8,
        "benchmark_usd": 5001.0,
        "orders": "BUY 19 MTUM FILLED",
        "fills": "BUY 12 MTUM at 105.2, BUY 7 MTUM at 105.21",
    }


def test_a_day_of_several_symbols_shows_no_price_as_it_would_be_one_of_them(store: SqliteStore) -> None:
    seen = {symbol: {"indicators": {"close": price}} for symbol, price in (("MTUM", 105.25), ("SPY", 270.5))}
    store.decisions.commit_decisions([decision(document={"symbols": seen})], ())
    store.ledger.write_equity(point())
    (day,) = rows(store, "v_daily")
    assert (day["decision_price"], day["close"], day["equity_usd"]) == (None, None, 4998.8)
    assert day["indicators"] == '{"MTUM":{"close":105.25},"SPY":{"close":270.5}}'


def point() -> EquityPoint:
    cash, none, market, total = (Decimal(text) for text in ("3000", "0", "1998.8", "4998.8"))
    return EquityPoint(MONDAY, STRATEGY, cash, none, market, total, none, Decimal(5001), Decimal("105.2"), 19)


CONDITIONS = [
    {"name": "vix_calm", "value": 16.44, "threshold": 25.0, "margin": 8.56, "passed": True},
    {"name": "rsi_high", "value": None, "threshold": 50.0, "margin": None, "passed": False},
]


@pytest.mark.parametrize("symbols", [{"MTUM": {"conditions": CONDITIONS}}, {}, None])
def test_every_condition_of_a_session_is_a_row(store: SqliteStore, symbols: dict[str, Any] | None) -> None:
    """With or without a part per symbol in the document."""
    document = {"conditions": CONDITIONS} | ({} if symbols is None else {"symbols": symbols})
    store.decisions.commit_decisions([decision(document=document)], ())
    found = [list(row.values()) for row in rows(store, "v_signals")]
    symbol = "MTUM" if symbols else None
    assert found == [
        ["2018-12-03", STRATEGY, symbol, 1, "vix_calm", 16.44, 25.0, 8.56, 1, "enter"],
        ["2018-12-03", STRATEGY, symbol, 2, "rsi_high", None, 50.0, None, 0, "enter"],
    ]


def test_a_position_is_valued_at_the_newest_close(store: SqliteStore) -> None:
    store.bars.accept(bars_of(CLOSES), later(0), None)
    bought(store, MONDAY, 10, "105", "1")
    bought(store, TUESDAY, 5, "108", "0.5")
    store.ledger.write_lots(STRATEGY, lots_of(rebased(folded(store.orders.fills()), ())), {})
    # 1050 + 540 = 1590 for 15 shares; 15 x 95 = 1425; 1425 - 1590 - 1.50 = -166.50
    assert rows(store, "v_positions") == [
        {
            "strategy": STRATEGY,
            "symbol": "MTUM",
            "shares": 15,
            "entry_session": "2018-12-03",
            "entry_price": 106.0,
            "commission_usd": 1.5,
            "price_session": "2018-12-12",
            "last_price": 95.0,
            "market_usd": 1425.0,
            "unrealized_usd": -166.5,
        }
    ]


def test_contracts_are_valued_times_their_multiplier(store: SqliteStore) -> None:
    put, close = "MTUM  190118P00100000", {MONDAY: 1.4, FRIDAY: 0.9}
    store.bars.accept(replace(bars_of(close), symbol=put), later(0), None)
    order = intent(MONDAY, shares=2, symbol=put)
    traded(store, order, replace(fill(order, "in.1", 2, "1.50", "1.30"), multiplier=100))
    store.ledger.write_lots(STRATEGY, lots_of(store.orders.fills()), {})
    (position,) = rows(store, "v_positions")
    # Two at 0.90 are 180 USD, bought for 300.
    assert (position["entry_price"], position["market_usd"], position["unrealized_usd"]) == (1.5, 180.0, -121.3)
    assert problems(store.database.connection) == ()
    assert store.ledger.lots(STRATEGY) == lots_of(store.orders.fills())
    assert [move.amount_usd for move in store.ledger.movements(STRATEGY)] == [Decimal(-300), Decimal("-1.3")]
    out = intent(FRIDAY, Side.SELL, 2, symbol=put)
    traded(store, out, replace(fill(out, "out.1", 2, "0.90", "1.20"), multiplier=100))
    (trade,) = rows(store, "v_trades")
    # 180 - 300 - 2.50
    assert (trade["entry_price"], trade["exit_price"], trade["pnl_usd"]) == (1.5, 0.9, -122.5)
    assert trade["return_frac"] == pytest.approx(-122.5 / 300)
