"""Realized volatility."""

from typing import TYPE_CHECKING

from mtum.core.indicators.indicator import NO_READING, Group, Indicator, Lines, no_vote
from mtum.core.indicators.smoothing import over_windows, rounded

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars, Column

SESSIONS_A_YEAR = 252


def volatility(close: "Column", sessions: int) -> "Column":
    """Sample deviation of the last n daily log returns, times the root of 252.

    Parameters
    ----------
    close : ndarray of float64, shape (n_sessions,)
        Closes in USD, oldest first; total-return closes where it sizes a position.
    sessions : int
        n, two or more.

    Returns
    -------
    ndarray of float64, shape (n_sessions,)
        A year's, as a fraction, rounded to 1e-6; NaN during the first n values.
    """
    import numpy as np

    found = np.full(len(close), np.nan)
    if len(close) > 1:
        moves = np.log(close[1:] / close[:-1])
        found[1:] = over_windows(moves, sessions, lambda rows: rows.std(axis=1, ddof=1)) * np.sqrt(SESSIONS_A_YEAR)
    return rounded(found)


def _lines(bars: "Bars", sessions: int = 20) -> Lines:
    return {"volatility": volatility(bars.close, sessions)}


INDICATOR = Indicator("realized volatility", Group.VOLATILITY, _lines, lambda sessions: sessions, no_vote, NO_READING)
