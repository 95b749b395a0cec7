"""Every server version that changes a message, as ib_insync decodes it."""

# mypy: disable-error-code="no-untyped-call"

import logging

import pytest

from mtum.gateway.behavior import Behavior
from support.gateway import running_gateway
from support.ib_clients import MTUM, client, order, refs, until

# 158 is left out: library and official client disagree about one field, and nobody meets it.
VERSIONS = (157, 159, 160, 162, 163, 164, 166, 169, 170, 175, 176, 178)


@pytest.mark.parametrize("version", VERSIONS)
def test_a_day_is_understood_at_every_version(version: int, caplog: pytest.LogCaptureFixture) -> None:
    behavior = Behavior(server_version=version, commission_seconds=0.0)
    with running_gateway(behavior=behavior) as gateway, client(gateway) as ib:
        assert ib.client.serverVersion() == min(version, 176)
        (details,) = ib.reqContractDetails(MTUM)
        assert details.marketRuleIds == "26,26"
        assert (details.minSize > 0) == (version >= 164)
        assert len(ib.reqMatchingSymbols("MT")) == 1
        assert len(ib.reqHistoricalData(MTUM, "", "5 D", "1 day", "TRADES", True)) == 5
        trade = ib.placeOrder(MTUM, order())
        ib.reqCurrentTime()
        assert refs(ib.reqAllOpenOrders()) == ["r-1"]
        ib.cancelOrder(trade.order)
        assert until(ib, lambda: trade.orderStatus.status == "Cancelled")
        assert ib.whatIfOrder(MTUM, order("trial")).commissionCurrency == "USD"
        ib.placeOrder(MTUM, order("now", kind="MKT"))
        assert until(ib, ib.fills)
        assert sorted(t.order.orderRef for t in ib.reqCompletedOrders(False)) == ["now", "r-1"]
        assert gateway.entries("malformed") == []
    assert [
        r.getMessage() for r in caplog.records if r.name == "ib_insync.Decoder" and r.levelno >= logging.ERROR
    ] == []


def test_a_client_that_is_too_old_is_turned_away() -> None:
    behavior = Behavior(server_version=156)
    with running_gateway(behavior=behavior) as gateway:
        with pytest.raises((TimeoutError, ConnectionError)), client(gateway, seconds=0.4):
            pass
        assert "no common version" in gateway.entries("malformed")[0]["text"]
