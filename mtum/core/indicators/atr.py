"""Average true range."""

from typing import TYPE_CHECKING

from mtum.core.indicators.smoothing import Smoothing, mean_of, rounded

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars, Column


def atr(bars: "Bars", sessions: int, smoothing: Smoothing) -> "Column":
    """Mean of the last `sessions` true ranges, in USD.

    The true range is the largest of high - low, |high - previous close| and
    |low - previous close|.

    Parameters
    ----------
    bars : Bars, n sessions
        Highs, lows and closes in USD.
    sessions : int
        Number of true ranges averaged.
    smoothing : Smoothing
        Plain mean, or Wilder's seeded with the plain mean of the first true ranges.

    Returns
    -------
    ndarray of float64, shape (n,)
        Rounded to 1e-6; NaN for the first `sessions` values.

    References
    ----------
    Wilder (1978), "New Concepts in Technical Trading Systems".
    """
    import numpy as np

    if len(bars) <= sessions:
        return np.full(len(bars), np.nan)
    ranges = np.empty(len(bars))
    ranges[0] = np.nan  # the first bar has no true range
    before = bars.close[:-1]
    np.subtract(np.maximum(bars.high[1:], before), np.minimum(bars.low[1:], before), out=ranges[1:])
    return rounded(mean_of(ranges, sessions, smoothing))
