"""How an indicator averages, and the rounding that makes a tie a tie."""

from collections.abc import Callable
from enum import Enum
from itertools import accumulate
from math import ceil, isnan, log
from typing import TYPE_CHECKING, assert_never

if TYPE_CHECKING:
    from mtum.core.market.bars import Column

DECIMALS = 6
"""Indicator values are rounded to this many decimals before any comparison or record."""


class Smoothing(Enum):
    """Plain mean of the window, or Wilder's recursive mean."""

    SIMPLE = "simple"
    WILDER = "wilder"


def known(value: float | None) -> float | None:
    """Return one value rounded to 1e-6; None where it is undefined."""
    return None if value is None or isnan(value) else round(value, DECIMALS)


def rounded(values: "Column") -> "Column":
    """Return the values rounded to 1e-6, so that the length of history does not matter."""
    import numpy as np

    # The nudge settles exact halves one way, whatever dust the order of summing left on them.
    scale = 10.0**DECIMALS
    result: Column = np.rint(values * scale + 1e-4) / scale
    return result


def windows(values: "Column", sessions: int) -> "Column":
    """Return every window of the last `sessions` values, shape (n - sessions + 1, sessions), over the same memory.

    A figure of each is worked out anew: a running one would carry dust from one session to the next.
    """
    import numpy as np

    # numpy's own helpers for it cost more than what is done with the windows.
    whole = np.ascontiguousarray(values, dtype=np.float64)
    shape, steps = (max(0, len(whole) - sessions + 1), sessions), whole.strides * 2
    found: Column = np.ndarray(shape, np.float64, whole, strides=steps)
    return found


def over_windows(values: "Column", sessions: int, figure: "Callable[[Column], Column]") -> "Column":
    """Return a figure of each window, NaN where no window is whole, shape (n,).

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
    sessions : int
        Length of the window.
    figure : callable
        Windows of shape (m, sessions) in, shape (m,) out.
    """
    import numpy as np

    found = np.full(len(values), np.nan)
    if len(values) >= sessions:
        found[sessions - 1 :] = figure(windows(values, sessions))
    return found


def highest(values: "Column", sessions: int) -> "Column":
    """Return the largest of the last `sessions` values, shape (n,)."""
    return over_windows(values, sessions, lambda rows: rows.max(axis=1))


def lowest(values: "Column", sessions: int) -> "Column":
    """Return the smallest of the last `sessions` values, shape (n,)."""
    return over_windows(values, sessions, lambda rows: rows.min(axis=1))


def ema_of(values: "Column", sessions: int) -> "Column":
    """Exponential mean, not rounded: alpha = 2/(n + 1), seeded with the mean of the first n defined values.

    Parameters
    ----------
    values : ndarray of float64, shape (n_sessions,)
    sessions : int
        n; the seed's weight after k further values is (1 - alpha)^k.

    Returns
    -------
    ndarray of float64, shape (n_sessions,)
        NaN until n values are defined.
    """
    weight = 2.0 / (sessions + 1)
    return _from_seed(values, sessions, lambda state, value: state + weight * (value - state))


def _from_seed(values: "Column", sessions: int, step: Callable[[float, float], float]) -> "Column":
    import numpy as np

    found = np.full(len(values), np.nan)
    defined = np.flatnonzero(~np.isnan(values))
    if len(defined) >= sessions:
        seed_at = int(defined[0]) + sessions - 1
        seed = float(values[defined[0] : seed_at + 1].mean())
        found[seed_at:] = list(accumulate(values[seed_at + 1 :].tolist(), step, initial=seed))
    return found


def mean_of(values: "Column", sessions: int, smoothing: Smoothing) -> "Column":
    """Mean of the last `sessions` values, plain or Wilder's.

    Wilder's mean is seeded with the plain mean of the first `sessions` defined values, then
    (old (n - 1) + new)/n; the seed's weight after k further sessions is ((n - 1)/n)^k.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Oldest first, in any unit.
    sessions : int
        Length of the window, Wilder's n.

    Returns
    -------
    ndarray of float64, shape (n,)
        Same unit; NaN until `sessions` values are there. A plain mean is NaN while a value of its window is.

    References
    ----------
    Wilder (1978), "New Concepts in Technical Trading Systems".
    """
    match smoothing:
        case Smoothing.SIMPLE:
            # numpy's own mean divides as this does, and takes longer to begin.
            return over_windows(values, sessions, lambda rows: rows.sum(axis=1) / sessions)
        case Smoothing.WILDER:
            return _from_seed(values, sessions, lambda state, value: ((sessions - 1) * state + value) / sessions)
        case _:
            assert_never(smoothing)


FORGOTTEN = 1e-9
"""What the seed of a recursive mean may still weigh."""


def ema_history(sessions: int) -> int:
    """Return the values after which an exponential mean has forgotten its seed."""
    return sessions + (ceil(log(FORGOTTEN) / log(1 - 2 / (sessions + 1))) if sessions > 1 else 0)


def wilder_history(sessions: int) -> int:
    """Return the closes after which one of Wilder's means of moves has forgotten its seed."""
    return sessions + 1 + (ceil(log(FORGOTTEN) / log(1 - 1 / sessions)) if sessions > 1 else 0)
