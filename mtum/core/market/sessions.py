"""Trading sessions: when the exchange opens and closes, and which one comes next."""

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from operator import lt

from msgspec import Struct

FULL_SESSION = timedelta(hours=6, minutes=30)


class Session(Struct, frozen=True, order=True):
    """One trading day of the exchange, named by its date.

    Parameters
    ----------
    day : date
        The exchange's own date.
    open, close : datetime
        Aware UTC instants of the regular session.
    """

    day: date
    open: datetime
    close: datetime

    @property
    def half_day(self) -> bool:
        """Whether the session is shorter than a full one."""
        return self.close - self.open < FULL_SESSION

    def before_close(self, minutes: float) -> datetime:
        """Return the instant `minutes` before the close (after it when negative)."""
        return self.close - timedelta(minutes=minutes)


@dataclass(frozen=True, slots=True)
class Sessions:
    """A gapless run of sessions, oldest first, with look-ups by date.

    Raises
    ------
    ValueError
        If the sessions are not in strictly rising order.
    """

    known: tuple[Session, ...]
    days: tuple[date, ...] = field(init=False, repr=False, compare=False)
    """The date of each."""

    def __post_init__(self) -> None:
        days = tuple([session.day for session in self.known])
        if not all(map(lt, days, days[1:])):
            raise ValueError("sessions must be in strictly rising order")
        object.__setattr__(self, "days", days)

    def __iter__(self) -> Iterator[Session]:
        return iter(self.known)

    def __len__(self) -> int:
        return len(self.known)

    def _index(self, day: date) -> int:
        return bisect_left(self.days, day)

    def get(self, day: date) -> Session | None:
        """Return the session of that date, or None when the exchange is shut."""
        index = self._index(day)
        if index < len(self.known) and self.known[index].day == day:
            return self.known[index]
        return None

    def after(self, day: date) -> Session | None:
        """Return the first session later than that date, or None past the horizon."""
        index = self._index(day + timedelta(days=1))
        return self.known[index] if index < len(self.known) else None

    def before(self, day: date, sessions: int = 1) -> Session | None:
        """Return the session that many sessions earlier than that date, or None."""
        index = self._index(day) - sessions
        return self.known[index] if index >= 0 else None

    def between(self, first: date, last: date) -> tuple[Session, ...]:
        """Return the sessions of the closed interval, oldest first."""
        return self.known[self._index(first) : self._index(last + timedelta(days=1))]

    def count(self, first: date, last: date) -> int:
        """Return how many sessions lie after `first` up to and including `last`."""
        return self._index(last + timedelta(days=1)) - self._index(first + timedelta(days=1))
