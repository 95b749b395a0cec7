"""The conditions of every session as bits, in as few passes over memory as they need, compiled.

The same values as in `columns`, compared without keeping them: running sums are taken once,
each condition is then one loop that the compiler turns into wide instructions, and one byte
a session collects what holds. Rises and falls need one running sum: over a window, rises
less falls are the whole move, so rises are half of what moved and the move together.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtum.core.compiled import compiled
from mtum.core.simulation.kernel.columns import (
    MILLION,
    NUDGE,
    PRICE_UNIT,
    VOLUME_UNIT,
    WORD,
    Column,
    Counts,
    Mask,
    Prices,
    counted,
    running_sums,
    strength_column,
)

Flags = NDArray[np.uint8]

ABOVE_MA, CALM, STRONG, LOUD, BELOW_MA, FEAR, WEAK = range(7)
"""Rows of the masks: four conditions to enter, three to leave."""
_ONE_OF_EACH_BYTE = 0x0101010101010101
_GATHER = 0x0102040810204080


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


@compiled
def _sum_up(close: Column, volume: Column, units: Counts, sums: Counts) -> None:
    # Closes in 1e-10 USD; running sums of closes, of how far they moved, and of volumes.
    n = len(close)
    for t in range(n):
        units[t] = np.int64(close[t] * PRICE_UNIT + 0.5)
    total, moved, shares = sums[0], sums[1], sums[2]
    total[0], moved[0], shares[0] = 0, 0, 0
    c, m, v, before = np.int64(0), np.int64(0), np.int64(0), units[0]
    for t in range(n):
        now = units[t]
        c += now
        m += abs(now - before)
        v += counted(volume[t])
        before = now
        total[t + 1], moved[t + 1], shares[t + 1] = c, m, v


@compiled
def _flag_mean(close: Column, total: Counts, length: int, flags: Flags) -> None:
    scale = MILLION / (PRICE_UNIT * length)
    later, earlier = total[length:], total[: len(total) - length]
    target, prices = flags[length - 1 :], close[length - 1 :]
    for t in range(len(prices)):
        mean = np.rint(float(later[t] - earlier[t]) * scale + NUDGE)
        level = np.rint(prices[t] * MILLION + NUDGE)
        target[t] |= (np.uint8(level > mean) << ABOVE_MA) | (np.uint8(mean > level) << BELOW_MA)


@compiled
def _flag_volume(volume: Column, shares: Counts, length: int, flags: Flags) -> None:
    scale = MILLION / (VOLUME_UNIT * length)
    later, earlier = shares[length:], shares[: len(shares) - length]
    target, traded = flags[length - 1 :], volume[length - 1 :]
    for t in range(len(traded)):
        mean = np.rint(float(later[t] - earlier[t]) * scale + NUDGE)
        target[t] |= np.uint8(np.rint(traded[t] * MILLION + NUDGE) > mean) << LOUD


@compiled
def _flag_vix(vix: Column, rules: Rules, flags: Flags) -> None:
    below, above = np.rint(rules.vix_entry_below * MILLION), np.rint(rules.vix_exit_above * MILLION)
    for t in range(len(vix)):
        points = np.rint(vix[t] * MILLION + NUDGE)
        flags[t] |= (np.uint8(points < below) << CALM) | (np.uint8(points > above) << FEAR)


@compiled
def _flag_strength(units: Counts, moved: Counts, rules: Rules, flags: Flags) -> None:
    length, n = rules.rsi_sessions, len(units)
    above, below = np.rint(rules.rsi_entry_above * MILLION), np.rint(rules.rsi_exit_below * MILLION)
    later, earlier = moved[length + 1 :], moved[1 : n + 1 - length]
    now, then, target = units[length:], units[: n - length], flags[length:]
    for t in range(len(target)):
        far = later[t] - earlier[t]
        risen = (far + now[t] - then[t]) >> 1
        up, down = float(risen), float(far - risen)
        strength = np.rint(100.0 * MILLION * up / (up + down) + NUDGE)
        target[t] |= (np.uint8(strength > above) << STRONG) | (np.uint8(strength < below) << WEAK)


@compiled
def _flag_column(strength: Column, rules: Rules, flags: Flags) -> None:
    above, below = np.rint(rules.rsi_entry_above * MILLION), np.rint(rules.rsi_exit_below * MILLION)
    for t in range(len(strength)):
        flags[t] |= (np.uint8(strength[t] > above) << STRONG) | (np.uint8(strength[t] < below) << WEAK)


@compiled
def _gathered(flags: Flags) -> Mask:
    # One row of bits per condition: a multiplication moves the low bits of eight bytes into one.
    masks, eights = np.empty((7, len(flags) // WORD), np.uint64), flags.view(np.uint64)
    for row in range(7):
        bits = masks[row].view(np.uint8)
        for g in range(len(eights)):
            low = (eights[g] >> np.uint64(row)) & np.uint64(_ONE_OF_EACH_BYTE)
            bits[g] = np.uint8((low * np.uint64(_GATHER)) >> np.uint64(56))
    return masks


@compiled
def true_ranges(prices: Prices) -> Counts:
    """True range of each session in 1e-10 USD; 0 in the first, which has none."""
    out = np.empty(len(prices.close), np.int64)
    out[:1] = 0
    before, high, low, target = prices.close[:-1], prices.high[1:], prices.low[1:], out[1:]
    for t in range(len(target)):
        reach = max(before[t], high[t]) - min(before[t], low[t])
        target[t] = np.int64(reach * PRICE_UNIT + 0.5)
    return out


@compiled
def conditions(prices: Prices, rules: Rules) -> Mask:
    """One row of bits per condition, in the order of the names above; unknown counts as not met."""
    n = len(prices.close)
    flags = np.zeros((n + WORD - 1) // WORD * WORD, np.uint8)
    used, units, sums = flags[:n], np.empty(n, np.int64), np.empty((3, n + 1), np.int64)
    if n > 0:
        _sum_up(prices.close, prices.volume, units, sums)
    _flag_vix(prices.vix, rules, used)
    if n >= rules.ma_sessions:
        _flag_mean(prices.close, sums[0], rules.ma_sessions, used)
    if n >= rules.volume_sessions:
        _flag_volume(prices.volume, sums[2], rules.volume_sessions, used)
    if rules.rsi_wilder:
        _flag_column(strength_column(running_sums(prices), rules.rsi_sessions, True), rules, used)
    elif n > rules.rsi_sessions:
        _flag_strength(units, sums[1], rules, used)
    return _gathered(flags)
