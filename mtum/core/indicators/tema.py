"""Triple exponential moving average."""

from typing import TYPE_CHECKING

from mtum.core.indicators.indicator import average
from mtum.core.indicators.smoothing import ema_history, ema_of, rounded

if TYPE_CHECKING:
    from mtum.core.market.bars import Column


def tema(values: "Column", sessions: int) -> "Column":
    """3 e1 - 3 e2 + e3, each the exponential mean of the one before, e1 that of the values.

    Parameters
    ----------
    values : ndarray of float64, shape (n_sessions,)
        Closes in USD or volumes in shares, oldest first.
    sessions : int
        n of all three means.

    Returns
    -------
    ndarray of float64, shape (n_sessions,)
        Rounded to 1e-6; NaN during the first 3 (n - 1) values.

    References
    ----------
    Mulloy (1994), "Smoothing Data with Faster Moving Averages".
    """
    once = ema_of(values, sessions)
    twice = ema_of(once, sessions)
    return rounded(3.0 * once - 3.0 * twice + ema_of(twice, sessions))


INDICATOR = average(
    "triple exponential moving average",
    tema,
    lambda sessions, **_: 3 * (sessions - 1),
    lambda sessions, **_: 3 * ema_history(sessions),
)
