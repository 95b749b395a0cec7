"""Volume-weighted average price."""

from typing import TYPE_CHECKING

from mtum.core.indicators.indicator import Group, Indicator, Lines, above_average
from mtum.core.indicators.smoothing import over_windows, rounded

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars, Column


def vwap(bars: "Bars", sessions: int) -> "Column":
    """Sum of typical price x volume over the sum of volume of the last sessions; undefined without volume.

    The typical price is (high + low + close) / 3.

    Parameters
    ----------
    bars : Bars, n sessions
    sessions : int
        Length of the window.

    Returns
    -------
    ndarray of float64, shape (n,)
        USD, rounded to 1e-6; NaN during the first ``sessions - 1`` values.
    """
    import numpy as np

    typical = (bars.high + bars.low + bars.close) / 3.0
    spent, traded = (
        over_windows(column, sessions, lambda rows: rows.sum(axis=1)) for column in (typical * bars.volume, bars.volume)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        return rounded(np.where(traded > 0.0, spent / traded, np.nan))


def _lines(bars: "Bars", sessions: int = 20) -> Lines:
    return {"vwap": vwap(bars, sessions)}


INDICATOR = Indicator(
    "volume-weighted average price",
    Group.VOLUME,
    _lines,
    lambda sessions: sessions - 1,
    above_average,
    (
        "close below what was paid on average",
        "close at what was paid on average",
        "close above what was paid on average",
    ),
    unit="USD",
)
