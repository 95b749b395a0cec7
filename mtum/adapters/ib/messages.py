"""What the gateway tells and is asked: a type per message, and each request with the messages that answer it.

Contracts, orders, executions and bars inside a message are objects of the client library, which has no
types of ours; they are read in brokers.ib, sources.ib and contracts alone.
"""

from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, NamedTuple

from mtum.errors import BrokerUnavailableError


class Position(NamedTuple):
    """Shares of one account in one contract."""

    account: str
    contract: Any
    shares: object
    average_cost: object


class AccountValue(NamedTuple):
    """One figure of an account in one currency."""

    key: str
    text: str
    currency: str
    account: str


class OpenOrder(NamedTuple):
    """An order as the broker holds it."""

    order_id: int
    contract: Any
    order: Any
    state: Any


class OrderUpdate(NamedTuple):
    """The API's orderStatus: how far an order is."""

    order_id: int
    status: str
    filled: object
    remaining: object
    average_price: object
    perm_id: object
    parent_id: object
    last_price: object
    client_id: object


class CompletedOrder(NamedTuple):
    """An order that ended today."""

    contract: Any
    order: Any
    state: Any


class ExecutionDetails(NamedTuple):
    """One execution."""

    request_id: int
    contract: Any
    execution: Any


class ContractDetails(NamedTuple):
    """The broker's description of one contract."""

    request_id: int
    details: Any


class HistoricalBar(NamedTuple):
    """One bar of the history service."""

    request_id: int
    bar: Any


class PriceTick(NamedTuple):
    """A price of a quote; `kind` tells bid, ask, last, ..."""

    request_id: int
    kind: int
    price: float
    size: float


class TextTick(NamedTuple):
    """A text of a quote, such as when it last traded."""

    request_id: int
    kind: int
    text: str


class DataType(NamedTuple):
    """Whether the quote that follows is live or delayed."""

    request_id: int
    kind: int


class ServerTime(NamedTuple):
    """The broker's clock in epoch seconds."""

    seconds: int


class Notice(NamedTuple):
    """An error, warning or notice; `number` is the request's or order's, -1 for none."""

    number: int
    code: int
    text: str


type Message = (
    Position
    | AccountValue
    | OpenOrder
    | OrderUpdate
    | CompletedOrder
    | ExecutionDetails
    | ContractDetails
    | HistoricalBar
    | PriceTick
    | TextTick
    | DataType
    | ServerTime
    | Notice
)
DIVIDENDS = 59
"""Kind of the text tick that tells dividends."""

type OrderMessage = OpenOrder | OrderUpdate | Notice
"""What is told about one order."""

TYPES: Mapping[str, type[Message]] = {
    "position": Position,
    "updateAccountValue": AccountValue,
    "openOrder": OpenOrder,
    "orderStatus": OrderUpdate,
    "completedOrder": CompletedOrder,
    "execDetails": ExecutionDetails,
    "contractDetails": ContractDetails,
    "historicalData": HistoricalBar,
    "priceSizeTick": PriceTick,
    "tickString": TextTick,
    "marketDataType": DataType,
    "currentTime": ServerTime,
    "error": Notice,
}
"""The API's name of each message that is read; the others only end an answer, or are recorded and dropped."""


def message_of(name: str, fields: tuple[Any, ...]) -> Message | None:
    """Return a message of the library; None for one that is not read. What it has beyond our fields is left out."""
    kind: Any = TYPES.get(name)
    return None if kind is None else kind._make(fields[: len(kind._fields)])


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


@dataclass(frozen=True, slots=True)
class Request[M: Message]:
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


def contract_details(contract: Any) -> Request[ContractDetails]:
    """Ask every contract that fits a description."""
    return Request(
        f"contract {contract.symbol}",
        lambda client, number: client.reqContractDetails(number, contract),
        (ContractDetails,),
        "contractDetailsEnd",
        keyed=True,
    )


def history(
    contract: Any, duration: str, size: str, *, epoch: bool = False, what: str = "TRADES"
) -> Request[HistoricalBar]:
    """Ask regular-hours bars up to now: of trades, or ("ADJUSTED_LAST") adjusted for dividends as well."""
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


def snapshot(contract: Any) -> Request[PriceTick | TextTick | DataType]:
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


def dividends(contract: Any) -> Request[TextTick]:
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
