"""Double exponential moving average."""

from typing import TYPE_CHECKING

from mtum.core.indicators.indicator import average
from mtum.core.indicators.smoothing import ema_history, ema_of, rounded

if TYPE_CHECKING:
    from mtum.core.market.bars import Column


def dema(values: "Column", sessions: int) -> "Column":
    """2 e1 - e2, with e1 the exponential mean of the values and e2 that of e1.

    Parameters
    ----------
    values : ndarray of float64, shape (n_sessions,)
        Closes in USD or volumes in shares, oldest first.
    sessions : int
        n of both means.

    Returns
    -------
    ndarray of float64, shape (n_sessions,)
        Rounded to 1e-6; NaN during the first 2 (n - 1) values.

    References
    ----------
    Mulloy (1994), "Smoothing Data with Faster Moving Averages".
    """
    once = ema_of(values, sessions)
    return rounded(2.0 * once - ema_of(once, sessions))


INDICATOR = average(
    "double exponential moving average",
    dema,
    lambda sessions, **_: 2 * (sessions - 1),
    lambda sessions, **_: 2 * ema_history(sessions),
)
