"""What `smoothing` does to columns, as loops for machine code: the same operations in the same order, bit for bit.

Every loop writes into a column that it is given. Loops over whole columns take views that begin where they
read, so that the compiler sees that no position is negative and computes several values at once.
"""

from typing import TYPE_CHECKING

import numpy as np

from mtum.core.compiled import built_in, compiled
from mtum.core.indicators.smoothing import DECIMALS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mtum.core.market.bars import Column

_STRANDS, _STRANDED = 8, 128
"""How numpy adds up a row: in so many strands, up to so many values at once."""
_SCALE = 10.0**DECIMALS
_BLOCK = 128
"""Windows whose terms are kept at once: those of 20 sessions stay in the processor's first cache."""


@compiled
def round_into(values: "Column", found: "Column") -> None:
    """Round to 1e-6 as `smoothing.rounded` does."""
    for i in range(len(found)):
        found[i] = np.rint(values[i] * _SCALE + 1e-4) / _SCALE


@compiled
def halves(sessions: int) -> "NDArray[np.int64]":
    """Return how numpy halves a row: length of each part, and the sums of parts to be joined after it."""
    parts = np.empty((sessions // 64 + 1, 2), dtype=np.int64)
    waiting = np.empty((sessions // 64 + 2, 2), dtype=np.int64)
    waiting[0, 0], waiting[0, 1] = sessions, 0
    found, open_ = 0, 1
    while open_ > 0:
        open_ -= 1
        length, joins = waiting[open_, 0], waiting[open_, 1]
        if length <= _STRANDED:
            parts[found, 0], parts[found, 1] = length, joins
            found += 1
        else:
            half = length // 2 // _STRANDS * _STRANDS
            waiting[open_, 0], waiting[open_, 1] = length - half, joins + 1
            waiting[open_ + 1, 0], waiting[open_ + 1, 1] = half, 0
            open_ += 2
    return parts[:found]


@compiled
def add_into(values: "Column", found: "Column") -> None:
    """Add a column to another."""
    for i in range(len(found)):
        found[i] += values[i]


@compiled
def part_sums(values: "Column", sessions: int, found: "Column") -> None:
    """Write the sum of each window of at most 128 values.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    sessions : int
        Length of the window, sessions.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    count, done = len(found), 1
    if sessions < _STRANDS:
        for i in range(count):
            found[i] = values[i] + 0.0
    else:
        done = sessions - sessions % _STRANDS
        strand = np.empty(count + _STRANDS - 1)
        if done > _STRANDS:
            following = values[_STRANDS:]
            for i in range(len(strand)):
                strand[i] = values[i] + following[i]
        else:
            strand[:] = values[: len(strand)]
        for start in range(2 * _STRANDS, done, _STRANDS):
            add_into(values[start:], strand)
        b, c, d, e = strand[1:], strand[2:], strand[3:], strand[4:]
        f, g, h = strand[5:], strand[6:], strand[7:]
        for i in range(count):
            found[i] = ((strand[i] + b[i]) + (c[i] + d[i])) + ((e[i] + f[i]) + (g[i] + h[i]))
    if (sessions - done) % 2:
        add_into(values[done:], found)
        done += 1
    for start in range(done, sessions, 2):
        value, later = values[start:], values[start + 1 :]
        for i in range(count):
            found[i] = (found[i] + value[i]) + later[i]


@compiled
def sum_into(values: "Column", sessions: int, found: "Column") -> None:
    """Write the sum of each window, shape (n - sessions + 1,).

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    sessions : int
        Length of the window, sessions.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    if sessions <= _STRANDED:
        part_sums(values, sessions, found)
        return
    parts = halves(sessions)
    sums = np.empty((len(parts), len(found)))
    start, top = 0, 0
    for p in range(len(parts)):
        part_sums(values[start:], parts[p, 0], sums[top])
        start, top = start + parts[p, 0], top + 1
        for _ in range(parts[p, 1]):
            top -= 1
            add_into(sums[top], sums[top - 1])
    found[:] = sums[0]


@compiled
def part_squares(values: "Column", means: "Column", sessions: int, found: "Column") -> None:
    """Write the sum of at most 128 squared distances of values from the mean of their window, one for each window.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    means : ndarray of float64, shape (n,)
        Mean of each window.
    sessions : int
        Length of the window, sessions.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    count, done = len(found), 1
    strands = np.empty((_STRANDS, count))
    if sessions < _STRANDS:
        for i in range(count):
            far = values[i] - means[i]
            found[i] = far * far
    else:
        done = sessions - sessions % _STRANDS
        for j in range(_STRANDS):
            value, strand = values[j:], strands[j]
            if done > _STRANDS:
                later = values[j + _STRANDS :]
                for i in range(count):
                    far, further = value[i] - means[i], later[i] - means[i]
                    strand[i] = far * far + further * further
            else:
                for i in range(count):
                    far = value[i] - means[i]
                    strand[i] = far * far
        for j in range(2 * _STRANDS, done):
            squares_onto(values[j:], means, strands[j % _STRANDS])
        join_strands(strands, found)
    for j in range(done, sessions):
        squares_onto(values[j:], means, found)


@compiled
def squares_onto(values: "Column", means: "Column", found: "Column") -> None:
    """Add the squared distances of values from means.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    means : ndarray of float64, shape (n,)
        Mean of each window.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    for i in range(len(found)):
        far = values[i] - means[i]
        found[i] += far * far


@compiled
def join_strands(strands: "Column", found: "Column") -> None:
    """Write the sums of eight strands, as numpy joins them."""
    a, b, c, d = strands[0], strands[1], strands[2], strands[3]
    e, f, g, h = strands[4], strands[5], strands[6], strands[7]
    for i in range(len(found)):
        found[i] = ((a[i] + b[i]) + (c[i] + d[i])) + ((e[i] + f[i]) + (g[i] + h[i]))


@compiled
def squares_into(values: "Column", means: "Column", sessions: int, found: "Column") -> None:
    """Write the sum of the squared distances of each window's values from its mean, shape (n - sessions + 1,).

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    means : ndarray of float64, shape (n,)
        Mean of each window.
    sessions : int
        Length of the window, sessions.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    parts = halves(sessions)
    sums = np.empty((len(parts), min(_BLOCK, len(found))))
    for begin in range(0, len(found), _BLOCK):
        block = found[begin : min(begin + _BLOCK, len(found))]
        mean = means[begin : begin + len(block)]
        start, top = begin, 0
        for p in range(len(parts)):
            part_squares(values[start:], mean, parts[p, 0], sums[top, : len(block)])
            start, top = start + parts[p, 0], top + 1
            for _ in range(parts[p, 1]):
                top -= 1
                add_into(sums[top, : len(block)], sums[top - 1, : len(block)])
        block[:] = sums[0, : len(block)]


@compiled
def weighted_onto(values: "Column", weight: float, found: "Column") -> None:
    """Add values times a weight.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    weight : float
        What each value is multiplied by, a number.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    for i in range(len(found)):
        found[i] += values[i] * weight


@compiled
def part_weighted(values: "Column", first: int, sessions: int, found: "Column") -> None:
    """Write the sum of at most 128 values of each window, the first of them with the weight `first`.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    first : int
        Weight of the first value of each window.
    sessions : int
        Length of the window, sessions.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    count, done = len(found), 1
    strands = np.empty((_STRANDS, count))
    if sessions < _STRANDS:
        for i in range(count):
            found[i] = values[i] * float(first)
    else:
        done = sessions - sessions % _STRANDS
        for j in range(_STRANDS):
            value, strand, weight = values[j:], strands[j], float(first + j)
            if done > _STRANDS:
                later, heavier = values[j + _STRANDS :], float(first + j + _STRANDS)
                for i in range(count):
                    strand[i] = value[i] * weight + later[i] * heavier
            else:
                for i in range(count):
                    strand[i] = value[i] * weight
        for j in range(2 * _STRANDS, done):
            weighted_onto(values[j:], float(first + j), strands[j % _STRANDS])
        join_strands(strands, found)
    for j in range(done, sessions):
        weighted_onto(values[j:], float(first + j), found)


@compiled
def weighted_into(values: "Column", sessions: int, found: "Column") -> None:
    """Write the sum of each window with weights 1 to n, the newest the heaviest, shape (n_values - n + 1,).

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    sessions : int
        Length of the window, sessions.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    parts = halves(sessions)
    sums = np.empty((len(parts), min(_BLOCK, len(found))))
    for begin in range(0, len(found), _BLOCK):
        block = found[begin : min(begin + _BLOCK, len(found))]
        start, top = 0, 0
        for p in range(len(parts)):
            part_weighted(values[begin + start :], start + 1, parts[p, 0], sums[top, : len(block)])
            start, top = start + parts[p, 0], top + 1
            for _ in range(parts[p, 1]):
                top -= 1
                add_into(sums[top, : len(block)], sums[top - 1, : len(block)])
        block[:] = sums[0, : len(block)]


@compiled
def unknown(found: "Column", sessions: int) -> "Column":
    """Fill what is before the first whole window with NaN and return the rest of the column."""
    begin = min(len(found), sessions - 1)
    for i in range(begin):
        found[i] = np.nan
    return found[begin:]


@compiled
def mean_into(values: "Column", sessions: int, found: "Column") -> None:
    """Write the plain mean of each window, shape (n,).

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    sessions : int
        Length of the window, sessions.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    whole = unknown(found, sessions)
    if len(whole):
        sum_into(values, sessions, whole)
        for i in range(len(whole)):
            whole[i] /= sessions


@compiled
def deviation_into(values: "Column", means: "Column", sessions: int, less: int, found: "Column") -> None:
    """Write the deviation of each window from its mean, its squares divided by n - `less`, shape (n,).

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    means : ndarray of float64, shape (n,)
        Mean of each window.
    sessions : int
        Length of the window, sessions.
    less : int
        What is taken off the number of values: 0 or 1.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    whole = unknown(found, sessions)
    if len(whole):
        squares_into(values, means[sessions - 1 :], sessions, whole)
        for i in range(len(whole)):
            whole[i] = np.sqrt(whole[i] / (sessions - less))


@built_in
def larger(one: float, other: float) -> float:
    """Return the larger of two numbers; NaN where one of them is."""
    return one if (one > other) | np.isnan(one) else other


@built_in
def smaller(one: float, other: float) -> float:
    """Return the smaller of two numbers; NaN where one of them is."""
    return one if (one < other) | np.isnan(one) else other


@compiled
def highest_into(values: "Column", sessions: int, found: "Column") -> None:
    """Write the largest of each window, shape (n,).

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    sessions : int
        Length of the window, sessions.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    whole = unknown(found, sessions)
    if len(whole) and sessions < 4:
        for i in range(len(whole)):
            whole[i] = larger(larger(values[i], values[i + sessions // 2]), values[i + sessions - 1])
    elif len(whole):
        best: Column = np.empty(len(values) - 3)
        next_: Column = np.empty(len(values))
        width = 4
        b, c, d = values[1:], values[2:], values[3:]
        for i in range(len(best)):
            best[i] = larger(larger(values[i], b[i]), larger(c[i], d[i]))
        while 2 * width <= sessions:
            later = best[width:]
            for i in range(len(later)):
                next_[i] = larger(best[i], later[i])
            best, next_, width = next_[: len(later)], best, 2 * width
        later = best[sessions - width :]
        for i in range(len(whole)):
            whole[i] = larger(best[i], later[i])


@compiled
def lowest_into(values: "Column", sessions: int, found: "Column") -> None:
    """Write the smallest of each window, shape (n,).

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    sessions : int
        Length of the window, sessions.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    whole = unknown(found, sessions)
    if len(whole) and sessions < 4:
        for i in range(len(whole)):
            whole[i] = smaller(smaller(values[i], values[i + sessions // 2]), values[i + sessions - 1])
    elif len(whole):
        best: Column = np.empty(len(values) - 3)
        next_: Column = np.empty(len(values))
        width = 4
        b, c, d = values[1:], values[2:], values[3:]
        for i in range(len(best)):
            best[i] = smaller(smaller(values[i], b[i]), smaller(c[i], d[i]))
        while 2 * width <= sessions:
            later = best[width:]
            for i in range(len(later)):
                next_[i] = smaller(best[i], later[i])
            best, next_, width = next_[: len(later)], best, 2 * width
        later = best[sessions - width :]
        for i in range(len(whole)):
            whole[i] = smaller(best[i], later[i])


@compiled
def ranges_into(high: "Column", low: "Column", close: "Column", found: "Column") -> None:
    """Write the true range of each session, shape (n,).

    Parameters
    ----------
    high : ndarray of float64, shape (n,)
        Highs in USD, oldest first.
    low : ndarray of float64, shape (n,)
        Lows in USD, oldest first.
    close : ndarray of float64, shape (n,)
        Closes in USD, oldest first.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    after, top, bottom = unknown(found, 2), high[1:], low[1:]
    for i in range(len(after)):
        after[i] = larger(top[i], close[i]) - smaller(bottom[i], close[i])
