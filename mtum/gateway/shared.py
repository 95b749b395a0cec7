"""What all clients of the practice gateway share: market, exchange, behavior, faults, journal, and each other."""

import json
from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from msgspec import Struct, field

from mtum.core.market.calendars import NEW_YORK
from mtum.core.simulation.exchange_state import ExchangeAccount
from mtum.gateway.behavior import Behavior
from mtum.gateway.exchange import StoredExchange
from mtum.gateway.faults import FaultRule, Faults, Told
from mtum.gateway.framing import Message
from mtum.gateway.market import Market
from mtum.gateway.option_market import OptionMarket
from mtum.gateway.pacing import HistoryPacing


class Journal:
    """Writes one JSON line for every message, order, outcome and fault, numbered from 1.

    It is the final judge of what reached the broker. Kinds: `request`, `answer`, `lost` (an answer that
    was not sent), `order` (a placeOrder was received), `accepted`, `rejected`, `canceled`,
    `cancel_refused`, `filled`, `ended`, `fault`, `login`, `gone`, `malformed`, `restart`, `back`.
    """

    def __init__(self, write: Callable[[str], None], now: Callable[[], datetime]) -> None:
        self._write = write
        self._now = now
        self._count = 0

    def record(self, kind: str, **entry: str | float | bool | Decimal | None) -> None:
        """Write one entry with its number and the market's instant."""
        self._count += 1
        plain = {key: str(value) if isinstance(value, Decimal) else value for key, value in entry.items()}
        line = {"n": self._count, "at": self._now().isoformat(), "kind": kind, **plain}
        self._write(json.dumps(line, allow_nan=False))


type Tell = Callable[[ExchangeAccount, str], None]
"""Tells how an account stands, and of a symbol even if none of it is left."""


class Subscriptions(Struct):
    """What a client wants to hear without asking again.

    Parameters
    ----------
    accounts : dict
        By kind and request id: the accounts that are followed, and what tells of them.
    quotes : dict
        What tells a quote again, by request id.
    snapshots : set
        Request ids of quotes asked once that are still to come.
    """

    accounts: dict[tuple[int, int], tuple[set[str], Tell]] = field(default_factory=dict)
    quotes: dict[int, Callable[[], None]] = field(default_factory=dict)
    snapshots: set[int] = field(default_factory=set)

    @property
    def lines(self) -> int:
        """Market data lines in use."""
        return len(self.quotes) + len(self.snapshots)


class Client(Protocol):
    """A client as those see it who answer it; `client_id` is -1 before the login, `since` when it connected."""

    client_id: int
    version: int
    since: float
    wants: Subscriptions
    shared: "Shared"

    def send(self, answer: Message) -> None:
        """Send one answer."""

    def error(self, request_id: int, code: int, text: str) -> None:
        """Send an error, warning or notice.

        Parameters
        ----------
        request_id : int
            Number of the request; -1 for none.
        code : int
            The broker's code.
        text : str
            The message's words.
        """

    def close(self) -> None:
        """Close the connection at once."""


class Shared(Struct, eq=False):
    """One market for all clients.

    Parameters
    ----------
    restart : callable of seconds
        Closes every connection, reads the saved state again, opens after so many real seconds.
    unreported : set of str
        Executions whose fee report is still to come.
    option_farm : date or None
        Day on which option data were asked last.
    """

    exchange: StoredExchange
    market: Market
    options: OptionMarket
    behavior: Behavior
    faults: Faults
    journal: Journal
    restart: Callable[[float], None]
    clients: list[Client] = field(default_factory=list)
    unreported: set[str] = field(default_factory=set)
    option_farm: date | None = None
    history: HistoryPacing = field(default_factory=HistoryPacing)

    def local_now(self) -> datetime:
        """Market time in New York."""
        return self.market.clock.now().astimezone(NEW_YORK)

    def price(self, symbol: str) -> Decimal | None:
        """Last price of what an account holds, USD per share: of an option the middle of its quote."""
        contract = self.options.of_name(symbol)
        return self.exchange.venue.worth(contract) if contract else self.market.price(symbol)

    def in_use(self, client_id: int) -> bool:
        """Whether a connected client has this id."""
        return any(client.client_id == client_id for client in self.clients)

    def leave(self, client: Client) -> None:
        """Let a client go."""
        if client in self.clients:
            self.clients.remove(client)
            self.journal.record("gone", client=client.client_id)

    def struck(self, name: str, client_id: int, told: Told = ()) -> FaultRule | None:
        """Return the fault that strikes a message, if any, once it stands in the journal.

        Parameters
        ----------
        name : str
            Name of the message.
        client_id : int
            Number of the API client.
        told : Told
            The fields of a message: by name in a request, by position in an answer.
        """
        rule = self.faults.take(name, client_id, told)
        if rule is not None:
            self.journal.record("fault", client=client_id, on=rule.on, do=rule.do.value)
        return rule

    def recipients(self, client_id: int) -> list[Client]:
        """Clients that are told of an order: the one that placed it and the master."""
        ids = {client_id, self.behavior.master_client_id}
        return [client for client in self.clients if client.client_id in ids]
