"""Rank of a value between its extremes, as it is used of implied volatility."""

from typing import TYPE_CHECKING

from mtum.core.indicators.indicator import NO_READING, Group, Indicator, Lines, no_vote
from mtum.core.indicators.smoothing import highest, lowest, rounded

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars, Column


def iv_rank(values: "Column", sessions: int) -> "Column":
    """(x - lowest) / (highest - lowest) of the last n values; undefined where all are equal.

    Parameters
    ----------
    values : ndarray of float64, shape (n_sessions,)
        For instance the VIX, oldest first.
    sessions : int
        n, the newest included.

    Returns
    -------
    ndarray of float64, shape (n_sessions,)
        0 to 1, rounded to 1e-6; NaN during the first n - 1 values.
    """
    import numpy as np

    high, low = highest(values, sessions), lowest(values, sessions)
    with np.errstate(invalid="ignore", divide="ignore"):
        return rounded(np.where(high > low, (values - low) / (high - low), np.nan))


def _lines(bars: "Bars", of: str = "close", sessions: int = 252) -> Lines:
    return {"iv_rank": iv_rank(getattr(bars, of), sessions)}


INDICATOR = Indicator(
    "rank between its extremes", Group.LEVELS, _lines, lambda sessions, **_: sessions - 1, no_vote, NO_READING
)
