"""`mtum_confluence` over a whole history, alone or in many combinations, compiled."""

from typing import NamedTuple

import numpy as np

from mtum.core.simulation.kernel.columns import (
    WORD,
    Column,
    Mask,
    bits_above,
    mean_range,
    plain_mean,
    rounded,
    strength,
)
from mtum.core.simulation.kernel.compiled import compiled
from mtum.core.simulation.kernel.walk import (
    CASH_AFTER,
    CASH_HELD,
    DUE,
    ENTRY_AT,
    ENTRY_FILL,
    ENTRY_PRICE,
    EXIT_AT,
    EXIT_FILL,
    REASONS,
    SHARES,
    Plan,
    Tape,
    Terms,
    Trades,
    to_cent,
    to_level,
    walk,
)

CLOSE_BELOW_MA, VIX_FEAR, RSI_LOW, ATR_TARGET = 1, 2, 4, 8
"""Exit reasons as bits, in the order of the rules."""


class Prices(NamedTuple):
    """Bars and VIX closes as columns, shape (n_sessions,); a missing VIX is NaN."""

    open: Column
    high: Column
    low: Column
    close: Column
    volume: Column
    vix: Column


class Rules(NamedTuple):
    """Parameters of `mtum_confluence`; `entry_used` and `exit_used` are bits of the conditions in force."""

    ma_sessions: int
    rsi_sessions: int
    atr_sessions: int
    volume_sessions: int
    rsi_wilder: bool
    atr_wilder: bool
    vix_entry_below: float
    vix_exit_above: float
    rsi_entry_above: float
    rsi_exit_below: float
    atr_target_multiple: float
    entry_used: int
    exit_used: int


class Span(NamedTuple):
    """Sessions decided: ``first <= t < stop``."""

    first: int
    stop: int


@compiled
def _level(value: float) -> Column:
    out = np.empty(1)
    out[0] = to_level(value)
    return out


@compiled
def _entries(prices: Prices, rules: Rules, level: Column, mean: Column, rsi: Column) -> Mask:
    entry = np.full((len(level) + WORD - 1) // WORD, ~np.uint64(0))
    if rules.entry_used & 1:
        entry &= bits_above(level, mean)
    if rules.entry_used & 2:
        entry &= bits_above(-rounded(prices.vix, 1.0), _level(-rules.vix_entry_below))
    if rules.entry_used & 4:
        entry &= bits_above(rsi, _level(rules.rsi_entry_above))
    if rules.entry_used & 8:
        entry &= bits_above(rounded(prices.volume, 1.0), plain_mean(prices.volume, rules.volume_sessions))
    return entry


@compiled
def play(prices: Prices, tape: Tape, rules: Rules, terms: Terms, span: Span, trades: Trades) -> int:
    """Indicators, conditions and the walk in one call; returns the number of trades recorded."""
    level, mean = tape.level, plain_mean(prices.close, rules.ma_sessions)
    rsi = strength(prices.close, rules.rsi_sessions, rules.rsi_wilder)
    atr = mean_range(prices.high, prices.low, prices.close, rules.atr_sessions, rules.atr_wilder)
    entry = _entries(prices, rules, level, mean, rsi)
    below = bits_above(mean, level)
    fear = bits_above(rounded(prices.vix, 1.0), _level(rules.vix_exit_above))
    weak = bits_above(-rsi, _level(-rules.rsi_exit_below))
    leave = np.zeros_like(entry)
    for bit, mask in ((CLOSE_BELOW_MA, below), (VIX_FEAR, fear), (RSI_LOW, weak)):
        if rules.exit_used & bit:
            leave |= mask
    multiple = rules.atr_target_multiple if rules.exit_used & ATR_TARGET else np.inf
    plan = Plan(entry, leave, atr, multiple, span.first, span.stop)
    made = walk(plan, tape, terms, trades)
    slots, purses = trades.slots, trades.purses
    for k in range(made):
        t = slots[k, EXIT_AT]
        if t >= 0:
            w, j = t // WORD, np.uint64(t % WORD)
            found = ((below[w] >> j) & 1) * CLOSE_BELOW_MA | ((fear[w] >> j) & 1) * VIX_FEAR
            found |= ((weak[w] >> j) & 1) * RSI_LOW
            target = to_level(purses[k, ENTRY_PRICE] + multiple * atr[slots[k, ENTRY_AT]])
            slots[k, REASONS] = (found & rules.exit_used) | (ATR_TARGET if level[t] >= target else 0)
    return made


@compiled
def equity_curve(tape: Tape, capital_usd: float, span: Span, trades: Trades) -> Column:
    """Equity at each close of the span in USD; `trades` holds the rows of the trades made, no more."""
    out = np.empty(span.stop - span.first)
    cash, t = capital_usd, span.first
    for k in range(len(trades.slots)):
        slot, purse = trades.slots[k], trades.purses[k]
        sold, due = slot[EXIT_FILL], slot[DUE]
        out[t - span.first : slot[ENTRY_FILL] - span.first] = cash
        until = sold if sold >= 0 else span.stop
        shares, paid = float(slot[SHARES]), purse[CASH_HELD]
        for s in range(slot[ENTRY_FILL], until):
            if tape.dividend_at[due] == s:
                paid += to_cent(shares * float(tape.dividend[due]))
                due += 1
            out[s - span.first] = paid + shares * tape.close[s]
        cash, t = purse[CASH_AFTER], until
    out[t - span.first :] = cash
    return out
