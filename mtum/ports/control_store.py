"""Halts and facts about the database, as it keeps them."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import Protocol

from mtum.core.market.sessions import Session
from mtum.core.portfolio.limits import Restriction
from mtum.ports.records import Halt


class ControlStore(Protocol):
    """Halts, upcoming sessions and facts about the database."""

    def restriction(self, sleeve: str | None = None) -> Restriction:
        """Return the strongest halt in force for the account, and for that sleeve where one is named."""
        ...

    def halt(self, restriction: Restriction, why: str, by: str, at: datetime, sleeve: str | None = None) -> int:
        """Put a halt in force, of one sleeve or of the account; an equal one in force is kept.

        Parameters
        ----------
        restriction : Restriction
            How far trading is stopped, weakest first.
        why : str
            Why, in words.
        by : str
            Who or what asked for it.
        at : datetime
            Instant that is recorded, UTC.
        sleeve : str or None
            Name of the sleeve; None for the whole account.
        """
        ...

    def resume(self, at: datetime, sleeve: str | None = None) -> int:
        """Lift every halt, or those of one sleeve alone; return how many were in force."""
        ...

    def halts(self, *, in_force: bool = False) -> Sequence[Halt]:
        """Return halts, oldest first."""
        ...

    def note(self, day: date, symbol: str | None, words: str, at: datetime) -> int:
        """Keep what a person wrote down of a day, perhaps of one symbol; return its number.

        Parameters
        ----------
        day : date
            The session's date.
        symbol : str or None
            Ticker it is about; None for none.
        words : str
            What was written down.
        at : datetime
            Instant that is recorded, UTC.
        """
        ...

    def write_sessions(self, sessions: Sequence[Session]) -> None:
        """Replace the table of upcoming sessions."""
        ...

    def meta(self, key: str) -> str | None:
        """Return a fact about the database."""
        ...

    def set_meta(self, key: str, value: str) -> None:
        """Record a fact about the database."""
        ...
