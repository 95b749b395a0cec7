"""Each fault as a client feels it, and what the gateway's state and journal say afterwards."""

# mypy: disable-error-code="no-untyped-call"

import pytest

from mtum.core.simulation.exchange_codec import from_bytes
from support.gateway import TODAY, Running, running_gateway
from support.ib_clients import MTUM, client, codes, order, refs, until


def accepted(gateway: Running) -> list[str]:
    return [entry["ref"] for entry in gateway.entries("accepted")]


def orders_saved(gateway: Running) -> int:
    return len(from_bytes(gateway.saved[-1]).orders)


def test_a_swallowed_request_never_reaches_the_broker() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        gateway.fault("placeOrder", "swallow")
        trade = ib.placeOrder(MTUM, order())
        assert refs(ib.reqAllOpenOrders()) == []
        assert trade.orderStatus.status == "PendingSubmit"
        assert [e["reached"] for e in gateway.entries("order")] == [False]
        assert accepted(gateway) == []


def test_a_suppressed_answer_leaves_a_live_order_that_the_lists_show() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        gateway.fault("placeOrder", "suppress")
        trade = ib.placeOrder(MTUM, order())
        ib.reqCurrentTime()
        assert trade.orderStatus.permId == 0
        assert orders_saved(gateway) == 1
        assert refs(ib.reqAllOpenOrders()) == ["r-1"]
        assert accepted(gateway) == ["r-1"]


@pytest.mark.parametrize(("fault", "kept"), [("drop", 0), ("carry_out_then_drop", 1)])
def test_a_dropped_connection_before_or_after_the_order_was_taken(fault: str, kept: int) -> None:
    with running_gateway() as gateway:
        with client(gateway) as ib:
            gateway.fault("placeOrder", fault)
            ib.placeOrder(MTUM, order())
            with pytest.raises(ConnectionError):
                ib.sleep(2)
        with client(gateway) as ib:
            assert len(ib.reqAllOpenOrders()) == kept
        assert len(accepted(gateway)) == kept


def test_a_restarting_gateway_cannot_be_reached() -> None:
    with running_gateway() as gateway:
        gateway.tell("restart", seconds=60)
        with pytest.raises(ConnectionRefusedError), client(gateway):
            pass


def test_a_restart_keeps_the_order_and_takes_clients_again() -> None:
    with running_gateway() as gateway:
        with client(gateway) as ib:
            gateway.fault("placeOrder", "restart", seconds=0.05)
            ib.placeOrder(MTUM, order())
            with pytest.raises(ConnectionError):
                ib.sleep(2)
        gateway.wait_for("back")
        with client(gateway) as ib:
            assert refs(ib.reqAllOpenOrders()) == ["r-1"]


def test_a_restart_before_carrying_out_loses_the_order() -> None:
    with running_gateway() as gateway:
        with client(gateway) as ib:
            gateway.fault("placeOrder", "restart", seconds=0.0, carry_out=False)
            ib.placeOrder(MTUM, order())
            with pytest.raises(ConnectionError):
                ib.sleep(2)
        gateway.wait_for("back")
        with client(gateway) as ib:
            assert ib.reqAllOpenOrders() == []
        assert accepted(gateway) == []


def test_a_rejection_on_request_answers_with_its_code() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        gateway.fault("placeOrder", "reject", code=460, text="No trading permission")
        ib.placeOrder(MTUM, order())
        assert until(ib, lambda: 460 in codes(ib))
        assert ib.reqAllOpenOrders() == []


def test_a_duplicated_answer_arrives_twice() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        gateway.fault("orderStatus", "duplicate")
        ib.placeOrder(MTUM, order())
        assert until(ib, lambda: len([e for e in gateway.entries("answer") if e["name"] == "orderStatus"]) == 2)


def test_a_late_answer_is_overtaken_and_a_delayed_one_is_not() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        gateway.fault("openOrder", "late", seconds=0.2)
        gateway.fault("orderStatus", "late", seconds=0.2)
        trade = ib.placeOrder(MTUM, order())
        ib.reqCurrentTime()
        assert trade.orderStatus.permId == 0
        assert until(ib, lambda: trade.orderStatus.permId)
        gateway.fault("openOrder", "delay", seconds=0.2)
        second = ib.placeOrder(MTUM, order("r-2"))
        ib.reqCurrentTime()
        assert second.orderStatus.permId


