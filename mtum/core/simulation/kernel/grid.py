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
    walk,
)

TRADES, WINS, FINAL_EQUITY, MEAN, DEVIATION, SKEW, KURTOSIS, DRAWDOWN = range(8)
"""Columns of a grid's results; the last five describe session returns and need `with_returns`."""


class Choices(NamedTuple):
    """What each combination uses: rows of `masks` to enter (4) and leave (3), row of `atrs`, multiple."""

    masks: Mask
    atrs: Column
    enter: Slots
    leave: Slots
    atr: Slots
    multiple: Column


class GridResults(NamedTuple):
    """One row per combination: `numbers` (n, 8); `sums`, `squares` of returns per block (n, n_blocks)."""

    numbers: Column
    sums: Column
    squares: Column


@compiled
def _plan(choices: Choices, row: int, span: Span, tape: Tape) -> Plan:
    enter, leave, masks = choices.enter[row], choices.leave[row], choices.masks
    entry, out = masks[enter[0]].copy(), masks[leave[0]].copy()
    for i in range(1, len(enter)):
        one = masks[enter[i]]
        for w in range(len(entry)):
            entry[w] &= one[w]
    for i in range(1, len(leave)):
        one = masks[leave[i]]
        for w in range(len(out)):
            out[w] |= one[w]
    atr, multiple = choices.atrs[choices.atr[row]], choices.multiple[row]
    return Plan(entry, out, atr, Ranges(tape.settled, 0), multiple, span.first, span.stop)


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
    n, before, peak, fall = len(equity), capital_usd, capital_usd, 0.0
    returns = np.empty(n)
    for t in range(n):
        returns[t] = equity[t] / before - 1.0
        before = equity[t]
        peak = max(peak, before)
        fall = min(fall, before / peak - 1.0)
        block = t * len(sums) // n
        sums[block] += returns[t]
        squares[block] += returns[t] * returns[t]
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
    for row in range(len(choices.enter)):
        made = walk(_plan(choices, row, span, tape), tape, terms, trades)
        done = Trades(trades.slots[:made], trades.purses[:made])
        numbers = results.numbers[row]
        numbers[TRADES] = made
        numbers[WINS], numbers[FINAL_EQUITY] = _closing(tape, terms.capital_usd, span.stop, done)
        if with_returns:
            equity = equity_curve(tape, terms.capital_usd, span, done)
            _describe(equity, terms.capital_usd, numbers, results.sums[row], results.squares[row])
