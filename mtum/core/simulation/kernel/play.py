"""`mtum_confluence` over a whole history, alone or in many combinations."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtum.core.compiled import compiled
from mtum.core.simulation.kernel.columns import WORD, Column, Mask, Prices, range_column, running_sums
from mtum.core.simulation.kernel.conditions import (
    ABOVE_MA,
    BELOW_MA,
    CALM,
    LOUD,
    STRONG,
    WEAK,
    Rules,
    conditions,
    true_ranges,
)
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
    Ranges,
    Tape,
    Terms,
    Trades,
    level_of,
    target_level,
    to_cent,
    walk,
)

Masks = NDArray[np.uint64]

CLOSE_BELOW_MA, VIX_FEAR, RSI_LOW, ATR_TARGET = 1, 2, 4, 8
"""Exit reasons as bits, in the order of the rules."""


class Span(NamedTuple):
    """Sessions decided: ``first <= t < stop``."""

    first: int
    stop: int


@compiled
def enter_bits(rules: Rules, above: Mask, calm: Mask, strong: Mask, loud: Mask) -> Mask:
    """Sessions in which every entry condition in force holds.

    Parameters
    ----------
    rules : Rules
        Parameters of `mtum_confluence`; `entry_used` and `exit_used` are bits of the conditions in force.
    above : ndarray of bits, shape (n,)
        Sessions above the moving average, a bit each.
    calm : ndarray of bits, shape (n,)
        Sessions with a VIX below its limit, a bit each.
    strong : ndarray of bits, shape (n,)
        Sessions with an RSI above its limit, a bit each.
    loud : ndarray of bits, shape (n,)
        Sessions with a volume above its average, a bit each.
    """
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
    """Write the exit conditions that held into each closed trade.

    Parameters
    ----------
    plan : Plan
        When to enter and leave: bits per session, the ATR in millionths, and the sessions decided.
    tape : Tape
        Prices a walk fills at, shape (n_sessions,); the rest are sparse.
    parts : ndarray of uint64, shape (n_conditions, n_words)
        Exit conditions, a row of bits each.
    used : int
        Bits of the conditions in force.
    trades : Trades
        Room for the trades of a walk, one row each: whole numbers (n, 7) and money (n, 6).
    made : int
        How many trades were made.
    """
    for k in range(made):
        slot, purse = trades.slots[k], trades.purses[k]
        t = slot[EXIT_AT]
        if t < 0:
            continue
        found = 0
        for i in range(len(parts)):
            found |= int((parts[i, t // WORD] >> np.uint64(t % WORD)) & np.uint64(1)) << i
        if level_of(tape.seen[t]) >= target_level(purse[ENTRY_PRICE], plan.multiple, plan.atr[slot[ENTRY_AT]]):
            found |= ATR_TARGET
        slot[REASONS] = found & used


@compiled
def leave_bits(rules: Rules, parts: Masks) -> Mask:
    """Sessions in which an exit condition in force holds, the target apart; `parts` has a row for each."""
    leave = np.zeros(parts.shape[1], np.uint64)
    for i in range(len(parts)):
        if rules.exit_used >> i & 1:
            leave |= parts[i]
    return leave


class Known(NamedTuple):
    """What decisions go by: conditions as bits, in the order of `conditions`; the ATR as a `Plan` has it."""

    masks: Masks
    atr: Column
    ranges: Ranges


@compiled
def play_known(known: Known, tape: Tape, rules: Rules, terms: Terms, span: Span, trades: Trades) -> int:
    """Walk by what is known of every session; returns the number of trades recorded.

    Parameters
    ----------
    known : Known
        What decisions go by: conditions as bits, in the order of `conditions`; the ATR as a `Plan` has it.
    tape : Tape
        Prices a walk fills at, shape (n_sessions,); the rest are sparse.
    rules : Rules
        Parameters of `mtum_confluence`; `entry_used` and `exit_used` are bits of the conditions in force.
    terms : Terms
        What a walk trades on; USD, fractions and sessions.
    span : Span
        Sessions decided: ``first <= t < stop``.
    trades : Trades
        Room for the trades of a walk, one row each: whole numbers (n, 7) and money (n, 6).
    """
    masks = known.masks
    parts = masks[BELOW_MA : WEAK + 1]
    entry = enter_bits(rules, masks[ABOVE_MA], masks[CALM], masks[STRONG], masks[LOUD])
    multiple = rules.atr_target_multiple if rules.exit_used & ATR_TARGET else np.inf
    leaves_at = np.zeros(span.stop, np.int64)
    leave = leave_bits(rules, parts)
    plan = Plan(entry, leave, known.atr, known.ranges, multiple, span.first, span.stop, leaves_at)
    made = walk(plan, tape, terms, trades)
    note_reasons(plan, tape, parts, rules.exit_used, trades, made)
    return made


@compiled
def play(prices: Prices, tape: Tape, rules: Rules, terms: Terms, span: Span, trades: Trades) -> int:
    """Indicators, conditions and the walk in one call; returns the number of trades recorded.

    A plain ATR is worked out where the walk enters, and there alone.

    Parameters
    ----------
    prices : Prices
        Bars and VIX closes as columns, shape (n_sessions,); a missing VIX and an unknown volume are NaN.
    tape : Tape
        Prices a walk fills at, shape (n_sessions,); the rest are sparse.
    rules : Rules
        Parameters of `mtum_confluence`; `entry_used` and `exit_used` are bits of the conditions in force.
    terms : Terms
        What a walk trades on; USD, fractions and sessions.
    span : Span
        Sessions decided: ``first <= t < stop``.
    trades : Trades
        Room for the trades of a walk, one row each: whole numbers (n, 7) and money (n, 6).
    """
    if rules.atr_wilder:
        atr, ranges = range_column(running_sums(prices), rules.atr_sessions, True), Ranges(tape.settled, 0)
    else:
        atr, ranges = np.empty(len(prices.close)), Ranges(true_ranges(prices), rules.atr_sessions)
    return play_known(Known(conditions(prices, rules), atr, ranges), tape, rules, terms, span, trades)


def one_row(rules: Rules, terms: Terms, first: int) -> Column:
    """Rules, terms and the first session decided in one array; handed over in a fraction of the time.

    Parameters
    ----------
    rules : Rules
        Parameters of `mtum_confluence`; `entry_used` and `exit_used` are bits of the conditions in force.
    terms : Terms
        What a walk trades on; USD, fractions and sessions.
    first : int
        Position of the first session decided.
    """
    return np.array([*rules, *terms, first], dtype=np.float64)


@compiled
def play_all(prices: Prices, tape: Tape, row: Column, trades: Trades) -> int:
    """Play a history to its end as `play` does, the rest of what it needs in one array (see `one_row`).

    Parameters
    ----------
    prices : Prices
        Bars and VIX closes as columns, shape (n_sessions,); a missing VIX and an unknown volume are NaN.
    tape : Tape
        Prices a walk fills at, shape (n_sessions,); the rest are sparse.
    row : ndarray of float64, shape (n,)
        Rules, terms and first session in one array; see `one_row`.
    trades : Trades
        Room for the trades of a walk, one row each: whole numbers (n, 7) and money (n, 6).
    """
    a, b = row[:13], row[13:]
    lengths = (int(a[0]), int(a[1]), int(a[2]), int(a[3]))
    rules = Rules(*lengths, a[4] > 0.0, a[5] > 0.0, a[6], a[7], a[8], a[9], a[10], int(a[11]), int(a[12]))
    sizing = (b[0], b[1], b[2], b[3], int(b[4]), b[5], b[6], b[7], b[8], b[9])
    terms = Terms(*sizing, int(b[10]), int(b[11]), b[12], int(b[13]), int(b[14]), b[15])
    stop = len(prices.close)
    return play(prices, tape, rules, terms, Span(min(int(b[16]), stop), stop), trades)


@compiled
def equity_curve(tape: Tape, capital_usd: float, span: Span, trades: Trades) -> Column:
    """Equity at each close of the span in USD; `trades` holds the rows of the trades made, no more.

    Parameters
    ----------
    tape : Tape
        Prices a walk fills at, shape (n_sessions,); the rest are sparse.
    capital_usd : float
        Starting capital, USD.
    span : Span
        Sessions decided: ``first <= t < stop``.
    trades : Trades
        Room for the trades of a walk, one row each: whole numbers (n, 7) and money (n, 6).
    """
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
