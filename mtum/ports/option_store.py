"""Orders of options and their books, as the database keeps them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol

from mtum.core.options.contracts import OptionContract
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.options.lots import Book, LedgerEvent, LegFill
from mtum.core.portfolio.options.orders import Attempt, OptionIntent
from mtum.core.portfolio.orders import OrderStatus
from mtum.ports.options import OptionState
from mtum.ports.records import Observed


class OptionBooks(Protocol):
    """Executions in options, what ended contracts without a trade, and the books of both."""

    def record_fills(self, fills: Iterable[LegFill]) -> int:
        """Record executions of legs by their id with their cash; return how many were new.

        Known ones only gain a fee. One that a broker lists twice, or of a combination as a whole, is the caller's to
        leave out.
        """
        ...

    def record_events(self, events: Iterable[LedgerEvent], at: datetime) -> tuple[LedgerEvent, ...]:
        """Record what ended contracts without a trade, with the cash and the shares of it; return the new ones.

        Those given together are of one morning: two legs of a group that cancel each other out break nothing.

        Raises
        ------
        StoreError
            If an event ends more contracts than the lots have.
        """
        ...

    def events(self) -> Sequence[LedgerEvent]:
        """Return what ended contracts without a trade, oldest first."""
        ...

    def contracts(self) -> Sequence[OptionContract]:
        """Return every contract that intents or lots ever named, with all its facts."""
        ...

    def fills(self, strategy: str | None = None) -> Sequence[LegFill]:
        """Return executions in the order in which they were recorded, last corrections only."""
        ...

    def external(self) -> Mapping[OptionContract, int]:
        """Return contracts of the account that are not ours, negative for those sold; none of 0."""
        ...

    def state_external(self, contract: OptionContract, quantity: int, at: datetime, why: str) -> None:
        """Record how many contracts of the account are not ours; 0 takes an earlier statement back.

        Parameters
        ----------
        contract : OptionContract
            One listed contract, as the broker's details of the day name it.
        quantity : int
            Contracts, negative for those sold.
        at : datetime
            Instant that is recorded, UTC.
        why : str
            Why, in words.
        """
        ...

    def record_marks(self, day: date, marks: Mapping[OptionContract, Decimal], source: str, at: datetime) -> None:
        """Record what contracts are worth at the end of a session, USD per share; the newest of a session counts.

        Parameters
        ----------
        day : date
            The session's date.
        marks : mapping of OptionContract to Decimal
            What contracts are worth, USD per share.
        source : str
            Name of the source.
        at : datetime
            Instant that is recorded, UTC.
        """
        ...

    def marks(self, day: date) -> Mapping[OptionContract, tuple[Decimal, date]]:
        """Return the newest mark of each contract up to a session, and its session; USD per share."""
        ...

    def book(self, strategy: str | None = None, day: date | None = None) -> Book:
        """Return lots, cash and deliveries of everybody, or of one strategy.

        Parameters
        ----------
        day : date or None
            As of the end of that session; None for now.
        """
        ...


class OptionStore(OptionBooks, Protocol):
    """The books of options, with the intents and their offers."""

    def commit_intents(self, intents: Iterable[OptionIntent], at: datetime) -> None:
        """Record intents as PLANNED; the same id again changes nothing. Meant for within `Store.together`."""
        ...

    def states(self, day: date | None = None, *, unresolved: bool = False) -> Sequence[OptionState]:
        """Return intents in the order in which they were committed: of one session, and/or those not terminal."""
        ...

    def claim_attempt(self, attempt: Attempt, at: datetime) -> Restriction:
        """Record an offer, or a change of its price, before it is sent, unless a halt in force forbids it.

        The halt is read in the transaction that writes, and what is written is durable when it returns. Returns the
        restriction that prevented it, or Restriction.NONE when it may be sent now.

        Raises
        ------
        StoreError
            If another offer of the intent lives, every unit has filled, or, for a change, this one does not live.
        """
        ...

    def move_attempt(self, ref: str, status: OrderStatus, at: datetime, seen: Observed | None = None) -> None:
        """Record a status of an offer; the same status again only updates the facts.

        Parameters
        ----------
        ref : str
            Our reference of the order.
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

    def end_intent(self, intent_id: str, status: OrderStatus, at: datetime, text: str = "") -> None:
        """Record that no further offer of an intent is made: LAPSED, DENIED or CANCELED; none of them may live.

        Parameters
        ----------
        intent_id : str
            Id of the intent.
        status : OrderStatus
            Life of an order intent.
        at : datetime
            Instant that is recorded, UTC.
        text : str
            Why, in words.
        """
        ...
