"""Indicators over whole columns and conditions as bits, compiled.

Values equal the daily job's after rounding to 1e-6, and are kept in millionths: whole
numbers, so that a comparison is exact. Window sums are differences of running sums of
whole numbers (prices in units of 1e-10 USD), which carry no rounding error however long
the series is, and stay right where a running sum passes the end of its range. Conditions
are kept as bits, 64 sessions to a word, so that combinations of settings share them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtum.core.compiled import built_in, compiled

Column = NDArray[np.float64]
Counts = NDArray[np.int64]
Mask = NDArray[np.uint64]

WORD = 64
MILLION = 1e6
PRICE_UNIT = 1e10
VOLUME_UNIT = 1e4
UNKNOWN_VOLUME = 1 << 59
"""Stands for an unknown volume in running sums: the mean of a window that holds one is above every volume."""
NUDGE = 1e-4
"""Settles exact halves one way, whatever dust the order of summing left on them."""


class Prices(NamedTuple):
    """Bars and VIX closes as columns, shape (n_sessions,); a missing VIX and an unknown volume are NaN."""

    open: Column
    high: Column
    low: Column
    close: Column
    volume: Column
    vix: Column


class Sums(NamedTuple):
    """Running sums up to each session, shape (n_sessions + 1,), the first 0.

    Closes, rises, falls and true ranges in units of 1e-10 USD, volumes in units of 1e-4
    shares. The first session has no move and no true range; they count 0.
    """

    close: Counts
    rise: Counts
    fall: Counts
    ranges: Counts
    volume: Counts


@compiled
def in_millionths(values: Column) -> Column:
    """Values rounded to 1e-6, as whole millionths."""
    out = np.empty_like(values)
    for t in range(len(values)):
        out[t] = np.rint(values[t] * MILLION + NUDGE)
    return out


@built_in
def counted(volume: float) -> np.int64:
    """Return a volume in units of 1e-4 shares."""
    return np.int64(UNKNOWN_VOLUME) if np.isnan(volume) else np.int64(volume * VOLUME_UNIT + 0.5)


@compiled
def running_sums(prices: Prices) -> Sums:
    """Sum up closes, rises, falls, true ranges and volumes in one pass."""
    n = len(prices.close)
    close, rise, fall = np.empty(n + 1, np.int64), np.empty(n + 1, np.int64), np.empty(n + 1, np.int64)
    ranges, volume = np.empty(n + 1, np.int64), np.empty(n + 1, np.int64)
    close[0], rise[0], fall[0], ranges[0], volume[0] = 0, 0, 0, 0, 0
    before, last = np.int64(0), 0.0
    c, r, f, w, v = np.int64(0), np.int64(0), np.int64(0), np.int64(0), np.int64(0)
    for t in range(n):
        price = prices.close[t]
        now = np.int64(price * PRICE_UNIT + 0.5)
        if t > 0:
            r += max(now - before, np.int64(0))
            f += max(before - now, np.int64(0))
            reach = max(last, prices.high[t]) - min(last, prices.low[t])
            w += np.int64(reach * PRICE_UNIT + 0.5)
        c += now
        v += counted(prices.volume[t])
        before, last = now, price
        close[t + 1], rise[t + 1], fall[t + 1], ranges[t + 1], volume[t + 1] = c, r, f, w, v
    return Sums(close, rise, fall, ranges, volume)


@compiled
def mean_column(sums: Counts, length: int, unit: float, first: int) -> Column:
    """Plain mean of the last `length` values in millionths; NaN before position `first`.

    Parameters
    ----------
    sums : ndarray of int64
        Running sums, shape (n_sessions + 1,), the first 0.
    length : int
        Length of the window, sessions.
    unit : float
        Units of the sums in one of the values.
    first : int
        First position with a value.
    """
    n = len(sums) - 1
    out = np.empty(n)
    out[:first] = np.nan
    if n <= first:
        return out
    later, earlier, target = sums[first + 1 :], sums[first + 1 - length :], out[first:]
    scale = MILLION / (unit * length)
    for t in range(len(target)):
        target[t] = np.rint(float(later[t] - earlier[t]) * scale + NUDGE)
    return out


@compiled
def _wilder_sums(sums: Counts, length: int) -> Column:
    # Wilder's mean times its length; the first value is at position `length`, as the first move has none before it.
    n = len(sums) - 1
    out = np.full(n, np.nan)
    if n <= length:
        return out
    total = float(sums[length + 1] - sums[1])
    out[length] = total
    keep = (length - 1.0) / length
    for t in range(length + 1, n):
        total = total * keep + float(sums[t + 1] - sums[t])
        out[t] = total
    return out


@compiled
def strength_column(sums: Sums, length: int, wilder: bool) -> Column:
    """RSI in millionths; NaN while unknown and where nothing moved.

    Parameters
    ----------
    sums : Sums
        Running sums up to each session, shape (n_sessions + 1,), the first 0.
    length : int
        Length of the window, sessions.
    wilder : bool
        Whether means are Wilder's; else plain.
    """
    n = len(sums.rise) - 1
    out = np.empty(n)
    out[:length] = np.nan
    if n <= length:
        return out
    if wilder:
        gain, loss = _wilder_sums(sums.rise, length), _wilder_sums(sums.fall, length)
        for t in range(length, n):
            out[t] = np.rint(100.0 * MILLION * gain[t] / (gain[t] + loss[t]) + NUDGE)
        return out
    risen, rose = sums.rise[length + 1 :], sums.rise[1 : n - length + 1]
    fallen, fell = sums.fall[length + 1 :], sums.fall[1 : n - length + 1]
    target = out[length:]
    for t in range(len(target)):
        up, down = float(risen[t] - rose[t]), float(fallen[t] - fell[t])
        target[t] = np.rint(100.0 * MILLION * up / (up + down) + NUDGE)
    return out


@compiled
def range_column(sums: Sums, length: int, wilder: bool) -> Column:
    """ATR in millionths of a USD; NaN for the first `length` sessions.

    Parameters
    ----------
    sums : Sums
        Running sums up to each session, shape (n_sessions + 1,), the first 0.
    length : int
        Length of the window, sessions.
    wilder : bool
        Whether means are Wilder's; else plain.
    """
    if not wilder:
        return mean_column(sums.ranges, length, PRICE_UNIT, length)
    out = _wilder_sums(sums.ranges, length)
    scale = MILLION / (PRICE_UNIT * length)
    for t in range(len(out)):
        out[t] = np.rint(out[t] * scale + NUDGE)
    return out


@compiled
def bits_above(values: Column, thresholds: Column) -> Mask:
    """One bit per session where ``values > thresholds``."""
    out = np.zeros((len(values) + WORD - 1) // WORD, np.uint64)
    for w in range(len(out)):
        part, against = values[w * WORD : w * WORD + WORD], thresholds[w * WORD : w * WORD + WORD]
        word = np.uint64(0)
        for j in range(len(part)):
            word |= np.uint64(part[j] > against[j]) << np.uint64(j)
        out[w] = word
    return out


@compiled
def bits_beyond(values: Column, threshold: float, sign: int) -> Mask:
    """One bit per session where the value is above (sign 1) or below (sign -1) a threshold in its unit.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    threshold : float
        Threshold, in the unit of the values.
    sign : int
        1 for above, -1 for below.
    """
    out = np.zeros((len(values) + WORD - 1) // WORD, np.uint64)
    level = sign * np.rint(threshold * MILLION)
    for w in range(len(out)):
        part = values[w * WORD : w * WORD + WORD]
        word = np.uint64(0)
        for j in range(len(part)):
            word |= np.uint64(sign * part[j] > level) << np.uint64(j)
        out[w] = word
    return out
