"""How an indicator averages, and the rounding that makes a tie a tie."""

from enum import Enum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from mtum.core.market.bars import Column

DECIMALS = 6
"""Indicator values are rounded to this many decimals before any comparison or record."""


class Smoothing(Enum):
    """Plain mean of the window, or Wilder's recursive mean."""

    SIMPLE = "simple"
    WILDER = "wilder"


def rounded(values: "Column") -> "Column":
    """Return the values rounded to 1e-6, so that the length of history does not matter."""
    import numpy as np

    # The nudge settles exact halves one way, whatever dust the order of summing left on them.
    scale = 10.0**DECIMALS
    result: Column = np.rint(values * scale + 1e-4) / scale
    return result


def wilder_mean(values: "Column", sessions: int) -> "Column":
    """Wilder's mean: seeded with the plain mean of the first values, then (old·(n - 1) + new)/n.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Leading NaN are skipped before the seed.
    sessions : int
        Wilder's n.

    Returns
    -------
    ndarray of float64, shape (n,)
        NaN until the seed. The seed's weight after k further sessions is ((n - 1)/n)^k.

    References
    ----------
    Wilder (1978), "New Concepts in Technical Trading Systems".
    """
    import numpy as np
    import pandas as pd
    import pandas_ta

    result = np.full(len(values), np.nan)
    first = int(np.argmax(~np.isnan(values))) if len(values) and not np.isnan(values).all() else len(values)
    seed_at = first + sessions - 1
    if seed_at >= len(values):
        return result
    tail = values[seed_at:].copy()
    tail[0] = values[first : seed_at + 1].mean()
    # The library starts its recursion from the first value, so it is given the seed as that value.
    smoothed = pandas_ta.rma(pd.Series(tail), length=sessions) if len(tail) >= sessions else None
    result[seed_at:] = _recursive(tail, sessions) if smoothed is None else smoothed.to_numpy()
    return result


def _recursive(tail: "Column", sessions: int) -> "Column":
    # Shorter than one window: the library answers nothing, the definition still holds.
    out = tail.copy()
    for index in range(1, len(tail)):
        out[index] = ((sessions - 1) * out[index - 1] + tail[index]) / sessions
    return out
