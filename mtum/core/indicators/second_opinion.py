"""The same indicators by another library: pandas-ta, named smoothing, TA-Lib off; loaded only where a check asks."""

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from mtum.core.indicators.smoothing import Smoothing

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars, Column


def second_opinion(bars: "Bars", indicator: str, parameters: Mapping[str, object]) -> "Column | None":
    """Return an indicator as pandas-ta computes it, not rounded; None where the library is not asked for it.

    Parameters
    ----------
    bars : Bars
        Bars of one symbol and one source, oldest first, one per session.
    indicator : str
        Name in the registry of indicators.
    parameters : mapping
        As the registry's function takes them.

    Returns
    -------
    ndarray of float64, shape (n_sessions,) or None
        NaN during warm-up.
    """
    import pandas as pd
    import pandas_ta

    sessions = parameters["sessions"]
    assert isinstance(sessions, int)
    empty = np.full(len(bars), np.nan)
    if len(bars) <= sessions or sessions < 2:
        return empty
    smoothing = parameters.get("smoothing", Smoothing.SIMPLE)
    high, low, close = pd.Series(bars.high), pd.Series(bars.low), pd.Series(bars.close)
    if indicator == "sma":
        values = pd.Series(getattr(bars, str(parameters["of"])))
        found: Column = pandas_ta.sma(values, length=sessions, talib=False).to_numpy(dtype=np.float64).copy()
        return found
    if indicator == "rsi" and smoothing is Smoothing.SIMPLE:
        found = pandas_ta.rsi(close, length=sessions, mamode="sma", talib=False).to_numpy(dtype=np.float64).copy()
        return found
    if indicator == "rsi":
        move = np.diff(bars.close)
        rise, fall = (_wilder(np.maximum(sign * move, 0.0), sessions) for sign in (1.0, -1.0))
        with np.errstate(invalid="ignore"):
            found = np.concatenate((empty[:1], 100.0 * rise / (rise + fall)))
        return found
    if indicator == "atr":
        ranges = pandas_ta.true_range(high, low, close, talib=False).to_numpy(dtype=np.float64)[1:]
        averaged = (
            pandas_ta.sma(pd.Series(ranges), length=sessions, talib=False).to_numpy(dtype=np.float64)
            if smoothing is Smoothing.SIMPLE
            else _wilder(ranges, sessions)
        )
        found = np.concatenate((empty[:1], averaged))
        return found
    return None


def _wilder(values: "Column", sessions: int) -> "Column":
    import pandas as pd
    import pandas_ta

    found = np.full(len(values), np.nan)
    if len(values) < sessions:
        return found
    # The library starts its recursion from the first value, so it is given the seed as that value.
    tail = values[sessions - 1 :].copy()
    tail[0] = values[:sessions].mean()
    smoothed = pandas_ta.rma(pd.Series(tail), length=sessions)
    if smoothed is not None:
        found[sessions - 1 :] = smoothed.to_numpy()
    return found
