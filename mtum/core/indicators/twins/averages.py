"""Twins of the averages, and of what is worked out from averages of the close alone."""

from typing import TYPE_CHECKING

import numpy as np

from mtum.core.compiled import compiled
from mtum.core.indicators.twins.recursive import means, recursive
from mtum.core.indicators.twins.steps import mean_into, round_off, to_decimals, unknown
from mtum.core.indicators.twins.terms import deviation_into, terms_into

if TYPE_CHECKING:
    from mtum.core.indicators.twins.steps import Columns
    from mtum.core.market.bars import Column


@compiled
def sma(values: "Columns", sessions: int, lines: "Column") -> None:
    """Write the plain mean.

    Parameters
    ----------
    values : tuple of ndarray of float64, shape (n,)
        Values of each symbol, oldest first.
    sessions : int
        Length of the window, sessions.
    lines : ndarray of float64, shape (1, n_symbols, n)
        What is written into.
    """
    for row in range(lines.shape[1]):
        found = lines[0, row]
        mean_into(values[row], sessions, found)
        round_off(found)


@compiled
def wma(values: "Columns", sessions: int, lines: "Column") -> None:
    """Write the mean with linear weights.

    Parameters
    ----------
    values : tuple of ndarray of float64, shape (n,)
        Values of each symbol, oldest first.
    sessions : int
        Length of the window, sessions.
    lines : ndarray of float64, shape (1, n_symbols, n)
        What is written into.
    """
    weights = sessions * (sessions + 1) // 2
    for row in range(lines.shape[1]):
        whole = unknown(lines[0, row], sessions)
        terms_into(values[row], None, sessions, whole)
        for i in range(len(whole)):
            whole[i] = to_decimals(whole[i] / weights)


@compiled
def ema(values: "Columns", sessions: int, lines: "Column") -> None:
    """Write the exponential mean.

    Parameters
    ----------
    values : tuple of ndarray of float64, shape (n,)
        Values of each symbol, oldest first.
    sessions : int
        Length of the window, sessions.
    lines : ndarray of float64, shape (1, n_symbols, n)
        What is written into.
    """
    recursive(values, sessions, False, lines[0])
    for row in range(lines.shape[1]):
        round_off(lines[0, row])


@compiled
def dema(values: "Columns", sessions: int, lines: "Column") -> None:
    """Write the double exponential mean.

    Parameters
    ----------
    values : tuple of ndarray of float64, shape (n,)
        Values of each symbol, oldest first.
    sessions : int
        Length of the window, sessions.
    lines : ndarray of float64, shape (1, n_symbols, n)
        What is written into.
    """
    once, twice = np.empty(lines[0].shape), lines[0]
    recursive(values, sessions, False, once)
    recursive(once, sessions, False, twice)
    for row in range(len(once)):
        single, found = once[row], twice[row]
        for i in range(len(found)):
            found[i] = to_decimals(2.0 * single[i] - found[i])


@compiled
def tema(values: "Columns", sessions: int, lines: "Column") -> None:
    """Write the triple exponential mean.

    Parameters
    ----------
    values : tuple of ndarray of float64, shape (n,)
        Values of each symbol, oldest first.
    sessions : int
        Length of the window, sessions.
    lines : ndarray of float64, shape (1, n_symbols, n)
        What is written into.
    """
    once, twice, thrice = np.empty(lines[0].shape), np.empty(lines[0].shape), lines[0]
    recursive(values, sessions, False, once)
    recursive(once, sessions, False, twice)
    recursive(twice, sessions, False, thrice)
    for row in range(len(once)):
        single, double, found = once[row], twice[row], thrice[row]
        for i in range(len(found)):
            found[i] = to_decimals(3.0 * single[i] - 3.0 * double[i] + found[i])


@compiled
def macd(close: "Columns", fast: int, slow: int, signal: int, lines: "Column") -> None:
    """Write line, signal and histogram.

    Parameters
    ----------
    close : tuple of ndarray of float64, shape (n,)
        Closes of each symbol in USD, oldest first.
    fast : int
        Window of the fast mean, sessions.
    slow : int
        Window of the slow mean, sessions.
    signal : int
        Window of the signal line, sessions.
    lines : ndarray of float64, shape (3, n_symbols, n)
        What is written into.
    """
    recursive(close, fast, False, lines[0])
    recursive(close, slow, False, lines[1])
    for row in range(lines.shape[1]):
        apart, slower = lines[0, row], lines[1, row]
        for i in range(len(apart)):
            apart[i] -= slower[i]
    recursive(lines[0], signal, False, lines[1])
    for row in range(lines.shape[1]):
        apart, smoothed, histogram = lines[0, row], lines[1, row], lines[2, row]
        for i in range(len(apart)):
            histogram[i] = to_decimals(apart[i] - smoothed[i])
        round_off(apart)
        round_off(smoothed)


