"""What time is it on the practice gateway's market? Settable, freezable, faster or slower than real time."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta


class MarketClock:
    """Market time under control.

    Parameters
    ----------
    start : datetime or None
        Aware instant to begin at; None = the present.
    speed : float
        Market seconds per real second; 0 = frozen.
    elapsed : callable
        Seconds of real time from any fixed point (replaced in tests).
    """

    def __init__(
        self, start: datetime | None = None, speed: float = 1.0, elapsed: Callable[[], float] = time.monotonic
    ) -> None:
        self._elapsed = elapsed
        self._base = (start or datetime.now(UTC)).astimezone(UTC)
        self._since = elapsed()
        self._speed = speed

    @property
    def speed(self) -> float:
        """Market seconds per real second."""
        return self._speed

    def now(self) -> datetime:
        """Return the market's instant, aware UTC."""
        return self._base + timedelta(seconds=(self._elapsed() - self._since) * self._speed)

    def set(self, instant: datetime) -> None:
        """Jump to an instant; the speed stays."""
        self._base, self._since = instant.astimezone(UTC), self._elapsed()

    def run(self, speed: float) -> None:
        """Go on from here at this speed; 0 freezes.

        Raises
        ------
        ValueError
            If the speed is negative.
        """
        if speed < 0:
            raise ValueError(f"market time cannot run backwards (speed {speed})")
        self.set(self.now())
        self._speed = speed
