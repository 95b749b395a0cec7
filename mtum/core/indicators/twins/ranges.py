"""Twins of the indicators that look at highs and lows."""

from typing import TYPE_CHECKING

import numpy as np

from mtum.core.compiled import compiled
from mtum.core.indicators.fibonacci import LEVELS
from mtum.core.indicators.twins.recursive import means, recursive
from mtum.core.indicators.twins.steps import (
    better,
    extreme_into,
    mean_into,
    ranges_into,
    round_off,
    to_decimals,
    unknown,
)

if TYPE_CHECKING:
    from mtum.core.indicators.twins.steps import Columns
    from mtum.core.market.bars import Column

_PARTS = tuple(LEVELS.values())


@compiled
def atr(
    high: "Columns", low: "Columns", close: "Columns", sessions: int, wilder: bool, lines: "Column"
) -> None:  # loops take no names
    """Write the average true range.

    Parameters
    ----------
    high : tuple of ndarray of float64, shape (n,)
        Highs of each symbol in USD, oldest first.
    low : tuple of ndarray of float64, shape (n,)
        Lows of each symbol in USD, oldest first.
    close : tuple of ndarray of float64, shape (n,)
        Closes of each symbol in USD, oldest first.
    sessions : int
        Length of the window, sessions.
    wilder : bool
        Whether means are Wilder's; else plain.
    lines : ndarray of float64, shape (1, n_symbols, n)
        What is written into.
    """
    for row in range(lines.shape[1]):
        ranges_into(high[row], low[row], close[row], lines[0, row])
    means(lines[0], sessions, wilder)
    for row in range(lines.shape[1]):
        round_off(lines[0, row])


@compiled
def adx(high: "Columns", low: "Columns", close: "Columns", sessions: int, lines: "Column") -> None:
    """Write ADX, +DI and -DI.

    Parameters
    ----------
    high : tuple of ndarray of float64, shape (n,)
        Highs of each symbol in USD, oldest first.
    low : tuple of ndarray of float64, shape (n,)
        Lows of each symbol in USD, oldest first.
    close : tuple of ndarray of float64, shape (n,)
        Closes of each symbol in USD, oldest first.
    sessions : int
        Length of the window, sessions.
    lines : ndarray of float64, shape (3, n_symbols, n)
        What is written into.
    """
    rows, count = lines.shape[1], lines.shape[2]
    moved = np.empty((3 * rows, count))
    for row in range(rows):
        plus, minus, top, bottom = unknown(moved[row], 2), unknown(moved[rows + row], 2), high[row], low[row]
        higher, lower = top[1:], bottom[1:]
        for i in range(len(plus)):
            risen, fallen = higher[i] - top[i], bottom[i] - lower[i]
            plus[i] = risen if ((risen > fallen) & (risen > 0.0)) | np.isnan(risen) else 0.0
            minus[i] = fallen if ((fallen > risen) & (fallen > 0.0)) | np.isnan(fallen) else 0.0
        ranges_into(top, bottom, close[row], moved[2 * rows + row])
    recursive(moved, sessions, True, moved)
    for row in range(rows):
        rise, fall, mean = moved[row], moved[rows + row], moved[2 * rows + row]
        apart, up, down = lines[0, row], lines[1, row], lines[2, row]
        for i in range(count):
            nothing, some = 0.0 * mean[i], mean[i] > 0.0
            rising = 100.0 * rise[i] / mean[i] if some else nothing
            falling = 100.0 * fall[i] / mean[i] if some else nothing
            both = rising + falling
            apart[i] = 100.0 * abs(rising - falling) / both if both > 0.0 else nothing
            up[i], down[i] = to_decimals(rising), to_decimals(falling)
    recursive(lines[0], sessions, True, lines[0])
    for row in range(rows):
        round_off(lines[0, row])


@compiled
def keltner(
    high: "Columns", low: "Columns", close: "Columns", windows: tuple[int, int], ranges: float, lines: "Column"
) -> None:
    """Write middle, upper and lower.

    Parameters
    ----------
    high : tuple of ndarray of float64, shape (n,)
        Highs of each symbol in USD, oldest first.
    low : tuple of ndarray of float64, shape (n,)
        Lows of each symbol in USD, oldest first.
    close : tuple of ndarray of float64, shape (n,)
        Closes of each symbol in USD, oldest first.
    windows : tuple of int
        Window of the mean and that of the true ranges, sessions.
    ranges : float
        Width of the channel in average true ranges.
    lines : ndarray of float64, shape (3, n_symbols, n)
        What is written into.
    """
    for row in range(lines.shape[1]):
        ranges_into(high[row], low[row], close[row], lines[1, row])
    recursive(lines[1], windows[1], True, lines[1])
    recursive(close, windows[0], False, lines[0])
    for row in range(lines.shape[1]):
        middle, upper, lower = lines[0, row], lines[1, row], lines[2, row]
        for i in range(len(middle)):
            far = ranges * upper[i]
            upper[i], lower[i] = to_decimals(middle[i] + far), to_decimals(middle[i] - far)
        round_off(middle)


