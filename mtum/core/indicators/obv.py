"""On-balance volume."""

from typing import TYPE_CHECKING

from mtum.core.indicators.flows import READS, by_sign, summed
from mtum.core.indicators.indicator import Group, Indicator, Lines
from mtum.core.indicators.smoothing import rounded

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars, Column


def obv(bars: "Bars", sessions: int) -> "Column":
    """Volume of the sessions that closed higher less that of those that closed lower, over the last n.

    The usual one runs from the first bar there is, so that its level says nothing but where the history begins;
    this is its change over n sessions.

    Parameters
    ----------
    bars : Bars, n_sessions
    sessions : int
        n.

    Returns
    -------
    ndarray of float64, shape (n_sessions,)
        Shares; NaN during the first n values.

    References
    ----------
    Granville (1963), "Granville's New Key to Stock Market Profits".
    """
    import numpy as np

    signed = np.full(len(bars), np.nan)
    signed[1:] = np.sign(bars.close[1:] - bars.close[:-1]) * bars.volume[1:]
    return rounded(summed(signed, sessions))


def _lines(bars: "Bars", sessions: int = 20) -> Lines:
    return {"obv": obv(bars, sessions)}


INDICATOR = Indicator(
    "on-balance volume", Group.VOLUME, _lines, lambda sessions: sessions, by_sign, READS, unit="shares"
)
