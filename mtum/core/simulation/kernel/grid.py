"""Many combinations of settings over one history, conditions shared between them, compiled."""

from typing import NamedTuple

import numpy as np

from mtum.core.simulation.kernel.columns import Column, Mask
from mtum.core.simulation.kernel.compiled import compiled
from mtum.core.simulation.kernel.play import Span, equity_curve
from mtum.core.simulation.kernel.walk import (
    CASH_AFTER,
    CASH_BEFORE,
    CASH_HELD,
    DIVIDENDS,
    EXIT_FILL,
    SHARES,
    Plan,
    Ranges,
    Slots,
    Tape,
    Terms,
    Trades,
    purchases_capped,
    walk,
)

TRADES, WINS, FINAL_EQUITY, CAPPED, MEAN, DEVIATION, SKEW, KURTOSIS, DRAWDOWN = range(9)
"""Columns of a grid's results; the last five describe session returns and need `with_returns`."""


class Choices(NamedTuple):
    """What combinations choose from: one row per way to enter, to leave, and to measure the ATR.

    `enter`, `leave` and `atr` hold the row that each combination uses, `multiple` its own number.
    """

    entries: Mask
    exits: Mask
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


@compiled
def _plan(choices: Choices, row: int, span: Span, tape: Tape, leaves_at: Slots) -> Plan:
    entry, leave = choices.entries[choices.enter[row]], choices.exits[choices.leave[row]]
    atr, multiple = choices.atrs[choices.atr[row]], choices.multiple[row]
    return Plan(entry, leave, atr, Ranges(tape.settled, 0), multiple, span.first, span.stop, leaves_at)


@compiled
def _leaves_alike(choices: Choices, row: int) -> bool:
    # Whether a trade entered in some session is left in the same one as in the row before.
    return bool(
        choices.leave[row] == choices.leave[row - 1]
        and choices.atr[row] == choices.atr[row - 1]
        and choices.multiple[row] == choices.multiple[row - 1]
    )


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
def _describe(equity: Column, capital_usd: float, numbers: Column, sums: Column, squares: Column) -> None:
    # `core.portfolio.returns` and `research.metrics` define what is measured; a test holds each row equal to them.
    n, blocks, before, peak, fall = len(equity), len(sums), capital_usd, capital_usd, 0.0
    returns = np.empty(n)
    for block in range(blocks):
        total, square = 0.0, 0.0
        # The sessions t with t * blocks // n == block.
        for t in range((block * n + blocks - 1) // blocks, ((block + 1) * n + blocks - 1) // blocks):
            move = equity[t] / before - 1.0
            before = equity[t]
            peak = max(peak, before)
            fall = min(fall, before / peak - 1.0)
            total += move
            square += move * move
            returns[t] = move
        sums[block], squares[block] = total, square
    mean = sums.sum() / n
    second, third, fourth = 0.0, 0.0, 0.0
    for t in range(n):
        away = returns[t] - mean
        second += away * away
        third += away * away * away
        fourth += away * away * away * away
    numbers[MEAN], numbers[DRAWDOWN] = mean, fall
    numbers[DEVIATION] = np.sqrt(second / max(1, n - 1))
    spread = np.sqrt(second / n)
    numbers[SKEW] = third / n / spread**3 if spread > 0 else 0.0
    numbers[KURTOSIS] = fourth / n / spread**4 if spread > 0 else 3.0


@compiled
def play_grid(choices: Choices, tape: Tape, terms: Terms, span: Span, results: GridResults, with_returns: bool) -> None:
    """Walk every combination and write its row of the results."""
    room = (span.stop - span.first) // 2 + 2
    trades = Trades(np.zeros((room, 7), np.int64), np.zeros((room, 6)))
    leaves_at = np.zeros(span.stop, np.int64)
    for row in range(len(choices.enter)):
        if row > 0 and not _leaves_alike(choices, row):
            leaves_at[:] = 0
        made = walk(_plan(choices, row, span, tape, leaves_at), tape, terms, trades)
        done = Trades(trades.slots[:made], trades.purses[:made])
        numbers = results.numbers[row]
        numbers[TRADES] = made
        numbers[CAPPED] = purchases_capped(tape, terms, done)
        numbers[WINS], numbers[FINAL_EQUITY] = _closing(tape, terms.capital_usd, span.stop, done)
        if with_returns:
            equity = equity_curve(tape, terms.capital_usd, span, done)
            _describe(equity, terms.capital_usd, numbers, results.sums[row], results.squares[row])
