"""The walk from trade to trade: entries, exits, cash, costs and dividends, compiled."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtum.core.simulation.kernel.columns import WORD, Column, Mask
from mtum.core.simulation.kernel.compiled import compiled

Slots = NDArray[np.int64]

_SCALE = 1e6
_CENTS = 100.0
# Money is a float here and a decimal in the daily job: half a cent there may be a hair below it here.
_HAIR = 1e-9
NO_LIMIT = 2.0
_DE_BRUIJN = 0x022FDD63CC95386D
_BIT_OF = np.zeros(WORD, dtype=np.int64)
for _bit in range(WORD):
    _BIT_OF[((_DE_BRUIJN << _bit) & (2**64 - 1)) >> 58] = _bit

ENTRY_AT, ENTRY_FILL, EXIT_AT, EXIT_FILL, SHARES, REASONS, DUE = range(7)
"""Columns of a trade's whole numbers: sessions (-1 = still open), shares, reasons, first dividend due."""
ENTRY_PRICE, EXIT_PRICE, CASH_BEFORE, CASH_HELD, DIVIDENDS, CASH_AFTER = range(6)
"""Columns of a trade's money in USD."""


class Terms(NamedTuple):
    """What a walk trades on; USD, fractions and sessions.

    `fixed_schedule` 1 charges per share with minimum and cap, 0 the fraction;
    `next_open` 1 fills at the following open, 0 at the session's own close;
    `flatten` 1 sells after a daily loss and stops; `max_drawdown_frac` above 1 is no limit.
    """

    capital_usd: float
    max_position_frac: float
    max_position_usd: float
    buffer_frac: float
    fixed_schedule: int
    cost_frac: float
    per_share_usd: float
    minimum_usd: float
    cap_frac: float
    slippage_frac: float
    next_open: int
    cooldown_sessions: int
    max_daily_loss_usd: float
    loss_pause_sessions: int
    flatten: int
    max_drawdown_frac: float


class Tape(NamedTuple):
    """Prices a walk fills at, shape (n_sessions,); the rest are sparse.

    Decisions see `seen`, which is the close unless the history is played as it looked
    before the close; `level` is the same in millionths. `settled` the session from which the
    proceeds of a sale can be spent; `dividend` USD per share at `dividend_at`,
    ended by a sentinel past the last session.
    """

    close: Column
    seen: Column
    level: Column
    open: Column
    settled: Slots
    dividend_at: Slots
    dividend: Column


class Plan(NamedTuple):
    """When to enter and leave: bits per session, the ATR in millionths, and the sessions decided.

    Decisions fall in ``first <= t < stop``; a multiple of infinity means no target.
    """

    entry: Mask
    leave: Mask
    atr: Column
    multiple: float
    first: int
    stop: int


class Trades(NamedTuple):
    """Room for the trades of a walk, one row each: whole numbers (n, 7) and money (n, 6)."""

    slots: Slots
    purses: Column


@compiled
def _next_bit(mask: Mask, start: int, stop: int) -> int:
    # First set bit in [start, stop), or stop.
    if start >= stop:
        return stop
    w = start // WORD
    word = mask[w] & (~np.uint64(0) << np.uint64(start % WORD))
    while word == 0:
        w += 1
        if w * WORD >= stop:
            return stop
        word = mask[w]
    lowest = word & (~word + np.uint64(1))
    bit = int(_BIT_OF[(lowest * np.uint64(_DE_BRUIJN)) >> np.uint64(58)])
    return min(stop, w * WORD + bit)


@compiled
def to_cent(amount_usd: float) -> float:
    """Round to the cent, halves up."""
    return float(np.floor(amount_usd * _CENTS + 0.5 + _HAIR) / _CENTS)


@compiled
def to_level(amount: float) -> float:
    """Round to 1e-6; takes the dust of float sums off an amount."""
    return float(np.rint(amount * _SCALE) / _SCALE)


@compiled
def target_level(price: float, multiple: float, atr: float) -> float:
    """Close in millionths that reaches the target of an entry; `atr` in millionths."""
    return float(np.rint(price * _SCALE + multiple * atr))


