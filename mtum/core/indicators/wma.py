"""Moving average with linear weights."""

from typing import TYPE_CHECKING

from mtum.core.indicators.indicator import average
from mtum.core.indicators.smoothing import over_windows, rounded

if TYPE_CHECKING:
    from mtum.core.market.bars import Column


def wma(values: "Column", sessions: int) -> "Column":
    """Mean of the last n values with weights 1 to n, the newest the heaviest.

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
    """
    import numpy as np

    weights = np.arange(1.0, sessions + 1)
    # Element by element and not as a product of matrices, whose order of summing depends on the machine.
    return rounded(over_windows(values, sessions, lambda rows: (rows * weights).sum(axis=1) / weights.sum()))


INDICATOR = average("linearly weighted moving average", wma, lambda sessions, **_: sessions - 1)
