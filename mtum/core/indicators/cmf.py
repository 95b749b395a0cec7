"""Chaikin money flow."""

from typing import TYPE_CHECKING

from mtum.core.indicators.flows import READS, by_sign, money_flow, summed
from mtum.core.indicators.indicator import Group, Indicator, Lines
from mtum.core.indicators.smoothing import rounded

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars, Column


def cmf(bars: "Bars", sessions: int) -> "Column":
    """Sum of money-flow volume over the sum of volume of the last sessions; undefined without volume.

    Parameters
    ----------
    bars : Bars, n sessions
    sessions : int
        Length of the window.

    Returns
    -------
    ndarray of float64, shape (n,)
        -1 to 1, rounded to 1e-6; NaN during the first ``sessions - 1`` values.

    References
    ----------
    Chaikin, in Achelis (1995), "Technical Analysis from A to Z".
    """
    import numpy as np

    flow, traded = summed(money_flow(bars), sessions), summed(bars.volume, sessions)
    with np.errstate(invalid="ignore", divide="ignore"):
        return rounded(np.where(traded > 0.0, flow / traded, np.nan))


def _lines(bars: "Bars", sessions: int = 20) -> Lines:
    return {"cmf": cmf(bars, sessions)}


INDICATOR = Indicator("Chaikin money flow", Group.VOLUME, _lines, lambda sessions: sessions - 1, by_sign, READS)
