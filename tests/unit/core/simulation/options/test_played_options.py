"""Options in a played history: fills, ends and books, each worked out by hand on a script of a few sessions."""

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from mtum.core.options.legs import OptionPurpose
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.orders import Side
from mtum.core.simulation.options.desk import dearest_of
from mtum.core.simulation.played import PlayedAccount
from mtum.core.simulation.played_options import PlayedOptions
from support.scripted_options import BUY, CAPITAL, SELL, Move, call, days_from, play, put, unmoved

FIRST = date(2018, 3, 1)
EXPIRY = date(2018, 4, 13)  # a Friday, the 31st session from the first
DAYS = days_from(FIRST, 40)
OPEN, CLOSE, ROLL = OptionPurpose.OPEN, OptionPurpose.CLOSE, OptionPurpose.ROLL


def of(found: PlayedAccount) -> PlayedOptions:
    return found.options["scripted"]


def sold(strike: str, quantity: int = 1) -> dict[date, Move]:
    return {FIRST: (OPEN, ((SELL, put(strike, EXPIRY)),), quantity)}


def premium_of(found: PlayedAccount) -> float:
    net = of(found).orders[0].net
    assert net is not None
    return -net


def test_a_put_that_expires_out_of_the_money_leaves_its_premium_less_the_fee() -> None:
    found = play(unmoved(FIRST, 33, 270.0), sold("260"))
    assert [(one.session, one.kind, one.shares, one.cash_usd) for one in of(found).events] == [
        (EXPIRY, "expired", 0, 0.0)
    ]
    assert found.total.final_equity_usd == pytest.approx(CAPITAL + 100 * premium_of(found) - 1.00, abs=1e-9)
    (group,) = of(found).groups
    assert (group.opened, group.ended, group.ends) == (FIRST, EXPIRY, ("expired",))
    assert group.pnl_usd == pytest.approx(100 * premium_of(found) - 1.00, abs=0.005)


def test_a_sale_fills_half_way_from_the_middle_to_the_bid() -> None:
    found = play(unmoved(FIRST, 2, 270.0), sold("260"))
    (order,) = of(found).orders
    assert order.net is not None
    assert order.start < order.net < 0
    # The bid and the ask stand on cents: a quarter of what lies between them is given away.
    assert (order.net - order.start) * 4 * 100 == pytest.approx(round((order.net - order.start) * 4 * 100), abs=1e-6)
    assert of(found).spread_usd == pytest.approx(100 * (order.net - order.start), abs=0.005)
    assert of(found).fees_usd == 1.00


def test_the_equity_marks_what_closing_at_the_middle_would_cost() -> None:
    found = play(unmoved(FIRST, 1, 270.0), sold("260"))
    given = of(found).spread_usd + of(found).fees_usd
    # Sold at the middle it would be worth what it brought; the quote's middle is within half a cent of the model's.
    assert found.total.equity[0] == pytest.approx(CAPITAL - given, abs=0.51)


def test_an_assigned_put_brings_shares_at_the_strike() -> None:
    closes = unmoved(FIRST, 33, 270.0) | {EXPIRY: 255.0} | unmoved(date(2018, 4, 16), 2, 256.5)
    found = play(dict(sorted(closes.items())), sold("260", 3))
    (event,) = of(found).events
    assert (event.session, event.kind, event.shares, event.cash_usd) == (EXPIRY, "assigned", 300, -78_000.0)
    (trade,) = found.total.trades
    assert (trade.entry_session, trade.entry_price, trade.shares, trade.exit_session) == (EXPIRY, 260.0, 300, None)
    premium = 300 * premium_of(found) - 2.10
    assert found.total.final_equity_usd == pytest.approx(CAPITAL + premium - 300 * 3.5, abs=1e-6)
    assert found.shares["SPY"].tolist()[-3:] == [0.0, 300.0, 300.0]


def test_a_call_on_own_shares_takes_them_at_its_strike() -> None:
    after = days_from(date(2018, 4, 16), 40)
    later = after[30]  # the last session of its contract is a Friday
    assert later == date(2018, 5, 29)
    expiry = date(2018, 5, 25)
    closes = dict.fromkeys(days_from(FIRST, 64), 270.0) | {EXPIRY: 255.0}
    closes |= {day: 256.0 for day in closes if day > EXPIRY} | {day: 275.0 for day in closes if day >= expiry}
    script = sold("260") | {date(2018, 4, 16): (OPEN, ((SELL, call("265", expiry)),), 1)}
    found = play(closes, script)
    assert [(one.kind, one.shares, one.cash_usd) for one in of(found).events] == [
        ("assigned", 100, -26_000.0),
        ("assigned", -100, 26_500.0),
    ]
    (trade,) = found.total.trades
    assert (trade.exit_price, trade.pnl_usd, trade.reason) == (265.0, 500.0, "assigned")
    premiums = sum(-100 * one.net - 1.00 for one in of(found).orders if one.net is not None)
    assert found.total.final_equity_usd == pytest.approx(CAPITAL + premiums + 500.0, abs=1e-6)


