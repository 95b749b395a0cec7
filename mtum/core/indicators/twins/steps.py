"""What `smoothing` does to columns, as loops for machine code: the same operations in the same order, bit for bit.

Every loop writes into a column that it is given. Loops over whole columns take views that begin where they
read, so that the compiler sees that no position is negative and computes several values at once.
"""

from typing import TYPE_CHECKING

import numpy as np

from mtum.core.compiled import built_in, compiled, quotient
from mtum.core.indicators.smoothing import DECIMALS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from mtum.core.market.bars import Column

type Columns = tuple["Column", ...]
"""A column of each of several symbols, all of one length."""

STRANDS, STRANDED = 8, 128
"""How numpy adds up a row: in so many strands, up to so many values at once."""
_SCALE = 10.0**DECIMALS
_UNIT = 1.0 / _SCALE


@built_in
def to_decimals(value: float) -> float:
    """Return a value rounded to 1e-6 as `smoothing.rounded` does."""
    return quotient(np.rint(value * _SCALE + 1e-4), _SCALE, _UNIT)


@compiled
def round_off(values: "Column") -> None:
    """Round a column in its place; given as two columns the compiler would take it value by value."""
    for i in range(len(values)):
        values[i] = to_decimals(values[i])


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
        if length <= STRANDED:
            parts[found, 0], parts[found, 1] = length, joins
            found += 1
        else:
            half = length // 2 // STRANDS * STRANDS
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
    if sessions < STRANDS:
        for i in range(count):
            found[i] = values[i] + 0.0
    else:
        done = sessions - sessions % STRANDS
        strand = np.empty(count + STRANDS - 1)
        if done > STRANDS:
            following = values[STRANDS:]
            for i in range(len(strand)):
                strand[i] = values[i] + following[i]
        else:
            strand[:] = values[: len(strand)]
        for start in range(2 * STRANDS, done, STRANDS):
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
    if sessions <= STRANDED:
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


@built_in
def better(one: float, other: float, lowest: bool) -> float:  # loops take no names
    """Return the larger of two numbers, or the smaller; NaN where one of them is.

    Parameters
    ----------
    one : float
        A value, in any unit.
    other : float
        Another one, in the same unit.
    lowest : bool
        Whether the smaller.
    """
    return one if ((one < other) if lowest else (one > other)) | np.isnan(one) else other


@compiled
def extreme_into(values: "Column", sessions: int, lowest: bool, found: "Column") -> None:
    """Write the largest or the smallest of each window, shape (n,).

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    sessions : int
        Length of the window, sessions.
    lowest : bool
        Whether the smallest.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    whole = unknown(found, sessions)
    if len(whole) and sessions < 4:
        for i in range(len(whole)):
            first = better(values[i], values[i + sessions // 2], lowest)
            whole[i] = better(first, values[i + sessions - 1], lowest)
    elif len(whole):
        best: Column = np.empty(len(values) - 3)
        next_: Column = np.empty(len(values))
        width = 4
        b, c, d = values[1:], values[2:], values[3:]
        for i in range(len(best)):
            best[i] = better(better(values[i], b[i], lowest), better(c[i], d[i], lowest), lowest)
        while 2 * width <= sessions:
            later = best[width:]
            for i in range(len(later)):
                next_[i] = better(best[i], later[i], lowest)
            best, next_, width = next_[: len(later)], best, 2 * width
        later = best[sessions - width :]
        for i in range(len(whole)):
            whole[i] = better(best[i], later[i], lowest)


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
        after[i] = better(top[i], close[i], False) - better(bottom[i], close[i], True)
