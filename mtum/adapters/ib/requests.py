"""What the gateway is asked, and how its messages come back: each request with those that answer it.

Neither library's own picture of orders is used: both show live orders as canceled (codes 10349 and
10148) and filled ones as pending after a reconnection.
"""

import asyncio
from collections.abc import Callable, Generator, Sequence
from contextlib import suppress
from datetime import UTC, date, datetime
from enum import Enum
from functools import partial
from typing import Any

from msgspec import Struct, field

from mtum.adapters.ib.codes import Meaning, is_read_only, row_of
from mtum.adapters.ib.messages import (
    DELAYED,
    DIVIDENDS,
    LAST,
    LAST_TIME,
    AccountValue,
    CommissionReport,
    CompletedOrder,
    Contract,
    ContractDetails,
    DataType,
    ExecutionDetails,
    Fee,
    GenericTick,
    HistoricalBar,
    Message,
    Notice,
    OpenOrder,
    OrderMessage,
    OrderUpdate,
    Position,
    PriceTick,
    ServerTime,
    TextTick,
    message_of,
)
from mtum.adapters.ib.wire_record import WireRecord
from mtum.errors import BrokerUnavailableError, StoreError

_NOT_WANTED = ("tcpDataArrived", "tcpDataProcessed")
_ENDED = ("setEventsDone", "connectionClosed")


class RequestRefusedError(BrokerUnavailableError):
    """The broker answered a request with an error; `code` and `words` are the broker's."""

    def __init__(self, asked: str, code: int, words: str) -> None:
        self.code, self.words = code, words
        super().__init__(f"{asked}: the broker answers {code}: {words}")


class ConnectionLostError(BrokerUnavailableError):
    """The connection ended while an answer was awaited, or there is none."""


class SilenceError(BrokerUnavailableError):
    """A request was not answered within its time."""


class Limit(Enum):
    """What the broker lets a login have only so many of at once."""

    HISTORY = "history request"
    LINE = "market data line"


class Request[M: Message](Struct, frozen=True):
    """One request.

    Parameters
    ----------
    asked : str
        What is asked, for messages to a person.
    send : callable of (client, request id)
        Writes the request.
    collects : tuple of message types
        The messages that belong to the answer.
    ends : str
        The API's name of the message that ends it.
    last : callable
        Whether a message of that name is the one that ends it.
    keyed : bool
        Whether the messages carry the request id.
    seconds : float or None
        Longest wait; None for the connection's own limit.
    limit : Limit or None
        What the broker counts it among.
    cancel : callable of (client, request id), optional
        Writes that no answer is wanted any more.
    streams : bool
        Whether more would follow the answer unless it is canceled.
    enough : callable, optional
        Whether what has come is all that is wanted of an answer without an end; what came in its time is the answer.
    tolerates : tuple of int
        Codes that do not end it: they belong to the answer.
    """

    asked: str
    send: Callable[[Any, int], None]
    collects: tuple[type[M], ...]
    ends: str
    keyed: bool = False
    seconds: float | None = None
    last: Callable[[Any], bool] = lambda _: True
    limit: Limit | None = None
    cancel: Callable[[Any, int], None] | None = None
    streams: bool = False
    enough: Callable[[Sequence[M]], bool] | None = None
    tolerates: tuple[int, ...] = ()


class Answers:
    """What came of requests that were asked at once."""

    def __init__(self, requests: Sequence[Request[Any]], found: Sequence[list[Any]]) -> None:
        self._found = {id(request): answer for request, answer in zip(requests, found, strict=True)}

    def to[M: Message](self, request: Request[M]) -> list[M]:
        """Return the messages that answer one of them."""
        return [message for message in self._found[id(request)] if isinstance(message, request.collects)]


type RequestChain[T] = Generator[Request[Any], list[Any], T]
"""Requests one after the other, each depending on the answers before, and what came of them."""

CURRENT_TIME = Request(
    "server time", lambda client, _: client.reqCurrentTime(), (ServerTime,), "currentTime", seconds=3.0
)
POSITIONS = Request("positions", lambda client, _: client.reqPositions(), (Position,), "positionEnd")
OPEN_ORDERS: Request[OpenOrder | OrderUpdate] = Request(
    "open orders", lambda client, _: client.reqAllOpenOrders(), (OpenOrder, OrderUpdate), "openOrderEnd"
)
COMPLETED_ORDERS = Request(
    "completed orders", lambda client, _: client.reqCompletedOrders(False), (CompletedOrder,), "completedOrdersEnd"
)


def account_values(account: str) -> Request[AccountValue]:
    """Ask the account's values; the earlier subscription ends first, so that all are sent again."""

    def send(client: Any, _: int) -> None:
        client.reqAccountUpdates(False, account)
        client.reqAccountUpdates(True, account)

    return Request("account values", send, (AccountValue,), "accountDownloadEnd")


def executions(wanted: Any, seconds: float | None = None) -> Request[ExecutionDetails]:
    """Ask today's executions that pass a filter of the library: an account's, of one client id or (0) of all."""
    whose = f"client {wanted.clientId}" if wanted.clientId else "all clients"
    return Request(
        f"executions of {whose}",
        lambda client, number: client.reqExecutions(number, wanted),
        (ExecutionDetails,),
        "execDetailsEnd",
        keyed=True,
        seconds=seconds,
    )


