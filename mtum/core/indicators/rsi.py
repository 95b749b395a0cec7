"""Relative strength index."""

from typing import TYPE_CHECKING

from mtum.core.indicators.smoothing import Smoothing, mean_of, rounded

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
    move = np.empty(len(close))
    move[0] = np.nan  # the first close has no move: its window stays undefined
    np.subtract(close[1:], close[:-1], out=move[1:])
    rise = mean_of(np.maximum(move, 0.0), sessions, smoothing)
    fall = mean_of(np.maximum(-move, 0.0), sessions, smoothing)
    with np.errstate(invalid="ignore"):
        return rounded(100.0 * rise / (rise + fall))
