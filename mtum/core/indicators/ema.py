"""Exponential moving average."""

from typing import TYPE_CHECKING

from mtum.core.indicators.indicator import average
from mtum.core.indicators.smoothing import ema_history, ema_of, rounded

if TYPE_CHECKING:
    from mtum.core.market.bars import Column


def ema(values: "Column", sessions: int) -> "Column":
    """Exponential mean with alpha = 2/(n + 1), seeded with the plain mean of the first n defined values.

    Parameters
    ----------
    values : ndarray of float64, shape (n_sessions,)
        Closes in USD or volumes in shares, oldest first.
    sessions : int
        n.

    Returns
    -------
    ndarray of float64, shape (n_sessions,)
        Rounded to 1e-6; NaN during the first n - 1 values.

    References
    ----------
    Appel (2005), "Technical Analysis: Power Tools for Active Investors".
    """
    return rounded(ema_of(values, sessions))


INDICATOR = average(
    "exponential moving average", ema, lambda sessions, **_: sessions - 1, lambda sessions, **_: ema_history(sessions)
)
