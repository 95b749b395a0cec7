"""What becomes of options overnight and while a cancel is on its way, as an unchanged client library sees it."""

# mypy: disable-error-code="no-untyped-call"

from collections.abc import Iterator
from datetime import date

import pytest
from ib_insync import IB, Contract

from support.gateway import ACCOUNT, Running
from support.ib_clients import Listener, client, until
from support.option_clients import filled, limit, pinned, rejection, sides, spread
from support.option_gateway import option_gateway, option_market

EXPIRY, MONDAY = date(2015, 6, 19), date(2015, 6, 22)


@pytest.fixture
def running() -> Iterator[Running]:
    with option_gateway() as gateway:
        yield gateway


def held(ib: IB) -> dict[str, float]:
    return {one.contract.localSymbol: one.position for one in ib.reqPositions() if one.position}


def sell(ib: Listener, contract: Contract, ref: str = "o-1") -> None:
    assert filled(ib, ib.placeOrder(contract, limit("SELL", 1, 0.01, ref)))


def test_a_call_is_assigned_on_the_eve_of_its_dividend_without_an_event() -> None:
    # Up to 215 on the 15th; 2.00 USD go ex on the 16th, and the put at 205 is worth cents.
    closes = {date(2015, 6, day): 215.0 for day in (15, 16, 17, 18, 19)}
    market = option_market(closes, {date(2015, 6, 16): 2.0})
    with option_gateway(source=market) as running:
        running.tell("hold", account=ACCOUNT, symbol="SPY", shares=100, average_cost="190")
        with client(running) as ib:
            sell(ib, pinned(ib, 205.0, "C", "20150619"))
            cash = float(running.tell("state")["accounts"][ACCOUNT]["cash"])
            running.tell("clock", session="2015-06-15", minutes_to_close=22)
            assert held(ib) == {"SPY": 100, "SPY   150619C00205000": -1}
            running.tell("clock", session="2015-06-16", minutes_to_close=22)
            assert held(ib) == {}
            # The shares went at 205, before the dividend; nobody traded.
            assert float(running.tell("state")["accounts"][ACCOUNT]["cash"]) == cash + 20_500
            assert ib.reqExecutions() == []


def test_what_settles_in_cash_leaves_cash_alone() -> None:
    # The VIX ends at 15 on the Tuesday: calls at 13 are worth 2.00 each.
    with option_gateway() as running, client(running) as ib:
        call = pinned(ib, 13.0, "C", "20150616", "VIX")
        assert filled(ib, ib.placeOrder(call, limit("BUY", 3, 9.0)))
        before = float(running.tell("state")["accounts"][ACCOUNT]["cash"])
        running.tell("clock", session="2015-06-16", minutes_to_close=22)
        assert held(ib) == {call.localSymbol: 3}
        running.tell("clock", session="2015-06-17", minutes_to_close=22)
        assert held(ib) == {}
        assert float(running.tell("state")["accounts"][ACCOUNT]["cash"]) == before + 600


def test_a_night_may_be_told_as_executions_of_nobody() -> None:
    market = option_market({EXPIRY: 190.0, MONDAY: 190.0})
    with option_gateway(source=market) as running, client(running) as ib:
        running.tell("behavior", book_trades=True)
        sell(ib, pinned(ib, 195.0, "P", "20150619"))
        running.tell("clock", session=MONDAY.isoformat(), minutes_to_close=22)
        told = {
            (f.contract.secType, f.execution.side, f.execution.shares, f.execution.price) for f in ib.reqExecutions()
        }
        assert told == {("OPT", "BOT", 1.0, 0.0), ("STK", "BOT", 100.0, 195.0)}
        assert {(f.execution.permId, f.execution.orderId, f.execution.orderRef) for f in ib.reqExecutions()} == {
            (0, 0, "")
        }
        assert held(ib) == {"SPY": 100}


def test_a_special_dividend_adjusts_the_options_of_everybody_who_may_hold_no_shares() -> None:
    with option_gateway() as running:
        with client(running) as ib:
            ours = pinned(ib, 195.0)
            sell(ib, ours)
        cash = running.tell("state")["accounts"][ACCOUNT]["cash"]
        running.tell("change", account=ACCOUNT, symbol="SPY", usd="5", keep=True)
        with client(running) as ib:
            (adjusted,) = [one.contract for one in ib.reqPositions() if one.position]
        told = (adjusted.symbol, adjusted.tradingClass, adjusted.localSymbol)
        assert told == ("SPY", "SPY1", "SPY1  150717P00195000")
        assert adjusted.conId != ours.conId
        # 5.00 USD for each of no shares.
        assert running.tell("state")["accounts"][ACCOUNT]["cash"] == cash


