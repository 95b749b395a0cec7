"""Recursive means as loops for machine code: the operations of `smoothing` in the same order, bit for bit.

Each step of a mean waits for the one before, so that those of four symbols take little longer beside one another
than that of one alone: rows are symbols, or several figures of each. A mean takes the place of what it is of.
"""

from typing import TYPE_CHECKING

import numpy as np

from mtum.core.compiled import compiled
from mtum.core.indicators.twins.steps import mean_into, sum_into, unknown

if TYPE_CHECKING:
    from mtum.core.market.bars import Column


@compiled
def seeded(values: "Column", sessions: int) -> int:
    """Put the seed of a recursive mean at its place and NaN before it; return where, the length where there is none."""
    first, known, at, seed = len(values), 0, 0, np.empty(1)
    while at < len(values) and known < sessions:
        if not np.isnan(values[at]):
            first, known = min(first, at), known + 1
        at += 1
    at = first + sessions - 1 if known == sessions else len(values)
    if at < len(values):
        sum_into(values[first : at + 1], sessions, seed)
    unknown(values, at + 1)
    if at < len(values):
        values[at] = seed[0] / sessions
    return at


@compiled
def recur(row: "Column", sessions: int, wilder: bool, begin: int, stop: int) -> None:
    """Work out a recursive mean from one position up to before another, where that before the first is known.

    Parameters
    ----------
    row : ndarray of float64, shape (n,)
        Values, oldest first.
    sessions : int
        Length of the window, sessions.
    wilder : bool
        Whether the mean is Wilder's; else exponential.
    begin : int
        The first position, 1 or more.
    stop : int
        The position to stop before.
    """
    before, weight, state = sessions - 1.0, 2.0 / (sessions + 1), row[begin - 1] if begin < stop else 0.0
    for i in range(begin, stop):
        state = (before * state + row[i]) / sessions if wilder else state + weight * (row[i] - state)
        row[i] = state


@compiled
def recur_by_four(rows: "Column", sessions: int, wilder: bool, begin: int) -> None:
    """Work out four recursive means from a position on, beside one another.

    Parameters
    ----------
    rows : ndarray of float64, shape (4, n)
        Values, oldest first.
    sessions : int
        Length of the window, sessions.
    wilder : bool
        Whether means are Wilder's; else exponential.
    begin : int
        The position, 1 or more, to the length.
    """
    before, weight, at = sessions - 1.0, 2.0 / (sessions + 1), begin - 1
    a, b, c, d = rows[0, at:], rows[1, at:], rows[2, at:], rows[3, at:]
    w, x, y, z = a[0], b[0], c[0], d[0]
    if wilder:
        for i in range(1, len(a)):
            w, x = (before * w + a[i]) / sessions, (before * x + b[i]) / sessions
            y, z = (before * y + c[i]) / sessions, (before * z + d[i]) / sessions
            a[i], b[i], c[i], d[i] = w, x, y, z
    else:
        for i in range(1, len(a)):
            w, x = w + weight * (a[i] - w), x + weight * (b[i] - x)
            y, z = y + weight * (c[i] - y), z + weight * (d[i] - z)
            a[i], b[i], c[i], d[i] = w, x, y, z


@compiled
def recursive(rows: "Column", sessions: int, wilder: bool) -> None:
    """Make each row its recursive mean.

    Parameters
    ----------
    rows : ndarray of float64, shape (n_rows, n)
        Values, oldest first.
    sessions : int
        Length of the window, sessions.
    wilder : bool
        Whether means are Wilder's; else exponential.
    """
    count = rows.shape[1]
    begins = np.empty(len(rows), dtype=np.int64)
    for row in range(len(rows)):
        begins[row] = min(count, seeded(rows[row], sessions) + 1)
    for row in range(0, len(rows), 4):
        # One that never begins is NaN, and stays so.
        together = max(begins[row : row + 4]) if row + 4 <= len(rows) else count
        for each in range(row, min(row + 4, len(rows))):
            recur(rows[each], sessions, wilder, begins[each], together)
        if 0 < together < count:
            recur_by_four(rows[row : row + 4], sessions, wilder, together)


@compiled
def means(rows: "Column", sessions: int, wilder: bool) -> None:
    """Make each row its mean.

    Parameters
    ----------
    rows : ndarray of float64, shape (n_rows, n)
        Values, oldest first.
    sessions : int
        Length of the window, sessions.
    wilder : bool
        Whether means are Wilder's; else plain.
    """
    if wilder:
        recursive(rows, sessions, True)
    else:
        values = np.empty(rows.shape[1])
        for row in range(len(rows)):
            values[:] = rows[row]
            mean_into(values, sessions, rows[row])