@compiled
def commission(terms: Terms, shares: float, price: float) -> float:
    """Commission in USD of one order, to the cent."""
    if terms.fixed_schedule:
        by_size = max(terms.per_share_usd * shares, terms.minimum_usd)
        return to_cent(min(by_size, terms.cap_frac * shares * price))
    return to_cent(terms.cost_frac * shares * price)


@compiled
def shares_for(terms: Terms, price: float, budget_usd: float) -> float:
    """Whole shares a budget buys, cost and buffer included."""
    if budget_usd <= 0.0:
        return 0.0
    cost = terms.cost_frac
    if terms.fixed_schedule:
        cost = min(max(terms.per_share_usd / price, terms.minimum_usd / budget_usd), terms.cap_frac)
    return float(np.floor(budget_usd / (price * (1.0 + (cost + terms.buffer_frac)))))


@compiled
def dividends_paid(tape: Tape, shares: float, due: int, until: int) -> float:
    """Dividends in USD from the `due`-th on, ex-dates up to session `until`, each to the cent."""
    total = 0.0
    while tape.dividend_at[due] <= until:
        total += to_cent(shares * float(tape.dividend[due]))
        due += 1
    return total


@compiled
def worth(tape: Tape, slot: Slots, purse: Column, t: int) -> float:
    """Equity in USD at the close of session `t`, from the one before the purchase on."""
    if t < slot[ENTRY_FILL]:
        return float(purse[CASH_BEFORE])
    if 0 <= slot[EXIT_FILL] <= t:
        return float(purse[CASH_AFTER])
    shares = float(slot[SHARES])
    return float(purse[CASH_HELD] + shares * tape.close[t] + dividends_paid(tape, shares, slot[DUE], t))


@compiled
def _lost(tape: Tape, terms: Terms, slot: Slots, purse: Column, t: int) -> bool:
    # Whether session t, closed, brought the daily loss. Dividends only soften it: prices alone are looked at first.
    shares, limit = float(slot[SHARES]), terms.max_daily_loss_usd
    started = purse[CASH_BEFORE] - purse[CASH_HELD] if t == slot[ENTRY_FILL] else shares * tape.close[t - 1]
    ended = shares * tape.close[t]
    if t == slot[EXIT_FILL]:
        ended = purse[CASH_AFTER] - purse[CASH_HELD] - purse[DIVIDENDS]
    if ended - started > -limit:
        return False
    return to_level(worth(tape, slot, purse, t) - worth(tape, slot, purse, t - 1)) <= -limit


@compiled
def _entries_from(tape: Tape, terms: Terms, slot: Slots, purse: Column) -> int:
    # A loss of session s is seen at the decisions of s and s + 1; each bars entries, then a pause.
    sold = slot[EXIT_FILL]
    allowed = sold + 1 + terms.cooldown_sessions
    for s in range(max(slot[ENTRY_FILL], sold - terms.loss_pause_sessions), sold + 1):
        if _lost(tape, terms, slot, purse, s):
            allowed = max(allowed, s + terms.loss_pause_sessions + 2)
            if terms.flatten:
                return len(tape.close)
    return int(allowed)


@compiled
def _peak(tape: Tape, slot: Slots, purse: Column, stop: int) -> float:
    highest = purse[CASH_BEFORE]
    for t in range(slot[ENTRY_FILL], min(stop, slot[EXIT_FILL] + 1)):
        highest = max(highest, worth(tape, slot, purse, t))
    return float(highest)


@compiled
def _leave_at(plan: Plan, tape: Tape, start: int, target: float) -> int:
    # First session from `start` on that a condition or the target closes, or stop.
    by_condition = _next_bit(plan.leave, start, plan.stop)
    for t in range(start, min(by_condition + 1, plan.stop)):
        if tape.level[t] >= target:
            return t
    return by_condition


