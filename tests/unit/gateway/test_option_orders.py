"""Orders in options at the practice gateway, as an unchanged client library sends them and hears of them."""

# mypy: disable-error-code="no-untyped-call"

from collections.abc import Iterator

import pytest

from mtum.core.portfolio.money import AccountKind
from support.gateway import ACCOUNT, Running
from support.ib_clients import Listener, client, until
from support.option_clients import filled, filled_legs, limit, pinned, rejection, sides, spread
from support.option_gateway import option_gateway


@pytest.fixture
def running() -> Iterator[Running]:
    with option_gateway() as gateway:
        yield gateway


@pytest.fixture
def ib(running: Running) -> Iterator[Listener]:
    with client(running) as library:
        yield library


def test_an_order_at_the_near_side_rests_and_one_at_the_far_side_fills_halfway(ib: Listener) -> None:
    put = pinned(ib, 195.0)
    bid, ask = sides(ib, put)
    middle, half = (bid + ask) / 2, (ask - bid) / 2
    order = limit("SELL", 2, ask)
    trade = ib.placeOrder(put, order)
    assert until(ib, lambda: trade.orderStatus.status == "Submitted")
    order.lmtPrice = round(bid, 2)
    ib.placeOrder(put, order)
    assert filled(ib, trade)
    # Halfway from the middle to the bid, on the nearest cent.
    [fill] = trade.fills
    assert abs(fill.execution.price - (middle - 0.5 * half)) < 0.0050001
    assert (fill.execution.shares, fill.execution.side, fill.contract.conId) == (2, "SLD", put.conId)
    assert fill.commissionReport.commission == pytest.approx(1.40)
    # The list may have a change among its rows.
    position = ib.reqPositions()[-1]
    assert (position.contract.localSymbol, position.position) == (put.localSymbol, -2)
    # The cost of a contract that was sold is what it brought, less the fee.
    assert position.avgCost == pytest.approx(100 * fill.execution.price - 0.70)


def test_a_price_between_two_steps_is_refused_and_an_order_for_the_auction_too(ib: Listener) -> None:
    nickel = pinned(ib, 70.0, symbol="MTUM")
    assert rejection(ib, nickel, limit("BUY", 1, 1.01))[0] == 110
    auction = limit("BUY", 1, 1.0)
    auction.orderType = "MOC"
    assert rejection(ib, nickel, auction)[0] == 387


def test_a_put_needs_its_strike_in_cash_in_an_account_without_margin() -> None:
    with option_gateway(cash=19_400, kind=AccountKind.CASH) as poor, client(poor) as ib:
        put = pinned(ib, 195.0)
        code, text = rejection(ib, put, limit("SELL", 1, 2.0))
        assert code == 201
        assert "EQUITY WITH LOAN VALUE [19399.00 USD] MUST EXCEED THE INITIAL MARGIN [19500.00 USD]" in text
        trade = ib.placeOrder(pinned(ib, 190.0), limit("SELL", 1, 5.0, "o-2"))
        assert until(ib, lambda: trade.orderStatus.status == "Submitted")
        # The working order holds its strike back as well.
        assert rejection(ib, pinned(ib, 180.0), limit("SELL", 1, 5.0, "o-3"))[0] == 201


def test_orders_on_both_sides_of_one_contract_are_refused_through_a_combination_too(ib: Listener) -> None:
    short, long = pinned(ib, 195.0), pinned(ib, 190.0)
    trade = ib.placeOrder(spread(short, long), limit("BUY", 1, -5.0))
    assert until(ib, lambda: trade.orderStatus.status == "PreSubmitted")
    code, text = rejection(ib, short, limit("BUY", 1, 0.01, "o-2"))
    assert code == 201
    assert "Cannot have open orders on both sides of the same US Option contract" in text
    other = ib.placeOrder(long, limit("BUY", 1, 0.01, "o-3"))
    assert until(ib, lambda: other.orderStatus.status == "Submitted")


def test_a_call_that_nothing_covers_is_above_the_permission_and_shares_cover_it(running: Running, ib: Listener) -> None:
    call = pinned(ib, 205.0, "C")
    code, text = rejection(ib, call, limit("SELL", 1, 9.0))
    assert code == 201
    assert "you do not have trading permissions for this options strategy" in text
    running.tell("hold", account=ACCOUNT, symbol="SPY", shares=100, average_cost="190")
    trade = ib.placeOrder(call, limit("SELL", 1, 9.0, "o-2"))
    assert until(ib, lambda: trade.orderStatus.status == "Submitted")
    assert rejection(ib, call, limit("SELL", 1, 9.0, "o-3"))[0] == 201


