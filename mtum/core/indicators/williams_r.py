"""Williams %R."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtum.core.indicators.indicator import Group, Indicator, Lines
from mtum.core.indicators.smoothing import highest, lowest, rounded

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars, Column


def williams_r(bars: "Bars", sessions: int) -> "Column":
    """-100 (highest high - close) / (highest high - lowest low) of the last sessions; undefined without a range.

    Parameters
    ----------
    bars : Bars, n sessions
    sessions : int
        Length of the window.

    Returns
    -------
    ndarray of float64, shape (n,)
        -100 to 0, rounded to 1e-6; NaN during the first ``sessions - 1`` values.

    References
    ----------
    Williams (1973), "How I Made One Million Dollars Last Year Trading Commodities".
    """
    import numpy as np

    high, low = highest(bars.high, sessions), lowest(bars.low, sessions)
    with np.errstate(invalid="ignore", divide="ignore"):
        return rounded(np.where(high > low, -100.0 * (high - bars.close) / (high - low), np.nan))


def _lines(bars: "Bars", sessions: int = 14) -> Lines:
    return {"williams_r": williams_r(bars, sessions)}


def _vote(_price: float, now: Mapping[str, float]) -> int:
    """Vote 1 below -80 (oversold), -1 above -20 (overbought)."""
    return (now["williams_r"] < -80.0) - (now["williams_r"] > -20.0)


INDICATOR = Indicator(
    "Williams %R",
    Group.MOMENTUM,
    _lines,
    lambda sessions: sessions - 1,
    _vote,
    ("overbought, above -20", "between -80 and -20", "oversold, below -80"),
)