@compiled
def donchian(
    high: "Columns", low: "Columns", sessions: int, previous: bool, lines: "Column"
) -> None:  # loops take no names
    """Write the highest high and the lowest low.

    Parameters
    ----------
    high : tuple of ndarray of float64, shape (n,)
        Highs of each symbol in USD, oldest first.
    low : tuple of ndarray of float64, shape (n,)
        Lows of each symbol in USD, oldest first.
    sessions : int
        Length of the window, sessions.
    previous : bool
        Whether the newest session is left out of its own channel.
    lines : ndarray of float64, shape (2, n_symbols, n)
        What is written into.
    """
    for row in range(lines.shape[1]):
        top, bottom, stop = lines[0, row], lines[1, row], lines.shape[2]
        if previous and stop:
            top, bottom, stop = unknown(top, 2), unknown(bottom, 2), stop - 1
        extreme_into(high[row][:stop], sessions, False, top)
        extreme_into(low[row][:stop], sessions, True, bottom)
        round_off(top)
        round_off(bottom)


@compiled
def stochastic(
    high: "Columns", low: "Columns", close: "Columns", sessions: int, means: tuple[int, int], lines: "Column"
) -> None:
    """Write %K and %D.

    Parameters
    ----------
    high : tuple of ndarray of float64, shape (n,)
        Highs of each symbol in USD, oldest first.
    low : tuple of ndarray of float64, shape (n,)
        Lows of each symbol in USD, oldest first.
    close : tuple of ndarray of float64, shape (n,)
        Closes of each symbol in USD, oldest first.
    sessions : int
        Length of the window, sessions.
    means : tuple of int
        Window that smooths %K and that of the signal line, sessions.
    lines : ndarray of float64, shape (2, n_symbols, n)
        What is written into.
    """
    raw = np.empty(lines.shape[2])
    for row in range(lines.shape[1]):
        k, d, price = lines[0, row], lines[1, row], close[row]
        extreme_into(high[row], sessions, False, raw)
        extreme_into(low[row], sessions, True, k)
        for i in range(len(price)):
            apart = raw[i] - k[i]
            raw[i] = 100.0 * (price[i] - k[i]) / apart if raw[i] > k[i] else np.nan
        mean_into(raw, means[0], k)
        mean_into(k, means[1], d)
        round_off(k)
        round_off(d)


@compiled
def williams_r(high: "Columns", low: "Columns", close: "Columns", sessions: int, lines: "Column") -> None:
    """Write Williams %R.

    Parameters
    ----------
    high : tuple of ndarray of float64, shape (n,)
        Highs of each symbol in USD, oldest first.
    low : tuple of ndarray of float64, shape (n,)
        Lows of each symbol in USD, oldest first.
    close : tuple of ndarray of float64, shape (n,)
        Closes of each symbol in USD, oldest first.
    sessions : int
        Length of the window, sessions.
    lines : ndarray of float64, shape (1, n_symbols, n)
        What is written into.
    """
    bottom = np.empty(lines.shape[2])
    for row in range(lines.shape[1]):
        found, price = lines[0, row], close[row]
        extreme_into(high[row], sessions, False, found)
        extreme_into(low[row], sessions, True, bottom)
        for i in range(len(found)):
            apart = found[i] - bottom[i]
            place = to_decimals(-100.0 * (found[i] - price[i]) / apart)
            found[i] = place if found[i] > bottom[i] else np.nan


@compiled
def iv_rank(values: "Columns", sessions: int, lines: "Column") -> None:
    """Write the rank between lowest and highest.

    Parameters
    ----------
    values : tuple of ndarray of float64, shape (n,)
        Values of each symbol, oldest first.
    sessions : int
        Length of the window, sessions.
    lines : ndarray of float64, shape (1, n_symbols, n)
        What is written into.
    """
    bottom = np.empty(lines.shape[2])
    for row in range(lines.shape[1]):
        found, value = lines[0, row], values[row]
        extreme_into(value, sessions, False, found)
        extreme_into(value, sessions, True, bottom)
        for i in range(len(found)):
            apart = found[i] - bottom[i]
            place = to_decimals((value[i] - bottom[i]) / apart)
            found[i] = place if found[i] > bottom[i] else np.nan


