"""Many combinations of settings over one history, conditions shared between them, compiled."""

from typing import NamedTuple

import numpy as np

from mtum.core.compiled import compiled
from mtum.core.simulation.kernel.columns import Column, Mask
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.kernel.walk import (
    CASH_AFTER,
    CASH_BEFORE,
    CASH_HELD,
    DIVIDENDS,
    DUE,
    ENTRY_FILL,
    EXIT_FILL,
    SHARES,
    Plan,
    Ranges,
    Slots,
    Tape,
    Terms,
    Trades,
    purchases_capped,
    to_cent,
    walk,
)

TRADES, WINS, FINAL_EQUITY, CAPPED, MEAN, DEVIATION, SKEW, KURTOSIS, DRAWDOWN = range(9)
"""Columns of a grid's results; the last five describe session returns and need `with_returns`."""
_DUST = 1e-12
"""Of the sum of squares: a spread this small is what rounding leaves where all returns are alike."""


class Choices(NamedTuple):
    """What combinations choose from: conditions as bits and ATRs in millionths, one row each.

    `enter` (n, 4) and `leave` (n, 3) hold the rows of the conditions that each combination uses, `atr` (n,) that of
    its ATR, `multiple` (n,) its own number.
    """

    masks: Mask
    atrs: Column
    enter: Slots
    leave: Slots
    atr: Slots
    multiple: Column


class GridResults(NamedTuple):
    """One row per combination: `numbers` (n, 9); `sums`, `squares` of returns per block (n, n_blocks)."""

    numbers: Column
    sums: Column
    squares: Column


class Blocks(NamedTuple):
    """Sums of the session returns of one combination, and of their squares, per block of history."""

    sums: Column
    squares: Column


@compiled
def _choose(choices: Choices, row: int, plan: Plan) -> None:
    # Write into the plan when this row enters and leaves, and forget where trades ended if they end otherwise now.
    masks, enter, leave = choices.masks, choices.enter[row], choices.leave[row]
    above, calm, strong, loud = masks[enter[0]], masks[enter[1]], masks[enter[2]], masks[enter[3]]
    below, fear, weak = masks[leave[0]], masks[leave[1]], masks[leave[2]]
    for w in range(len(above)):
        plan.entry[w] = above[w] & calm[w] & strong[w] & loud[w]
        plan.leave[w] = below[w] | fear[w] | weak[w]
    alike = row > 0 and choices.atr[row] == choices.atr[row - 1] and choices.multiple[row] == choices.multiple[row - 1]
    if not (alike and (leave == choices.leave[row - 1]).all()):
        plan.leaves_at[:] = 0


@compiled
def _closing(tape: Tape, capital_usd: float, stop: int, trades: Trades) -> tuple[int, float]:
    wins, last = 0, capital_usd
    for k in range(len(trades.slots)):
        slot, purse = trades.slots[k], trades.purses[k]
        last = purse[CASH_AFTER]
        if slot[EXIT_FILL] < 0:
            last = purse[CASH_HELD] + purse[DIVIDENDS] + slot[SHARES] * tape.close[stop - 1]
        elif last > purse[CASH_BEFORE]:
            wins += 1
    return wins, last


