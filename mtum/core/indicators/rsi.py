"""Relative strength index."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtum.core.indicators.indicator import Group, Indicator, Lines
from mtum.core.indicators.smoothing import Smoothing, mean_of, rounded, wilder_history

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars, Column


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


def _lines(bars: "Bars", sessions: int = 14, smoothing: Smoothing = Smoothing.SIMPLE) -> Lines:
    return {"rsi": rsi(bars.close, sessions, smoothing)}


def _vote(_price: float, now: Mapping[str, float]) -> int:
    """Vote 1 below 30 (oversold), -1 above 70 (overbought)."""
    return (now["rsi"] < 30.0) - (now["rsi"] > 70.0)


def _history(sessions: int, smoothing: Smoothing) -> int:
    return wilder_history(sessions) if smoothing is Smoothing.WILDER else sessions + 1


INDICATOR = Indicator(
    "relative strength index",
    Group.MOMENTUM,
    _lines,
    lambda sessions, **_: sessions,
    _vote,
    ("overbought, above 70", "between 30 and 70", "oversold, below 30"),
    _history,
)
