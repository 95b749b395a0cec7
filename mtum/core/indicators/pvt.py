"""Price and volume trend."""

from typing import TYPE_CHECKING

from mtum.core.indicators.flows import READS, by_sign, summed
from mtum.core.indicators.indicator import Group, Indicator, Lines
from mtum.core.indicators.smoothing import rounded

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars, Column


def pvt(bars: "Bars", sessions: int) -> "Column":
    """Sum of volume x the close's change as a fraction over the last n sessions.

    Parameters
    ----------
    bars : Bars, n_sessions
    sessions : int
        n.

    Returns
    -------
    ndarray of float64, shape (n_sessions,)
        Shares, rounded to 1e-6; NaN during the first n values.

    References
    ----------
    Achelis (1995), "Technical Analysis from A to Z".
    """
    import numpy as np

    moved = np.full(len(bars), np.nan)
    moved[1:] = bars.volume[1:] * ((bars.close[1:] - bars.close[:-1]) / bars.close[:-1])
    return rounded(summed(moved, sessions))


def _lines(bars: "Bars", sessions: int = 20) -> Lines:
    return {"pvt": pvt(bars, sessions)}


INDICATOR = Indicator(
    "price and volume trend", Group.VOLUME, _lines, lambda sessions: sessions, by_sign, READS, unit="shares"
)