@compiled
def _describe(tape: Tape, capital_usd: float, span: Span, trades: Trades, numbers: Column, blocks: Blocks) -> None:
    # `core.portfolio.returns` and `research.metrics` define what is measured; a test holds each row equal to them.
    # Only sessions with shares, and those in which they are sold, move the equity: all other returns are 0. Sums of
    # powers need one pass; returns lie so near 0 that nothing is lost when their mean is taken off afterwards.
    n, count, close, slots, purses = span.stop - span.first, len(blocks.sums), tape.close, trades.slots, trades.purses
    before, peak, low, fall, block, bound = capital_usd, capital_usd, capital_usd, 0.0, -1, span.first
    total, square, cubes, fourths = 0.0, 0.0, 0.0, 0.0
    blocks.sums[:], blocks.squares[:] = 0.0, 0.0
    for k in range(len(slots)):
        s, sold, due, after = slots[k, ENTRY_FILL], slots[k, EXIT_FILL], slots[k, DUE], purses[k, CASH_AFTER]
        until, shares, paid = (sold + 1 if sold >= 0 else span.stop), float(slots[k, SHARES]), purses[k, CASH_HELD]
        while s < until:
            while s >= bound:
                if block >= 0:
                    blocks.sums[block], blocks.squares[block] = total, square
                # A block holds the sessions t, counted from the first, with t * count // n == block.
                block, total, square = block + 1, 0.0, 0.0
                bound = span.first + ((block + 1) * n + count - 1) // count
            if tape.dividend_at[due] == s:
                paid += to_cent(shares * float(tape.dividend[due]))
                due += 1
            end = min(until, bound, tape.dividend_at[due])
            for t in range(s, end):
                equity = after if t == sold else paid + shares * close[t]
                move = equity / before - 1.0
                if equity > peak:
                    fall, peak, low = min(fall, low / peak - 1.0), equity, equity
                low, before, power = min(low, equity), equity, move * move
                total += move
                square += power
                cubes += power * move
                fourths += power * power
            s = end
    if block >= 0:
        blocks.sums[block], blocks.squares[block] = total, square
    mean, square = blocks.sums.sum() / n, blocks.squares.sum()
    second = square - n * mean * mean
    second = second if second > square * _DUST else 0.0
    third = cubes - 3.0 * mean * square + 2.0 * n * mean**3
    fourth = fourths - 4.0 * mean * cubes + 6.0 * mean * mean * square - 3.0 * n * mean**4
    spread = np.sqrt(second / n)
    numbers[MEAN], numbers[DRAWDOWN] = mean, min(fall, low / peak - 1.0)
    numbers[DEVIATION] = np.sqrt(second / max(1, n - 1))
    numbers[SKEW] = third / n / spread**3 if spread > 0 else 0.0
    numbers[KURTOSIS] = fourth / n / spread**4 if spread > 0 else 3.0


@compiled
def play_grid(choices: Choices, tape: Tape, terms: Terms, span: Span, results: GridResults, with_returns: bool) -> None:
    """Walk every combination and write its row of the results.

    Parameters
    ----------
    choices : Choices
        What combinations choose from: conditions as bits and ATRs in millionths, one row each.
    tape : Tape
        Prices a walk fills at, shape (n_sessions,); the rest are sparse.
    terms : Terms
        What a walk trades on; USD, fractions and sessions.
    span : Span
        Sessions decided: ``first <= t < stop``.
    results : GridResults
        One row per combination: `numbers` (n, 9); `sums`, `squares` of returns per block (n, n_blocks).
    with_returns : bool
        Whether session returns are measured too.
    """
    sessions, words = span.stop - span.first, choices.masks.shape[1]
    trades = Trades(np.zeros((sessions // 2 + 2, 7), np.int64), np.zeros((sessions // 2 + 2, 6)))
    entry, leave, leaves_at = np.empty(words, np.uint64), np.empty(words, np.uint64), np.zeros(span.stop, np.int64)
    for row in range(len(choices.enter)):
        atr, none = choices.atrs[choices.atr[row]], Ranges(tape.settled, 0)
        plan = Plan(entry, leave, atr, none, choices.multiple[row], span.first, span.stop, leaves_at)
        _choose(choices, row, plan)
        made = walk(plan, tape, terms, trades)
        done = Trades(trades.slots[:made], trades.purses[:made])
        numbers = results.numbers[row]
        numbers[TRADES] = made
        numbers[CAPPED] = purchases_capped(tape, terms, done)
        numbers[WINS], numbers[FINAL_EQUITY] = _closing(tape, terms.capital_usd, span.stop, done)
        if with_returns:
            blocks = Blocks(results.sums[row], results.squares[row])
            _describe(tape, terms.capital_usd, span, done, numbers, blocks)
