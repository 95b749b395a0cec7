"""Recursive means as loops for machine code: the operations of `smoothing` in the same order, bit for bit.

Each step waits for the one before, so that two means take little longer beside one another than one alone.
"""

from typing import TYPE_CHECKING

import numpy as np

from mtum.core.compiled import compiled
from mtum.core.indicators.twins.steps import sum_into, unknown

if TYPE_CHECKING:
    from mtum.core.market.bars import Column


@compiled
def seed_at(values: "Column", sessions: int) -> int:
    """Return where a recursive mean begins, which is the last value of its seed; the length where it never does."""
    first, known = len(values), 0
    for i in range(len(values)):
        if not np.isnan(values[i]):
            first, known = min(first, i), known + 1
            if known == sessions:
                return first + sessions - 1
    return len(values)


@compiled
def seed_of(values: "Column", at: int, sessions: int) -> float:
    """Return the plain mean of the values up to where a recursive mean begins.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    at : int
        Position at which the recursive mean begins.
    sessions : int
        Length of the window, sessions.
    """
    sums = np.empty(1)
    sum_into(values[at - sessions + 1 : at + 1], sessions, sums)
    return float(sums[0] / sessions)


@compiled
def seeded(values: "Column", sessions: int, found: "Column") -> int:
    """Write the seed of a recursive mean and NaN before it; return where it is, the length where there is none.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    sessions : int
        Length of the window, sessions.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    at = seed_at(values, sessions)
    unknown(found, at + 1)
    if at < len(values):
        found[at] = seed_of(values, at, sessions)
    return at


@compiled
def ema_on(values: "Column", sessions: int, at: int, stop: int, found: "Column") -> None:
    """Write the exponential mean behind a position up to before another.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    sessions : int
        Length of the window, sessions.
    at : int
        Position at which the recursive mean begins.
    stop : int
        Position to stop before.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    if at < stop:
        weight, state = 2.0 / (sessions + 1), found[at]
        for i in range(at + 1, stop):
            state = state + weight * (values[i] - state)
            found[i] = state


@compiled
def wilder_on(values: "Column", sessions: int, at: int, stop: int, found: "Column") -> None:
    """Write Wilder's mean behind a position up to before another.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    sessions : int
        Length of the window, sessions.
    at : int
        Position at which the recursive mean begins.
    stop : int
        Position to stop before.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    if at < stop:
        before, state = sessions - 1.0, found[at]
        for i in range(at + 1, stop):
            state = (before * state + values[i]) / sessions
            found[i] = state


@compiled
def ema_into(values: "Column", sessions: int, found: "Column") -> None:
    """Write the exponential mean, shape (n,).

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    sessions : int
        Length of the window, sessions.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    ema_on(values, sessions, seeded(values, sessions, found), len(values), found)