@compiled
def percentile_rank(values: "Columns", sessions: int, lines: "Column") -> None:
    """Write the share of the earlier values that are below the newest.

    Parameters
    ----------
    values : tuple of ndarray of float64, shape (n,)
        Values of each symbol, oldest first.
    sessions : int
        Length of the window, sessions.
    lines : ndarray of float64, shape (1, n_symbols, n)
        What is written into.
    """
    for row in range(lines.shape[1]):
        whole, value = unknown(lines[0, row], sessions), values[row]
        for i in range(len(whole)):
            earlier, newest, below = value[i : i + sessions - 1], value[i + sessions - 1], 0
            for j in range(len(earlier)):
                below += 1 if earlier[j] < newest else 0
            whole[i] = to_decimals(below / (sessions - 1))


@compiled
def pivots(high: "Columns", low: "Columns", close: "Columns", lines: "Column") -> None:
    """Write p, r1, s1, r2, s2, r3 and s3 of the previous session.

    Parameters
    ----------
    high : tuple of ndarray of float64, shape (n,)
        Highs of each symbol in USD, oldest first.
    low : tuple of ndarray of float64, shape (n,)
        Lows of each symbol in USD, oldest first.
    close : tuple of ndarray of float64, shape (n,)
        Closes of each symbol in USD, oldest first.
    lines : ndarray of float64, shape (7, n_symbols, n)
        What is written into.
    """
    for row in range(lines.shape[1]):
        top, bottom, price = high[row], low[row], close[row]
        p, r1, s1 = unknown(lines[0, row], 2), unknown(lines[1, row], 2), unknown(lines[2, row], 2)
        r2, s2 = unknown(lines[3, row], 2), unknown(lines[4, row], 2)
        r3, s3 = unknown(lines[5, row], 2), unknown(lines[6, row], 2)
        for i in range(len(p)):
            reach, middle = top[i] - bottom[i], (top[i] + bottom[i] + price[i]) / 3.0
            p[i] = to_decimals(middle)
            r1[i], s1[i] = to_decimals(2.0 * middle - bottom[i]), to_decimals(2.0 * middle - top[i])
            r2[i], s2[i] = to_decimals(middle + reach), to_decimals(middle - reach)
            r3[i] = to_decimals(top[i] + 2.0 * (middle - bottom[i]))
            s3[i] = to_decimals(bottom[i] - 2.0 * (top[i] - middle))


@compiled
def latest(values: "Column", sessions: int) -> "Column":
    """Return the largest of each window and the sessions since, of equal ones since the latest, shape (2, n).

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    sessions : int
        Length of the window, sessions: so many less one at the end belong to no window.
    """
    now, next_, width = np.zeros((2, len(values))), np.empty((2, len(values))), 1
    now[0, :] = values
    while width < sessions:
        step = min(width, sessions - width)
        best, since, best_after, since_after = now[0], now[1], now[0, step:], now[1, step:]
        found, ago = next_[0, : max(0, len(values) - width - step + 1)], next_[1]
        # One column in a loop: the compiler takes several values at once where few columns might overlap.
        for i in range(len(found)):
            found[i] = better(best[i], best_after[i], False)
        for i in range(len(found)):
            earlier, later = since[i] + step, since_after[i]
            ago[i] = later if best_after[i] >= best[i] else earlier
        now, next_, width = next_, now, width + step
    return now


@compiled
def fibonacci(high: "Columns", low: "Columns", sessions: int, lines: "Column") -> None:
    """Write the levels of the last swing, and whether it is one up.

    Parameters
    ----------
    high : tuple of ndarray of float64, shape (n,)
        Highs of each symbol in USD, oldest first.
    low : tuple of ndarray of float64, shape (n,)
        Lows of each symbol in USD, oldest first.
    sessions : int
        Length of the window, sessions.
    lines : ndarray of float64, shape (8, n_symbols, n)
        What is written into.
    """
    newer, swing = np.empty(lines.shape[2]), np.empty(lines.shape[2])
    for row in range(lines.shape[1]):
        up, highs, lows = unknown(lines[-1, row], sessions), latest(high[row], sessions), latest(-low[row], sessions)
        top, bottom, since_top, since_bottom = highs[0], lows[0], highs[1], lows[1]
        for i in range(len(up)):
            falling = -1.0 if since_top[i] > since_bottom[i] else np.nan
            up[i] = 1.0 if since_top[i] < since_bottom[i] else falling
        for i in range(len(up)):
            highest, lowest = top[i], -bottom[i]
            newest = highest if up[i] > 0.0 else lowest
            newer[i] = np.nan if np.isnan(up[i]) else newest
        for i in range(len(up)):
            highest, lowest = top[i], -bottom[i]
            swing[i] = (lowest if up[i] > 0.0 else highest) - newer[i]
        for k in range(len(_PARTS)):
            level, part = unknown(lines[k, row], sessions), _PARTS[k]
            for i in range(len(level)):
                level[i] = to_decimals(newer[i] + part * swing[i])
