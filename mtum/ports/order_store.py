"""Orders and their fills, as the database keeps them."""

from collections.abc import Collection, Sequence
from datetime import date, datetime
from typing import Protocol

from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.orders import OrderIntent, OrderStatus
from mtum.ports.records import IntentState, Observed


class OrderStore(Protocol):
    """Intents, orders, their events and fills."""

    def states(self, day: date | None = None, *, unresolved: bool = False) -> Sequence[IntentState]:
        """Return intents oldest first: of one session, and/or only those not terminal."""
        ...

    def state_of(self, intent_id: str) -> IntentState | None:
        """Return one intent."""
        ...

    def claim_order(self, intent_id: str, at: datetime) -> Restriction:
        """Move PLANNED to SUBMITTING unless a halt in force forbids it; durable when it returns.

        The halt is read in the transaction that writes. Returns the restriction that prevented
        it, or Restriction.NONE when the intent may be sent now.
        """
        ...

    def move_order(self, intent_id: str, status: OrderStatus, at: datetime, seen: Observed | None = None) -> None:
        """Record a status and the event behind it; the same status again only updates the facts.

        Parameters
        ----------
        intent_id : str
            Id of the intent.
        status : OrderStatus
            Life of an order intent.
        at : datetime
            Instant that is recorded, UTC.
        seen : Observed or None
            What the broker told of the order; None leaves what was known.

        Raises
        ------
        StoreError
            If the table of allowed moves forbids it.
        """
        ...

    def adopt_attempt(self, intent_id: str, attempt: int, at: datetime) -> None:
        """Make another attempt the one that counts: the broker has it, whatever was stated or restored.

        Parameters
        ----------
        intent_id : str
            Id of the intent.
        attempt : int
            Number of the attempt, from 1.
        at : datetime
            Instant that is recorded, UTC.
        """
        ...

    def record_event(self, intent_id: str | None, at: datetime, kind: str, text: str) -> None:
        """Append something observed about an order, or about none of ours.

        Parameters
        ----------
        intent_id : str or None
            Id of the intent; None for an order that is none of ours.
        at : datetime
            Instant that is recorded, UTC.
        kind : str
            Kind of the event.
        text : str
            What was observed, in words.
        """
        ...

    def add_intent(self, intent: OrderIntent, at: datetime) -> None:
        """Record a further intent (fallback, flatten) as PLANNED; the same id again changes nothing."""
        ...

    def add_fills(self, fills: Sequence[Fill]) -> int:
        """Record fills by execution id with their cash movements; known ones only gain a commission."""
        ...

    def altered_trades(self) -> Sequence[str]:
        """Return which round trips are stored otherwise than the fills make them, one line each."""
        ...

    def fills(self, strategy: str | None = None, intents: Collection[str] | None = None) -> Sequence[Fill]:
        """Return fills in time order, corrections included: of all, of one strategy, or of these intents."""
        ...
