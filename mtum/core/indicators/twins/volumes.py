"""Twins of the indicators that look at volume."""

from typing import TYPE_CHECKING

import numpy as np

from mtum.core.compiled import compiled
from mtum.core.indicators.twins.steps import round_into, sum_into, unknown

if TYPE_CHECKING:
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
def obv(close: "Column", volume: "Column", sessions: int) -> "Column":
    """Return the change of on-balance volume.

    Parameters
    ----------
    close : ndarray of float64, shape (n,)
        Closes in USD, oldest first.
    volume : ndarray of float64, shape (n,)
        Shares traded, oldest first.
    sessions : int
        Length of the window, sessions.
    """
    lines, signed = np.empty((1, len(close))), np.empty(len(close))
    after, later, traded = unknown(signed, 2), close[1:], volume[1:]
    for i in range(len(after)):
        move = later[i] - close[i]
        sign = 1.0 if move > 0.0 else 0.0 * move
        after[i] = (-1.0 if move < 0.0 else sign) * traded[i]
    whole = unknown(lines[0], sessions)
    if len(whole):
        sum_into(signed, sessions, whole)
    round_into(lines[0], lines[0])
    return lines


@compiled
def ad(high: "Column", low: "Column", close: "Column", volume: "Column", sessions: int) -> "Column":
    """Return the change of the accumulation and distribution line.

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
    sessions : int
        Length of the window, sessions.
    """
    lines, flow = np.empty((1, len(close))), np.empty(len(close))
    flow_into(high, low, close, volume, flow)
    whole = unknown(lines[0], sessions)
    if len(whole):
        sum_into(flow, sessions, whole)
    round_into(lines[0], lines[0])
    return lines


@compiled
def cmf(high: "Column", low: "Column", close: "Column", volume: "Column", sessions: int) -> "Column":
    """Return Chaikin's money flow.

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
    sessions : int
        Length of the window, sessions.
    """
    lines, flow = np.empty((1, len(close))), np.empty(len(close))
    flow_into(high, low, close, volume, flow)
    whole = unknown(lines[0], sessions)
    if len(whole):
        traded = np.empty(len(whole))
        sum_into(flow, sessions, whole)
        sum_into(volume, sessions, traded)
        for i in range(len(whole)):
            whole[i] = whole[i] / traded[i] if traded[i] > 0.0 else np.nan
    round_into(lines[0], lines[0])
    return lines


@compiled
def vwap(high: "Column", low: "Column", close: "Column", volume: "Column", sessions: int) -> "Column":
    """Return the volume-weighted price of the last sessions.

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
    sessions : int
        Length of the window, sessions.
    """
    lines, spent = np.empty((1, len(close))), np.empty(len(close))
    for i in range(len(spent)):
        spent[i] = (high[i] + low[i] + close[i]) / 3.0 * volume[i]
    whole = unknown(lines[0], sessions)
    if len(whole):
        traded = np.empty(len(whole))
        sum_into(spent, sessions, whole)
        sum_into(volume, sessions, traded)
        for i in range(len(whole)):
            whole[i] = whole[i] / traded[i] if traded[i] > 0.0 else np.nan
    round_into(lines[0], lines[0])
    return lines


@compiled
def pvt(close: "Column", volume: "Column", sessions: int) -> "Column":
    """Return the change of the price and volume trend.

    Parameters
    ----------
    close : ndarray of float64, shape (n,)
        Closes in USD, oldest first.
    volume : ndarray of float64, shape (n,)
        Shares traded, oldest first.
    sessions : int
        Length of the window, sessions.
    """
    lines, moved = np.empty((1, len(close))), np.empty(len(close))
    after, later, traded = unknown(moved, 2), close[1:], volume[1:]
    for i in range(len(after)):
        after[i] = traded[i] * ((later[i] - close[i]) / close[i])
    whole = unknown(lines[0], sessions)
    if len(whole):
        sum_into(moved, sessions, whole)
    round_into(lines[0], lines[0])
    return lines