def test_a_delayed_request_is_carried_out_later() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        gateway.fault("placeOrder", "delay", seconds=0.2)
        ib.placeOrder(MTUM, order())
        assert accepted(gateway) == []
        assert until(ib, lambda: accepted(gateway) == ["r-1"])


def test_a_partial_fill_on_request() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        gateway.fault("placeOrder", "partial", shares=4)
        trade = ib.placeOrder(MTUM, order())
        ib.reqCurrentTime()
        gateway.close_session()
        assert until(ib, lambda: trade.orderStatus.status == "Cancelled")
        assert [fill.execution.shares for fill in trade.fills] == [4]
        assert 202 in codes(ib)


def test_an_accepted_order_is_rejected_later_on_request() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        gateway.fault("placeOrder", "reject_later", code=201, text="risk limit", minutes=12)
        trade = ib.placeOrder(MTUM, order())
        assert until(ib, lambda: trade.orderStatus.status == "PreSubmitted")
        gateway.tell("clock", session=TODAY.isoformat(), minutes_to_close=12)
        assert until(ib, lambda: 201 in codes(ib))
        ib.reqCurrentTime()
        assert ib.reqAllOpenOrders() == []
        assert [entry["status"] for entry in gateway.entries("ended")] == ["rejected"]


def test_a_corrected_execution_repeats_its_stem() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        gateway.fault("execDetails", "correct", price_change="0.25")
        ib.placeOrder(MTUM, order())
        ib.reqCurrentTime()
        gateway.close_session()
        assert until(ib, lambda: len(ib.fills()) == 2)
        first, second = (fill.execution for fill in ib.fills())
        assert first.execId.rsplit(".", 1)[0] == second.execId.rsplit(".", 1)[0]
        assert (first.execId[-2:], second.execId[-2:]) == ("01", "02")
        assert (first.price, second.price) == (75.0, 75.25)


def test_a_notice_comes_with_the_orders_id_or_without() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        gateway.fault("placeOrder", "notice", code=10349, text="TIF preset")
        gateway.fault("reqCurrentTime", "notice", code=1100, text="lost", own_id=False)
        trade = ib.placeOrder(MTUM, order())
        ib.reqCurrentTime()
        assert until(ib, lambda: len(codes(ib)) == 2)
        assert (trade.order.orderId, 10349) in ib.errors
        assert (-1, 1100) in ib.errors


def test_a_swallowed_answer_is_lost_and_the_journal_says_so() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        ib.RequestTimeout = 0.3
        gateway.fault("execDetailsEnd", "swallow")
        with pytest.raises(TimeoutError):
            ib.reqExecutions()
        assert [entry["name"] for entry in gateway.entries("lost")] == ["execDetailsEnd"]
        assert ib.reqExecutions() == []


def test_a_half_open_connection_answers_nothing_but_stays() -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        ib.RequestTimeout = 0.3
        gateway.fault("request", "swallow", count=0)
        with pytest.raises(TimeoutError):
            ib.reqCurrentTime()
        assert ib.isConnected()
        ib.placeOrder(MTUM, order())
        with pytest.raises(TimeoutError):
            ib.reqAllOpenOrders()
        assert accepted(gateway) == []


@pytest.mark.parametrize(("carry_out", "kept"), [(False, []), (True, ["r-1"])])
def test_a_held_client_is_no_longer_heard_or_answered(carry_out: bool, kept: list[str]) -> None:
    with running_gateway() as gateway:
        with client(gateway) as ib:
            ib.RequestTimeout = 0.3
            gateway.fault("placeOrder", "hold", carry_out=carry_out)
            trade = ib.placeOrder(MTUM, order())
            ib.placeOrder(MTUM, order("r-2"))
            with pytest.raises(TimeoutError):
                ib.reqCurrentTime()
            assert trade.orderStatus.permId == 0
        with client(gateway) as ib:
            assert refs(ib.reqAllOpenOrders()) == kept


@pytest.mark.parametrize(("carry_out", "heard"), [(False, False), (True, True)])
def test_a_client_can_be_held_before_or_after_an_answer(carry_out: bool, heard: bool) -> None:
    with running_gateway() as gateway, client(gateway) as ib:
        ib.RequestTimeout = 0.3
        gateway.fault("orderStatus", "hold", carry_out=carry_out)
        trade = ib.placeOrder(MTUM, order())
        with pytest.raises(TimeoutError):
            ib.reqCurrentTime()
        assert (trade.orderStatus.status == "PreSubmitted") is heard
        assert [entry["do"] for entry in gateway.entries("fault")] == ["hold"]
