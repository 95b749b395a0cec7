"""ib_insync clients of a practice gateway."""

# mypy: disable-error-code="no-untyped-call"

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import Any

from ib_insync import IB, Order, Stock

from support.gateway import ACCOUNT, PATIENCE_SECONDS, Running

MTUM = Stock("MTUM", "SMART", "USD", primaryExchange="BATS")


class Listener(IB):
    """A client that collects the errors it hears as (id, code)."""

    def __init__(self) -> None:
        super().__init__()
        self.errors: list[tuple[int, int]] = []
        self.errorEvent += lambda request_id, code, *rest: self.errors.append((request_id, code))


@contextmanager
def client(
    gateway: Running,
    client_id: int = 7,
    *,
    seconds: float = PATIENCE_SECONDS,
    heard: list[tuple[int, int]] | None = None,
) -> Iterator[Listener]:
    """A connected client in an event loop of its own; `heard` collects its errors."""
    loop = asyncio.new_event_loop()
    asyncio.set_event_loop(loop)
    ib = Listener()
    ib.RequestTimeout = seconds
    if heard is not None:
        ib.errors = heard
    try:
        ib.connect("127.0.0.1", gateway.port, clientId=client_id, timeout=seconds)
        yield ib
    finally:
        ib.disconnect()
        loop.run_until_complete(asyncio.sleep(0))
        loop.close()
        asyncio.set_event_loop(None)


def order(ref: str = "r-1", kind: str = "MOC", shares: float = 10, side: str = "BUY", **fields: Any) -> Order:
    """An order of the practice account."""
    plain = {"action": side, "tif": "DAY", "account": ACCOUNT, "orderRef": ref}
    return Order(orderType=kind, totalQuantity=shares, **{**plain, **fields})


def until(ib: IB, met: Callable[[], object]) -> bool:
    """Let the client listen until something is so; False if it never is."""
    limit = monotonic() + PATIENCE_SECONDS
    while not met() and monotonic() < limit:
        ib.sleep(0.02)
    return bool(met())


def codes(ib: Listener) -> list[int]:
    """Error codes heard, farm notices left out."""
    return [code for _, code in ib.errors if code not in (2104, 2106, 2158)]


def refs(trades: list[Any]) -> list[str]:
    """Order references of a list of orders."""
    return sorted(trade.order.orderRef for trade in trades)
