"""Indicators of every session as they would have looked before its close, compiled."""

from typing import NamedTuple

import numpy as np

from mtum.core.compiled import built_in, compiled
from mtum.core.simulation.kernel.columns import (
    MILLION,
    NUDGE,
    PRICE_UNIT,
    VOLUME_UNIT,
    Column,
    Counts,
    Mask,
    Prices,
    Sums,
    bits_above,
    bits_beyond,
    in_millionths,
)
from mtum.core.simulation.kernel.conditions import Rules
from mtum.core.simulation.kernel.play import ATR_TARGET, Span, enter_bits, leave_bits, note_reasons
from mtum.core.simulation.kernel.walk import Plan, Ranges, Tape, Terms, Trades, walk


class Seen(NamedTuple):
    """Close, VIX and volume of each session as they looked before the close."""

    close: Column
    vix: Column
    volume: Column


@built_in
def _window(sums: Counts, t: int, length: int, today: float) -> float:
    # Sum of a window that ends with today's own value in the place of the final one.
    return float(sums[t] - sums[t + 1 - length]) + today


@compiled
def seen_mean(sums: Counts, seen: Column, length: int, unit: float) -> Column:
    """Plain mean in millionths with each session's own value as it looked.

    Parameters
    ----------
    sums : ndarray of int64
        Running sums, shape (n_sessions + 1,), the first 0.
    seen : ndarray of float64, shape (n,)
        Value of each session as it looked before the close.
    length : int
        Length of the window, sessions.
    unit : float
        Units of the sums in one of the values.
    """
    out = np.full(len(seen), np.nan)
    for t in range(length - 1, len(seen)):
        today = np.rint(seen[t] * unit)
        out[t] = np.rint(_window(sums, t, length, today) * (MILLION / (unit * length)) + NUDGE)
    return out


@compiled
def _final_wilder(sums: Counts, length: int) -> Column:
    # Wilder's mean times its length over final values.
    n = len(sums) - 1
    out = np.full(n, np.nan)
    if n > length:
        out[length] = float(sums[length + 1] - sums[1])
        for t in range(length + 1, n):
            out[t] = out[t - 1] * (length - 1.0) / length + float(sums[t + 1] - sums[t])
    return out


@compiled
def _seen_sums(sums: Counts, today: Column, length: int, wilder: bool) -> Column:
    # Sum over the window (or Wilder's mean times its length) with today's own value as it looked.
    n = len(today)
    out = np.full(n, np.nan)
    if wilder:
        final = _final_wilder(sums, length)
        for t in range(length + 1, n):
            out[t] = final[t - 1] * (length - 1.0) / length + today[t]
    else:
        for t in range(length, n):
            out[t] = _window(sums, t, length, today[t])
    return out


@compiled
def seen_strength(sums: Sums, seen: Column, length: int, wilder: bool) -> Column:
    """RSI in millionths with each session's own move as it looked.

    Parameters
    ----------
    sums : Sums
        Running sums up to each session, shape (n_sessions + 1,), the first 0.
    seen : ndarray of float64, shape (n,)
        Value of each session as it looked before the close.
    length : int
        Length of the window, sessions.
    wilder : bool
        Whether means are Wilder's; else plain.
    """
    n = len(seen)
    rise, fall = np.zeros(n), np.zeros(n)
    for t in range(1, n):
        move = np.rint(seen[t] * PRICE_UNIT) - float(sums.close[t] - sums.close[t - 1])
        rise[t], fall[t] = max(move, 0.0), max(-move, 0.0)
    gain, loss = _seen_sums(sums.rise, rise, length, wilder), _seen_sums(sums.fall, fall, length, wilder)
    out = np.empty(n)
    for t in range(n):
        out[t] = np.rint(100.0 * MILLION * gain[t] / (gain[t] + loss[t]) + NUDGE)
    return out


