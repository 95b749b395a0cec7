"""What time is it? The only module that asks the computer and the only one that waits."""

import time
from collections.abc import Callable
from datetime import UTC, datetime

_LONGEST_NAP_SECONDS = 1.0


class SystemClock:
    """The computer's clock (ports.time.Clock)."""

    def now(self) -> datetime:
        """Return the current aware UTC instant."""
        return datetime.now(UTC)

    def wait_until(self, instant: datetime) -> None:
        """Return at or after that instant; looks at the clock again every second, as computers are suspended."""
        while (left := (instant - self.now()).total_seconds()) > 0:
            time.sleep(min(left, _LONGEST_NAP_SECONDS))


class ReplayClock:
    """Time of a replayed market: stands still until it is told to go on; never runs back.

    Parameters
    ----------
    start : datetime
        Aware UTC instant at which the replay stands.
    """

    def __init__(self, start: datetime) -> None:
        self._at = _aware(start)

    def now(self) -> datetime:
        """Return the instant the replay has reached."""
        return self._at

    def wait_until(self, instant: datetime) -> None:
        """Jump to that instant; nothing if it has passed."""
        self._at = max(self._at, _aware(instant))


class FixedClock:
    """A clock that always tells the same instant, as `--as-of` asks; waiting does nothing."""

    def __init__(self, at: datetime) -> None:
        self._at = _aware(at)

    def now(self) -> datetime:
        """Return that instant."""
        return self._at

    def wait_until(self, instant: datetime) -> None:
        """Return at once."""


def monotonic_seconds() -> Callable[[], float]:
    """Return a stopwatch: each call gives the seconds since it was made, unmoved by clock changes."""
    began = time.monotonic()
    return lambda: time.monotonic() - began


def pause(seconds: float) -> None:
    """Wait that long; for services that must not be asked too often."""
    if seconds > 0:
        time.sleep(seconds)


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no time zone")
    return instant.astimezone(UTC)
