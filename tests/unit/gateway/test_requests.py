"""Requests as a real client library encodes them, every optional block included."""

# mypy: disable-error-code="no-untyped-call"

from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from ib_insync import IB, Bag, ComboLeg, Order, Stock, TagValue
from ib_insync.client import Client
from ib_insync.contract import DeltaNeutralContract
from ib_insync.order import (
    ExecutionCondition,
    MarginCondition,
    OrderComboLeg,
    PercentChangeCondition,
    PriceCondition,
    TimeCondition,
    VolumeCondition,
)

from mtum.gateway.framing import WireError
from mtum.gateway.requests import Request, read_request

VERSIONS = (157, 158, 160, 162, 166, 169, 170, 176)
STOCK = Stock("MTUM", "SMART", "USD", primaryExchange="BATS")


class Encoder(Client):
    """The library's client, writing into a list instead of a socket."""

    def __init__(self, version: int) -> None:
        super().__init__(IB().wrapper)
        self._serverVersion = version
        self.sent: list[list[str]] = []

    def isConnected(self) -> bool:  # noqa: N802 - the library's name
        return True

    def sendMsg(self, msg: str) -> None:  # noqa: N802 - the library's name
        self.sent.append(msg.split("\0")[:-1])


def read(version: int, call: Callable[[Encoder], None]) -> Request:
    encoder = Encoder(version)
    call(encoder)
    return read_request(encoder.sent[0], version)


def moc(**fields: Any) -> Order:
    plain = {"action": "BUY", "totalQuantity": 10, "orderType": "MOC", "tif": "DAY", "orderRef": "r-1"}
    return Order(**{**plain, **fields})


BAG = Bag(
    symbol="X",
    exchange="SMART",
    currency="USD",
    comboLegs=[ComboLeg(1, 1, "BUY", "SMART"), ComboLeg(2, 1, "SELL", "SMART")],
)
HEDGED = Stock("MTUM", "SMART", "USD", deltaNeutralContract=DeltaNeutralContract(1, 0.5, 2.0))
CONDITIONS = [
    PriceCondition(price=1.0),
    TimeCondition(time="20150610 15:00:00"),
    MarginCondition(percent=5),
    ExecutionCondition(symbol="X"),
    VolumeCondition(volume=5),
    PercentChangeCondition(changePercent=1.0),
]
BLOCKS = {
    "plain": (STOCK, moc()),
    "bag": (
        BAG,
        moc(orderComboLegs=[OrderComboLeg(1.0)], smartComboRoutingParams=[TagValue("NonGuaranteed", "1")]),
    ),
    "delta neutral": (STOCK, moc(deltaNeutralOrderType="MKT", deltaNeutralConId=5)),
    "delta neutral contract": (HEDGED, moc()),
    "scale": (STOCK, moc(scaleInitLevelSize=5, scalePriceIncrement=0.1)),
    "hedge": (STOCK, moc(hedgeType="B", hedgeParam="1")),
    "algo": (STOCK, moc(algoStrategy="Adaptive", algoParams=[TagValue("adaptivePriority", "Normal")])),
    "benchmark": (STOCK, moc(orderType="PEG BENCH")),
    "conditions": (STOCK, moc(conditions=CONDITIONS)),
    "ats": (Stock("MTUM", "IBKRATS", "USD"), moc(minTradeQty=1)),
    "peg best": (STOCK, moc(orderType="PEG BEST", competeAgainstBestOffset=float("inf"))),
    "peg best at an offset": (STOCK, moc(orderType="PEG BEST", competeAgainstBestOffset=0.02)),
    "peg mid": (STOCK, moc(orderType="PEG MID", midOffsetAtWhole=0.1)),
}


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("block", BLOCKS)
def test_an_order_is_read_to_its_last_field(block: str, version: int) -> None:
    contract, order = BLOCKS[block]
    request = read(version, lambda client: client.placeOrder(12, contract, order))
    assert request.name == "placeOrder"
    assert (request.whole("orderId"), request.text("orderRef"), request.text("tif")) == (12, "r-1", "DAY")
    assert request.decimal("totalQuantity") == 10
    assert not request.flag("whatIf")


def test_a_plain_order_has_114_fields_after_its_id_at_176() -> None:
    encoder = Encoder(176)
    encoder.placeOrder(12, STOCK, moc())
    assert len(encoder.sent[0]) - 1 == 114


def test_fields_behind_the_optional_blocks_are_found() -> None:
    order = moc(whatIf=True, hedgeType="B", hedgeParam="1", cashQty=5.5, usePriceMgmtAlgo=True)
    request = read(176, lambda client: client.placeOrder(12, STOCK, order))
    assert request.flag("whatIf")
    assert request.decimal("cashQty") == Decimal("5.5")
    assert request.flag("usePriceMgmtAlgo")


@pytest.mark.parametrize("version", VERSIONS)
def test_data_requests_are_read_to_their_last_field(version: int) -> None:
    history = read(
        version,
        lambda c: c.reqHistoricalData(5, STOCK, "", "30 D", "1 day", "TRADES", True, 1, False, []),
    )
    assert (history.text("barSize"), history.text("duration"), history.text("symbol")) == ("1 day", "30 D", "MTUM")
    quote = read(version, lambda c: c.reqMktData(6, HEDGED, "", True, False, []))
    assert quote.flag("snapshot")
    details = read(version, lambda c: c.reqContractDetails(7, STOCK))
    assert details.text("primaryExchange") == "BATS"
    canceled = read(version, lambda c: c.cancelOrder(12))
    assert canceled.whole("orderId") == 12


@pytest.mark.parametrize(
    ("fields", "complaint"),
    [
        (["999"], "999 is not known"),
        (["49", "1", "extra"], "1 fields left over"),
        (["62", "1"], "ends after 2"),
        (["x"], "whole number"),
        (["3", "1", "2"], "ends after"),
    ],
)
def test_malformed_requests_are_refused_in_words(fields: list[str], complaint: str) -> None:
    with pytest.raises(WireError, match=complaint):
        read_request(fields, 176)


def test_numbers_that_mean_not_set_are_none() -> None:
    request = Request("placeOrder", {"a": "", "b": "1.7976931348623157E308", "c": "2.5"})
    assert [request.decimal(name) for name in "abc"] == [None, None, Decimal("2.5")]
