"""`mtum_confluence` over a whole history, alone or in many combinations, compiled."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtum.core.simulation.kernel.columns import (
    PRICE_UNIT,
    VOLUME_UNIT,
    WORD,
    Column,
    Mask,
    Prices,
    bits_above,
    bits_beyond,
    in_millionths,
    mean_column,
    range_column,
    running_sums,
    strength_column,
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
    target_level,
    to_cent,
    walk,
)

Masks = NDArray[np.uint64]

CLOSE_BELOW_MA, VIX_FEAR, RSI_LOW, ATR_TARGET = 1, 2, 4, 8
"""Exit reasons as bits, in the order of the rules."""


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
def enter_bits(rules: Rules, above: Mask, calm: Mask, strong: Mask, loud: Mask) -> Mask:
    """Sessions in which every entry condition in force holds."""
    entry = np.full(len(above), ~np.uint64(0))
    if rules.entry_used & 1:
        entry &= above
    if rules.entry_used & 2:
        entry &= calm
    if rules.entry_used & 4:
        entry &= strong
    if rules.entry_used & 8:
        entry &= loud
    return entry


@compiled
def note_reasons(plan: Plan, tape: Tape, parts: Masks, used: int, trades: Trades, made: int) -> None:
    """Write the exit conditions that held into each closed trade."""
    for k in range(made):
        slot, purse = trades.slots[k], trades.purses[k]
        t = slot[EXIT_AT]
        if t < 0:
            continue
        found = 0
        for i in range(len(parts)):
            found |= int((parts[i, t // WORD] >> np.uint64(t % WORD)) & np.uint64(1)) << i
        if tape.level[t] >= target_level(purse[ENTRY_PRICE], plan.multiple, plan.atr[slot[ENTRY_AT]]):
            found |= ATR_TARGET
        slot[REASONS] = found & used


@compiled
def play(prices: Prices, tape: Tape, rules: Rules, terms: Terms, span: Span, trades: Trades) -> int:
    """Indicators, conditions and the walk in one call; returns the number of trades recorded."""
    sums, level = running_sums(prices), tape.level
    mean = mean_column(sums.close, rules.ma_sessions, PRICE_UNIT, rules.ma_sessions - 1)
    rsi = strength_column(sums, rules.rsi_sessions, rules.rsi_wilder)
    atr = range_column(sums, rules.atr_sessions, rules.atr_wilder)
    average = mean_column(sums.volume, rules.volume_sessions, VOLUME_UNIT, rules.volume_sessions - 1)
    vix = in_millionths(prices.vix)
    entry = enter_bits(
        rules,
        bits_above(level, mean),
        bits_beyond(vix, rules.vix_entry_below, -1),
        bits_beyond(rsi, rules.rsi_entry_above, 1),
        bits_above(in_millionths(prices.volume), average),
    )
    parts = np.empty((3, len(entry)), np.uint64)
    parts[0] = bits_above(mean, level)
    parts[1] = bits_beyond(vix, rules.vix_exit_above, 1)
    parts[2] = bits_beyond(rsi, rules.rsi_exit_below, -1)
    leave = np.zeros_like(entry)
    for i in range(3):
        if rules.exit_used >> i & 1:
            leave |= parts[i]
    multiple = rules.atr_target_multiple if rules.exit_used & ATR_TARGET else np.inf
    plan = Plan(entry, leave, atr, multiple, span.first, span.stop)
    made = walk(plan, tape, terms, trades)
    note_reasons(plan, tape, parts, rules.exit_used, trades, made)
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
