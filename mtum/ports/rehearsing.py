"""Brokers that can be asked what an order would come to, without sending it."""

from typing import Protocol, runtime_checkable

from mtum.core.portfolio.orders import Ticket


@runtime_checkable
class Rehearsing(Protocol):
    """A broker with trial orders."""

    def what_if(self, ticket: Ticket) -> str | None:
        """Return why the broker would refuse the order, None if it would take it; nothing is placed.

        Raises
        ------
        BrokerUnavailableError
            If the broker takes no orders over this connection at all.
        """
        ...
