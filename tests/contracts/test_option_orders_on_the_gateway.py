"""Option orders of our adapter on the practice gateway, from the offer to the books.

TEST_LIBRARY names the library; `test_ib_async_environment.py` runs this file with the other one.
"""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from mtum.core.market.instruments import Right
from mtum.core.options.asking import ChainRequest
from mtum.core.options.contracts import Delivery, Style
from mtum.core.options.selecting import Window
from mtum.core.portfolio.options.orders import market_of
from mtum.core.portfolio.orders import OrderStatus, Side
from mtum.ports.broker import NoAnswer, Rejected
from mtum.ports.options import Working
from support.gateway import Running
from support.gateway_desk import JULY, GatewayDesk, gateway_desk, offered, put
from support.option_gateway import index_market, option_gateway

BUY, SELL = Side.BUY, Side.SELL
P195, P190 = put("195"), put("190")
C205, C210 = put("205", Right.CALL), put("210", Right.CALL)
SPREAD = ((SELL, P195), (BUY, P190))
CONDOR = (*SPREAD, (SELL, C205), (BUY, C210))


@pytest.fixture
def gateway() -> Iterator[Running]:
    with option_gateway() as running:
        yield running


@pytest.fixture
def desk(gateway: Running) -> Iterator[GatewayDesk]:
    with gateway_desk(gateway) as found:
        yield found


def market(desk: GatewayDesk, parts: tuple[tuple[Side, object], ...]) -> tuple[Decimal, Decimal]:
    """The near side, at which nothing fills at once, and the far one, net."""
    legs = offered(*parts, price=Decimal(-1)).intent.legs  # type: ignore[arg-type]
    found = market_of(legs, desk.broker.quotes(leg.contract for leg in legs))
    assert found is not None
    return found.near, found.far


def test_a_put_is_offered_and_sold_when_its_price_is_changed(desk: GatewayDesk) -> None:
    near, far = market(desk, ((SELL, P195),))
    made = offered((SELL, P195), price=near, quantity=2)
    assert isinstance(desk.broker.place(made), Working)
    (resting,) = desk.broker.option_lists().working
    assert (resting.ref, resting.price, resting.legs) == (made.ref, near, made.intent.legs)
    desk.broker.change(offered((SELL, P195), price=far, quantity=2, in_place=True))
    lists = desk.broker.option_lists()
    assert (lists.working, lists.completed) == ((), {made.ref: OrderStatus.FILLED})
    assert lists.positions == {P195: -2}
    (fill,) = lists.fills
    assert (fill.ref, fill.contract, fill.quantity) == (made.ref, P195, -2)
    assert (lists.unknown, lists.unread) == ((), ())
    # The share side of the same account sees what is pledged, and no riddle.
    shares = desk.broker.lists()
    assert (shares.unread, [one.kind for one in shares.others]) == ((), ["OPT"])


@pytest.mark.parametrize("executions_first", [False, True])
def test_a_combination_is_improved_by_another_one_after_the_first_is_proven_gone(
    gateway: Running, *, executions_first: bool
) -> None:
    gateway.tell("behavior", executions_first=executions_first)
    with gateway_desk(gateway) as desk:
        near, far = market(desk, SPREAD)
        first, second = offered(*SPREAD, price=near), offered(*SPREAD, price=far, number=2)
        assert isinstance(desk.broker.place(first), Working)
        assert desk.broker.cancel_option(first.ref)
        desk.broker.place(second)
        lists = desk.broker.option_lists()
    assert lists.completed == {first.ref: OrderStatus.CANCELED, second.ref: OrderStatus.FILLED}
    assert lists.positions == {P195: -1, P190: 1}
    legs = {one.contract: one.quantity for one in lists.fills if not one.combo}
    (whole,) = [one for one in lists.fills if one.combo]
    assert (legs, whole.quantity, whole.contract) == ({P195: -1, P190: 1}, 1, None)
    assert far >= whole.price >= near
    # The records of the legs come to that of the combination.
    assert lists.unread == ()
    assert {one.ref for one in lists.fills} == {second.ref}


def test_the_broker_answers_what_a_condor_would_need(desk: GatewayDesk) -> None:
    near, _ = market(desk, CONDOR)
    told = desk.broker.option_what_if(offered(*CONDOR, price=near))
    assert told is not None
    assert told.one_side
    assert desk.broker.option_lists().working == ()


