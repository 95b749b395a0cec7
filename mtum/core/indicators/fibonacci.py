"""Fibonacci retracement."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtum.core.indicators.indicator import Group, Indicator, Lines
from mtum.core.indicators.smoothing import rounded, windows

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars

LEVELS = {"0": 0.0, "23.6": 0.236, "38.2": 0.382, "50": 0.5, "61.8": 0.618, "78.6": 0.786, "100": 1.0}
"""Parts of the swing that are taken back, by the name of the line."""


def fibonacci(bars: "Bars", sessions: int) -> Lines:
    """Return the levels at which the last swing between highest high and lowest low is taken back in part.

    Of equal extremes the latest counts; a swing whose two ends are one bar is undefined. An up-swing has its low
    first. The levels go back from the newer extreme: 0 is that extreme, 100 the older one.

    Parameters
    ----------
    bars : Bars, n_sessions
    sessions : int
        Window that the extremes are looked for in.

    Returns
    -------
    mapping of str to ndarray of float64, shape (n_sessions,)
        "0" to "100" in USD, "up" 1 for an up-swing and -1 for a down-swing; rounded to 1e-6; NaN during the first
        ``sessions - 1`` values.
    """
    import numpy as np

    found = {name: np.full(len(bars), np.nan) for name in (*LEVELS, "up")}
    if len(bars) < sessions:
        return found
    highs, lows = windows(bars.high, sessions), windows(bars.low, sessions)
    top, bottom = highs.max(axis=1), lows.min(axis=1)
    # The latest of equal ones: the first from behind.
    since_top, since_bottom = (
        np.argmax(rows[:, ::-1] == end[:, None], axis=1) for rows, end in ((highs, top), (lows, bottom))
    )
    up = np.where(since_top < since_bottom, 1.0, np.where(since_top > since_bottom, -1.0, np.nan))
    newer, older = np.where(up > 0, top, bottom), np.where(up > 0, bottom, top)
    for name, part in LEVELS.items():
        found[name][sessions - 1 :] = rounded(np.where(np.isnan(up), np.nan, newer + part * (older - newer)))
    found["up"][sessions - 1 :] = up
    return found


def _lines(bars: "Bars", sessions: int = 120) -> Lines:
    return fibonacci(bars, sessions)


def _vote(price: float, now: Mapping[str, float]) -> int:
    """Vote 1 for an up-swing of which less than 61.8 % are taken back, -1 for such a down-swing."""
    kept = now["up"] * (price - now["61.8"]) > 0.0
    return (kept and now["up"] > 0.0) - (kept and now["up"] < 0.0)


INDICATOR = Indicator(
    "Fibonacci retracement",
    Group.LEVELS,
    _lines,
    lambda sessions: sessions - 1,
    _vote,
    ("a down-swing that holds", "the swing is taken back", "an up-swing that holds"),
    unit="USD",
)
