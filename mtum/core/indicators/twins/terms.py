"""Sums over windows of weighted values, or of squared distances from a mean, added up as numpy adds up a row.

A loop becomes machine code once for each of the two, so that neither asks in every step which of them is meant.
"""

from typing import TYPE_CHECKING

import numpy as np

from mtum.core.compiled import built_in, compiled
from mtum.core.indicators.twins.steps import STRANDS, add_into, halves, unknown

if TYPE_CHECKING:
    from mtum.core.market.bars import Column

_BLOCK = 512
"""Windows whose terms are kept at once: they stay in the processor's first cache."""


@built_in
def term(values: "Column", means: "Column | None", weight: float, i: int) -> float:
    """Return the term of one value of a window.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        That value of each window.
    means : ndarray of float64, shape (n,), or None
        Mean of each window: a term is the square of the distance from it. None: a term is a value times its weight.
    weight : float
        The value's weight, a number without a unit.
    i : int
        Place of the window.
    """
    if means is None:
        return float(values[i] * weight)
    far = float(values[i] - means[i])
    return far * far


@compiled
def term_onto(values: "Column", means: "Column | None", weight: float, found: "Column") -> None:
    """Add the term of one value of each window.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        That value of each window.
    means : ndarray of float64, shape (n,), or None
        As of `term`.
    weight : float
        The value's weight, a number without a unit.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    for i in range(len(found)):
        found[i] += term(values, means, weight, i)


@compiled
def two_terms_into(values: "Column", means: "Column | None", weight: float, gap: int, found: "Column") -> None:
    """Write the sum of the terms of two values of each window.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        The first of the two of each window, and what follows.
    means : ndarray of float64, shape (n,), or None
        As of `term`.
    weight : float
        The first value's weight, a number without a unit; that of each later one is 1 more.
    gap : int
        How far the second value is behind the first.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    later = values[gap:]
    for i in range(len(found)):
        found[i] = term(values, means, weight, i) + term(later, means, weight + gap, i)


@compiled
def strands_into(
    values: "Column", means: "Column | None", weight: float, onto: bool, found: "Column"
) -> None:  # loops take no names
    """Write the sum of four strands of two terms each, of which the second is eight values behind the first.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        The first of them of each window, and what follows.
    means : ndarray of float64, shape (n,), or None
        As of `term`.
    weight : float
        The first value's weight, a number without a unit; that of each later one is 1 more.
    onto : bool
        Whether it is added to what is there.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    b, c, d, later = values[1:], values[2:], values[3:], values[STRANDS:]
    f, g, h, heavy = later[1:], later[2:], later[3:], weight + STRANDS
    for i in range(len(found)):
        one = term(values, means, weight, i) + term(later, means, heavy, i)
        two = term(b, means, weight + 1.0, i) + term(f, means, heavy + 1.0, i)
        three = term(c, means, weight + 2.0, i) + term(g, means, heavy + 2.0, i)
        four = term(d, means, weight + 3.0, i) + term(h, means, heavy + 3.0, i)
        joined = (one + two) + (three + four)
        found[i] = found[i] + joined if onto else joined


@compiled
def join_pairs(pairs: "Column", found: "Column") -> None:
    """Write the sums of four pairs of strands, as numpy joins them."""
    a, b, c, d = pairs[0], pairs[1], pairs[2], pairs[3]
    for i in range(len(found)):
        found[i] = (a[i] + b[i]) + (c[i] + d[i])


@compiled
def part_terms(values: "Column", means: "Column | None", weight: float, sessions: int, found: "Column") -> None:
    """Write the sum of the terms of each window of at most 128 values.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    means : ndarray of float64, shape (n,), or None
        As of `term`.
    weight : float
        Weight of a window's first value, a number without a unit; that of each later one is 1 more.
    sessions : int
        Length of the window, sessions.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    done = sessions - sessions % STRANDS
    if done == 2 * STRANDS:
        strands_into(values, means, weight, False, found)
        strands_into(values[STRANDS // 2 :], means, weight + STRANDS // 2, True, found)
    elif done:
        pairs, other = np.empty((STRANDS // 2, len(found))), np.empty(len(found))
        for j in range(0, STRANDS, 2):
            one, heavy, later = pairs[j // 2], weight + j, values[j + 1 :]
            two_terms_into(values[j:], means, heavy, 1 if done == STRANDS else STRANDS, one)
            if done > STRANDS:
                two_terms_into(later, means, heavy + 1, STRANDS, other)
                for k in range(2 * STRANDS, done, STRANDS):
                    term_onto(values[j + k :], means, heavy + k, one)
                    term_onto(later[k:], means, heavy + 1 + k, other)
                add_into(other, one)
        join_pairs(pairs, found)
    else:
        found[:] = 0.0
    for j in range(done, sessions):
        term_onto(values[j:], means, weight + j, found)


@compiled
def terms_into(values: "Column", means: "Column | None", sessions: int, found: "Column") -> None:
    """Write the sum of each window's terms, shape (n - sessions + 1,); weights begin with 1.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    means : ndarray of float64, shape (n,), or None
        As of `term`.
    sessions : int
        Length of the window, sessions.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    parts = halves(sessions)
    sums = np.empty((len(parts), min(_BLOCK, len(found))))
    for begin in range(0, len(found), _BLOCK):
        block = found[begin : min(begin + _BLOCK, len(found))]
        mean = None if means is None else means[begin : begin + len(block)]
        start, top = 0, 0
        for p in range(len(parts)):
            part_terms(values[begin + start :], mean, 1.0 + start, parts[p, 0], sums[top, : len(block)])
            start, top = start + parts[p, 0], top + 1
            for _ in range(parts[p, 1]):
                top -= 1
                add_into(sums[top, : len(block)], sums[top - 1, : len(block)])
        block[:] = sums[0, : len(block)]


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
        terms_into(values, means[sessions - 1 :], sessions, whole)
        for i in range(len(whole)):
            whole[i] = np.sqrt(whole[i] / (sessions - less))