def test_a_call_is_assigned_on_the_eve_of_a_dividend_and_its_shares_get_none() -> None:
    expiry, ex_day = date(2018, 5, 25), date(2018, 5, 4)
    days = days_from(FIRST, 50)
    closes = dict.fromkeys(days, 270.0) | {EXPIRY: 255.0}
    closes |= {day: 258.0 for day in days if day > EXPIRY} | {day: 290.0 for day in days if day >= date(2018, 5, 1)}
    script = sold("260") | {date(2018, 4, 16): (OPEN, ((SELL, call("262", expiry)),), 1)}
    found = play(closes, script, d20180504=1.25)
    eve = days[days.index(ex_day) - 1]
    early = of(found).events[-1]
    assert (early.session, early.kind, early.shares, early.cash_usd) == (eve, "assigned", -100, 26_200.0)
    assert "dividend of 1.25" in early.told
    assert found.total.trades[0].dividends_usd == 0.0
    without = play(closes, script)
    assert [one.session for one in of(without).events] == [EXPIRY]


def test_a_roll_is_one_order_that_closes_one_and_opens_the_other() -> None:
    day, new = date(2018, 4, 2), put("262", date(2018, 5, 18))
    script = sold("260") | {day: (ROLL, ((BUY, put("260", EXPIRY)), (SELL, new)), 1)}
    found = play(unmoved(FIRST, 30, 270.0), script)
    _, roll = of(found).orders
    assert (roll.purpose, roll.fees_usd, roll.net is not None) == ("roll", 1.40, True)
    (group,) = of(found).groups
    assert (group.ended, group.ends) == (None, ("traded",))


def test_a_spread_on_an_index_ends_in_cash_at_the_close() -> None:
    high, low = put("260", EXPIRY, "XSP"), put("250", EXPIRY, "XSP")
    script: dict[date, Move] = {FIRST: (OPEN, ((SELL, high), (BUY, low)), 2)}
    closes = unmoved(FIRST, 33, 270.0) | {EXPIRY: 255.0}
    found = play(closes, script, symbol="XSP")
    assert [(one.session, one.kind, one.shares, one.cash_usd) for one in of(found).events] == [
        (EXPIRY, "expired", 0, 0.0),
        (EXPIRY, "cash_settled", 0, -1_000.0),
    ]
    (order,) = of(found).orders
    assert order.net is not None
    assert found.total.final_equity_usd == pytest.approx(CAPITAL - 200 * order.net - 2.80 - 1_000.0, abs=1e-6)


def test_a_stop_closes_before_the_expiry_at_what_the_market_asks() -> None:
    stopped = date(2018, 3, 20)
    script = sold("260") | {stopped: (CLOSE, ((BUY, put("260", EXPIRY)),), 1)}
    closes = dict.fromkeys(days_from(FIRST, 30), 270.0) | dict.fromkeys(days_from(stopped, 10), 256.0)
    found = play(dict(sorted(closes.items())), script)
    _, closing = of(found).orders
    assert closing.net is not None
    assert closing.net > premium_of(found) + 2.0
    (group,) = of(found).groups
    assert (group.ended, group.ends) == (stopped, ("traded",))
    assert group.pnl_usd == pytest.approx(100 * (premium_of(found) - closing.net) - 2.00, abs=0.006)
    assert found.total.final_equity_usd == pytest.approx(CAPITAL + group.pnl_usd, abs=0.006)


def test_nothing_fills_beyond_the_worst_price_that_is_taken() -> None:
    found = play(unmoved(FIRST, 2, 270.0), sold("260"), at_middle=frozenset({FIRST}))
    (order,) = of(found).orders
    assert order.net is None
    assert order.why_not.endswith(f"is beyond {order.start}, the worst that is taken")
    assert found.total.final_equity_usd == CAPITAL


def test_the_gate_refuses_what_cash_does_not_secure_and_what_nothing_covers() -> None:
    too_many = play(unmoved(FIRST, 2, 270.0), sold("260", 4))
    assert of(too_many).held_back == {"cash": 1}
    naked = play(unmoved(FIRST, 2, 270.0), {FIRST: (OPEN, ((SELL, call("280", EXPIRY)),), 1)})
    assert of(naked).held_back == {"uncovered_calls": 1}
    assert not of(too_many).orders
    assert not of(naked).orders


