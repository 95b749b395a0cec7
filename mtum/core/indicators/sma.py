"""Simple moving average, of closes or of volumes."""

from typing import TYPE_CHECKING

from mtum.core.indicators.indicator import average
from mtum.core.indicators.smoothing import Smoothing, mean_of, rounded

if TYPE_CHECKING:
    from mtum.core.market.bars import Column


def sma(values: "Column", sessions: int) -> "Column":
    """Plain mean of the last `sessions` values, the newest included.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Closes in USD or volumes in shares, oldest first.
    sessions : int
        Length of the window.

    Returns
    -------
    ndarray of float64, shape (n,)
        Rounded to 1e-6; NaN during the first ``sessions - 1`` values.
    """
    return rounded(mean_of(values, sessions, Smoothing.SIMPLE))


INDICATOR = average("simple moving average", sma, lambda sessions, **_: sessions - 1)
