"""Twins of the indicators that look at highs and lows."""

from typing import TYPE_CHECKING

import numpy as np

from mtum.core.compiled import compiled
from mtum.core.indicators.twins.recursive import wilder_beside_ema_into, wilder_into, wilders_into
from mtum.core.indicators.twins.steps import highest_into, lowest_into, mean_into, ranges_into, round_into, unknown

if TYPE_CHECKING:
    from mtum.core.market.bars import Column


@compiled
def atr(high: "Column", low: "Column", close: "Column", sessions: int, wilder: bool) -> "Column":  # loops take no names
    """Return the average true range.

    Parameters
    ----------
    high : ndarray of float64, shape (n,)
        Highs in USD, oldest first.
    low : ndarray of float64, shape (n,)
        Lows in USD, oldest first.
    close : ndarray of float64, shape (n,)
        Closes in USD, oldest first.
    sessions : int
        Length of the window, sessions.
    wilder : bool
        Whether means are Wilder's; else plain.
    """
    lines, ranges = np.empty((1, len(close))), np.empty(len(close))
    ranges_into(high, low, close, ranges)
    if wilder:
        wilder_into(ranges, sessions, lines[0])
    else:
        mean_into(ranges, sessions, lines[0])
    round_into(lines[0], lines[0])
    return lines


@compiled
def adx(high: "Column", low: "Column", close: "Column", sessions: int) -> "Column":
    """Return ADX, +DI and -DI.

    Parameters
    ----------
    high : ndarray of float64, shape (n,)
        Highs in USD, oldest first.
    low : ndarray of float64, shape (n,)
        Lows in USD, oldest first.
    close : ndarray of float64, shape (n,)
        Closes in USD, oldest first.
    sessions : int
        Length of the window, sessions.
    """
    lines, count = np.empty((3, len(close))), len(close)
    moved, means = np.empty((3, count)), np.empty((3, count))
    plus, minus, ranges = moved[0], moved[1], moved[2]
    plus_after, minus_after, higher, lower = unknown(plus, 2), unknown(minus, 2), high[1:], low[1:]
    for i in range(len(plus_after)):
        risen, fallen = higher[i] - high[i], low[i] - lower[i]
        plus_after[i] = risen if ((risen > fallen) & (risen > 0.0)) | np.isnan(risen) else 0.0
        minus_after[i] = fallen if ((fallen > risen) & (fallen > 0.0)) | np.isnan(fallen) else 0.0
    up, down = lines[1], lines[2]
    ranges_into(high, low, close, ranges)
    wilders_into(moved, sessions, means)
    rise, fall, mean = means[0], means[1], means[2]
    for i in range(count):
        nothing, some = 0.0 * mean[i], mean[i] > 0.0
        up[i] = 100.0 * rise[i] / mean[i] if some else nothing
        down[i] = 100.0 * fall[i] / mean[i] if some else nothing
        both = up[i] + down[i]
        ranges[i] = 100.0 * abs(up[i] - down[i]) / both if both > 0.0 else nothing
    wilder_into(ranges, sessions, lines[0])
    for line in range(3):
        round_into(lines[line], lines[line])
    return lines


@compiled
def keltner(
    high: "Column", low: "Column", close: "Column", sessions: int, ranges: float, range_sessions: int
) -> "Column":
    """Return middle, upper and lower.

    Parameters
    ----------
    high : ndarray of float64, shape (n,)
        Highs in USD, oldest first.
    low : ndarray of float64, shape (n,)
        Lows in USD, oldest first.
    close : ndarray of float64, shape (n,)
        Closes in USD, oldest first.
    sessions : int
        Length of the window, sessions.
    ranges : float
        Width of the channel in average true ranges.
    range_sessions : int
        Window of the true ranges, sessions.
    """
    lines, far = np.empty((3, len(close))), np.empty(len(close))
    middle, upper, lower = lines[0], lines[1], lines[2]
    ranges_into(high, low, close, lower)
    wilder_beside_ema_into(lower, range_sessions, far, close, sessions, middle)
    for i in range(len(close)):
        upper[i], lower[i] = middle[i] + ranges * far[i], middle[i] - ranges * far[i]
    for line in range(3):
        round_into(lines[line], lines[line])
    return lines


@compiled
def donchian(high: "Column", low: "Column", sessions: int, previous: bool) -> "Column":  # loops take no names
    """Return the highest high and the lowest low.

    Parameters
    ----------
    high : ndarray of float64, shape (n,)
        Highs in USD, oldest first.
    low : ndarray of float64, shape (n,)
        Lows in USD, oldest first.
    sessions : int
        Length of the window, sessions.
    previous : bool
        Whether the newest session is left out of its own channel.
    """
    lines, before = np.empty((2, len(high))), len(high) - 1
    if previous and len(high):
        top, bottom = unknown(lines[0], 2), unknown(lines[1], 2)
        highest_into(high[:before], sessions, top)
        lowest_into(low[:before], sessions, bottom)
    else:
        highest_into(high, sessions, lines[0])
        lowest_into(low, sessions, lines[1])
    round_into(lines[0], lines[0])
    round_into(lines[1], lines[1])
    return lines


