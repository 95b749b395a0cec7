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

from mtum.adapters.ib_session.codes import Meaning, is_read_only, row_of
from mtum.adapters.ib_session.wire_record import WireRecord
from mtum.errors import BrokerUnavailableError, StoreError

_NOT_WANTED = ("tcpDataArrived", "tcpDataProcessed")
_ENDED = ("setEventsDone", "connectionClosed")


class RequestRefusedError(BrokerUnavailableError):
    """The broker answered a request with an error; `code` and `words` are the broker's."""

    def __init__(self, asked: str, code: int, words: str) -> None:
        self.code, self.words = code, words
        super().__init__(f"{asked}: the broker answers {code}: {words}")


class LinkLostError(BrokerUnavailableError):
    """The connection ended while an answer was awaited."""


@dataclass(frozen=True, slots=True)
class Heard:
    """One message: its name in the API and its fields."""

    name: str
    fields: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Notice:
    """An error, warning or notice; `number` is the request's or order's, -1 for none."""

    number: int
    code: int
    text: str


@dataclass(slots=True)
class Waiting:
    """A question in the air: which messages belong to its answer and which one ends it."""

    asked: str
    number: int | None
    collects: frozenset[str]
    ends: str
    done: asyncio.Future[list[Heard]]
    heard: list[Heard] = field(default_factory=list)

    def hear(self, message: Heard) -> None:
        """Take the message if it belongs to the answer."""
        if self.number is not None and (not message.fields or message.fields[0] != self.number):
            return
        if message.name in self.collects:
            self.heard.append(message)
        if message.name == self.ends and not self.done.done():
            self.done.set_result(self.heard)

    def fail(self, error: BrokerUnavailableError) -> None:
        """End the wait with an error."""
        if not self.done.done():
            self.done.set_exception(error)


class Ear:
    """What the library calls a wrapper: it is called by the names of the API's messages.

    Parameters
    ----------
    on_notice : callable
        Told of every error, warning and notice.
    """

    TimezoneTWS = "America/New_York"  # the library's name: zone of execution times sent without one
    defaultTimezone = UTC  # noqa: N815  # the same of ib_async

    def __init__(self, record: WireRecord, on_notice: Callable[[Notice], None]) -> None:
        self.waiting: list[Waiting] = []
        self.fees: dict[str, Any] = {}
        self.orders: dict[int, list[Heard]] = {}
        self.garbled: list[tuple[str, ...]] = []
        self.news = asyncio.Event()
        self.ended = False
        self._record = record
        self._on_notice = on_notice

    @property
    def ib(self) -> "Ear":
        """Where the decoder looks for the zone of execution times."""
        return self

    def follow(self, order_id: int) -> list[Heard]:
        """Return the list to which every later message about an order id is appended."""
        return self.orders.setdefault(order_id, [])

    def could_not_read(self, fields: tuple[str, ...]) -> None:
        """Keep the raw fields of a message that the library gave up on; it would be lost in silence."""
        self.garbled.append(fields)
        with suppress(StoreError):  # which may be why it was given up
            self._record.note("heard", "garbled", fields)

    def __getattr__(self, name: str) -> Callable[..., None]:
        if name.startswith("_") or name in _NOT_WANTED:
            raise AttributeError(name)
        return partial(self._hear, name)

    def _hear(self, name: str, *fields: Any) -> None:
        self._record.note("heard", name, fields)
        message = Heard(name, fields)
        if name in _ENDED:
            self._lost()
        elif name == "error":
            self._error(message)
        elif name == "commissionReport":
            self.fees[fields[0].execId] = fields[0]
        elif name in ("openOrder", "orderStatus") and fields[0] in self.orders:
            self.orders[fields[0]].append(message)
        for waiting in list(self.waiting):
            waiting.hear(message)
        self.news.set()

    def _error(self, message: Heard) -> None:
        notice = Notice(*message.fields[:3])
        if notice.number in self.orders:
            self.orders[notice.number].append(message)
        for waiting in self.waiting:
            unread = waiting.number is None and is_read_only(notice.text) and notice.number not in self.orders
            mine = waiting.number is not None and waiting.number == notice.number
            if unread or (mine and row_of(notice.code).alone is not Meaning.GOES_ON):
                waiting.fail(RequestRefusedError(waiting.asked, notice.code, notice.text))
        self._on_notice(notice)

    def _lost(self) -> None:
        self.ended = True
        for waiting in self.waiting:
            waiting.fail(LinkLostError(f"{waiting.asked}: the connection to the gateway ended"))
