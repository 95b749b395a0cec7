"""Simple moving average, of closes or of volumes."""

from typing import TYPE_CHECKING

from mtum.core.indicators.smoothing import rounded

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
    import numpy as np
    import pandas as pd
    import pandas_ta

    if len(values) < sessions:
        return np.full(len(values), np.nan)
    if sessions == 1:
        return rounded(np.array(values))
    return rounded(pandas_ta.sma(pd.Series(values), length=sessions, talib=False).to_numpy())