def test_a_vertical_fills_as_a_whole_and_by_its_legs_with_fees_by_leg(ib: Listener) -> None:
    short, long = pinned(ib, 195.0), pinned(ib, 190.0)
    (sold_bid, sold_ask), (bought_bid, bought_ask) = sides(ib, short), sides(ib, long)
    far = bought_ask - sold_bid
    middle = ((bought_ask + bought_bid) - (sold_ask + sold_bid)) / 2
    trade = ib.placeOrder(spread(short, long), limit("BUY", 3, far))
    assert filled_legs(ib, trade, 2)
    whole, *legs = sorted(trade.fills, key=lambda fill: fill.execution.execId)
    assert [fill.contract.secType for fill in (whole, *legs)] == ["BAG", "OPT", "OPT"]
    assert [fill.execution.execId[-6:] for fill in (whole, *legs)] == [".01.01", ".02.01", ".03.01"]
    assert [(fill.execution.side, fill.execution.shares) for fill in legs] == [("SLD", 3), ("BOT", 3)]
    net = legs[1].execution.price - legs[0].execution.price
    assert net == pytest.approx(whole.execution.price)
    # Halfway from the middle to the far side, on the nearest cent.
    assert abs(net - (far + middle) / 2) < 0.0050001
    assert trade.orderStatus.avgFillPrice == pytest.approx(net)
    assert (trade.orderStatus.filled, trade.filled()) == (3, 3)
    # 0.70 for each contract of each leg; none for the combination.
    assert [fill.commissionReport.commission for fill in legs] == [pytest.approx(2.10)] * 2
    assert not whole.commissionReport.execId
    held = {one.contract.conId: one.position for one in ib.reqPositions()}
    assert held == {short.conId: -3, long.conId: 3}


def test_a_working_combination_changes_only_by_the_contract_that_came_back(ib: Listener) -> None:
    ours, order = spread(pinned(ib, 195.0), pinned(ib, 190.0)), limit("BUY", 1, -5.0)
    trade = ib.placeOrder(ours, order)
    assert until(ib, lambda: trade.orderStatus.status == "PreSubmitted")
    order.lmtPrice = -4.9
    assert rejection(ib, ours, order)[0] == 105
    [row] = [one for one in ib.reqAllOpenOrders() if one.order.orderId == order.orderId]
    assert row.orderStatus.status == "PreSubmitted"
    returned = spread(pinned(ib, 195.0), pinned(ib, 190.0))
    returned.conId, returned.localSymbol, returned.tradingClass = 28812380, "SPY", "COMB"
    again = limit("BUY", 1, -4.8)
    again.orderId = order.orderId
    trade = ib.placeOrder(returned, again)
    assert until(ib, lambda: len(trade.log) > 1)
    assert not trade.log[-1].errorCode


def test_a_trial_tells_the_margin_of_a_spread_and_an_error_nothing(ib: Listener) -> None:
    short, long = pinned(ib, 195.0), pinned(ib, 190.0)
    state = ib.whatIfOrder(spread(short, long), limit("BUY", 2, -1.0))
    # 5 USD wide, 100 shares, 2 spreads; nothing held before.
    assert (float(state.initMarginBefore), float(state.initMarginAfter)) == (0.0, 1000.0)
    assert state.maxCommission == pytest.approx(2.80)
    uncovered = ib.whatIfOrder(pinned(ib, 205.0, "C"), limit("SELL", 1, 1.0))
    assert not uncovered
    assert ib.reqAllOpenOrders() == []


def test_a_credit_for_what_can_only_win_is_riskless(ib: Listener) -> None:
    turned_round = spread(pinned(ib, 190.0), pinned(ib, 195.0))
    code, text = rejection(ib, turned_round, limit("BUY", 1, -1.0))
    assert code == 201
    assert "Riskless combination orders are not allowed" in text


def test_executions_may_come_before_the_order(running: Running, ib: Listener) -> None:
    running.tell("behavior", executions_first=True)
    put = pinned(ib, 195.0)
    trade = ib.placeOrder(put, limit("SELL", 1, 0.05))
    assert filled(ib, trade)
    names = [one["name"] for one in running.entries("answer")]
    assert names.index("execDetails") < names.index("openOrder")


def test_the_permission_and_the_reach_of_fills_are_switches(running: Running, ib: Listener) -> None:
    running.tell("behavior", option_level=2, fill_reach="1")
    put = pinned(ib, 195.0)
    assert rejection(ib, put, limit("SELL", 1, 0.01))[0] == 201
    _, ask = sides(ib, put)
    trade = ib.placeOrder(put, limit("BUY", 1, ask + 1, "o-2"))
    assert filled(ib, trade)
    # At the far side, and never worse than that.
    assert trade.fills[0].execution.price == ask
