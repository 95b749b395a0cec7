"""The indicators once more, in plain numpy: a second opinion on the decision's, and the lines of the charts."""

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Column = NDArray[np.float64]


def mean(values: Column, sessions: int) -> Column:
    """Plain mean of the last `sessions` values; NaN while there are fewer or one of them is missing."""
    out = np.full(len(values), np.nan)
    if len(values) >= sessions:
        windows = np.lib.stride_tricks.sliding_window_view(values, sessions)
        out[sessions - 1 :] = windows.mean(axis=1)
    return out


def wilder(values: Column, sessions: int) -> Column:
    """Wilder's mean, seeded with the plain mean of the first `sessions` values."""
    out = np.full(len(values), np.nan)
    if len(values) < sessions:
        return out
    out[sessions - 1] = values[:sessions].mean()
    for index in range(sessions, len(values)):
        out[index] = ((sessions - 1) * out[index - 1] + values[index]) / sessions
    return out


def averaging(smoothing: str) -> Callable[[Column, int], Column]:
    """Return the mean that a setting names: "simple" or "wilder"."""
    return wilder if smoothing == "wilder" else mean


def moves(close: Column, sessions: int, smoothing: str) -> tuple[Column, Column]:
    """Return the mean rise and the mean fall over the last `sessions` moves, shape (n,) each; NaN at first."""
    step = np.diff(close)
    average = averaging(smoothing)
    pad = np.full(1, np.nan)
    rise = average(np.maximum(step, 0.0), sessions)
    fall = average(np.maximum(-step, 0.0), sessions)
    return np.concatenate((pad, rise)), np.concatenate((pad, fall))


def rsi(close: Column, sessions: int, smoothing: str) -> Column:
    """Relative strength index, 0 to 100; NaN during warm-up and where nothing moved."""
    rise, fall = moves(close, sessions, smoothing)
    total = rise + fall
    with np.errstate(invalid="ignore", divide="ignore"):
        found: Column = np.where(total > 0, 100.0 * rise / total, np.nan)
    return found


def atr(high: Column, low: Column, close: Column, sessions: int, smoothing: str) -> Column:
    """Mean true range in USD; NaN for the first `sessions` values."""
    before = close[:-1]
    ranges = np.maximum(high[1:], before) - np.minimum(low[1:], before)
    return np.concatenate((np.full(1, np.nan), averaging(smoothing)(ranges, sessions)))
