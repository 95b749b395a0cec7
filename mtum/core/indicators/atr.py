"""Average true range."""

from typing import TYPE_CHECKING

from mtum.core.indicators.indicator import NO_READING, Group, Indicator, Lines, no_vote
from mtum.core.indicators.smoothing import Smoothing, mean_of, rounded, wilder_history

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
    return rounded(atr_of(bars, sessions, smoothing))


def atr_of(bars: "Bars", sessions: int, smoothing: Smoothing) -> "Column":
    """Return the same, not rounded, for what is worked out from it.

    Parameters
    ----------
    bars : Bars
        Bars of one symbol and one source, oldest first, one per session.
    sessions : int
        Length of the window, sessions.
    smoothing : Smoothing
        Plain mean of the window, or Wilder's recursive mean.
    """
    return mean_of(true_range(bars), sessions, smoothing)


def true_range(bars: "Bars") -> "Column":
    """Return each session's true range in USD, shape (n,); NaN at the first bar, which has no previous close."""
    import numpy as np

    ranges = np.full(len(bars), np.nan)
    before = bars.close[:-1]
    np.subtract(np.maximum(bars.high[1:], before), np.minimum(bars.low[1:], before), out=ranges[1:])
    return ranges


def _lines(bars: "Bars", sessions: int = 14, smoothing: Smoothing = Smoothing.SIMPLE) -> Lines:
    return {"atr": atr(bars, sessions, smoothing)}


def _history(sessions: int, smoothing: Smoothing) -> int:
    return wilder_history(sessions) if smoothing is Smoothing.WILDER else sessions + 1


INDICATOR = Indicator(
    "average true range",
    Group.VOLATILITY,
    _lines,
    lambda sessions, **_: sessions,
    no_vote,
    NO_READING,
    _history,
    "USD",
)
