"""Rate of change."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtum.core.indicators.indicator import Group, Indicator, Lines
from mtum.core.indicators.smoothing import rounded

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars, Column


def roc(close: "Column", sessions: int) -> "Column":
    """100 (close / close of n sessions ago - 1).

    Parameters
    ----------
    close : ndarray of float64, shape (n_sessions,)
        Closes in USD, oldest first.
    sessions : int
        n.

    Returns
    -------
    ndarray of float64, shape (n_sessions,)
        Percent, rounded to 1e-6; NaN during the first n values.
    """
    import numpy as np

    found = np.full(len(close), np.nan)
    if len(close) > sessions:
        found[sessions:] = 100.0 * (close[sessions:] / close[:-sessions] - 1.0)
    return rounded(found)


def _lines(bars: "Bars", sessions: int = 10) -> Lines:
    return {"roc": roc(bars.close, sessions)}


def _vote(_price: float, now: Mapping[str, float]) -> int:
    """Vote 1 for a rise, -1 for a fall."""
    return (now["roc"] > 0.0) - (now["roc"] < 0.0)


INDICATOR = Indicator(
    "rate of change",
    Group.MOMENTUM,
    _lines,
    lambda sessions: sessions,
    _vote,
    ("lower than before", "where it was before", "higher than before"),
    unit="%",
)
