"""How an indicator averages, and the rounding that makes a tie a tie."""

from enum import Enum
from math import isnan
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
    import numpy as np

    found = np.full(len(values), np.nan)
    match smoothing:
        case Smoothing.SIMPLE:
            if len(values) >= sessions:
                # Each window is summed anew: a running sum would carry dust from one session to the next. They are
                # rows of one array over the same memory; numpy's own helpers for it cost more than the sums.
                whole = np.ascontiguousarray(values, dtype=np.float64)
                shape, steps = (len(whole) - sessions + 1, sessions), whole.strides * 2
                windows: Column = np.ndarray(shape, np.float64, whole, strides=steps)
                found[sessions - 1 :] = np.add.reduce(windows, axis=1) / sessions
        case Smoothing.WILDER:
            first = int(np.argmax(~np.isnan(values))) if len(values) and not np.isnan(values).all() else len(values)
            seed_at = first + sessions - 1
            if seed_at < len(values):
                state = float(values[first : seed_at + 1].mean())
                found[seed_at] = state
                for index, value in enumerate(values[seed_at + 1 :].tolist(), seed_at + 1):
                    state = ((sessions - 1) * state + value) / sessions
                    found[index] = state
        case _:
            assert_never(smoothing)
    return found
