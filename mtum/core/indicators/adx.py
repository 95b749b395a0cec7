"""Average directional index."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from mtum.core.indicators.atr import true_range
from mtum.core.indicators.indicator import Group, Indicator, Lines
from mtum.core.indicators.smoothing import Smoothing, mean_of, rounded, wilder_history

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars


def adx(bars: "Bars", sessions: int) -> Lines:
    """Return Wilder's +DI, -DI and ADX.

    +DM is the rise of the high where it is positive and larger than the fall of the low, -DM the fall of the low
    likewise; where both are equal neither counts. DI = 100 x Wilder's mean of DM / Wilder's mean of the true range;
    ADX is Wilder's mean of 100 |+DI - -DI| / (+DI + -DI), which is 0 where both are 0.

    Parameters
    ----------
    bars : Bars, n sessions
    sessions : int
        Window of every mean.

    Returns
    -------
    mapping of str to ndarray of float64, shape (n,)
        adx, plus_di, minus_di, 0 to 100, rounded to 1e-6; the two DI are NaN during the first `sessions` values,
        the ADX for ``sessions - 1`` more. TA-Lib seeds its sums with one move less, so the two agree once the
        seeds are forgotten.

    References
    ----------
    Wilder (1978), "New Concepts in Technical Trading Systems".
    """
    import numpy as np

    rise, fall = np.full(len(bars), np.nan), np.full(len(bars), np.nan)
    rise[1:], fall[1:] = bars.high[1:] - bars.high[:-1], bars.low[:-1] - bars.low[1:]
    # Of the first bar nothing is known, and the mean must begin behind it.
    plus = np.where(np.isnan(rise), np.nan, np.where((rise > fall) & (rise > 0.0), rise, 0.0))
    minus = np.where(np.isnan(fall), np.nan, np.where((fall > rise) & (fall > 0.0), fall, 0.0))
    ranges = mean_of(true_range(bars), sessions, Smoothing.WILDER)
    with np.errstate(invalid="ignore", divide="ignore"):
        up, down = (
            np.where(ranges > 0.0, 100.0 * mean_of(moved, sessions, Smoothing.WILDER) / ranges, 0.0 * ranges)
            for moved in (plus, minus)
        )
        apart = np.where(up + down > 0.0, 100.0 * np.abs(up - down) / (up + down), 0.0 * ranges)
    strength = mean_of(apart, sessions, Smoothing.WILDER)
    return {"adx": rounded(strength), "plus_di": rounded(up), "minus_di": rounded(down)}


def _lines(bars: "Bars", sessions: int = 14) -> Lines:
    return adx(bars, sessions)


def _vote(_price: float, now: Mapping[str, float]) -> int:
    """Vote by the larger DI while the ADX is 25 or more, 0 while there is no such trend."""
    trends = now["adx"] >= 25.0
    return (trends and now["plus_di"] > now["minus_di"]) - (trends and now["plus_di"] < now["minus_di"])


INDICATOR = Indicator(
    "average directional index",
    Group.TREND,
    _lines,
    lambda sessions: 2 * sessions - 1,
    _vote,
    ("a falling trend", "no trend, below 25", "a rising trend"),
    lambda sessions: 2 * wilder_history(sessions) - 1,
)