def contract_details(contract: Contract) -> Request[ContractDetails]:
    """Ask every contract that fits a description."""
    return Request(
        f"contract {contract.symbol}",
        lambda client, number: client.reqContractDetails(number, contract),
        (ContractDetails,),
        "contractDetailsEnd",
        keyed=True,
    )


def history(
    contract: Contract, duration: str, size: str, *, epoch: bool = False, what: str = "TRADES"
) -> Request[HistoricalBar]:
    """Ask regular-hours bars up to now: of trades, or ("ADJUSTED_LAST") adjusted for dividends as well.

    Parameters
    ----------
    contract : Contract
        Contract, as the broker names it.
    duration : str
        How far back, as the broker writes it: ``60 D``.
    size : str
        Length of a bar, as the broker writes it: ``1 day``.
    epoch : bool
        Whether times come as seconds since 1970; else as text.
    what : str
        TRADES, or ADJUSTED_LAST for prices adjusted for dividends.
    """
    return Request(
        f"{size} bars of {contract.symbol}",
        lambda client, number: client.reqHistoricalData(
            number, contract, "", duration, size, what, True, 2 if epoch else 1, False, []
        ),
        (HistoricalBar,),
        "historicalDataEnd",
        keyed=True,
        limit=Limit.HISTORY,
        cancel=lambda client, number: client.cancelHistoricalData(number),
    )


def snapshot(contract: Contract) -> Request[PriceTick | TextTick | DataType]:
    """Ask the quote as it is now; never the regulatory snapshot, which costs money."""
    return Request(
        f"quote of {contract.symbol}",
        lambda client, number: client.reqMktData(number, contract, "", True, False, []),
        (PriceTick, TextTick, DataType),
        "tickSnapshotEnd",
        keyed=True,
        seconds=12.0,
        limit=Limit.LINE,
        cancel=lambda client, number: client.cancelMktData(number),
    )


def last_trade(contract: Contract) -> Request[PriceTick | TextTick | GenericTick | DataType]:
    """Ask what a contract traded at last, delayed where that is all there is; the line is given back once it is told.

    Whether trading is halted comes with it, where it comes before.
    """

    def send(client: Any, number: int) -> None:
        client.reqMarketDataType(DELAYED)
        client.reqMktData(number, contract, "", True, False, [])

    def enough(told: Sequence[Message]) -> bool:
        prices = [one.price for one in told if isinstance(one, PriceTick) and one.kind in LAST]
        dated = any(isinstance(one, TextTick) and one.kind in LAST_TIME for one in told)
        return bool(prices) and (dated or prices[-1] <= 0)  # -1 is the wire's word for none, and is not dated

    return Request(
        f"last price of {contract.symbol}",
        send,
        (PriceTick, TextTick, GenericTick, DataType),
        "tickSnapshotEnd",
        keyed=True,
        seconds=5.0,
        limit=Limit.LINE,
        cancel=lambda client, number: client.cancelMktData(number),
        streams=True,
        enough=enough,
    )


def dividends(contract: Contract) -> Request[TextTick]:
    """Ask the dividends of a year and the next one, which come with a running quote only."""
    return Request(
        f"dividends of {contract.symbol}",
        lambda client, number: client.reqMktData(number, contract, "456", False, False, []),
        (TextTick,),
        "tickString",
        keyed=True,
        seconds=4.0,
        last=lambda message: isinstance(message, TextTick) and message.kind == DIVIDENDS,
        limit=Limit.LINE,
        cancel=lambda client, number: client.cancelMktData(number),
        streams=True,
    )


def next_dividend(text: str) -> tuple[date, float] | None:
    """Return ex-date and amount of "paid in a year,to be paid in a year,ex-date,amount"; None if it cannot be read.

    Without a next one the date is long past.
    """
    *_, day, amount = ("", "", *text.split(","))
    if not day and not amount:
        return date.min, 0.0
    try:
        return datetime.strptime(day, "%Y%m%d").replace(tzinfo=UTC).date(), float(amount)
    except ValueError:
        return None


class PendingRequest(Struct, eq=False):
    """A request in the air; `number` is its request id if its messages carry one."""

    request: Request[Any]
    number: int | None
    done: asyncio.Future[list[Any]]
    received: list[Any] = field(default_factory=list)

    def receive(self, name: str, fields: tuple[Any, ...], message: Message | None) -> None:
        """Take the message if it belongs to the answer.

        Parameters
        ----------
        name : str
            Name of the message.
        fields : tuple of any
            The message's fields.
        message : Message or None
            The message as the wire has it; None where the library read it.
        """
        if self.number is not None and (not fields or fields[0] != self.number):
            return
        if isinstance(message, self.request.collects):
            self.received.append(message)
        enough = self.request.enough
        ended = enough(self.received) if enough else name == self.request.ends and self.request.last(message)
        if ended and not self.done.done():
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
            if mine and notice.code in pending.request.tolerates:
                pending.received.append(notice)
            elif unread or (mine and row_of(notice.code).alone is not Meaning.GOES_ON):
                pending.fail(RequestRefusedError(pending.request.asked, notice.code, notice.text))
        self._on_notice(notice)
