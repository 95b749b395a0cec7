"""What time is it? The only module that asks the computer and the only one that waits."""

import time
from collections.abc import Callable, Iterable, Iterator
from contextvars import copy_context
from datetime import UTC, datetime, timedelta
from threading import Thread
from typing import TYPE_CHECKING

from mtum.errors import BrokerUnavailableError

if TYPE_CHECKING:
    from concurrent.futures import Future

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


def within[T](seconds: float, name: str, call: Callable[[], T]) -> T:
    """Return what a call returns, or raise what it raises, if it ends within so many seconds.

    Name look-ups, retries inside a library and servers that send a byte now and then are bounded by
    nothing else. A call that is given up goes on in its thread and may still succeed.

    Parameters
    ----------
    seconds : float
        Longest wait, seconds.
    name : str
        What is waited for, for the message.
    call : callable
        What is called.

    Raises
    ------
    TimeoutError
        If it takes longer.
    """
    from concurrent.futures import Future  # a replayed market answers at once

    result: Future[T] = Future()
    # A daemon thread: one that hangs must not keep the process from ending.
    Thread(target=copy_context().run, args=(_deliver, call, result), name=name, daemon=True).start()
    try:
        return result.result(seconds)
    finally:
        del result  # an error would hold itself, and what it holds, until the next collection


def _deliver[T](call: Callable[[], T], result: "Future[T]") -> None:
    try:
        result.set_result(call())
    except BaseException as error:  # noqa: BLE001  # it is raised where the call is awaited
        result.set_exception(error)
    finally:
        del result


def retried[T](call: Callable[[], T], again: Callable[[Exception], bool], pauses: Iterable[float]) -> T:
    """Return what a call returns; after an error that may pass it is made again.

    Parameters
    ----------
    call : callable
        What is called.
    again : callable of Exception
        Whether an error may pass; any other is raised at once.
    pauses : iterable of float
        Seconds before each further attempt; when they are used up, the error is raised.
    """
    waits = iter(pauses)
    while True:
        try:
            return call()
        except Exception as error:
            wait = next(waits, None) if again(error) else None
            if wait is None:
                raise
        pause(wait)


def growing(first: float, longest: float, total: float) -> Iterator[float]:
    """Yield pauses, each twice the one before up to the longest, as long as their sum stays within a total.

    Parameters
    ----------
    first : float
        First pause, seconds.
    longest : float
        Longest pause, seconds.
    total : float
        Longest sum of the pauses, seconds.

    Examples
    --------
    >>> list(growing(0.5, 2.0, 6.0))
    [0.5, 1.0, 2.0, 2.0]
    """
    waited, wait = 0.0, first
    while waited + wait <= total:
        yield wait
        waited, wait = waited + wait, min(2 * wait, longest)


def _aware(instant: datetime) -> datetime:
    if instant.tzinfo is None:
        raise ValueError(f"{instant} has no time zone")
    return instant.astimezone(UTC)


class BrokerClock:
    """Time by the broker's clock once it was read, by ours before (ports.time.Clock).

    From the first reading on time never runs back: the broker's clock or the real time elapsed,
    whichever is later, so that no deadline waits for a broker whose clock stands still.

    Parameters
    ----------
    max_skew_seconds : float
        Largest difference between our clock and the broker's at the first reading.
    as_of : datetime, optional
        Instant to take for now instead of the computer's.
    """

    def __init__(self, max_skew_seconds: float, as_of: datetime | None = None) -> None:
        self._max_skew_seconds = max_skew_seconds
        self._base = _aware(as_of) if as_of is not None else datetime.now(UTC)
        self._since = time.monotonic()
        self._read = False
        self.pause: Callable[[float], None] = time.sleep

    def now(self) -> datetime:
        """Return the instant by the broker's clock."""
        return self._base + timedelta(seconds=time.monotonic() - self._since)

    def synchronize(self, broker: datetime, *, practice: bool = False) -> None:
        """Take the broker's clock, told in whole seconds; a practice gateway's may be of any year.

        Raises
        ------
        BrokerUnavailableError
            If it is too far from ours at the first reading.
        """
        apart = (broker - self.now()).total_seconds()
        if not (self._read or practice) and abs(apart) > self._max_skew_seconds:
            raise BrokerUnavailableError(
                f"the broker's clock says {broker:%Y-%m-%d %H:%M:%S} UTC, ours {self.now():%Y-%m-%d %H:%M:%S}: more "
                f"than {self._max_skew_seconds:g} s apart; set this computer's clock, or --as-of for a practice gateway"
            )
        if apart > 0 or not self._read:
            self._base, self._since = broker, time.monotonic()
        self._read = True

    def wait_until(self, instant: datetime) -> None:
        """Return at or after that instant; `pause` may read the broker's clock meanwhile."""
        while (left := (instant - self.now()).total_seconds()) > 0:
            self.pause(min(left, _LONGEST_NAP_SECONDS))
