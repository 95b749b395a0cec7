"""What a person stated and approved, as the database keeps it."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Protocol

from mtum.ports.records import AccountWorth, CashMovement, ChangeRecord, Subject, Way


class StatementStore(Protocol):
    """What a person stated; every statement is kept, and the newest counts."""

    def state_external(self, symbol: str, shares: Decimal, at: datetime, why: str) -> None:
        """Record how many shares of a symbol are the owner's own; 0 takes an earlier statement back.

        Parameters
        ----------
        symbol : str
            Ticker.
        shares : Decimal
            Number of shares.
        at : datetime
            Instant that is recorded, UTC.
        why : str
            Why, in words.
        """
        ...

    def external_shares(self) -> Mapping[str, Decimal]:
        """Return the shares that are the owner's own by symbol, 0 where a statement was taken back."""
        ...

    def state_entry(self, intent_id: str, remembered: Mapping[str, float], at: datetime) -> None:
        """Record what the strategy keeps with an entry that a person stated.

        Parameters
        ----------
        intent_id : str
            Id of the intent.
        remembered : mapping of str to float
            What the strategy keeps with the entry, by name.
        at : datetime
            Instant that is recorded, UTC.
        """
        ...

    def stated_entry(self, intent_id: str) -> Mapping[str, float]:
        """Return what the strategy keeps with an entry that a person stated; empty for every other."""
        ...

    def acknowledge_foreign(self, ref: str, at: datetime, why: str) -> None:
        """Record that an order made by this program and not by this database is in order.

        Parameters
        ----------
        ref : str
            Our reference of the order.
        at : datetime
            Instant that is recorded, UTC.
        why : str
            Why, in words.
        """
        ...

    def acknowledged_foreign(self, ref: str) -> bool:
        """Return whether that order is known to be in order."""
        ...

    def request_flatten(self, symbol: str, why: str, at: datetime, sleeve: str | None = None) -> None:
        """Record that a person wants a position closed, of one sleeve or of all.

        Parameters
        ----------
        symbol : str
            Ticker.
        why : str
            Why, in words.
        at : datetime
            Instant that is recorded, UTC.
        sleeve : str or None
            Name of the sleeve; None for the whole account.
        """
        ...

    def flatten_requests(self, sleeve: str | None = None) -> Sequence[str]:
        """Return the symbols that a person wants closed, in the order they were asked for."""
        ...

    def end_flatten(self, symbol: str, at: datetime, sleeve: str | None = None) -> None:
        """Record that nothing is left of a position that was to be closed.

        Parameters
        ----------
        symbol : str
            Ticker.
        at : datetime
            Instant that is recorded, UTC.
        sleeve : str or None
            Name of the sleeve; None for the whole account.
        """
        ...


class ChangeStore(Protocol):
    """New names, mergers and spin-offs that a person stated, and what the broker showed; one taken back stays."""

    def stated_changes(self) -> Sequence[ChangeRecord]:
        """Return those that were not taken back, in the order they were stated."""
        ...

    def last_with(self, symbol: str) -> tuple[date, Mapping[str, Decimal]] | None:
        """Return the last session in which the broker showed shares of a symbol, and all positions of then."""
        ...

    def state_change(self, record: ChangeRecord, movements: Sequence[CashMovement]) -> None:
        """Record a change with all that it brings, in one durable transaction.

        Cached bars, volumes and wishes to close a position of a renamed symbol count for the new name too.

        Parameters
        ----------
        movements : sequence of CashMovement
            What it paid.
        """
        ...

    def undo_change(self, number: int, at: datetime) -> None:
        """Take a change back with all that it brought."""
        ...


class ApprovalStore(Protocol):
    """What a person approved, and the contracts that were pinned; every change is kept, and the newest counts."""

    def approve(self, day: date, way: Way, at: datetime, sleeve: str | None = None, symbol: str | None = None) -> bool:
        """Record that a session's entries or exits may be sent; False if that was approved before.

        Parameters
        ----------
        day : date
            The session's date.
        way : Way
            Which order of a session a person approves.
        at : datetime
            Instant that is recorded, UTC.
        sleeve, symbol : str or None
            Whose and of what; None for all.
        """
        ...

    def approved(self, day: date, way: Way, sleeve: str | None = None, symbol: str | None = None) -> bool:
        """Return whether a person has approved that session's entries or exits as a whole, or by sleeve or symbol.

        Parameters
        ----------
        day : date
            The session's date.
        way : Way
            Which order of a session a person approves.
        sleeve : str or None
            Name of the sleeve; None for the whole account.
        symbol : str or None
            Ticker; None for all.
        """
        ...

    def approve_document(self, subject: Subject, document: Mapping[str, Any], at: datetime) -> None:
        """Record the settings, the code or the backtest that a person approved.

        Parameters
        ----------
        subject : Subject
            What a person approves to trade with.
        document : mapping of str to any
            What is approved.
        at : datetime
            Instant that is recorded, UTC.
        """
        ...

    def approved_document(self, subject: Subject) -> Mapping[str, Any] | None:
        """Return what was approved last of that subject, None before any approval."""
        ...

    def pin_contract(self, symbol: str, identity: str, at: datetime) -> None:
        """Record the broker's contract for a symbol; the same again changes nothing, "" has it looked up anew.

        Parameters
        ----------
        symbol : str
            Ticker.
        identity : str
            The broker's words for the contract; "" has it looked up anew.
        at : datetime
            Instant that is recorded, UTC.
        """
        ...

    def pinned_contract(self, symbol: str) -> str:
        """Return the broker's contract for a symbol, "" where none is pinned."""
        ...


class LimitStore(Protocol):
    """What the limits of the account go by; every row is kept, and the newest counts."""

    def write_worth(self, worth: AccountWorth, at: datetime) -> None:
        """Record what the account was worth at a decision."""
        ...

    def last_worth(self) -> AccountWorth | None:
        """Return what the account was worth at the last decision, None before the first."""
        ...

    def count_peak_since(self, day: date, at: datetime, sleeve: str | None = None) -> None:
        """Record from whose close on the drawdown limit counts its peak.

        Parameters
        ----------
        day : date
            The session's date.
        at : datetime
            Instant that is recorded, UTC.
        sleeve : str or None
            Name of the sleeve; None for the whole account.
        """
        ...

    def peak_since(self, sleeve: str | None = None) -> date | None:
        """Return the session from whose close on the peak is counted, None for all of them."""
        ...
