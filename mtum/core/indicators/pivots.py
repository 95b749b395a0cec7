"""Pivot points."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtum.core.indicators.indicator import Group, Indicator, Lines
from mtum.core.indicators.smoothing import rounded
from mtum.core.market.timeframes import Timeframe

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars

SESSIONS = {Timeframe.DAY: 1, Timeframe.WEEK: 7, Timeframe.MONTH: 31}
"""Most bars of a period."""


def pivots(bars: "Bars", period: Timeframe) -> Lines:
    """Return the levels that high, low and close of the previous session, week or month give.

    P = (H + L + C)/3; R1 = 2P - L, S1 = 2P - H; R2, S2 = P +- (H - L); R3 = H + 2(P - L), S3 = L - 2(H - P).

    Parameters
    ----------
    bars : Bars, n sessions
    period : Timeframe
        Whose previous one counts. The first of the history gives no levels unless it is of single sessions, as it
        may not be whole.

    Returns
    -------
    mapping of str to ndarray of float64, shape (n,)
        p, r1, s1, r2, s2, r3, s3 in USD, rounded to 1e-6; NaN where no whole period is before.

    References
    ----------
    Person (2004), "A Complete Guide to Technical Trading Tactics".
    """
    import numpy as np

    from mtum.core.market.bars import periods  # the bars know nothing of indicators, this file is read without them

    names = ("p", "r1", "s1", "r2", "s2", "r3", "s3")
    if not len(bars):
        return {name: np.empty(0) for name in names}
    each = periods(bars.days, period)
    starts = np.flatnonzero(np.r_[True, each[1:] != each[:-1]])
    high, low = np.maximum.reduceat(bars.high, starts), np.minimum.reduceat(bars.low, starts)
    close = bars.close[np.r_[starts[1:] - 1, len(bars) - 1]]
    if period is not Timeframe.DAY:
        high[0] = low[0] = np.nan
    # Every session has the levels of the period before its own.
    before = np.searchsorted(starts, np.arange(len(bars)), side="right") - 2
    h, l, c = (np.where(before >= 0, column[before], np.nan) for column in (high, low, close))  # noqa: E741  # as written
    p = (h + l + c) / 3.0
    found = (p, 2 * p - l, 2 * p - h, p + (h - l), p - (h - l), h + 2 * (p - l), l - 2 * (h - p))
    return {name: rounded(column) for name, column in zip(names, found, strict=True)}


def _lines(bars: "Bars", period: Timeframe = Timeframe.DAY) -> Lines:
    return pivots(bars, period)


def _vote(price: float, now: Mapping[str, float]) -> int:
    """Vote 1 for a close above the pivot, -1 for one below."""
    return (price > now["p"]) - (price < now["p"])


INDICATOR = Indicator(
    "pivot points",
    Group.LEVELS,
    _lines,
    lambda period: 1 if period is Timeframe.DAY else 2 * SESSIONS[period],
    _vote,
    ("close below the pivot", "close at the pivot", "close above the pivot"),
    unit="USD",
)
