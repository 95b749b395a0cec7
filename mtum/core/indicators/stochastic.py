"""Stochastic oscillator."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtum.core.indicators.indicator import Group, Indicator, Lines
from mtum.core.indicators.smoothing import Smoothing, highest, lowest, mean_of, rounded

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars, Column


def stochastic(bars: "Bars", sessions: int, smooth: int, signal: int) -> "tuple[Column, Column]":
    """Return %K and %D: where the close stands in the range of the last sessions, smoothed once and twice.

    The raw value is 100 (close - lowest low) / (highest high - lowest low), undefined without a range; %K is its
    plain mean over `smooth` sessions and %D that of %K over `signal` sessions.

    Parameters
    ----------
    bars : Bars, n sessions
    sessions : int
        Window of the range.
    smooth, signal : int
        Windows of the two means.

    Returns
    -------
    tuple of ndarray of float64, shape (n,)
        0 to 100, rounded to 1e-6; %K is NaN during the first ``sessions + smooth - 2`` values, %D for
        ``signal - 1`` more.

    References
    ----------
    Lane (1984), "Lane's Stochastics".
    """
    import numpy as np

    high, low = highest(bars.high, sessions), lowest(bars.low, sessions)
    with np.errstate(invalid="ignore", divide="ignore"):
        raw = np.where(high > low, 100.0 * (bars.close - low) / (high - low), np.nan)
    smoothed = mean_of(raw, smooth, Smoothing.SIMPLE)
    return rounded(smoothed), rounded(mean_of(smoothed, signal, Smoothing.SIMPLE))


def _lines(bars: "Bars", sessions: int = 14, smooth: int = 3, signal: int = 3) -> Lines:
    return dict(zip(("k", "d"), stochastic(bars, sessions, smooth, signal), strict=True))


def _vote(_price: float, now: Mapping[str, float]) -> int:
    """Vote 1 where %K is below 20 and above %D (turning up), -1 where it is above 80 and below %D."""
    return (now["k"] < 20.0 and now["k"] > now["d"]) - (now["k"] > 80.0 and now["k"] < now["d"])


INDICATOR = Indicator(
    "stochastic oscillator",
    Group.MOMENTUM,
    _lines,
    lambda sessions, smooth, signal: sessions + smooth + signal - 3,
    _vote,
    ("turning down above 80", "not turning at an extreme", "turning up below 20"),
)
