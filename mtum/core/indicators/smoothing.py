"""How an indicator averages, and the rounding that makes a tie a tie."""

from collections.abc import Callable
from enum import Enum
from math import ceil, isnan, log
from typing import TYPE_CHECKING, assert_never

if TYPE_CHECKING:
    from mtum.core.market.bars import Column

_STRANDS, _STRANDED = 8, 128
"""How numpy adds up a row: in so many strands, up to so many values at once."""
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
    result: Column = values * scale
    result += 1e-4
    np.rint(result, out=result)
    result /= scale
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
    count = len(values)
    return whole_windows(count, figure(windows(values, sessions)) if count >= sessions else values[:0])


def whole_windows(count: int, figures: "Column") -> "Column":
    """Return the figures of whole windows, NaN before the first of them, shape (count,)."""
    import numpy as np

    found = np.full(count, np.nan)
    found[count - len(figures) :] = figures
    return found


def sums(values: "Column", sessions: int) -> "Column":
    """Return the sum of each window, shape (n - sessions + 1,), to the last bit that of numpy over the same window.

    Each is the sum of its own values alone, so that none depends on where the history begins.
    """
    import numpy as np

    whole = np.ascontiguousarray(values, dtype=np.float64)
    count = len(whole) - sessions + 1
    return _sums(whole, sessions, count) if count > 0 else np.empty(0)


def _sums(values: "Column", sessions: int, count: int) -> "Column":
    # numpy adds up a row in eight strands, one of more than 128 in two halves. Windows share their strands, so that
    # one of 50 values takes ten additions of whole columns.
    if sessions > _STRANDED:
        half = sessions // 2 // _STRANDS * _STRANDS
        return _sums(values, half, count) + _sums(values[half:], sessions - half, count)
    if sessions < _STRANDS:
        found, done = values[:count] + 0.0, 1
    else:
        done = sessions - sessions % _STRANDS
        strand = values[: count + _STRANDS - 1] + 0.0
        for start in range(_STRANDS, done, _STRANDS):
            strand += values[start : start + count + _STRANDS - 1]
        pair = strand[:-1] + strand[1:]
        four = pair[:-2] + pair[2:]
        found = four[:-4] + four[4:]
    for start in range(done, sessions):
        found += values[start : start + count]
    return found


def highest(values: "Column", sessions: int) -> "Column":
    """Return the largest of the last `sessions` values, shape (n,)."""
    import numpy as np

    return _extreme(values, sessions, np.maximum)


def lowest(values: "Column", sessions: int) -> "Column":
    """Return the smallest of the last `sessions` values, shape (n,)."""
    import numpy as np

    return _extreme(values, sessions, np.minimum)


def _extreme(values: "Column", sessions: int, better: "Callable[[Column, Column], Column]") -> "Column":
    import numpy as np

    found = np.full(len(values), np.nan)
    count = len(values) - sessions + 1
    if count > 0:
        # The extreme of a window is that of two shorter ones which cover it.
        best, width = values, 1
        while 2 * width <= sessions:
            best, width = better(best[:-width], best[width:]), 2 * width
        found[sessions - 1 :] = better(best[:count], best[sessions - width :])
    return found


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
    return _from_seed(
        values,
        sessions,
        lambda state, values: [state, *[state := state + weight * (value - state) for value in values]],
    )


def _from_seed(values: "Column", sessions: int, steps: Callable[[float, list[float]], list[float]]) -> "Column":
    import numpy as np

    found = np.full(len(values), np.nan)
    defined = np.flatnonzero(~np.isnan(values))
    if len(defined) >= sessions:
        seed_at = int(defined[0]) + sessions - 1
        seed = float(values[defined[0] : seed_at + 1].mean())
        found[seed_at:] = steps(seed, values[seed_at + 1 :].tolist())
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
    smoothing : Smoothing
        Plain mean of the window, or Wilder's recursive mean.

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
            # numpy's own mean divides as this does.
            return whole_windows(len(values), sums(values, sessions) / sessions)
        case Smoothing.WILDER:
            # As floats from the start: a whole number would be made one in every step.
            before, all_of_them = sessions - 1.0, float(sessions)
            return _from_seed(
                values,
                sessions,
                lambda state, values: [state, *[state := (before * state + value) / all_of_them for value in values]],
            )
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