@compiled
def wilder_into(values: "Column", sessions: int, found: "Column") -> None:
    """Write Wilder's mean, shape (n,).

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    sessions : int
        Length of the window, sessions.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    wilder_on(values, sessions, seeded(values, sessions, found), len(values), found)


@compiled
def two_emas_into(values: "Column", fast: int, slow: int, stop: int, found: "Column", other: "Column") -> None:
    """Write two exponential means up to before a position, shape (n,) each.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    fast : int
        Window of the fast mean, sessions.
    slow : int
        Window of the slow mean, sessions.
    stop : int
        Position before which it ends.
    found : ndarray of float64, shape (n,)
        The fast mean is written into it.
    other : ndarray of float64, shape (n,)
        The slow mean is written into it.
    """
    at, at_other = seeded(values, fast, found), seeded(values, slow, other)
    both = max(at, at_other)
    ema_on(values, fast, at, min(both + 1, stop), found)
    ema_on(values, slow, at_other, min(both + 1, stop), other)
    if both < stop:
        weight, state, weight_other, state_other = 2.0 / (fast + 1), found[both], 2.0 / (slow + 1), other[both]
        for i in range(both + 1, stop):
            state = state + weight * (values[i] - state)
            state_other = state_other + weight_other * (values[i] - state_other)
            found[i], other[i] = state, state_other


@compiled
def ema_of_difference_into(
    values: "Column", fast: int, slow: int, signal: int, apart: "Column", smoothed: "Column"
) -> None:
    """Write what the fast exponential mean is above the slow one, and the exponential mean of that.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    fast, slow, signal : int
        Windows of the two means and of the mean of what is between them, sessions.
    apart : ndarray of float64, shape (n,)
        What is between them is written into it.
    smoothed : ndarray of float64, shape (n,)
        Its mean is written into it.
    """
    count, slowed = len(values), np.empty(len(values))
    first = max(seed_at(values, fast), seed_at(values, slow)) + signal - 1
    stop = min(first + 1, count)
    two_emas_into(values, fast, slow, stop, apart, slowed)
    weight, weight_slow, weight_signal = 2.0 / (fast + 1), 2.0 / (slow + 1), 2.0 / (signal + 1)
    state = apart[stop - 1] if stop else 0.0
    for i in range(stop):
        apart[i] = apart[i] - slowed[i]
    unknown(smoothed, count + 1)
    if first < count:
        # A difference that is NaN stays so, and its mean is.
        mean = np.nan if np.isnan(apart[first]) else seed_of(apart, first, signal)
        smoothed[first], state_slow = mean, slowed[first]
        for i in range(first + 1, count):
            state = state + weight * (values[i] - state)
            state_slow = state_slow + weight_slow * (values[i] - state_slow)
            difference = state - state_slow
            mean = mean + weight_signal * (difference - mean)
            apart[i], smoothed[i] = difference, mean


@compiled
def ema_twice_into(values: "Column", sessions: int, stop: int, once: "Column", twice: "Column") -> None:
    """Write the exponential mean and the exponential mean of that up to before a position, shape (n,) each.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    sessions : int
        Length of the window, sessions.
    stop : int
        Position before which it ends.
    once : ndarray of float64, shape (n,)
        The mean is written into it.
    twice : ndarray of float64, shape (n,)
        The mean of the mean is written into it.
    """
    at = seeded(values, sessions, once)
    # A mean that is NaN stays so: its own mean begins if it is known when enough of it should be there.
    both = min(at + sessions - 1, stop)
    ema_on(values, sessions, at, min(both + 1, stop), once)
    unknown(twice, len(values) + 1)
    if both < stop and not np.isnan(once[both]):
        twice[both] = seed_of(once, both, sessions)
        weight, state, state_of_it = 2.0 / (sessions + 1), once[both], twice[both]
        for i in range(both + 1, stop):
            state = state + weight * (values[i] - state)
            state_of_it = state_of_it + weight * (state - state_of_it)
            once[i], twice[i] = state, state_of_it
    else:
        ema_on(values, sessions, both, stop, once)


@compiled
def ema_thrice_into(values: "Column", sessions: int, once: "Column", twice: "Column", thrice: "Column") -> None:
    """Write the exponential mean, the exponential mean of that and the one of that, shape (n,) each.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    sessions : int
        Length of the window, sessions.
    once : ndarray of float64, shape (n,)
        The mean is written into it.
    twice : ndarray of float64, shape (n,)
        The mean of the mean is written into it.
    thrice : ndarray of float64, shape (n,)
        The mean of that is written into it.
    """
    count = len(values)
    first = seed_at(values, sessions) + 2 * (sessions - 1)
    unknown(thrice, count + 1)
    ema_twice_into(values, sessions, min(first + 1, count), once, twice)
    if first < count:
        weight, state, state_of_it = 2.0 / (sessions + 1), once[first], twice[first]
        mean = np.nan if np.isnan(state_of_it) else seed_of(twice, first, sessions)
        thrice[first] = mean
        for i in range(first + 1, count):
            state = state + weight * (values[i] - state)
            state_of_it = state_of_it + weight * (state - state_of_it)
            mean = mean + weight * (state_of_it - mean)
            once[i], twice[i], thrice[i] = state, state_of_it, mean


@compiled
def wilder_beside_ema_into(
    values: "Column", sessions: int, found: "Column", others: "Column", ema_sessions: int, other: "Column"
) -> None:
    """Write Wilder's mean of one column and the exponential mean of another, shape (n,) each.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    sessions : int
        Wilder's n.
    found : ndarray of float64, shape (n,)
        Wilder's mean is written into it.
    others : ndarray of float64, shape (n,)
        Values of the other column, oldest first.
    ema_sessions : int
        Window of the exponential mean, sessions.
    other : ndarray of float64, shape (n,)
        The exponential mean is written into it.
    """
    at, at_other, stop = seeded(values, sessions, found), seeded(others, ema_sessions, other), len(values)
    both = max(at, at_other)
    wilder_on(values, sessions, at, min(both + 1, stop), found)
    ema_on(others, ema_sessions, at_other, min(both + 1, stop), other)
    if both < stop:
        before, state, weight, state_other = sessions - 1.0, found[both], 2.0 / (ema_sessions + 1), other[both]
        for i in range(both + 1, stop):
            state = (before * state + values[i]) / sessions
            state_other = state_other + weight * (others[i] - state_other)
            found[i], other[i] = state, state_other


@compiled
def wilders_into(rows: "Column", sessions: int, found: "Column") -> None:
    """Write Wilder's means of three rows, shape (3, n) each.

    Parameters
    ----------
    rows : ndarray of float64
        Three rows of values, oldest first, shape (3, n).
    sessions : int
        Length of the window, sessions.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    length, both = rows.shape[1], 0
    at = np.empty(3, dtype=np.int64)
    for row in range(3):
        at[row] = seeded(rows[row], sessions, found[row])
        both = max(both, at[row])
    for row in range(3):
        wilder_on(rows[row], sessions, at[row], min(both + 1, length), found[row])
    if both < length:
        before = sessions - 1.0
        one, two, three = found[0, both], found[1, both], found[2, both]
        a, b, c, x, y, z = rows[0], rows[1], rows[2], found[0], found[1], found[2]
        for i in range(both + 1, length):
            one = (before * one + a[i]) / sessions
            two = (before * two + b[i]) / sessions
            three = (before * three + c[i]) / sessions
            x[i], y[i], z[i] = one, two, three


@compiled
def two_wilders_into(values: "Column", others: "Column", sessions: int, found: "Column", other: "Column") -> None:
    """Write Wilder's means of two columns, shape (n,) each.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    others : ndarray of float64, shape (n,)
        The second column's values, oldest first.
    sessions : int
        Length of the window, sessions.
    found : ndarray of float64
        What is written into, shape (n,).
    other : ndarray of float64, shape (n,)
        The second mean is written into it.
    """
    at, at_other = seeded(values, sessions, found), seeded(others, sessions, other)
    both = max(at, at_other)
    wilder_on(values, sessions, at, min(both + 1, len(values)), found)
    wilder_on(others, sessions, at_other, min(both + 1, len(values)), other)
    if both < len(values):
        before, state, state_other = sessions - 1.0, found[both], other[both]
        for i in range(both + 1, len(values)):
            state = (before * state + values[i]) / sessions
            state_other = (before * state_other + others[i]) / sessions
            found[i], other[i] = state, state_other
