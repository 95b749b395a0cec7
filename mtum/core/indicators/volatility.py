"""Realized volatility."""

from typing import TYPE_CHECKING

from mtum.core.indicators.indicator import NO_READING, Group, Indicator, Lines, no_vote
from mtum.core.indicators.smoothing import over_windows, rounded

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars, Column

SESSIONS_A_YEAR = 252


def volatility(close: "Column", sessions: int, a_year: int = SESSIONS_A_YEAR) -> "Column":
    """Sample deviation of the last n log returns, times the root of how many there are in a year.

    Parameters
    ----------
    close : ndarray of float64, shape (n_sessions,)
        Closes in USD, oldest first; total-return closes where it sizes a position.
    sessions : int
        n, two or more.
    a_year : int
        252 returns of sessions, 52 of weeks, 12 of months.

    Returns
    -------
    ndarray of float64, shape (n_sessions,)
        A year's, as a fraction, rounded to 1e-6; NaN during the first n values.
    """
    import numpy as np

    found = np.full(len(close), np.nan)
    if len(close) > 1:
        moves = np.log(close[1:] / close[:-1])
        found[1:] = over_windows(moves, sessions, lambda rows: rows.std(axis=1, ddof=1)) * np.sqrt(a_year)
    return rounded(found)


def _lines(bars: "Bars", sessions: int = 20, a_year: int = SESSIONS_A_YEAR) -> Lines:
    return {"volatility": volatility(bars.close, sessions, a_year)}


INDICATOR = Indicator(
    "realized volatility", Group.VOLATILITY, _lines, lambda sessions, **_: sessions, no_vote, NO_READING
)