def test_shares_of_a_broken_group_are_traded_back_and_the_rest_is_closed() -> None:
    # A put spread that ends between its strikes: the short brings shares, the long is gone with it.
    low, high = put("250", EXPIRY), put("260", EXPIRY)
    script: dict[date, Move] = {FIRST: (OPEN, ((SELL, high), (BUY, low)), 1)}
    closes = unmoved(FIRST, 33, 270.0) | {EXPIRY: 255.0} | unmoved(date(2018, 4, 16), 2, 254.0)
    found = play(dict(sorted(closes.items())), script)
    assert [(one.kind, one.shares, one.cash_usd) for one in of(found).events] == [
        ("expired", 0, 0.0),
        ("assigned", 100, -26_000.0),
        ("traded_back", -100, 25_400.0),
    ]
    (order,) = of(found).orders
    assert order.net is not None
    # The credit, its two fees, and what the shares lost over the night after they came at 260.
    assert found.total.final_equity_usd == pytest.approx(CAPITAL - 100 * order.net - 1.40 - 600.0, abs=1e-6)
    assert not found.total.trades


def test_every_dollar_is_explained_by_orders_events_and_trades() -> None:
    closes = {day: 270.0 - 8.0 * ((at // 7) % 3) for at, day in enumerate(days_from(FIRST, 50))}
    day, new = date(2018, 4, 2), put("255", date(2018, 5, 18))
    script = sold("260", 2) | {day: (ROLL, ((BUY, put("260", EXPIRY)), (SELL, new)), 2)}
    found = play(closes, script)
    traded = sum(-100 * one.quantity * one.net - one.fees_usd for one in of(found).orders if one.net is not None)
    ended = sum(one.cash_usd for one in of(found).events)
    shares = float(found.shares["SPY"][-1]) * list(closes.values())[-1]
    open_now = found.total.final_equity_usd - CAPITAL - traded - ended - shares
    if not any(group.ended is None for group in of(found).groups):
        assert open_now == pytest.approx(0.0, abs=1e-6)
    else:
        assert open_now < 0  # what is sold is owed


def test_a_history_is_played_the_same_every_time() -> None:
    closes = {day: 270.0 - 0.3 * at for at, day in enumerate(days_from(FIRST, 34))}
    first, again = play(closes, sold("262", 2)), play(closes, sold("262", 2))
    assert of(first) == of(again)
    assert first.total.equity.tolist() == again.total.equity.tolist()


def test_decimals_of_a_quote_do_not_leak_into_cash() -> None:
    found = play(unmoved(FIRST, 33, 270.0), sold("260"))
    cash = Decimal(str(found.total.final_equity_usd)) - Decimal(str(CAPITAL))
    assert cash == cash.quantize(Decimal("0.0001"))


def test_a_call_is_written_above_the_shares_that_are_left_not_above_those_that_went() -> None:
    def traded(side: Side, shares: int, price: str) -> Fill:
        at = datetime(2018, 3, 1, 21, tzinfo=UTC)
        return Fill("F", "i", "", "", "SPY", side, FIRST, at, shares, Decimal(price), Decimal(0))

    dear, cheap, gone = traded(BUY, 100, "300"), traded(BUY, 200, "250"), traded(SELL, 100, "305")
    assert dearest_of([dear, cheap]) == 300
    assert dearest_of([dear, cheap, gone]) == 250
    assert dearest_of([cheap, dear, gone]) == 300


def test_a_loss_that_closes_everything_sells_pledged_shares_once_their_call_is_gone() -> None:
    fell, expiry = date(2018, 4, 24), date(2018, 5, 25)
    closes = dict.fromkeys(days_from(FIRST, 42), 270.0) | {EXPIRY: 255.0}
    closes |= {day: 256.0 for day in closes if day > EXPIRY} | {day: 240.0 for day in closes if day >= fell}
    script = sold("260") | {date(2018, 4, 16): (OPEN, ((SELL, call("265", expiry)),), 1)}
    found = play(closes, script, losses=LossRules(1_000.0, flatten_on_daily_loss=True))
    back = of(found).orders[-1]
    assert (back.session, back.purpose, back.reasons, back.net is not None) == (fell, "close", ("daily_loss",), True)
    # The price stands still from here on: no loss of that day calls for the sale.
    (trade,) = found.total.trades
    assert (trade.exit_session, trade.exit_price, trade.reason) == (date(2018, 4, 25), 240.0, "daily_loss")
    assert found.shares["SPY"].tolist()[-1] == 0.0