def test_a_spin_off_adjusts_the_options_on_the_parent_alone() -> None:
    with option_gateway() as running:
        running.tell("hold", account=ACCOUNT, symbol="SPY", shares=100)
        with client(running) as ib:
            sell(ib, pinned(ib, 205.0, "C"))
            sell(ib, pinned(ib, 12.0, "P", "20150616", "VIX"), "o-2")
        running.tell("change", account=ACCOUNT, symbol="SPY", into="MTUM", ratio="0.5", keep=True)
        with client(running) as ib:
            names = {"SPY": 100, "MTUM": 50, "SPY1  150717C00205000": -1, "VIX   150616P00012000": -1}
            assert held(ib) == names


def test_a_cancel_that_comes_too_late_finds_the_order_filled(running: Running) -> None:
    with client(running) as ib:
        combo = spread(pinned(ib, 195.0), pinned(ib, 190.0))
        trade = ib.placeOrder(combo, limit("BUY", 2, -4.0))
        assert until(ib, lambda: trade.orderStatus.status == "PreSubmitted")
        running.fault("cancelOrder", "fill")
        ib.cancelOrder(trade.order)
        assert until(ib, lambda: len(trade.fills) == 3)
        assert until(ib, lambda: 10148 in [code for _, code in ib.errors])
        assert [order["status"] for order in running.tell("state")["orders"]] == []
        assert sorted(held(ib).values()) == [-2, 2]


def test_a_cancel_may_leave_what_filled_meanwhile_and_its_answer_may_be_lost(running: Running) -> None:
    with client(running) as ib:
        combo = spread(pinned(ib, 195.0), pinned(ib, 190.0))
        trade = ib.placeOrder(combo, limit("BUY", 3, -4.0))
        assert until(ib, lambda: trade.orderStatus.status == "PreSubmitted")
        running.fault("cancelOrder", "fill", shares=1)
        ib.cancelOrder(trade.order)
        assert until(ib, lambda: 202 in [code for _, code in ib.errors])
        assert sorted(held(ib).values()) == [-1, 1]
        other = ib.placeOrder(combo, limit("BUY", 1, -4.0, "o-2"))
        assert until(ib, lambda: other.orderStatus.status == "PreSubmitted")
        running.fault("cancelOrder", "suppress")
        ib.cancelOrder(other.order)
        ib.reqCurrentTime()
        assert other.orderStatus.status == "PendingCancel"
    with client(running) as again:
        assert again.reqAllOpenOrders() == []
        states = [(t.order.orderRef, t.orderStatus.status) for t in again.reqCompletedOrders(False)]
        assert sorted(states) == [("o-1", "Cancelled"), ("o-2", "Cancelled")]


def test_an_accepted_order_may_be_rejected_and_a_part_of_one_may_fill(running: Running) -> None:
    with client(running) as ib:
        put = pinned(ib, 195.0)
        running.fault("placeOrder", "partial", shares=2)
        trade = ib.placeOrder(put, limit("SELL", 5, 0.01))
        assert until(ib, lambda: trade.filled() == 2)
        assert trade.orderStatus.status == "Submitted"
        ib.cancelOrder(trade.order)
        assert until(ib, trade.isDone)
        assert held(ib) == {put.localSymbol: -2}
        running.fault("placeOrder", "reject_later", minutes=30, code=201, text="Order rejected - reason: later")
        late = ib.placeOrder(pinned(ib, 180.0), limit("SELL", 1, 5.0, "o-2"))
        assert until(ib, lambda: 201 in [code for _, code in ib.errors])
        assert until(ib, lambda: late.orderStatus.status in ("Inactive", "Cancelled"))


def test_what_somebody_else_sells_stands_in_the_way_of_what_we_buy(running: Running) -> None:
    order = {"kind": "OPT", "right": "P", "strike": "195", "expiry": "2015-07-17", "type": "LMT", "limit": "9.00"}
    running.tell("trade", account=ACCOUNT, symbol="SPY", side="SELL", shares=1, **order)
    with client(running) as ib:
        assert [trade.order.action for trade in ib.reqAllOpenOrders()] == ["SELL"]
        code, text = rejection(ib, pinned(ib, 195.0), limit("BUY", 1, 0.01))
        assert code == 201
        assert "both sides of the same US Option contract" in text


def test_the_account_tells_what_a_put_is_worth_and_holds_back(running: Running) -> None:
    with client(running) as ib:
        put = pinned(ib, 195.0)
        sell(ib, put)
        values = {one.tag: one.value for one in ib.accountSummary()}
        middle = sum(sides(ib, put)) / 2
        # 1.70 of premium, and a fifth of 200 less the 5 that it is outside.
        assert float(values["InitMarginReq"]) == pytest.approx(100 * (middle + 35))
        told = {one.tag: one.value for one in ib.accountValues() if one.currency == "USD"}
        assert float(told["OptionMarketValue"]) == pytest.approx(-100 * middle)
        assert float(told["StockMarketValue"]) == 0
        cash = float(running.tell("state")["accounts"][ACCOUNT]["cash"])
        assert float(values["NetLiquidation"]) == pytest.approx(cash - 100 * middle)
