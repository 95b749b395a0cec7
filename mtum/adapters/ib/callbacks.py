"""Hears every message of the gateway as it is, and hands it to whoever waits for it.

Neither library's own picture of orders is used: both show live orders as canceled (codes 10349 and
10148) and filled ones as pending after a reconnection.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC
from functools import partial
from typing import Any

from mtum.adapters.ib.codes import Meaning, is_read_only, row_of
from mtum.adapters.ib.messages import (
    CommissionReport,
    Fee,
    Message,
    Notice,
    OpenOrder,
    OrderMessage,
    OrderUpdate,
    message_of,
)
from mtum.adapters.ib.requests import ConnectionLostError, Request, RequestRefusedError
from mtum.adapters.ib.wire_record import WireRecord
from mtum.errors import BrokerUnavailableError, StoreError

_NOT_WANTED = ("tcpDataArrived", "tcpDataProcessed")
_ENDED = ("setEventsDone", "connectionClosed")


@dataclass(slots=True, eq=False)
class PendingRequest:
    """A request in the air; `number` is its request id if its messages carry one."""

    request: Request[Any]
    number: int | None
    done: asyncio.Future[list[Any]]
    received: list[Any] = field(default_factory=list)

    def receive(self, name: str, fields: tuple[Any, ...], message: Message | None) -> None:
        """Take the message if it belongs to the answer."""
        if self.number is not None and (not fields or fields[0] != self.number):
            return
        if isinstance(message, self.request.collects):
            self.received.append(message)
        if name == self.request.ends and self.request.last(message) and not self.done.done():
            self.done.set_result(self.received)

    def fail(self, error: BrokerUnavailableError) -> None:
        """End the wait with an error."""
        if not self.done.done():
            self.done.set_exception(error)


class Callbacks:
    """What the library calls a wrapper: it is called by the names of the API's messages.

    Parameters
    ----------
    on_notice : callable
        Told of every error, warning and notice.
    """

    TimezoneTWS = "America/New_York"  # the library's name: zone of execution times sent without one
    defaultTimezone = UTC  # noqa: N815  # the same of ib_async

    def __init__(self, record: WireRecord, on_notice: Callable[[Notice], None]) -> None:
        self.pending: list[PendingRequest] = []
        self.fees: dict[str, Fee] = {}
        self.orders: dict[int, list[OrderMessage]] = {}
        self.garbled: list[tuple[str, ...]] = []
        self.arrived = asyncio.Event()
        self.ended = False
        self._record = record
        self._on_notice = on_notice

    @property
    def ib(self) -> "Callbacks":
        """Where the decoder looks for the zone of execution times."""
        return self

    def follow(self, order_id: int) -> list[OrderMessage]:
        """Return the list to which every later message about an order id is appended."""
        return self.orders.setdefault(order_id, [])

    def undecoded(self, fields: tuple[str, ...]) -> None:
        """Keep the raw fields of a message that the library gave up on; it would be lost in silence."""
        self.garbled.append(fields)
        with suppress(StoreError):  # which may be why it was given up
            self._record.note("heard", "garbled", fields)

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("_") or name in _NOT_WANTED:
            raise AttributeError(name)
        return partial(self._receive, name)

    def _receive(self, name: str, *fields: Any) -> None:
        self._record.note("heard", name, fields)
        message = message_of(name, fields)
        if name in _ENDED:
            self.ended = True
            for pending in self.pending:
                pending.fail(ConnectionLostError(f"{pending.request.asked}: the connection to the gateway ended"))
        elif isinstance(message, Notice):
            self._noticed(message)
        elif isinstance(message, OpenOrder | OrderUpdate) and message.order_id in self.orders:
            self.orders[message.order_id].append(message)
        elif isinstance(message, CommissionReport):
            self.fees[message.fee.execId] = message.fee
        for pending in list(self.pending):
            pending.receive(name, fields, message)
        self.arrived.set()

    def _noticed(self, notice: Notice) -> None:
        about_an_order = notice.number in self.orders
        if about_an_order:
            self.orders[notice.number].append(notice)
        for pending in self.pending:
            unread = pending.number is None and is_read_only(notice.text) and not about_an_order
            mine = pending.number is not None and pending.number == notice.number
            if unread or (mine and row_of(notice.code).alone is not Meaning.GOES_ON):
                pending.fail(RequestRefusedError(pending.request.asked, notice.code, notice.text))
        self._on_notice(notice)
