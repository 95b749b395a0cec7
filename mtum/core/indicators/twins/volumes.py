"""Twins of the indicators that look at volume."""

from typing import TYPE_CHECKING

import numpy as np

from mtum.core.compiled import compiled
from mtum.core.indicators.twins.steps import round_off, sum_into, to_decimals, unknown

if TYPE_CHECKING:
    from mtum.core.indicators.twins.steps import Columns
    from mtum.core.market.bars import Column


@compiled
def flow_into(high: "Column", low: "Column", close: "Column", volume: "Column", found: "Column") -> None:
    """Write the money flow of each session, shape (n,).

    Parameters
    ----------
    high : ndarray of float64, shape (n,)
        Highs in USD, oldest first.
    low : ndarray of float64, shape (n,)
        Lows in USD, oldest first.
    close : ndarray of float64, shape (n,)
        Closes in USD, oldest first.
    volume : ndarray of float64, shape (n,)
        Shares traded, oldest first.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    for i in range(len(found)):
        reach = high[i] - low[i]
        place = ((close[i] - low[i]) - (high[i] - close[i])) / reach
        found[i] = (place if reach > 0.0 else 0.0) * volume[i]


@compiled
def summed_into(values: "Column", sessions: int, found: "Column") -> None:
    """Write the rounded sum of each window, shape (n,).

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    sessions : int
        Length of the window, sessions.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    whole = unknown(found, sessions)
    if len(whole):
        sum_into(values, sessions, whole)
        round_off(whole)


@compiled
def a_share_into(values: "Column", volume: "Column", sessions: int, found: "Column") -> None:
    """Write the sum of each window a share traded in it, rounded, shape (n,); NaN where none was.

    Parameters
    ----------
    values : ndarray of float64, shape (n,)
        Values, oldest first.
    volume : ndarray of float64, shape (n,)
        Shares traded, oldest first.
    sessions : int
        Length of the window, sessions.
    found : ndarray of float64
        What is written into, shape (n,).
    """
    whole = unknown(found, sessions)
    if len(whole):
        traded = np.empty(len(whole))
        sum_into(values, sessions, whole)
        sum_into(volume, sessions, traded)
        for i in range(len(whole)):
            mean = to_decimals(whole[i] / traded[i])
            whole[i] = mean if traded[i] > 0.0 else np.nan


@compiled
def obv(close: "Columns", volume: "Columns", sessions: int, lines: "Column") -> None:
    """Write the change of on-balance volume.

    Parameters
    ----------
    close : tuple of ndarray of float64, shape (n,)
        Closes of each symbol in USD, oldest first.
    volume : tuple of ndarray of float64, shape (n,)
        Shares traded of each symbol, oldest first.
    sessions : int
        Length of the window, sessions.
    lines : ndarray of float64, shape (1, n_symbols, n)
        What is written into.
    """
    signed = np.empty(lines.shape[2])
    for row in range(lines.shape[1]):
        after, before, traded = unknown(signed, 2), close[row], volume[row][1:]
        later = before[1:]
        for i in range(len(after)):
            move = later[i] - before[i]
            sign = 1.0 if move > 0.0 else 0.0 * move
            after[i] = (-1.0 if move < 0.0 else sign) * traded[i]
        summed_into(signed, sessions, lines[0, row])


@compiled
def ad(high: "Columns", low: "Columns", close: "Columns", volume: "Columns", sessions: int, lines: "Column") -> None:
    """Write the change of the accumulation and distribution line.

    Parameters
    ----------
    high : tuple of ndarray of float64, shape (n,)
        Highs of each symbol in USD, oldest first.
    low : tuple of ndarray of float64, shape (n,)
        Lows of each symbol in USD, oldest first.
    close : tuple of ndarray of float64, shape (n,)
        Closes of each symbol in USD, oldest first.
    volume : tuple of ndarray of float64, shape (n,)
        Shares traded of each symbol, oldest first.
    sessions : int
        Length of the window, sessions.
    lines : ndarray of float64, shape (1, n_symbols, n)
        What is written into.
    """
    flow = np.empty(lines.shape[2])
    for row in range(lines.shape[1]):
        flow_into(high[row], low[row], close[row], volume[row], flow)
        summed_into(flow, sessions, lines[0, row])


@compiled
def cmf(high: "Columns", low: "Columns", close: "Columns", volume: "Columns", sessions: int, lines: "Column") -> None:
    """Write Chaikin's money flow.

    Parameters
    ----------
    high : tuple of ndarray of float64, shape (n,)
        Highs of each symbol in USD, oldest first.
    low : tuple of ndarray of float64, shape (n,)
        Lows of each symbol in USD, oldest first.
    close : tuple of ndarray of float64, shape (n,)
        Closes of each symbol in USD, oldest first.
    volume : tuple of ndarray of float64, shape (n,)
        Shares traded of each symbol, oldest first.
    sessions : int
        Length of the window, sessions.
    lines : ndarray of float64, shape (1, n_symbols, n)
        What is written into.
    """
    flow = np.empty(lines.shape[2])
    for row in range(lines.shape[1]):
        flow_into(high[row], low[row], close[row], volume[row], flow)
        a_share_into(flow, volume[row], sessions, lines[0, row])


@compiled
def vwap(high: "Columns", low: "Columns", close: "Columns", volume: "Columns", sessions: int, lines: "Column") -> None:
    """Write the volume-weighted price of the last sessions.

    Parameters
    ----------
    high : tuple of ndarray of float64, shape (n,)
        Highs of each symbol in USD, oldest first.
    low : tuple of ndarray of float64, shape (n,)
        Lows of each symbol in USD, oldest first.
    close : tuple of ndarray of float64, shape (n,)
        Closes of each symbol in USD, oldest first.
    volume : tuple of ndarray of float64, shape (n,)
        Shares traded of each symbol, oldest first.
    sessions : int
        Length of the window, sessions.
    lines : ndarray of float64, shape (1, n_symbols, n)
        What is written into.
    """
    spent = np.empty(lines.shape[2])
    for row in range(lines.shape[1]):
        top, bottom, price, traded = high[row], low[row], close[row], volume[row]
        for i in range(len(spent)):
            spent[i] = (top[i] + bottom[i] + price[i]) / 3.0 * traded[i]
        a_share_into(spent, traded, sessions, lines[0, row])


@compiled
def pvt(close: "Columns", volume: "Columns", sessions: int, lines: "Column") -> None:
    """Write the change of the price and volume trend.

    Parameters
    ----------
    close : tuple of ndarray of float64, shape (n,)
        Closes of each symbol in USD, oldest first.
    volume : tuple of ndarray of float64, shape (n,)
        Shares traded of each symbol, oldest first.
    sessions : int
        Length of the window, sessions.
    lines : ndarray of float64, shape (1, n_symbols, n)
        What is written into.
    """
    moved = np.empty(lines.shape[2])
    for row in range(lines.shape[1]):
        after, before, traded = unknown(moved, 2), close[row], volume[row][1:]
        later = before[1:]
        for i in range(len(after)):
            after[i] = traded[i] * ((later[i] - before[i]) / before[i])
        summed_into(moved, sessions, lines[0, row])