@compiled
def seen_range(sums: Sums, prices: Prices, seen: Column, length: int, wilder: bool) -> Column:
    """ATR in millionths of a USD; today's range reaches at least to the price seen.

    Parameters
    ----------
    sums : Sums
        Running sums up to each session, shape (n_sessions + 1,), the first 0.
    prices : Prices
        Bars and VIX closes as columns, shape (n_sessions,); a missing VIX and an unknown volume are NaN.
    seen : ndarray of float64, shape (n,)
        Value of each session as it looked before the close.
    length : int
        Length of the window, sessions.
    wilder : bool
        Whether means are Wilder's; else plain.
    """
    n = len(seen)
    ranges = np.zeros(n)
    for t in range(1, n):
        before = prices.close[t - 1]
        top, bottom = max(prices.high[t], seen[t], before), min(prices.low[t], seen[t], before)
        ranges[t] = np.rint((top - bottom) * PRICE_UNIT)
    sums_seen = _seen_sums(sums.ranges, ranges, length, wilder)
    out = np.empty(n)
    for t in range(n):
        out[t] = np.rint(sums_seen[t] * (MILLION / (PRICE_UNIT * length)) + NUDGE)
    return out


@compiled
def _seen_parts(rules: Rules, level: Column, mean: Column, vix: Column, rsi: Column) -> Mask:
    above = bits_above(mean, level)
    parts = np.empty((3, len(above)), np.uint64)
    parts[0] = above
    parts[1] = bits_beyond(vix, rules.vix_exit_above, 1)
    parts[2] = bits_beyond(rsi, rules.rsi_exit_below, -1)
    return parts


class Market(NamedTuple):
    """Final bars, their running sums and the tape fills are taken from."""

    prices: Prices
    sums: Sums
    tape: Tape


@compiled
def play_seen(market: Market, seen: Seen, rules: Rules, terms: Terms, span: Span, trades: Trades) -> int:
    """Decide on what was seen, fill at the final prices; returns the number of trades recorded.

    Parameters
    ----------
    market : Market
        Final bars, their running sums and the tape fills are taken from.
    seen : Seen
        Close, VIX and volume of each session as they looked before the close.
    rules : Rules
        Parameters of `mtum_confluence`; `entry_used` and `exit_used` are bits of the conditions in force.
    terms : Terms
        What a walk trades on; USD, fractions and sessions.
    span : Span
        Sessions decided: ``first <= t < stop``.
    trades : Trades
        Room for the trades of a walk, one row each: whole numbers (n, 7) and money (n, 6).
    """
    sums, level, vix = market.sums, in_millionths(seen.close), in_millionths(seen.vix)
    mean = seen_mean(sums.close, seen.close, rules.ma_sessions, PRICE_UNIT)
    rsi = seen_strength(sums, seen.close, rules.rsi_sessions, rules.rsi_wilder)
    atr = seen_range(sums, market.prices, seen.close, rules.atr_sessions, rules.atr_wilder)
    average = seen_mean(sums.volume, seen.volume, rules.volume_sessions, VOLUME_UNIT)
    entry = enter_bits(
        rules,
        bits_above(level, mean),
        bits_beyond(vix, rules.vix_entry_below, -1),
        bits_beyond(rsi, rules.rsi_entry_above, 1),
        bits_above(in_millionths(seen.volume), average),
    )
    parts = _seen_parts(rules, level, mean, vix, rsi)
    leave = leave_bits(rules, parts)
    multiple = rules.atr_target_multiple if rules.exit_used & ATR_TARGET else np.inf
    final = market.tape
    tape = Tape(final.close, seen.close, final.open, final.settled, final.dividend_at, final.dividend)
    plan = Plan(
        entry, leave, atr, Ranges(final.settled, 0), multiple, span.first, span.stop, np.zeros(span.stop, np.int64)
    )
    made = walk(plan, tape, terms, trades)
    note_reasons(plan, tape, parts, rules.exit_used, trades, made)
    return made
