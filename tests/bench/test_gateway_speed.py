"""A whole run over the wire beside the same requests written by hand in forty lines of ib_insync."""

# mypy: disable-error-code="no-untyped-call"

import asyncio
from pathlib import Path
from statistics import median
from time import perf_counter

import pytest
from ib_insync import IB, ExecutionFilter, Index, Order, Stock

from mtum.app.session.run_today import run_today
from support.gateway import ACCOUNT, Running
from support.live_days import Installation, installation

PAIRS = 12
LIMIT = 1.5


def by_hand(gateway: Running, number: int) -> float:
    """The requests of a run in their order: connect, three times every list, bars, quotes, order, acknowledgement."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    ib = IB()
    ib.RequestTimeout = 5
    began = perf_counter()
    ib.connect("127.0.0.1", gateway.port, clientId=50 + number, timeout=5)

    def lists() -> None:
        ib.reqCurrentTime()
        ib.reqPositions()
        ib.accountValues(ACCOUNT)
        ib.reqAllOpenOrders()
        ib.reqCompletedOrders(False)
        ib.reqExecutions(ExecutionFilter(clientId=50 + number, acctCode=ACCOUNT))
        ib.reqExecutions(ExecutionFilter(acctCode=ACCOUNT))

    stock = Stock("MTUM", "SMART", "USD", primaryExchange="BATS")
    vix = Index("VIX", "CBOE", "USD")
    ib.reqContractDetails(stock)
    lists()
    ib.qualifyContracts(stock, vix)
    ib.reqHistoricalData(stock, "", "1 Y", "1 day", "TRADES", True)
    ib.reqHistoricalData(stock, "", "1 D", "1 day", "TRADES", True)
    ib.reqTickers(stock)
    ib.reqHistoricalData(stock, "", "41 D", "1 day", "TRADES", True)
    ib.reqHistoricalData(stock, "", "30 D", "5 mins", "TRADES", True, 2)
    ib.reqTickers(vix)
    lists()
    lists()
    ib.reqContractDetails(stock)
    ib.reqTickers(stock)
    order = Order(action="BUY", orderType="MOC", totalQuantity=1, tif="DAY", account=ACCOUNT, orderRef=f"hand-{number}")
    trade = ib.placeOrder(stock, order)
    while not trade.order.permId:
        ib.waitOnUpdate(1)
    spent = perf_counter() - began
    ib.disconnect()
    loop.run_until_complete(asyncio.sleep(0))
    loop.close()
    asyncio.set_event_loop(None)
    return spent


def ours(wire: Installation, folder: Path) -> float:
    """The same in the product: decision, records and all; a fresh database each time."""
    fresh = Installation(folder, wire.gateway, wire.settings)
    folder.mkdir()
    with fresh.desk() as desk:
        desk.broker.close()
        began = perf_counter()
        result = run_today(desk, None)
        spent = perf_counter() - began
    assert result.document["order"]["status"] == "ACCEPTED"
    return spent


@pytest.mark.bench
def test_a_run_over_the_wire_takes_little_longer_than_its_requests_by_hand(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    mine, theirs = [], []
    for number in range(PAIRS + 1):
        with installation(tmp_path / f"wire-{number}") as wire:
            mine.append(ours(wire, tmp_path / f"ours-{number}"))
        with installation(tmp_path / f"hand-{number}") as wire:
            theirs.append(by_hand(wire.gateway, number))
    # Neighbors meet the same load of the machine; the first pair also loads what every later one has.
    ratio = median(one / hand for one, hand in zip(mine[1:], theirs[1:], strict=True))
    with capsys.disabled():
        print(f"\nrun over the wire {1000 * min(mine):.0f} ms, by hand {1000 * min(theirs):.0f} ms at best; ", end="")
        print(f"ratio {ratio:.2f}, median of {PAIRS} pairs")
    assert ratio <= LIMIT
