"""Percentile rank."""

from typing import TYPE_CHECKING

from mtum.core.indicators.indicator import NO_READING, Group, Indicator, Lines, no_vote
from mtum.core.indicators.smoothing import over_windows, rounded

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars, Column


def percentile_rank(values: "Column", sessions: int) -> "Column":
    """Share of the n - 1 values before the newest that are below it.

    Parameters
    ----------
    values : ndarray of float64, shape (n_sessions,)
        In any unit, oldest first.
    sessions : int
        n, the newest included.

    Returns
    -------
    ndarray of float64, shape (n_sessions,)
        0 to 1, rounded to 1e-6; NaN during the first n - 1 values.
    """
    import numpy as np

    def below(rows: "Column") -> "Column":
        found: Column = np.count_nonzero(rows[:, :-1] < rows[:, -1:], axis=1) / (sessions - 1)
        return found

    return rounded(over_windows(values, sessions, below))


def _lines(bars: "Bars", of: str = "close", sessions: int = 252) -> Lines:
    return {"percentile_rank": percentile_rank(getattr(bars, of), sessions)}


INDICATOR = Indicator("percentile rank", Group.LEVELS, _lines, lambda sessions, **_: sessions - 1, no_vote, NO_READING)