@compiled
def stochastic(high: "Column", low: "Column", close: "Column", sessions: int, smooth: int, signal: int) -> "Column":
    """Return %K and %D.

    Parameters
    ----------
    high : ndarray of float64, shape (n,)
        Highs in USD, oldest first.
    low : ndarray of float64, shape (n,)
        Lows in USD, oldest first.
    close : ndarray of float64, shape (n,)
        Closes in USD, oldest first.
    sessions : int
        Length of the window, sessions.
    smooth : int
        Window that smooths %K, sessions.
    signal : int
        Window of the signal line, sessions.
    """
    lines, raw, bottom = np.empty((2, len(close))), np.empty(len(close)), np.empty(len(close))
    highest_into(high, sessions, raw)
    lowest_into(low, sessions, bottom)
    for i in range(len(close)):
        apart = raw[i] - bottom[i]
        raw[i] = 100.0 * (close[i] - bottom[i]) / apart if raw[i] > bottom[i] else np.nan
    mean_into(raw, smooth, bottom)
    mean_into(bottom, signal, raw)
    round_into(bottom, lines[0])
    round_into(raw, lines[1])
    return lines


@compiled
def williams_r(high: "Column", low: "Column", close: "Column", sessions: int) -> "Column":
    """Return Williams %R.

    Parameters
    ----------
    high : ndarray of float64, shape (n,)
        Highs in USD, oldest first.
    low : ndarray of float64, shape (n,)
        Lows in USD, oldest first.
    close : ndarray of float64, shape (n,)
        Closes in USD, oldest first.
    sessions : int
        Length of the window, sessions.
    """
    lines, bottom = np.empty((1, len(close))), np.empty(len(close))
    found = lines[0]
    highest_into(high, sessions, found)
    lowest_into(low, sessions, bottom)
    for i in range(len(close)):
        apart = found[i] - bottom[i]
        found[i] = -100.0 * (found[i] - close[i]) / apart if found[i] > bottom[i] else np.nan
    round_into(found, found)
    return lines


@compiled
def iv_rank(values: "Column", sessions: int) -> "Column":
    """Return the rank between lowest and highest."""
    lines, bottom = np.empty((1, len(values))), np.empty(len(values))
    found = lines[0]
    highest_into(values, sessions, found)
    lowest_into(values, sessions, bottom)
    for i in range(len(values)):
        apart = found[i] - bottom[i]
        found[i] = (values[i] - bottom[i]) / apart if found[i] > bottom[i] else np.nan
    round_into(found, found)
    return lines


@compiled
def percentile_rank(values: "Column", sessions: int) -> "Column":
    """Return the share of the earlier values that are below the newest."""
    lines = np.empty((1, len(values)))
    whole, newest = unknown(lines[0], sessions), values[min(len(values), sessions - 1) :]
    for i in range(len(whole)):
        whole[i] = 0.0
    for j in range(sessions - 1):
        earlier = values[j:]
        for i in range(len(whole)):
            whole[i] += 1.0 if earlier[i] < newest[i] else 0.0
    for i in range(len(whole)):
        whole[i] /= sessions - 1
    round_into(lines[0], lines[0])
    return lines


@compiled
def pivots(high: "Column", low: "Column", close: "Column") -> "Column":
    """Return p, r1, s1, r2, s2, r3 and s3 of the previous session.

    Parameters
    ----------
    high : ndarray of float64, shape (n,)
        Highs in USD, oldest first.
    low : ndarray of float64, shape (n,)
        Lows in USD, oldest first.
    close : ndarray of float64, shape (n,)
        Closes in USD, oldest first.
    """
    lines = np.empty((7, len(close)))
    for line in range(7):
        unknown(lines[line], 2)
    for i in range(len(close) - 1):
        reach, p = high[i] - low[i], (high[i] + low[i] + close[i]) / 3.0
        lines[0, i + 1] = p
        lines[1, i + 1] = 2.0 * p - low[i]
        lines[2, i + 1] = 2.0 * p - high[i]
        lines[3, i + 1] = p + reach
        lines[4, i + 1] = p - reach
        lines[5, i + 1] = high[i] + 2.0 * (p - low[i])
        lines[6, i + 1] = low[i] - 2.0 * (high[i] - p)
    for line in range(7):
        round_into(lines[line], lines[line])
    return lines
