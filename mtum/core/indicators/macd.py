"""Moving average convergence and divergence."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtum.core.indicators.indicator import Group, Indicator, Lines
from mtum.core.indicators.smoothing import ema_history, ema_of, rounded

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars, Column


def macd(close: "Column", fast: int, slow: int, signal: int) -> "tuple[Column, Column, Column]":
    """Return line, signal and histogram: ema(fast) - ema(slow), the line's ema(signal), line less signal.

    Parameters
    ----------
    close : ndarray of float64, shape (n,)
        Closes in USD, oldest first.
    fast, slow, signal : int
        Sessions of the three exponential means, each seeded with the mean of its first values.

    Returns
    -------
    tuple of ndarray of float64, shape (n,)
        USD, rounded to 1e-6; the line is NaN during the first ``max(fast, slow) - 1`` values, the other two for
        ``signal - 1`` more. TA-Lib begins its fast mean later, so the two agree once the seeds are forgotten.

    References
    ----------
    Appel (2005), "Technical Analysis: Power Tools for Active Investors".
    """
    line = ema_of(close, fast) - ema_of(close, slow)
    smoothed = ema_of(line, signal)
    return rounded(line), rounded(smoothed), rounded(line - smoothed)


def _lines(bars: "Bars", fast: int = 12, slow: int = 26, signal: int = 9) -> Lines:
    return dict(zip(("line", "signal", "histogram"), macd(bars.close, fast, slow, signal), strict=True))


def _vote(_price: float, now: Mapping[str, float]) -> int:
    """Vote 1 while the line is above its signal, -1 below."""
    return (now["histogram"] > 0.0) - (now["histogram"] < 0.0)


INDICATOR = Indicator(
    "moving average convergence/divergence",
    Group.TREND,
    _lines,
    lambda fast, slow, signal: max(fast, slow) + signal - 2,
    _vote,
    ("line below its signal", "line at its signal", "line above its signal"),
    lambda fast, slow, signal: ema_history(max(fast, slow)) + ema_history(signal),
    "USD",
)
