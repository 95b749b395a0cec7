"""What all clients of the practice gateway share: market, exchange, behavior, faults, journal."""

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING

from mtum.gateway.behavior import Behavior
from mtum.gateway.contracts import NEW_YORK
from mtum.gateway.desk import Desk
from mtum.gateway.faults import FaultRule, Faults
from mtum.gateway.journal import Journal
from mtum.gateway.market import Market

if TYPE_CHECKING:
    from mtum.gateway.session import ClientSession


class Floor:
    """The trading floor.

    Parameters
    ----------
    restart : callable of seconds
        Closes every connection, reads the saved state again, opens after so many real seconds.
    """

    def __init__(
        self,
        desk: Desk,
        market: Market,
        behavior: Behavior,
        faults: Faults,
        journal: Journal,
        restart: Callable[[float], None],
    ) -> None:
        self.desk = desk
        self.market = market
        self.behavior = behavior
        self.faults = faults
        self.journal = journal
        self.restart = restart
        self.clients: list[ClientSession] = []
        self.unreported: set[str] = set()
        self.greet: Callable[[ClientSession], None] = _silent

    def local_now(self) -> datetime:
        """Market time in New York."""
        return self.market.clock.now().astimezone(NEW_YORK)

    def in_use(self, client_id: int) -> bool:
        """Whether a connected client has this id."""
        return any(client.client_id == client_id for client in self.clients)

    def welcome(self, client: "ClientSession") -> None:
        """Let a client in."""
        self.clients.append(client)
        self.journal.record("login", client=client.client_id, version=client.version)
        self.greet(client)

    def leave(self, client: "ClientSession") -> None:
        """Let a client go."""
        if client in self.clients:
            self.clients.remove(client)
            self.journal.record("gone", client=client.client_id)

    def note_fault(self, rule: FaultRule, client_id: int) -> None:
        """Write a fault that struck to the journal."""
        self.journal.record("fault", client=client_id, on=rule.on, do=rule.do.value)

    def hearing(self, client_id: int) -> "list[ClientSession]":
        """Clients that hear of an order: the one that placed it and the master."""
        ids = {client_id, self.behavior.master_client_id}
        return [client for client in self.clients if client.client_id in ids]


def _silent(client: "ClientSession") -> None:
    del client