@compiled
def rsi(close: "Columns", sessions: int, wilder: bool, lines: "Column") -> None:  # loops take no names
    """Write the relative strength index.

    Parameters
    ----------
    close : tuple of ndarray of float64, shape (n,)
        Closes of each symbol in USD, oldest first.
    sessions : int
        Length of the window, sessions.
    wilder : bool
        Whether means are Wilder's; else plain.
    lines : ndarray of float64, shape (1, n_symbols, n)
        What is written into.
    """
    rows, count = lines.shape[1], lines.shape[2]
    moved = np.empty((2 * rows, count))
    for row in range(rows):
        rises, falls, before = unknown(moved[row], 2), unknown(moved[rows + row], 2), close[row]
        later = before[1:]
        for i in range(len(rises)):
            move = later[i] - before[i]
            rises[i] = 0.0 if move < 0.0 else move
            falls[i] = 0.0 if move > 0.0 else -move
    means(moved, sessions, wilder)
    for row in range(rows):
        up, down, found = moved[row], moved[rows + row], lines[0, row]
        for i in range(count):
            found[i] = to_decimals(100.0 * up[i] / (up[i] + down[i]))


@compiled
def roc(close: "Columns", sessions: int, lines: "Column") -> None:
    """Write the change in percent.

    Parameters
    ----------
    close : tuple of ndarray of float64, shape (n,)
        Closes of each symbol in USD, oldest first.
    sessions : int
        Length of the window, sessions.
    lines : ndarray of float64, shape (1, n_symbols, n)
        What is written into.
    """
    for row in range(lines.shape[1]):
        whole, before = unknown(lines[0, row], sessions + 1), close[row]
        now = before[min(sessions, len(before)) :]
        for i in range(len(whole)):
            whole[i] = to_decimals(100.0 * (now[i] / before[i] - 1.0))


@compiled
def bollinger(close: "Columns", sessions: int, deviations: float, lines: "Column") -> None:
    """Write middle, upper, lower, percent_b and bandwidth.

    Parameters
    ----------
    close : tuple of ndarray of float64, shape (n,)
        Closes of each symbol in USD, oldest first.
    sessions : int
        Length of the window, sessions.
    deviations : float
        Width of the band in standard deviations.
    lines : ndarray of float64, shape (5, n_symbols, n)
        What is written into.
    """
    for row in range(lines.shape[1]):
        middle, upper, lower = lines[0, row], lines[1, row], lines[2, row]
        inside, width, price = lines[3, row], lines[4, row], close[row]
        mean_into(price, sessions, middle)
        deviation_into(price, middle, sessions, 0, upper)
        for i in range(len(price)):
            spread = deviations * upper[i]
            high, low = middle[i] + spread, middle[i] - spread
            apart = high - low
            upper[i], lower[i] = to_decimals(high), to_decimals(low)
            place = to_decimals((price[i] - low) / apart)
            inside[i] = place if high > low else np.nan
            width[i] = to_decimals(apart / middle[i])
        round_off(middle)


@compiled
def volatility(moves: "Columns", sessions: int, a_year: int, lines: "Column") -> None:
    """Write the realized volatility of logarithmic moves, of which the first bar has none.

    Parameters
    ----------
    moves : tuple of ndarray of float64, shape (n,)
        Logarithmic moves of each symbol, oldest first; the first is NaN.
    sessions : int
        Length of the window, sessions.
    a_year : int
        Sessions of a year.
    lines : ndarray of float64, shape (1, n_symbols, n)
        What is written into.
    """
    averages, year = np.empty(lines.shape[2]), np.sqrt(a_year)
    for row in range(lines.shape[1]):
        found = lines[0, row]
        mean_into(moves[row], sessions, averages)
        deviation_into(moves[row], averages, sessions, 1, found)
        for i in range(len(found)):
            found[i] = to_decimals(found[i] * year)
