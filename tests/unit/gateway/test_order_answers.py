"""What the gateway answers to orders, cancels and questions about them."""

# mypy: disable-error-code="no-untyped-call"

import pytest
from ib_insync import ExecutionFilter

from mtum.gateway.behavior import Behavior, EmptyFilter
from support.gateway import HALF_DAY, TODAY, running_gateway
from support.ib_clients import MTUM, client, codes, order, refs, until


def test_a_late_order_is_rejected_and_one_after_the_close_waits_for_tomorrow() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        gateway.tell("clock", session=TODAY.isoformat(), minutes_to_close=9)
        ib.placeOrder(MTUM, order("late"))
        assert until(ib, lambda: codes(ib) == [201])
        gateway.close_session()
        ib.placeOrder(MTUM, order("next"))
        assert until(ib, lambda: codes(ib) == [201, 399])
        assert refs(ib.reqAllOpenOrders()) == ["next"]
        gateway.tell("clock", session="2015-06-11", minutes_to_close=0)
        assert until(ib, lambda: len(ib.fills()) == 1)
        assert ib.fills()[0].execution.price == 75.1


def test_a_cancel_before_the_cutoff_is_final_and_a_late_one_is_refused() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        first, second = order("a", shares=5), order("b", shares=5)
        ib.placeOrder(MTUM, first)
        ib.placeOrder(MTUM, second)
        ib.reqCurrentTime()
        ib.cancelOrder(first)
        assert until(ib, lambda: codes(ib) == [202])
        gateway.tell("clock", session=TODAY.isoformat(), minutes_to_close=10)
        ib.cancelOrder(second)
        assert until(ib, lambda: 10148 in codes(ib))
        assert refs(ib.reqAllOpenOrders()) == ["b"]
        gateway.close_session()
        assert until(ib, lambda: [f.execution.orderRef for f in ib.fills()] == ["b"])


def test_another_clients_order_is_listed_but_cannot_be_canceled() -> None:
    with running_gateway() as gateway:
        with client(gateway, 7) as ib:
            ib.placeOrder(MTUM, order())
            ib.reqCurrentTime()
        with client(gateway, 8) as ib:
            assert ib.reqOpenOrders() == []
            assert refs(ib.reqAllOpenOrders()) == ["r-1"]
            ib.client.cancelOrder(1)
            assert until(ib, lambda: codes(ib) == [10147])
            ib.reqGlobalCancel()
            ib.reqCurrentTime()
            assert ib.reqAllOpenOrders() == []


@pytest.mark.parametrize(
    ("mode", "own", "other"),
    [(EmptyFilter.ALL, 1, 1), (EmptyFilter.OWN, 1, 0), (EmptyFilter.NOTHING, 0, 0)],
)
def test_an_empty_execution_filter_is_answered_in_three_ways(mode: EmptyFilter, own: int, other: int) -> None:
    with running_gateway(behavior=Behavior(empty_filter=mode, commission_seconds=0.0)) as gateway:
        with client(gateway, 7) as ib:
            ib.placeOrder(MTUM, order(kind="MKT"))
            assert until(ib, ib.fills)
            assert len(ib.reqExecutions()) == own
            assert len(ib.reqExecutions(ExecutionFilter(clientId=7))) == 1
        with client(gateway, 8) as ib:
            assert len(ib.reqExecutions()) == other
            assert len(ib.reqExecutions(ExecutionFilter(clientId=7))) == 1
            assert ib.reqExecutions(ExecutionFilter(clientId=7, symbol="SPY")) == []
            assert ib.reqExecutions(ExecutionFilter(clientId=7, side="SELL")) == []


def test_a_silent_gateway_never_answers_an_empty_filter() -> None:
    silent = Behavior(empty_filter=EmptyFilter.SILENT)
    with running_gateway(behavior=silent) as gateway, pytest.raises(TimeoutError), client(gateway, seconds=0.4):
        pass


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"shares": 1.5}, 10243),
        ({"kind": "STP"}, 387),
        ({"transmit": False}, 107),
        ({"account": "DUP9"}, 435),
        ({"shares": 5000}, 201),
        ({"side": "SELL"}, 201),
    ],
)
def test_orders_that_a_real_gateway_refuses(fields: dict[str, object], code: int) -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        ib.placeOrder(MTUM, order(**fields))  # type: ignore[arg-type]
        assert until(ib, lambda: codes(ib) == [code])
        assert ib.reqAllOpenOrders() == []


def test_a_read_only_gateway_refuses_every_order() -> None:
    with running_gateway(behavior=Behavior(read_only=True)) as gateway, client(gateway) as ib:
        ib.placeOrder(MTUM, order())
        assert until(ib, lambda: codes(ib) == [321])


def test_an_order_without_time_in_force_gets_the_preset_and_lives() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        ib.placeOrder(MTUM, order(tif=""))
        assert until(ib, lambda: codes(ib) == [10349])
        assert refs(ib.reqAllOpenOrders()) == ["r-1"]


def test_a_permanent_id_may_come_late() -> None:
    with running_gateway(behavior=Behavior(perm_id_late=True)) as gateway, client(gateway) as ib:
        seen: list[int] = []
        ib.openOrderEvent += lambda trade: seen.append(trade.order.permId)
        ib.placeOrder(MTUM, order())
        assert until(ib, lambda: len(seen) == 2)
        assert seen[0] == 0
        assert seen[1] > 0


def test_fees_come_after_the_fill_and_again_when_asked() -> None:
    with running_gateway(behavior=Behavior(commission_seconds=0.3)) as gateway, client(gateway) as ib:
        ib.placeOrder(MTUM, order(kind="MKT"))
        assert until(ib, ib.fills)
        assert ib.fills()[0].commissionReport.execId == ""
        assert until(ib, lambda: ib.fills()[0].commissionReport.execId)
        # 10 x 75.00 = 750.00, 0.1 % = 0.75
        assert ib.fills()[0].commissionReport.commission == 0.75


def test_a_half_day_closes_at_one() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        gateway.tell("clock", session=HALF_DAY.isoformat(), minutes_to_close=15)
        ib.placeOrder(MTUM, order())
        ib.reqCurrentTime()
        gateway.close_session(HALF_DAY.isoformat())
        assert until(ib, ib.fills)
        assert f"{ib.fills()[0].execution.time:%H:%M}" == "17:00"


def test_the_order_survives_in_the_saved_bytes_of_another_gateway() -> None:
    with running_gateway() as gateway:
        with client(gateway) as ib:
            ib.placeOrder(MTUM, order())
            ib.reqCurrentTime()
        stored = gateway.saved[-1]
    with running_gateway(stored=stored) as gateway, client(gateway) as ib:
        assert refs(ib.reqAllOpenOrders()) == ["r-1"]
        assert ib.client.getReqId() > ib.reqAllOpenOrders()[0].order.orderId


def test_a_client_id_in_use_is_refused_with_326() -> None:
    with running_gateway() as gateway, client(gateway, 7):
        heard: list[tuple[int, int]] = []
        with pytest.raises((TimeoutError, ConnectionError)), client(gateway, 7, seconds=0.4, heard=heard):
            pass
        assert heard == [(-1, 326)]
        assert len(gateway.entries("login")) == 1


def test_completed_orders_are_todays() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        ib.placeOrder(MTUM, order(kind="MKT"))
        assert until(ib, ib.fills)
        assert [t.order.filledQuantity for t in ib.reqCompletedOrders(False)] == [10]
        gateway.tell("clock", session="2015-06-11")
        assert ib.reqCompletedOrders(False) == []
        assert ib.reqExecutions() == []
