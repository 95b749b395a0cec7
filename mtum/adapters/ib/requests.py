"""What the gateway is asked: each request with the messages that answer it, and what may go wrong with one."""

from collections.abc import Callable, Generator
from dataclasses import dataclass
from enum import Enum
from typing import Any

from mtum.adapters.ib.messages import (
    DIVIDENDS,
    AccountValue,
    CompletedOrder,
    Contract,
    ContractDetails,
    DataType,
    ExecutionDetails,
    HistoricalBar,
    Message,
    OpenOrder,
    OrderUpdate,
    Position,
    PriceTick,
    ServerTime,
    TextTick,
)
from mtum.errors import BrokerUnavailableError


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
