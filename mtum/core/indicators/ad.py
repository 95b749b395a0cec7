"""Accumulation and distribution."""

from typing import TYPE_CHECKING

from mtum.core.indicators.flows import READS, by_sign, money_flow, summed
from mtum.core.indicators.indicator import Group, Indicator, Lines
from mtum.core.indicators.smoothing import rounded

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars, Column


def ad(bars: "Bars", sessions: int) -> "Column":
    """Sum of ((close - low) - (high - close)) / (high - low) x volume over the last sessions, 0 without a range.

    As with on-balance volume the usual one runs from the first bar; this is its change over the window.

    Parameters
    ----------
    bars : Bars, n sessions
    sessions : int
        Length of the window.

    Returns
    -------
    ndarray of float64, shape (n,)
        Shares, rounded to 1e-6; NaN during the first ``sessions - 1`` values.

    References
    ----------
    Chaikin's line, in Achelis (1995), "Technical Analysis from A to Z".
    """
    return rounded(summed(money_flow(bars), sessions))


def _lines(bars: "Bars", sessions: int = 20) -> Lines:
    return {"ad": ad(bars, sessions)}


INDICATOR = Indicator(
    "accumulation/distribution", Group.VOLUME, _lines, lambda sessions: sessions - 1, by_sign, READS, unit="shares"
)
