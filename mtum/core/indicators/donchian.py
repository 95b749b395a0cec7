"""Donchian channel."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtum.core.indicators.indicator import Group, Indicator, Lines
from mtum.core.indicators.smoothing import highest, lowest, rounded

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars, Column


def donchian(bars: "Bars", sessions: int, *, previous: bool) -> "tuple[Column, Column]":
    """Return the highest high and the lowest low of the last sessions.

    Parameters
    ----------
    bars : Bars, n sessions
    sessions : int
        Length of the window.
    previous : bool
        Whether the window ends at the session before, so that a close can be beyond it.

    Returns
    -------
    tuple of ndarray of float64, shape (n,)
        USD, rounded to 1e-6; NaN during the first ``sessions - 1`` values, one more with `previous`.

    References
    ----------
    Donchian (1960), "High Finance in Copper"; Faith (2007), "Way of the Turtle".
    """
    import numpy as np

    high, low = highest(bars.high, sessions), lowest(bars.low, sessions)
    if previous and len(bars):
        high, low = (np.concatenate(([np.nan], column[:-1])) for column in (high, low))
    return rounded(high), rounded(low)


def _lines(bars: "Bars", sessions: int = 20, previous: bool = False) -> Lines:  # by name only
    return dict(zip(("high", "low"), donchian(bars, sessions, previous=previous), strict=True))


def _vote(price: float, now: Mapping[str, float]) -> int:
    """Vote 1 for a close in the upper half of the channel, -1 in the lower half."""
    middle = (now["high"] + now["low"]) / 2.0
    return (price > middle) - (price < middle)


INDICATOR = Indicator(
    "Donchian channel",
    Group.TREND,
    _lines,
    lambda sessions, previous: sessions - 1 + bool(previous),
    _vote,
    ("close in the lower half of the channel", "close in the middle", "close in the upper half of the channel"),
    unit="USD",
)
