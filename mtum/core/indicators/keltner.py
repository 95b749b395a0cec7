"""Keltner channel."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtum.core.indicators.atr import atr_of
from mtum.core.indicators.indicator import Group, Indicator, Lines
from mtum.core.indicators.smoothing import Smoothing, ema_history, ema_of, rounded, wilder_history

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars


def keltner(bars: "Bars", sessions: int, ranges: float, range_sessions: int) -> Lines:
    """Return the exponential mean of the close and the lines so many average true ranges above and below it.

    Parameters
    ----------
    bars : Bars, n sessions
    sessions : int
        Window of the mean.
    ranges : float
        Distance of the lines in average true ranges.
    range_sessions : int
        Window of the true range, averaged as Wilder does.

    Returns
    -------
    mapping of str to ndarray of float64, shape (n,)
        middle, upper, lower in USD, rounded to 1e-6; NaN until both means are there.

    References
    ----------
    Keltner (1960), "How to Make Money in Commodities"; with true ranges Raschke and Connors (1995), "Street Smarts".
    """
    middle, far = ema_of(bars.close, sessions), ranges * atr_of(bars, range_sessions, Smoothing.WILDER)
    return {"middle": rounded(middle), "upper": rounded(middle + far), "lower": rounded(middle - far)}


def _lines(bars: "Bars", sessions: int = 20, ranges: float = 2.0, range_sessions: int = 10) -> Lines:
    return keltner(bars, sessions, ranges, range_sessions)


def _vote(price: float, now: Mapping[str, float]) -> int:
    """Vote 1 for a close above the channel (breaking out), -1 for one below."""
    return (price > now["upper"]) - (price < now["lower"])


INDICATOR = Indicator(
    "Keltner channel",
    Group.VOLATILITY,
    _lines,
    lambda sessions, range_sessions, **_: max(sessions - 1, range_sessions),
    _vote,
    ("close below the channel", "close inside the channel", "close above the channel"),
    lambda sessions, range_sessions, **_: max(ema_history(sessions), wilder_history(range_sessions)),
    "USD",
)
