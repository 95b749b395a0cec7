"""Indicators over whole columns and conditions as bits, compiled.

Values equal the daily job's after rounding to 1e-6. A window sum is put together
from sums over 1, 2, 4, ... sessions of that same window, so no rounding error
travels along the series and a sum of zeros is exactly zero. Conditions are kept
as bits, 64 sessions to a word, so that combinations of settings share them.
"""

import numpy as np
from numpy.typing import NDArray

from mtum.core.simulation.kernel.compiled import compiled

Column = NDArray[np.float64]
Mask = NDArray[np.uint64]

WORD = 64
_SCALE = 1e6
# Settles exact halves one way, whatever dust the order of summing left on them.
_NUDGE = 1e-4


@compiled
def _double(values: Column, width: int, out: Column) -> None:
    earlier, later, target = values[width - 1 :], values[2 * width - 1 :], out[2 * width - 1 :]
    for t in range(len(target)):
        target[t] = earlier[t] + later[t]


@compiled
def _extend(values: Column, width: int, covered: int, out: Column) -> None:
    earlier, target = values[width - 1 :], out[covered + width - 1 :]
    for t in range(len(target)):
        target[t] += earlier[t]


@compiled
def window_sums(values: Column, length: int) -> Column:
    """Sum of the last `length` values, the newest included; NaN before the first full window."""
    out, ladder, spare = values.copy(), values.copy(), np.empty_like(values)
    covered, width = 0, 1
    while covered < length <= len(values):
        if length & width:
            if covered == 0:
                out[:] = ladder
            else:
                _extend(ladder, width, covered, out)
            covered += width
        if covered < length:
            _double(ladder, width, spare)
            ladder, spare = spare, ladder
        width *= 2
    out[: length - 1] = np.nan
    return out


@compiled
def rounded(values: Column, divisor: float) -> Column:
    """Values divided by a number and rounded to 1e-6, as the daily job rounds."""
    out = np.empty_like(values)
    for t in range(len(values)):
        out[t] = np.rint(values[t] / divisor * _SCALE + _NUDGE) / _SCALE
    return out


@compiled
def plain_mean(values: Column, length: int) -> Column:
    """Plain mean of the last `length` values, rounded to 1e-6."""
    return rounded(window_sums(values, length), float(length))


@compiled
def _wilder_sums(values: Column, length: int) -> Column:
    # values[0] is undefined (there is no previous close), so the first window ends at `length`.
    out = np.full(len(values), np.nan)
    if len(values) <= length:
        return out
    total = 0.0
    for t in range(1, length + 1):
        total += values[t]
    out[length] = total
    keep = (length - 1.0) / length
    for t in range(length + 1, len(values)):
        total = total * keep + values[t]
        out[t] = total
    return out


@compiled
def strength(close: Column, length: int, wilder: bool) -> Column:
    """RSI, 0 to 100, rounded to 1e-6; NaN while unknown and where nothing moved."""
    rise, fall = np.empty_like(close), np.empty_like(close)
    rise[:1], fall[:1] = np.nan, np.nan
    before, now, up, down = close[:-1], close[1:], rise[1:], fall[1:]
    for t in range(len(before)):
        move = now[t] - before[t]
        up[t] = move if move > 0 else 0.0
        down[t] = -move if move < 0 else 0.0
    if wilder:
        gain, loss = _wilder_sums(rise, length), _wilder_sums(fall, length)
    else:
        gain, loss = window_sums(rise, length), window_sums(fall, length)
    out = np.empty_like(close)
    for t in range(len(close)):
        out[t] = np.rint(100.0 * gain[t] / (gain[t] + loss[t]) * _SCALE + _NUDGE) / _SCALE
    return out


@compiled
def mean_range(high: Column, low: Column, close: Column, length: int, wilder: bool) -> Column:
    """ATR in USD, rounded to 1e-6; NaN for the first `length` sessions."""
    ranges = np.empty_like(close)
    ranges[:1] = np.nan
    tops, bottoms, before, out = high[1:], low[1:], close[:-1], ranges[1:]
    for t in range(len(before)):
        out[t] = max(tops[t] - bottoms[t], abs(tops[t] - before[t]), abs(bottoms[t] - before[t]))
    sums = _wilder_sums(ranges, length) if wilder else window_sums(ranges, length)
    return rounded(sums, float(length))


@compiled
def bits_above(values: Column, thresholds: Column) -> Mask:
    """One bit per session where ``values > thresholds``; a threshold of one element holds for all."""
    out = np.zeros((len(values) + WORD - 1) // WORD, np.uint64)
    level = thresholds[0]
    for w in range(len(out)):
        part = values[w * WORD : w * WORD + WORD]
        word = np.uint64(0)
        if len(thresholds) == 1:
            for j in range(len(part)):
                word |= np.uint64(part[j] > level) << np.uint64(j)
        else:
            against = thresholds[w * WORD : w * WORD + WORD]
            for j in range(len(part)):
                word |= np.uint64(part[j] > against[j]) << np.uint64(j)
        out[w] = word
    return out
