"""Time and the exchange's calendar."""

from datetime import date, datetime
from typing import Protocol

from mtum.core.market.sessions import Sessions


class Clock(Protocol):
    """Tells the time and waits; the only source of "now"."""

    def now(self) -> datetime:
        """Return the current aware UTC instant."""
        ...

    def wait_until(self, instant: datetime) -> None:
        """Return at or after that instant; at once if it has passed."""
        ...


class Calendar(Protocol):
    """The exchange's trading sessions."""

    def sessions(self, first: date, last: date) -> Sessions:
        """Return every session of the closed interval.

        Raises
        ------
        CalendarMismatchError
            If the interval reaches past what the calendar knows.
        """
        ...


class Journal(Protocol):
    """Told of every step of a run before and after it takes effect (logging, kill tests)."""

    def begin(self, run_id: int) -> None:
        """Say which run the steps from now on belong to."""
        ...

    def reached(self, step: str) -> None:
        """Note that the run has reached a step."""
        ...
