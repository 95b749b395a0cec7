"""The questions that are asked of the gateway, each with the messages that answer it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from mtum.adapters.ib_session.library import Library

Send = Callable[[Any, int], None]


@dataclass(frozen=True, slots=True)
class Question:
    """One question.

    Parameters
    ----------
    asked : str
        What is asked, for messages to a person.
    send : callable of (client, request id)
        Writes the request.
    collects, ends : frozenset of str, str
        Names of the messages that belong to the answer, and of the one that ends it.
    keyed : bool
        Whether the messages carry the request id.
    seconds : float or None
        Longest wait; None for the connection's own limit.
    """

    asked: str
    send: Send
    collects: frozenset[str]
    ends: str
    keyed: bool = False
    seconds: float | None = None


CURRENT_TIME = Question(
    "server time", lambda client, _: client.reqCurrentTime(), frozenset({"currentTime"}), "currentTime", seconds=3.0
)
POSITIONS = Question("positions", lambda client, _: client.reqPositions(), frozenset({"position"}), "positionEnd")
OPEN_ORDERS = Question(
    "open orders", lambda client, _: client.reqAllOpenOrders(), frozenset({"openOrder", "orderStatus"}), "openOrderEnd"
)
COMPLETED_ORDERS = Question(
    "completed orders",
    lambda client, _: client.reqCompletedOrders(False),
    frozenset({"completedOrder"}),
    "completedOrdersEnd",
)


def account_values(account: str) -> Question:
    """Ask the account's values; the earlier subscription ends first, so that all are sent again."""

    def send(client: Any, _: int) -> None:
        client.reqAccountUpdates(False, account)
        client.reqAccountUpdates(True, account)

    return Question("account values", send, frozenset({"updateAccountValue"}), "accountDownloadEnd")


def executions(library: Library, account: str, client_id: int = 0, seconds: float | None = None) -> Question:
    """Ask today's executions of an account, of one client id or (0) of all."""
    wanted = library.execution_filter(clientId=client_id, acctCode=account)
    whose = f"client {client_id}" if client_id else "all clients"
    return Question(
        f"executions of {whose}",
        lambda client, number: client.reqExecutions(number, wanted),
        frozenset({"execDetails"}),
        "execDetailsEnd",
        keyed=True,
        seconds=seconds,
    )


def contract_details(contract: Any) -> Question:
    """Ask every contract that fits a description."""
    return Question(
        f"contract {contract.symbol}",
        lambda client, number: client.reqContractDetails(number, contract),
        frozenset({"contractDetails"}),
        "contractDetailsEnd",
        keyed=True,
    )


def history(contract: Any, duration: str, size: str, *, epoch: bool = False) -> Question:
    """Ask regular-hours bars of trades up to now."""
    return Question(
        f"{size} bars of {contract.symbol}",
        lambda client, number: client.reqHistoricalData(
            number, contract, "", duration, size, "TRADES", True, 2 if epoch else 1, False, []
        ),
        frozenset({"historicalData"}),
        "historicalDataEnd",
        keyed=True,
    )


def snapshot(contract: Any) -> Question:
    """Ask the quote as it is now; never the regulatory snapshot, which costs money."""
    return Question(
        f"quote of {contract.symbol}",
        lambda client, number: client.reqMktData(number, contract, "", True, False, []),
        frozenset({"priceSizeTick", "tickString", "marketDataType"}),
        "tickSnapshotEnd",
        keyed=True,
        seconds=12.0,
    )
