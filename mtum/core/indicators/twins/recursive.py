"""Recursive means as loops for machine code: the operations of `smoothing` in the same order, bit for bit.

Each step of a mean waits for the one before, so that those of eight symbols take little longer beside one another
than that of one alone: rows are symbols, or several figures of each. A mean may take the place of what it is of.
"""

from typing import TYPE_CHECKING

import numpy as np

from mtum.core.compiled import built_in, compiled
from mtum.core.indicators.twins.steps import mean_into, sum_into, unknown

if TYPE_CHECKING:
    from mtum.core.indicators.twins.steps import Columns
    from mtum.core.market.bars import Column

_BESIDE = 8
"""Means worked out beside one another: their steps keep the processor busy."""


@compiled
def seeded(values: "Column", sessions: int, found: "Column") -> int:
    """Write the seed of a recursive mean at its place and NaN before it.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    sessions : int
        Length of the window, sessions.
    found : ndarray of float64
        What is written into, shape (n,).

    Returns
    -------
    int
        The place of the seed, n where there is none.
    """
    first, known, at, seed = len(values), 0, 0, np.empty(1)
    while at < len(values) and known < sessions:
        if not np.isnan(values[at]):
            first, known = min(first, at), known + 1
        at += 1
    at = first + sessions - 1 if known == sessions else len(values)
    if at < len(values):
        sum_into(values[first : at + 1], sessions, seed)
    unknown(found, at + 1)
    if at < len(values):
        found[at] = seed[0] / sessions
    return at


@compiled
def recur(values: "Column", sessions: int, wilder: bool, begin: int, found: "Column") -> None:
    """Work out a recursive mean from a position on, where that before it is known.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    sessions : int
        Length of the window, sessions.
    wilder : bool
        Whether the mean is Wilder's; else exponential.
    begin : int
        The position, 1 or more.
    found : ndarray of float64
        What is written into, shape (m,) with m up to n.
    """
    before, weight, state = sessions - 1.0, 2.0 / (sessions + 1), found[begin - 1] if begin < len(found) else 0.0
    for i in range(begin, len(found)):
        state = (before * state + values[i]) / sessions if wilder else state + weight * (values[i] - state)
        found[i] = state


@built_in
def eight(values: "Columns | Column", row: int, last: int) -> "Columns":
    """Return eight rows from one on; where there are fewer the last stands in for the others.

    Parameters
    ----------
    values : tuple of ndarray of float64, shape (n,), or ndarray of shape (n_rows, n)
        The rows.
    row : int
        The first of them.
    last : int
        The last that there is.
    """
    b, c, d, e = min(row + 1, last), min(row + 2, last), min(row + 3, last), min(row + 4, last)
    f, g, h = min(row + 5, last), min(row + 6, last), min(row + 7, last)
    return values[row], values[b], values[c], values[d], values[e], values[f], values[g], values[h]


@compiled
def recur_by_eight(values: "Columns", sessions: int, wilder: bool, found: "Columns") -> None:
    """Work out eight recursive means from the second position on, beside one another.

    Parameters
    ----------
    values : tuple of eight ndarrays of float64, shape (n,)
        Values, oldest first.
    sessions : int
        Length of the window, sessions.
    wilder : bool
        Whether means are Wilder's; else exponential.
    found : tuple of eight ndarrays of float64, shape (n,)
        What is written into; the means at the first position are there.
    """
    before, weight = sessions - 1.0, 2.0 / (sessions + 1)
    a, b, c, d = found[0][0], found[1][0], found[2][0], found[3][0]
    e, f, g, h = found[4][0], found[5][0], found[6][0], found[7][0]
    # All are read before any is written: one that stands in for others may be among them.
    if wilder:
        for i in range(1, len(found[0])):
            a, b = (before * a + values[0][i]) / sessions, (before * b + values[1][i]) / sessions
            c, d = (before * c + values[2][i]) / sessions, (before * d + values[3][i]) / sessions
            e, f = (before * e + values[4][i]) / sessions, (before * f + values[5][i]) / sessions
            g, h = (before * g + values[6][i]) / sessions, (before * h + values[7][i]) / sessions
            found[0][i], found[1][i], found[2][i], found[3][i] = a, b, c, d
            found[4][i], found[5][i], found[6][i], found[7][i] = e, f, g, h
    else:
        for i in range(1, len(found[0])):
            a, b = a + weight * (values[0][i] - a), b + weight * (values[1][i] - b)
            c, d = c + weight * (values[2][i] - c), d + weight * (values[3][i] - d)
            e, f = e + weight * (values[4][i] - e), f + weight * (values[5][i] - f)
            g, h = g + weight * (values[6][i] - g), h + weight * (values[7][i] - h)
            found[0][i], found[1][i], found[2][i], found[3][i] = a, b, c, d
            found[4][i], found[5][i], found[6][i], found[7][i] = e, f, g, h


@built_in
def since(columns: "Columns", begin: int) -> "Columns":
    """Return eight columns from a position on."""
    a, b, c, d, e, f, g, h = columns
    return a[begin:], b[begin:], c[begin:], d[begin:], e[begin:], f[begin:], g[begin:], h[begin:]


@compiled
def recursive(values: "Columns | Column", sessions: int, wilder: bool, rows: "Column") -> None:
    """Write the recursive mean of each row.

    Parameters
    ----------
    values : tuple of ndarray of float64, shape (n,), or ndarray of shape (n_rows, n)
        Values, oldest first; at least as many rows as are written.
    sessions : int
        Length of the window, sessions.
    wilder : bool
        Whether means are Wilder's; else exponential.
    rows : ndarray of float64, shape (n_rows, n)
        What is written into; it may be the values.
    """
    count, last = rows.shape[1], len(rows) - 1
    begins = np.empty(len(rows), dtype=np.int64)
    for row in range(len(rows)):
        at = seeded(values[row], sessions, rows[row])
        # One that never begins is NaN, and stays so.
        begins[row] = at + 1 if at < count else 1
    for row in range(0, len(rows), _BESIDE):
        together = max(begins[row : row + _BESIDE]) if row < last else count
        for each in range(row, min(row + _BESIDE, len(rows))):
            recur(values[each], sessions, wilder, begins[each], rows[each, :together])
        if together < count:
            known = eight(rows, row, last)
            recur_by_eight(since(eight(values, row, last), together - 1), sessions, wilder, since(known, together - 1))


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
        recursive(rows, sessions, True, rows)
    else:
        values = np.empty(rows.shape[1])
        for row in range(len(rows)):
            values[:] = rows[row]
            mean_into(values, sessions, rows[row])
