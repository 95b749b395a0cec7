"""The walk from trade to trade: entries, exits, cash, costs and dividends.

Commission, shares of a budget and the fall from the peak are defined in `core.portfolio` (costs, sizing, limits) and a
round trip in its lots; what stands here repeats them for speed. `simulation.session_path` plays by the definitions, and
tests hold both paths equal trade by trade.
"""

from math import frexp
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from mtum.core.compiled import built_in, compiled
from mtum.core.simulation.kernel.columns import MILLION, NUDGE, PRICE_UNIT, WORD, Column, Counts, Mask

Slots = NDArray[np.int64]

_SCALE = 1e6
_CENTS, _CENT = 100.0, 0.01
# Money is a float here and a Decimal in the daily job: an exact half cent there may be slightly less here.
_HAIR = 1e-9
NO_LIMIT = 2.0
_HALF_UNIT = 5e-10
"""A fall is rounded to nine places before it is held against its limit."""

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
    before the close. `settled` is the session from which the proceeds of a sale can be
    spent, empty where that is at once; `dividend` USD per share at `dividend_at`,
    ended by a sentinel past the last session.
    """

    close: Column
    seen: Column
    open: Column
    settled: Slots
    dividend_at: Slots
    dividend: Column


class Ranges(NamedTuple):
    """What the ATR of an entry is worked out from: true ranges in 1e-10 USD, sessions of a plain mean.

    Sessions of 0 say that the ATR is known without them.
    """

    true: Counts
    sessions: int


class Plan(NamedTuple):
    """When to enter and leave: bits per session, the ATR in millionths, and the sessions decided.

    Where `ranges` has sessions the walk writes the ATR of each entry into `atr`, empty before.
    `leaves_at` remembers by session entered which one the rules leave in, for the next walk that differs
    in its entries alone; 0 while not known.

    Decisions fall in ``first <= t < stop``; a multiple of infinity means no target.
    """

    entry: Mask
    leave: Mask
    atr: Column
    ranges: Ranges
    multiple: float
    first: int
    stop: int
    leaves_at: Slots


class Trades(NamedTuple):
    """Room for the trades of a walk, one row each: whole numbers (n, 7) and money (n, 6)."""

    slots: Slots
    purses: Column


@built_in
def _range_at(true: Counts, sessions: int, known: float, t: int) -> float:
    # ATR of one session in millionths of a USD: the known one, or a plain mean of the ranges there are enough of.
    found = known
    if sessions > 0:
        total = np.int64(0)
        for s in range(max(1, t - sessions + 1), t + 1):
            total += true[s]
        found = np.rint(float(total) * (MILLION / (PRICE_UNIT * sessions)) + NUDGE) if t >= sessions else np.nan
    return float(found)


@built_in
def _next_bit(mask: Mask, start: int, stop: int) -> int:
    # First set bit in [start, stop), or stop.
    found = stop
    if start < stop:
        w = start // WORD
        word = mask[w] & (~np.uint64(0) << np.uint64(start % WORD))
        while word == 0 and (w + 1) * WORD < stop:
            w += 1
            word = mask[w]
        if word != 0:
            lowest = word & (~word + np.uint64(1))
            # A power of two is exact as a float, and its exponent names the bit.
            found = min(stop, w * WORD + frexp(float(lowest))[1] - 1)
    return found


@built_in
def to_cent(amount_usd: float) -> float:
    """Round to the cent, halves up."""
    return float(np.floor(amount_usd * _CENTS + 0.5 + _HAIR) * _CENT)


@built_in
def to_level(amount: float) -> float:
    """Round to 1e-6; takes the dust of float sums off an amount."""
    return float(np.rint(amount * _SCALE) / _SCALE)


@built_in
def target_level(price: float, multiple: float, atr: float) -> float:
    """Close in millionths that reaches the target of an entry; `atr` in millionths.

    Parameters
    ----------
    price : float
        Price, USD per share.
    multiple : float
        How many ATR.
    atr : float
        Average true range at the entry, millionths of a USD.
    """
    return float(np.rint(price * _SCALE + multiple * atr))


@built_in
def commission(terms: Terms, shares: float, price: float) -> float:
    """Commission in USD of one order, to the cent.

    Parameters
    ----------
    terms : Terms
        What a walk trades on; USD, fractions and sessions.
    shares : float
        Number of shares.
    price : float
        Price, USD per share.
    """
    amount = terms.cost_frac * shares * price
    if terms.fixed_schedule:
        by_size = max(terms.per_share_usd * shares, terms.minimum_usd)
        amount = min(by_size, terms.cap_frac * shares * price)
    return to_cent(amount)


@built_in
def shares_for(terms: Terms, price: float, budget_usd: float, cash_usd: float) -> float:
    """Whole shares that budget and cash buy, cost and buffer included; below 1 when none.

    Parameters
    ----------
    terms : Terms
        What a walk trades on; USD, fractions and sessions.
    price : float
        Price, USD per share.
    budget_usd : float
        Money to spend, USD.
    cash_usd : float
        Cash that may be spent, USD.
    """
    if not terms.fixed_schedule:
        each = price * (1.0 + (terms.cost_frac + terms.buffer_frac))
        return float(np.floor(min(budget_usd, cash_usd) / each))
    fewest = np.inf
    for amount in (budget_usd, cash_usd):
        by_minimum = terms.minimum_usd / amount if amount > 0.0 else 0.0
        cost = min(max(terms.per_share_usd / price, by_minimum), terms.cap_frac)
        fewest = min(fewest, np.floor(amount / (price * (1.0 + (cost + terms.buffer_frac)))))
    return float(fewest)


@built_in
def _paid(at: Slots, dividend: Column, due: int, until: int, shares: float) -> float:
    # Dividends in USD from the `due`-th on, ex-dates up to session `until`, each to the cent.
    total = 0.0
    k = due
    while at[k] <= until:
        total += to_cent(shares * dividend[k])
        k += 1
    return total


@compiled
def purchases_capped(tape: Tape, terms: Terms, trades: Trades) -> int:
    """Purchases that the largest position in USD made smaller than the cash and the fraction allowed.

    Parameters
    ----------
    tape : Tape
        Prices a walk fills at, shape (n_sessions,); the rest are sparse.
    terms : Terms
        What a walk trades on; USD, fractions and sessions.
    trades : Trades
        Room for the trades of a walk, one row each: whole numbers (n, 7) and money (n, 6).
    """
    found = 0
    for k in range(len(trades.slots)):
        cash, seen = float(trades.purses[k, CASH_BEFORE]), float(tape.seen[trades.slots[k, ENTRY_AT]])
        wanted = cash * terms.max_position_frac
        if terms.max_position_usd < wanted:
            bought = float(trades.slots[k, SHARES])
            capped = shares_for(terms, seen, terms.max_position_usd, cash)
            # Fewer than the cap allows: it was proceeds not settled yet that kept the purchase small.
            found += int(bought == capped and bought < shares_for(terms, seen, wanted, cash))
    return found


@compiled
def worth(tape: Tape, trades: Trades, k: int, t: int) -> float:
    """Equity in USD at the close of session `t`, from the one before the purchase of trade `k` on.

    Parameters
    ----------
    tape : Tape
        Prices a walk fills at, shape (n_sessions,); the rest are sparse.
    trades : Trades
        Room for the trades of a walk, one row each: whole numbers (n, 7) and money (n, 6).
    k : int
        Number of the trade.
    t : int
        Position of the session.
    """
    if t < trades.slots[k, ENTRY_FILL]:
        return float(trades.purses[k, CASH_BEFORE])
    if 0 <= trades.slots[k, EXIT_FILL] <= t:
        return float(trades.purses[k, CASH_AFTER])
    shares = float(trades.slots[k, SHARES])
    paid = _paid(tape.dividend_at, tape.dividend, trades.slots[k, DUE], t, shares)
    return float(trades.purses[k, CASH_HELD] + shares * tape.close[t] + paid)


@compiled
def _lost(tape: Tape, limit: float, trades: Trades, k: int, t: int) -> bool:
    # Whether session t, closed, brought the daily loss. Dividends only soften it: prices alone are looked at first.
    shares = float(trades.slots[k, SHARES])
    started, ended = shares * tape.close[t - 1], shares * tape.close[t]
    if t == trades.slots[k, ENTRY_FILL]:
        started = trades.purses[k, CASH_BEFORE] - trades.purses[k, CASH_HELD]
    if t == trades.slots[k, EXIT_FILL]:
        ended = trades.purses[k, CASH_AFTER] - trades.purses[k, CASH_HELD] - trades.purses[k, DIVIDENDS]
    lost = False
    if ended - started <= -limit:
        lost = to_level(worth(tape, trades, k, t) - worth(tape, trades, k, t - 1)) <= -limit
    return lost


@compiled
def _entries_from(tape: Tape, terms: Terms, trades: Trades, k: int) -> int:
    # A loss of session s is seen at the decisions of s and s + 1; each bars entries, then a pause.
    sold = int(trades.slots[k, EXIT_FILL])
    allowed = sold + 1 + terms.cooldown_sessions
    # Where a loss ends all trading, the one that closed the trade may lie before the pause.
    back = len(tape.close) if terms.flatten else terms.loss_pause_sessions
    for s in range(max(trades.slots[k, ENTRY_FILL], sold - back), sold + 1):
        if _lost(tape, terms.max_daily_loss_usd, trades, k, s):
            allowed = max(allowed, s + terms.loss_pause_sessions + 2)
            if terms.flatten:
                allowed = len(tape.close)
    return allowed


@built_in
def _fallen(equity: float, peak: float, limit_frac: float) -> bool:
    return 1.0 - equity / peak >= limit_frac - _HALF_UNIT


@compiled
def _peak_after(tape: Tape, limit_frac: float, trades: Trades, k: int, peak: float) -> float:
    # Highest equity up to the exit of trade k. Infinite once a decision saw the limit, that of the exit included:
    # the halt stays, also where the fall was made up for.
    shares, highest = float(trades.slots[k, SHARES]), peak
    for t in range(trades.slots[k, ENTRY_AT] + 1, trades.slots[k, EXIT_AT] + 1):
        highest = max(highest, worth(tape, trades, k, t - 1))
        paid = _paid(tape.dividend_at, tape.dividend, trades.slots[k, DUE], t, shares)
        if _fallen(trades.purses[k, CASH_HELD] + shares * tape.seen[t] + paid, highest, limit_frac):
            return np.inf
    return max(highest, worth(tape, trades, k, trades.slots[k, EXIT_AT]), float(trades.purses[k, CASH_AFTER]))


@compiled
def _flattened_at(tape: Tape, terms: Terms, trades: Trades, k: int, by: int) -> int:
    # First decision before `by` that sees a daily loss, this session's or the one before.
    bought = trades.slots[k, ENTRY_FILL]
    for t in range(trades.slots[k, ENTRY_AT] + 1, by):
        seen_before = t > bought and _lost(tape, terms.max_daily_loss_usd, trades, k, t - 1)
        if seen_before or _lost(tape, terms.max_daily_loss_usd, trades, k, t):
            return t
    return by


@built_in
def level_of(price: float) -> float:
    """Price in millionths, rounded as the conditions round it."""
    return float(np.rint(price * MILLION + NUDGE))


@built_in
def _leave_at(leave: Mask, seen: Column, start: int, stop: int, target: float) -> int:
    # First session from `start` on that a condition or the target closes, or stop. NaN is never reached.
    by_condition = _next_bit(leave, start, stop)
    # What is a millionth or more below the target needs no rounding to be known to miss it.
    t, near = start, (target - 1.0) / MILLION
    while t < by_condition and not (seen[t] >= near and level_of(seen[t]) >= target):
        t += 1
    return t


@built_in
def _due_after(at: Slots, due: int, session: int) -> int:
    k = due
    while at[k] <= session:
        k += 1
    return k


@built_in
def _reach(close: Column, first: int, last: int, price: float, other: float) -> float:
    # Distance between the highest and the lowest of two fill prices and the closes from first to last.
    high, low = max(price, other), min(price, other)
    for s in range(max(0, first), last + 1):
        high, low = max(high, close[s]), min(low, close[s])
    return high - low


@built_in
def _held_back(waiting: Column, free_at: Slots, t: int) -> float:
    total = 0.0
    for i in range(len(waiting)):
        total += waiting[i] if free_at[i] > t else 0.0
    return total


@built_in
def _note_entry(slots: Slots, k: int, t: int, fill: int, shares: float, due: int) -> None:
    slots[k, ENTRY_AT], slots[k, ENTRY_FILL], slots[k, SHARES], slots[k, DUE] = t, fill, int(shares), due
    slots[k, EXIT_AT], slots[k, EXIT_FILL], slots[k, REASONS] = -1, -1, 0


@built_in
def _note_purchase(purses: Column, k: int, price: float, cash: float, held: float) -> None:
    purses[k, ENTRY_PRICE], purses[k, CASH_BEFORE], purses[k, CASH_HELD] = price, cash, held
    purses[k, EXIT_PRICE], purses[k, DIVIDENDS], purses[k, CASH_AFTER] = np.nan, 0.0, np.nan


@compiled
def walk(plan: Plan, tape: Tape, terms: Terms, trades: Trades) -> int:
    """Walk from trade to trade and return how many were made; a trade needs two sessions.

    Their rows are written from the top; columns are named above. Arrays are taken out of
    their tuples once, as each look inside would count references; a trade's sessions are
    looked at one by one for a daily loss only where its fills and closes reach so far. A loop
    over an array counts references too: what is rarely needed is left out, not looped over in vain.

    Parameters
    ----------
    plan : Plan
        When to enter and leave: bits per session, the ATR in millionths, and the sessions decided.
    tape : Tape
        Prices a walk fills at, shape (n_sessions,); the rest are sparse.
    terms : Terms
        What a walk trades on; USD, fractions and sessions.
    trades : Trades
        Room for the trades of a walk, one row each: whole numbers (n, 7) and money (n, 6).
    """
    entry, leave, atr, close, seen, at = plan.entry, plan.leave, plan.atr, tape.close, tape.seen, tape.dividend_at
    dividend, slots, purses, leaves_at = tape.dividend, trades.slots, trades.purses, plan.leaves_at
    prices, later, stop = (tape.open if terms.next_open else close), terms.next_open, plan.stop - terms.next_open
    cash, peak, t, k, due = terms.capital_usd, terms.capital_usd, plan.first, 0, 0
    true, settled, waiting, free_at = plan.ranges.true, tape.settled, np.zeros(8), np.zeros(8, np.int64)
    while True:
        t = _next_bit(entry, t, stop)
        if t >= stop or cash <= 0.0 or _fallen(cash, peak, terms.max_drawdown_frac):
            return k
        budget, bought = min(cash * terms.max_position_frac, terms.max_position_usd), t + later
        shares = shares_for(terms, seen[t], budget, cash - (_held_back(waiting, free_at, t) if len(settled) else 0.0))
        if shares < 1.0:
            t += 1
            continue
        price, due = prices[bought] * (1.0 + terms.slippage_frac), _due_after(at, due, bought)
        held = to_level(cash - shares * price - commission(terms, shares, price))
        atr[t] = _range_at(true, plan.ranges.sessions, atr[t], t)
        _note_entry(slots, k, t, bought, shares, due)
        _note_purchase(purses, k, price, cash, held)
        entered, t = t, leaves_at[t]
        if t == 0:
            level = target_level(price, plan.multiple, atr[entered])
            t = leaves_at[entered] = _leave_at(leave, seen, entered + 1, plan.stop, level)
        if terms.flatten:
            t = _flattened_at(tape, terms, trades, k, t)
        sold = t + later
        if t >= stop:
            purses[k, DIVIDENDS] = _paid(at, dividend, due, plan.stop - 1, shares)
            return k + 1
        left_at = prices[sold] * (1.0 - terms.slippage_frac)
        proceeds = shares * left_at - commission(terms, shares, left_at)
        paid, fees = _paid(at, dividend, due, sold, shares), cash - held - proceeds - shares * (price - left_at)
        cash, waiting[k % 8] = to_level(held + paid + proceeds), proceeds
        free_at[k % 8], slots[k, EXIT_AT], slots[k, EXIT_FILL] = settled[sold] if len(settled) else sold, t, sold
        purses[k, EXIT_PRICE], purses[k, DIVIDENDS], purses[k, CASH_AFTER] = left_at, paid, cash
        peak = _peak_after(tape, terms.max_drawdown_frac, trades, k, peak) if terms.max_drawdown_frac <= 1.0 else peak
        t, seen_back = sold + 1 + terms.cooldown_sessions, max(bought, sold - terms.loss_pause_sessions) - 1
        if terms.flatten or _reach(close, seen_back, sold, price, left_at) * shares + fees >= terms.max_daily_loss_usd:
            t = _entries_from(tape, terms, trades, k)
        k += 1
