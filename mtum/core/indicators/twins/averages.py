"""Twins of the averages, and of what is worked out from averages of the close alone."""

from typing import TYPE_CHECKING

import numpy as np

from mtum.core.compiled import compiled
from mtum.core.indicators.twins.recursive import (
    ema_into,
    ema_of_difference_into,
    ema_thrice_into,
    ema_twice_into,
    two_wilders_into,
)
from mtum.core.indicators.twins.steps import deviation_into, mean_into, round_into, unknown, weighted_into

if TYPE_CHECKING:
    from mtum.core.market.bars import Column


@compiled
def sma(values: "Column", sessions: int) -> "Column":
    """Return the plain mean."""
    lines = np.empty((1, len(values)))
    mean_into(values, sessions, lines[0])
    round_into(lines[0], lines[0])
    return lines


@compiled
def wma(values: "Column", sessions: int) -> "Column":
    """Return the mean with linear weights."""
    lines = np.empty((1, len(values)))
    whole, weights = unknown(lines[0], sessions), sessions * (sessions + 1) // 2
    weighted_into(values, sessions, whole)
    for i in range(len(whole)):
        whole[i] /= weights
    round_into(lines[0], lines[0])
    return lines


@compiled
def ema(values: "Column", sessions: int) -> "Column":
    """Return the exponential mean."""
    lines = np.empty((1, len(values)))
    ema_into(values, sessions, lines[0])
    round_into(lines[0], lines[0])
    return lines


@compiled
def dema(values: "Column", sessions: int) -> "Column":
    """Return the double exponential mean."""
    lines, once, twice = np.empty((1, len(values))), np.empty(len(values)), np.empty(len(values))
    ema_twice_into(values, sessions, len(values), once, twice)
    for i in range(len(once)):
        once[i] = 2.0 * once[i] - twice[i]
    round_into(once, lines[0])
    return lines


@compiled
def tema(values: "Column", sessions: int) -> "Column":
    """Return the triple exponential mean."""
    lines, once, twice = np.empty((1, len(values))), np.empty(len(values)), np.empty(len(values))
    thrice = np.empty(len(values))
    ema_thrice_into(values, sessions, once, twice, thrice)
    for i in range(len(once)):
        once[i] = 3.0 * once[i] - 3.0 * twice[i] + thrice[i]
    round_into(once, lines[0])
    return lines


@compiled
def macd(close: "Column", fast: int, slow: int, signal: int) -> "Column":
    """Return line, signal and histogram.

    Parameters
    ----------
    close : ndarray of float64, shape (n,)
        Closes in USD, oldest first.
    fast : int
        Window of the fast mean, sessions.
    slow : int
        Window of the slow mean, sessions.
    signal : int
        Window of the signal line, sessions.
    """
    lines, quick, smoothed = np.empty((3, len(close))), np.empty(len(close)), np.empty(len(close))
    ema_of_difference_into(close, fast, slow, signal, quick, smoothed)
    round_into(quick, lines[0])
    round_into(smoothed, lines[1])
    for i in range(len(quick)):
        quick[i] = quick[i] - smoothed[i]
    round_into(quick, lines[2])
    return lines


@compiled
def rsi(close: "Column", sessions: int, wilder: bool) -> "Column":  # loops take no names
    """Return the relative strength index.

    Parameters
    ----------
    close : ndarray of float64, shape (n,)
        Closes in USD, oldest first.
    sessions : int
        Length of the window, sessions.
    wilder : bool
        Whether means are Wilder's; else plain.
    """
    lines, count = np.empty((1, len(close))), len(close)
    rise, fall, up, down = np.empty(count), np.empty(count), np.empty(count), np.empty(count)
    rises, falls, later = unknown(rise, 2), unknown(fall, 2), close[1:]
    for i in range(len(rises)):
        move = later[i] - close[i]
        rises[i] = 0.0 if move < 0.0 else move
        falls[i] = 0.0 if move > 0.0 else -move
    if wilder:
        two_wilders_into(rise, fall, sessions, up, down)
    else:
        mean_into(rise, sessions, up)
        mean_into(fall, sessions, down)
    for i in range(count):
        up[i] = 100.0 * up[i] / (up[i] + down[i])
    round_into(up, lines[0])
    return lines


@compiled
def roc(close: "Column", sessions: int) -> "Column":
    """Return the change in percent."""
    lines = np.empty((1, len(close)))
    whole, now = unknown(lines[0], sessions + 1), close[min(sessions, len(close)) :]
    for i in range(len(whole)):
        whole[i] = 100.0 * (now[i] / close[i] - 1.0)
    round_into(lines[0], lines[0])
    return lines


@compiled
def bollinger(close: "Column", sessions: int, deviations: float) -> "Column":
    """Return middle, upper, lower, percent_b and bandwidth.

    Parameters
    ----------
    close : ndarray of float64, shape (n,)
        Closes in USD, oldest first.
    sessions : int
        Length of the window, sessions.
    deviations : float
        Width of the band in standard deviations.
    """
    lines, count = np.empty((5, len(close))), len(close)
    middle, upper, lower, inside, width = lines[0], lines[1], lines[2], lines[3], lines[4]
    mean_into(close, sessions, middle)
    deviation_into(close, middle, sessions, 0, upper)
    for i in range(count):
        spread = deviations * upper[i]
        upper[i], lower[i] = middle[i] + spread, middle[i] - spread
        apart = upper[i] - lower[i]
        inside[i] = (close[i] - lower[i]) / apart if upper[i] > lower[i] else np.nan
        width[i] = apart / middle[i]
    for line in range(5):
        round_into(lines[line], lines[line])
    return lines


@compiled
def volatility(moves: "Column", sessions: int, a_year: int) -> "Column":
    """Return the realized volatility of logarithmic moves, of which the first bar has none.

    Parameters
    ----------
    moves : ndarray of float64, shape (n,)
        Logarithmic moves, oldest first; the first is NaN.
    sessions : int
        Length of the window, sessions.
    a_year : int
        Sessions of a year.
    """
    lines, year = np.empty((1, len(moves) + 1)), np.sqrt(a_year)
    whole, means = unknown(lines[0], 2), np.empty(len(moves))
    mean_into(moves, sessions, means)
    deviation_into(moves, means, sessions, 1, whole)
    for i in range(len(whole)):
        whole[i] = whole[i] * year
    round_into(lines[0], lines[0])
    return lines
