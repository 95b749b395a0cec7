"""Volume-weighted average price: of the last bars, and of bars within the session also since its open."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtum.core.indicators.flows import summed
from mtum.core.indicators.indicator import Group, Indicator, Lines
from mtum.core.indicators.smoothing import rounded

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars, Column
    from mtum.core.market.intraday import IntradayBars


def vwap(bars: "Bars", sessions: int) -> "Column":
    """Sum of typical price x volume over the sum of volume of the last sessions; undefined without volume.

    The typical price is (high + low + close) / 3.

    Parameters
    ----------
    bars : Bars, n sessions
    sessions : int
        Length of the window.

    Returns
    -------
    ndarray of float64, shape (n,)
        USD, rounded to 1e-6; NaN during the first ``sessions - 1`` values.
    """
    import numpy as np

    typical = (bars.high + bars.low + bars.close) / 3.0
    spent, traded = summed(typical * bars.volume, sessions), summed(bars.volume, sessions)
    with np.errstate(invalid="ignore", divide="ignore"):
        return rounded(np.where(traded > 0.0, spent / traded, np.nan))


def session_vwap(bars: "IntradayBars") -> "Column":
    """Sum of typical price x volume over the sum of volume since the session's open; undefined without volume.

    Parameters
    ----------
    bars : IntradayBars, n bars

    Returns
    -------
    ndarray of float64, shape (n,)
        USD, rounded to 1e-6; each session begins anew.
    """
    import numpy as np

    spent, traded = (bars.high + bars.low + bars.close) / 3.0 * bars.volume, bars.volume
    found = np.full(len(bars), np.nan)
    starts = np.flatnonzero(np.r_[True, bars.days[1:] != bars.days[:-1]]) if len(bars) else ()
    for start, end in zip(starts, (*starts[1:], len(bars)), strict=True):
        with np.errstate(invalid="ignore", divide="ignore"):
            volume = np.cumsum(traded[start:end])
            found[start:end] = np.where(volume > 0.0, np.cumsum(spent[start:end]) / volume, np.nan)
    return rounded(found)


def _lines(bars: "Bars", sessions: int = 20) -> Lines:
    from mtum.core.market.intraday import IntradayBars  # the bars know nothing of indicators

    lines = {"vwap": vwap(bars, sessions)}
    return {**lines, "session": session_vwap(bars)} if isinstance(bars, IntradayBars) else lines


def _vote(price: float, now: Mapping[str, float]) -> int:
    """Vote 1 for a close above the price paid on average, -1 for one below; within the session that since its open."""
    paid = now.get("session", now["vwap"])
    return (price > paid) - (price < paid)


INDICATOR = Indicator(
    "volume-weighted average price",
    Group.VOLUME,
    _lines,
    lambda sessions: sessions - 1,
    _vote,
    (
        "close below what was paid on average",
        "close at what was paid on average",
        "close above what was paid on average",
    ),
    unit="USD",
)