@compiled
def _flattened_at(tape: Tape, terms: Terms, slot: Slots, purse: Column, by: int) -> int:
    # First decision before `by` that sees a daily loss, this session's or the one before.
    for t in range(slot[ENTRY_AT] + 1, by):
        seen_before = t > slot[ENTRY_FILL] and _lost(tape, terms, slot, purse, t - 1)
        if seen_before or _lost(tape, terms, slot, purse, t):
            return t
    return by


@compiled
def _buy(plan: Plan, tape: Tape, terms: Terms, slot: Slots, purse: Column) -> float:
    # Fill the entry in `slot` and return the price that reaches the target.
    fill = slot[ENTRY_FILL]
    price = (tape.open[fill] if terms.next_open else tape.close[fill]) * (1.0 + terms.slippage_frac)
    shares = float(slot[SHARES])
    purse[ENTRY_PRICE] = price
    purse[CASH_HELD] = to_level(purse[CASH_BEFORE] - shares * price - commission(terms, shares, price))
    slot[EXIT_AT], slot[EXIT_FILL], slot[REASONS] = -1, -1, 0
    purse[EXIT_PRICE], purse[DIVIDENDS], purse[CASH_AFTER] = np.nan, 0.0, np.nan
    while tape.dividend_at[slot[DUE]] <= fill:
        slot[DUE] += 1
    return target_level(price, plan.multiple, plan.atr[slot[ENTRY_AT]])


@compiled
def _sell(tape: Tape, terms: Terms, slot: Slots, purse: Column) -> float:
    # Fill the exit in `slot` and return the proceeds.
    fill, shares = slot[EXIT_FILL], float(slot[SHARES])
    price = (tape.open[fill] if terms.next_open else tape.close[fill]) * (1.0 - terms.slippage_frac)
    proceeds = shares * price - commission(terms, shares, price)
    purse[EXIT_PRICE] = price
    purse[DIVIDENDS] = dividends_paid(tape, shares, slot[DUE], fill)
    purse[CASH_AFTER] = to_level(purse[CASH_HELD] + purse[DIVIDENDS] + proceeds)
    return float(proceeds)


@compiled
def walk(plan: Plan, tape: Tape, terms: Terms, trades: Trades) -> int:
    """Walk from trade to trade and return how many were made; a trade needs two sessions.

    Their rows are written from the top; columns are named above.
    """
    stop = plan.stop - terms.next_open
    cash, peak, t, k = terms.capital_usd, terms.capital_usd, plan.first, 0
    held_back, free_at = np.zeros(8), np.zeros(8, np.int64)
    while True:
        t = _next_bit(plan.entry, t, stop)
        if t >= stop or round(1.0 - cash / peak, 9) >= terms.max_drawdown_frac:
            return k
        available = cash
        for i in range(8):
            available -= held_back[i] if free_at[i] > t else 0.0
        budget = min(cash * terms.max_position_frac, terms.max_position_usd)
        price = tape.seen[t]
        shares = min(shares_for(terms, price, budget), shares_for(terms, price, available))
        if shares < 1.0:
            t += 1
            continue
        slot, purse = trades.slots[k], trades.purses[k]
        slot[ENTRY_AT], slot[ENTRY_FILL], slot[SHARES] = t, t + terms.next_open, int(shares)
        slot[DUE] = trades.slots[k - 1, DUE] if k else 0
        purse[CASH_BEFORE] = cash
        target = _buy(plan, tape, terms, slot, purse)
        k += 1
        t = _leave_at(plan, tape, t + 1, target)
        if terms.flatten:
            t = _flattened_at(tape, terms, slot, purse, t)
        if t >= stop:
            purse[DIVIDENDS] = dividends_paid(tape, shares, slot[DUE], plan.stop - 1)
            return k
        slot[EXIT_AT], slot[EXIT_FILL] = t, t + terms.next_open
        held_back[k % 8] = _sell(tape, terms, slot, purse)
        free_at[k % 8] = tape.settled[slot[EXIT_FILL]]
        cash = purse[CASH_AFTER]
        if terms.max_drawdown_frac <= 1.0:
            peak = max(peak, _peak(tape, slot, purse, plan.stop))
        t = _entries_from(tape, terms, slot, purse)
