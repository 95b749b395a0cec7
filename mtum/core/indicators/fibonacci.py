"""Fibonacci retracement."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtum.core.indicators.indicator import Group, Indicator, Lines
from mtum.core.indicators.smoothing import rounded

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars, Column

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
    top, since_top = _latest(bars.high, sessions)
    bottom, since_bottom = _latest(-bars.low, sessions)
    bottom = -bottom
    up = np.where(since_top < since_bottom, 1.0, np.where(since_top > since_bottom, -1.0, np.nan))
    newer, older = np.where(up > 0, top, bottom), np.where(up > 0, bottom, top)
    for name, part in LEVELS.items():
        found[name][sessions - 1 :] = rounded(np.where(np.isnan(up), np.nan, newer + part * (older - newer)))
    found["up"][sessions - 1 :] = up
    return found


def _latest(values: "Column", sessions: int) -> "tuple[Column, Column]":
    # The largest of each window and the sessions since then: of equal ones the latest, so the first from behind.
    import numpy as np

    at: Column = np.arange(len(values), dtype=np.float64)
    best, width = values, 1
    while width < sessions:
        # The next window covers as much as is known, and no more than is asked for.
        step = min(width, sessions - width)
        newer = best[step:] >= best[:-step]
        best, at = np.maximum(best[:-step], best[step:]), np.where(newer, at[step:], at[:-step])
        width += step
    return best, np.arange(sessions - 1.0, len(values)) - at


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
