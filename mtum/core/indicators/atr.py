"""Average true range."""

from typing import TYPE_CHECKING, assert_never

from mtum.core.indicators.smoothing import Smoothing, rounded, wilder_mean

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
    import pandas as pd
    import pandas_ta

    if len(bars) <= sessions:
        return np.full(len(bars), np.nan)
    high, low, close = pd.Series(bars.high), pd.Series(bars.low), pd.Series(bars.close)
    match smoothing:
        case Smoothing.SIMPLE if sessions > 1:
            found = pandas_ta.atr(high, low, close, length=sessions, mamode="sma", talib=False, presma=False)  # type: ignore[arg-type]  # the stub types extra keywords wrongly
            values: Column = found.to_numpy(dtype=np.float64).copy()
            values[:sessions] = np.nan  # the first bar has no previous close, so no true range
            return rounded(values)
        case Smoothing.SIMPLE | Smoothing.WILDER:
            ranges = pandas_ta.true_range(high, low, close, talib=False).to_numpy(dtype=np.float64).copy()
            ranges[0] = np.nan
            return rounded(wilder_mean(ranges, sessions))
        case _:
            assert_never(smoothing)