def test_a_condor_on_the_xsp_is_sold_and_settles_in_cash_by_the_close() -> None:
    # At 203 on its last day the call at 201 costs 2.00, that at 206 and the puts nothing; no share is moved.
    strikes = (("195", Right.PUT), ("190", Right.PUT), ("201", Right.CALL), ("206", Right.CALL))
    p195, p190, c201, c206 = (put(strike, right, "XSP") for strike, right in strikes)
    condor = ((SELL, p195), (BUY, p190), (SELL, c201), (BUY, c206))
    with option_gateway(source=index_market({JULY: 203.0})) as gateway, gateway_desk(gateway) as desk:
        details = desk.broker.details(contract for _, contract in condor)
        assert {one.con_id: details[one.con_id].contract for _, one in condor} == {one.con_id: one for _, one in condor}
        assert {details[one.con_id].listing.refused for _, one in condor} == {None}
        _, far = market(desk, condor)
        assert desk.broker.tick(offered(*condor, price=far).intent.legs, far) == Decimal("0.01")
        sold = offered(*condor, price=far)
        desk.broker.place(sold)
        lists = desk.broker.option_lists()
        assert lists.completed == {sold.ref: OrderStatus.FILLED}
        assert lists.positions == {p195: -1, p190: 1, c201: -1, c206: 1}
        before = lists.account.cash_usd
        gateway.tell("clock", session="2015-07-20", minutes_to_close=300)
        after = desk.broker.option_lists()
        assert (after.positions, after.shares, after.account.cash_usd) == ({}, {}, before - 200)


def test_classes_of_the_spx_are_told_apart_by_the_day_that_settles_them() -> None:
    wanted = ChainRequest("SPX", Window(36, 37, 37), frozenset({Right.PUT}), (0.20, 0.30))
    with option_gateway(source=index_market()) as gateway, gateway_desk(gateway) as desk:
        rows = desk.chains.chain(wanted, 2000.0, datetime(2015, 6, 10, 19, 38, tzinfo=UTC)).rows
    told = {(one.trading_class, one.style, one.delivery, one.expiry, one.settles) for one in (r.contract for r in rows)}
    # The third Friday is the 17th: the monthly class trades until the day before, and its opening prices settle it.
    friday, eve = date(2015, 7, 17), date(2015, 7, 16)
    assert ("SPX", Style.EUROPEAN, Delivery.CASH_AM, eve, friday) in told
    assert ("SPXW", Style.EUROPEAN, Delivery.CASH_PM, friday, friday) in told


def test_another_side_of_a_working_contract_is_refused_with_the_brokers_words(desk: GatewayDesk) -> None:
    near, _ = market(desk, SPREAD)
    assert isinstance(desk.broker.place(offered(*SPREAD, price=near)), Working)
    outcome = desk.broker.place(offered((BUY, P195), price=Decimal("0.05")))
    assert isinstance(outcome, Rejected)
    assert (outcome.code, outcome.final) == (201, True)
    assert "closings go first" in outcome.text


def test_a_price_between_two_steps_is_refused(desk: GatewayDesk) -> None:
    outcome = desk.broker.place(offered((SELL, P195), price=Decimal("-1.005")))
    assert isinstance(outcome, Rejected)
    assert outcome.code == 110


@pytest.mark.full
@pytest.mark.parametrize("fault", ["swallow", "suppress"])
def test_a_lost_order_is_never_sent_again_by_itself(gateway: Running, fault: str) -> None:
    gateway.fault("placeOrder", fault)
    with gateway_desk(gateway) as desk:
        made = offered(*SPREAD, price=Decimal("-0.05"))
        assert isinstance(desk.broker.place(made), NoAnswer)
        working = [order.ref for order in desk.broker.option_lists().working]
    assert working in ([], [made.ref])
    assert len(gateway.entries("order")) == 1


@pytest.mark.full
@pytest.mark.parametrize("fault", ["swallow", "suppress"])
def test_a_cancel_whose_answer_is_lost_is_believed_by_the_lists_alone(gateway: Running, fault: str) -> None:
    with gateway_desk(gateway) as desk:
        near, _ = market(desk, SPREAD)
        made = offered(*SPREAD, price=near)
        desk.broker.place(made)
        gateway.fault("cancelOrder", fault)
        gone = desk.broker.cancel_option(made.ref)
        listed = [order.ref for order in desk.broker.option_lists().working]
    assert gone is (listed == [])
