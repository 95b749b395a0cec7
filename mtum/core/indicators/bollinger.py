"""Bollinger bands."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtum.core.indicators.indicator import Group, Indicator, Lines
from mtum.core.indicators.smoothing import Smoothing, mean_of, over_windows, rounded

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars, Column


def bollinger(close: "Column", sessions: int, deviations: float) -> Lines:
    """Return the plain mean, the bands so many population deviations away, and where the close stands in them.

    Parameters
    ----------
    close : ndarray of float64, shape (n,)
        Closes in USD, oldest first.
    sessions : int
        Window of mean and deviation.
    deviations : float
        Width of each band.

    Returns
    -------
    mapping of str to ndarray of float64, shape (n,)
        middle, upper, lower in USD; percent_b = (close - lower) / (upper - lower), undefined where the bands
        meet; bandwidth = (upper - lower) / middle. Rounded to 1e-6; NaN during the first ``sessions - 1`` values.

    References
    ----------
    Bollinger (2001), "Bollinger on Bollinger Bands".
    """
    import numpy as np

    middle = mean_of(close, sessions, Smoothing.SIMPLE)
    spread = deviations * over_windows(close, sessions, lambda rows: rows.std(axis=1))
    upper, lower = middle + spread, middle - spread
    with np.errstate(invalid="ignore", divide="ignore"):
        inside = np.where(upper > lower, (close - lower) / (upper - lower), np.nan)
        width = (upper - lower) / middle
    named = {"middle": middle, "upper": upper, "lower": lower, "percent_b": inside, "bandwidth": width}
    return {name: rounded(column) for name, column in named.items()}


def _lines(bars: "Bars", sessions: int = 20, deviations: float = 2.0) -> Lines:
    return bollinger(bars.close, sessions, deviations)


def _vote(price: float, now: Mapping[str, float]) -> int:
    """Vote 1 for a close below the lower band (stretched down), -1 for one above the upper band."""
    return (price < now["lower"]) - (price > now["upper"])


INDICATOR = Indicator(
    "Bollinger bands",
    Group.VOLATILITY,
    _lines,
    lambda sessions, **_: sessions - 1,
    _vote,
    ("close above the upper band", "close between the bands", "close below the lower band"),
    unit="USD",
)
