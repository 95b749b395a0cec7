"""Relative strength index."""

from typing import TYPE_CHECKING, assert_never

from mtum.core.indicators.smoothing import Smoothing, rounded, wilder_mean

if TYPE_CHECKING:
    from mtum.core.market.bars import Column


def rsi(close: "Column", sessions: int, smoothing: Smoothing) -> "Column":
    """100 - 100/(1 + G/L), with G and L the mean rise and the mean fall of the last `sessions` moves.

    Only falls missing gives 100; neither rises nor falls is undefined (NaN).

    Parameters
    ----------
    close : ndarray of float64, shape (n,)
        Closes in USD, oldest first.
    sessions : int
        Number of moves averaged.
    smoothing : Smoothing
        Plain means, or Wilder's seeded with the plain mean of the first moves.

    Returns
    -------
    ndarray of float64, shape (n,)
        0 to 100, rounded to 1e-6; NaN for the first `sessions` values.

    References
    ----------
    Wilder (1978), "New Concepts in Technical Trading Systems"; the plain-mean form is Cutler's RSI.
    """
    import numpy as np

    if len(close) <= sessions:
        return np.full(len(close), np.nan)
    match smoothing:
        case Smoothing.SIMPLE:
            return rounded(_simple(close, sessions))
        case Smoothing.WILDER:
            move = np.diff(close, prepend=np.nan)
            gain = wilder_mean(np.where(np.isnan(move), np.nan, np.maximum(move, 0.0)), sessions)
            loss = wilder_mean(np.where(np.isnan(move), np.nan, np.maximum(-move, 0.0)), sessions)
            with np.errstate(invalid="ignore"):
                return rounded(100.0 * gain / (gain + loss))
        case _:
            assert_never(smoothing)


def _simple(close: "Column", sessions: int) -> "Column":
    import numpy as np
    import pandas as pd
    import pandas_ta

    # A window of one move is the move itself; the library's mean needs at least two.
    if sessions == 1:
        move = np.diff(close, prepend=np.nan)
        return np.where(move > 0, 100.0, np.where(move < 0, 0.0, np.nan))
    found = pandas_ta.rsi(pd.Series(close), length=sessions, mamode="sma", talib=False)
    values: Column = found.to_numpy(dtype=np.float64)
    return values
