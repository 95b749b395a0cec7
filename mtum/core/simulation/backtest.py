"""The fast path: a strategy's rules over a whole history in one pass."""

from collections.abc import Iterable, Iterator
from functools import cache, partial

import numpy as np

from mtum.core.compiled import machine
from mtum.core.indicators import column_of
from mtum.core.indicators.smoothing import Smoothing, rounded
from mtum.core.market.bars import Bars
from mtum.core.portfolio.orders import Side
from mtum.core.simulation.history import History
from mtum.core.simulation.kernel.columns import MILLION, WORD, Column
from mtum.core.simulation.kernel.conditions import Rules
from mtum.core.simulation.kernel.play import (
    ATR_TARGET,
    CLOSE_BELOW_MA,
    RSI_LOW,
    VIX_FEAR,
    Known,
    Span,
    equity_curve,
    one_row,
    play,
    play_all,
    play_known,
)
from mtum.core.simulation.kernel.walk import (
    CASH_AFTER,
    CASH_BEFORE,
    CASH_HELD,
    DIVIDENDS,
    ENTRY_FILL,
    ENTRY_PRICE,
    EXIT_FILL,
    EXIT_PRICE,
    REASONS,
    SHARES,
    Ranges,
    Trades,
    purchases_capped,
)
from mtum.core.simulation.played import OnDemand, Played, PlayedOrder, PlayedTrade, PlayTerms
from mtum.core.strategies.contract import Strategy
from mtum.core.strategies.mtum_confluence import ENTRY_CONDITIONS, EXIT_CONDITIONS, MtumConfluence

ALL_CONDITIONS = frozenset(ENTRY_CONDITIONS + EXIT_CONDITIONS)
_REASON_BITS = dict(zip(EXIT_CONDITIONS, (CLOSE_BELOW_MA, VIX_FEAR, RSI_LOW, ATR_TARGET), strict=True))


def fast_rules(strategy: MtumConfluence, used: frozenset[str] = ALL_CONDITIONS) -> Rules:
    """Return the strategy as the compiled pass takes it; conditions not `used` neither bar nor close."""
    return Rules(
        ma_sessions=strategy.ma_sessions,
        rsi_sessions=strategy.rsi_sessions,
        atr_sessions=strategy.atr_sessions,
        volume_sessions=strategy.volume_sessions,
        rsi_wilder=strategy.rsi_smoothing is Smoothing.WILDER,
        atr_wilder=strategy.atr_smoothing is Smoothing.WILDER,
        vix_entry_below=float(strategy.vix_entry_below),
        vix_exit_above=float(strategy.vix_exit_above),
        rsi_entry_above=float(strategy.rsi_entry_above),
        rsi_exit_below=float(strategy.rsi_exit_below),
        atr_target_multiple=float(strategy.atr_target_multiple),
        entry_used=_bits(used, ENTRY_CONDITIONS),
        exit_used=_bits(used, EXIT_CONDITIONS),
    )


@cache
def _bits(used: frozenset[str], names: tuple[str, ...]) -> int:
    return sum(1 << bit for bit, name in enumerate(names) if name in used)


def first_fit(history: History, strategy: Strategy) -> int:
    """Position of the first session with enough bars behind it."""
    return strategy.history_sessions() - 1


def room_for(history: History) -> Trades:
    """Room for as many trades as a history can hold."""
    return Trades(np.empty((len(history) // 2 + 2, 7), np.int64), np.empty((len(history) // 2 + 2, 6)))


def run(
    history: History,
    strategy: MtumConfluence,
    terms: PlayTerms,
    span: Span,
    used: frozenset[str] = ALL_CONDITIONS,
    *,
    plain: bool = False,
) -> Played:
    """Play a history in one pass.

    Parameters
    ----------
    history : History
        Columns, warm-up included.
    strategy : MtumConfluence
        Parameters of the strategy; defaults are the documented rules.
    terms : PlayTerms
        On what terms history is played.
    span : Span
        Positions decided; the first should be fit (see `first_fit`).
    used : frozenset of str
        Conditions in force; leaving some out shows what each does.
    plain : bool
        Whether to do without machine code: quickest in a process that plays one history, as numba takes longer to load.
    """
    return played_of(history, terms, span, walked(history, strategy, terms, span, used, plain=plain), plain=plain)


def known_of(history: History, strategy: MtumConfluence) -> Known:
    """Return the conditions and the ATR of every session, worked out from the indicators' own definitions."""
    prices = history.prices
    bars = Bars.from_columns(history.symbol, "", history.days, prices._asdict())
    now = {one.name: column_of(bars, one.indicator, dict(one.parameters)) for one in strategy.indicators()}
    close, vix, volume = rounded(prices.close), rounded(prices.vix), rounded(prices.volume)
    held = np.zeros((7, (len(history) + WORD - 1) // WORD * WORD), dtype=bool)
    held[:, : len(history)] = (
        close > now["ma"],
        vix < strategy.vix_entry_below,
        now["rsi"] > strategy.rsi_entry_above,
        volume > now["volume_average"],
        close < now["ma"],
        vix > strategy.vix_exit_above,
        now["rsi"] < strategy.rsi_exit_below,
    )
    masks = np.packbits(held, axis=1, bitorder="little").view(np.uint64)
    return Known(masks, np.rint(now["atr"] * MILLION), Ranges(history.tape.settled, 0))


def played_of(
    history: History, terms: PlayTerms, span: Span, trades: Trades, seen: Column | None = None, *, plain: bool = False
) -> Played:
    """Return a walk's trades with the equity and positions that follow from them.

    Parameters
    ----------
    history : History
        Columns of one symbol, oldest first, shape (n_sessions,) each.
    terms : PlayTerms
        On what terms history is played.
    span : Span
        Sessions decided: ``first <= t < stop``.
    trades : Trades
        Room for the trades of a walk, one row each: whole numbers (n, 7) and money (n, 6).
    seen : ndarray or None
        Prices decided on, shape (n_sessions,), where they are not the closes.
    plain : bool
        As in `run`.
    """
    # A copy, as the room of the walk is far larger than what was made in it, and may be used again.
    made = Trades(trades.slots.copy(), trades.purses.copy())
    curve = equity_curve if plain else machine(equity_curve)
    capped = purchases_capped if plain else machine(purchases_capped)
    tape = history.tape if seen is None else history.tape._replace(seen=seen)
    closed = int(np.count_nonzero(made.slots[:, EXIT_FILL] >= 0))
    return Played(
        symbol=history.symbol,
        days=history.days[span.first : span.stop],
        equity=curve(history.tape, float(terms.capital_usd), span, made),
        held=_held(span, made),
        trades=OnDemand(len(made.slots), partial(_trades, history, span, made)),
        capital_usd=float(terms.capital_usd),
        purchases_capped=int(capped(tape, terms.compiled(), made)),
        orders=OnDemand(len(made.slots) + closed, partial(_orders, history, span, made)),
    )


def walked(
    history: History,
    strategy: MtumConfluence,
    terms: PlayTerms,
    span: Span,
    used: frozenset[str] = ALL_CONDITIONS,
    *,
    plain: bool = False,
) -> Trades:
    """Play a history and return its trades as columns, the quickest form (see `run`).

    Parameters
    ----------
    history : History
        Columns of one symbol, oldest first, shape (n_sessions,) each.
    strategy : MtumConfluence
        Parameters of the strategy; defaults are the documented rules.
    terms : PlayTerms
        On what terms history is played.
    span : Span
        Sessions decided: ``first <= t < stop``.
    used : frozenset of str
        Names of the conditions in force.
    plain : bool
        Whether it runs uncompiled.
    """
    compiled, rules = terms.compiled(strategy.reentry_cooldown_sessions), fast_rules(strategy, used)
    room = room_for(history)
    made = (
        play_known(known_of(history, strategy), history.tape, rules, compiled, span, room)
        if plain
        else machine(play)(history.prices, history.tape, rules, compiled, span, room)
    )
    return Trades(room.slots[:made], room.purses[:made])


def walked_each(
    histories: Iterable[History], strategy: MtumConfluence, terms: PlayTerms
) -> Iterator[tuple[History, Trades]]:
    """Play one history after the other, each from its first fit session; nothing waits for all.

    The trades lie in room that the next history uses again: read them before asking for it.

    Parameters
    ----------
    histories : iterable of History
        Histories to play.
    strategy : MtumConfluence
        Parameters of the strategy; defaults are the documented rules.
    terms : PlayTerms
        On what terms history is played.
    """
    compiled = terms.compiled(strategy.reentry_cooldown_sessions)
    row = one_row(fast_rules(strategy), compiled, strategy.history_sessions() - 1)
    room: Trades | None = None
    for history in histories:
        if room is None or len(room.slots) < len(history) // 2 + 2:
            room = room_for(history)
        made = machine(play_all)(history.prices, history.tape, row, room)
        yield history, Trades(room.slots[:made], room.purses[:made])


def final_equity(history: History, terms: PlayTerms, span: Span, trades: Trades) -> float:
    """Equity in USD at the last close of the span.

    Parameters
    ----------
    history : History
        Columns of one symbol, oldest first, shape (n_sessions,) each.
    terms : PlayTerms
        On what terms history is played.
    span : Span
        Sessions decided: ``first <= t < stop``.
    trades : Trades
        Room for the trades of a walk, one row each: whole numbers (n, 7) and money (n, 6).
    """
    if not len(trades.slots):
        return float(terms.capital_usd)
    slot, purse = trades.slots[-1], trades.purses[-1]
    if slot[EXIT_FILL] >= 0:
        return float(purse[CASH_AFTER])
    return float(purse[CASH_HELD] + purse[DIVIDENDS] + slot[SHARES] * history.tape.close[span.stop - 1])


def _held(span: Span, trades: Trades) -> Column:
    bought, sold = trades.slots[:, ENTRY_FILL], trades.slots[:, EXIT_FILL]
    changes = np.zeros(span.stop - span.first + 1)
    changes[bought - span.first] = 1.0
    changes[np.where(sold < 0, span.stop, sold) - span.first] = -1.0
    held: Column = np.cumsum(changes[:-1])
    return held


def _trades(history: History, span: Span, trades: Trades) -> Iterator[PlayedTrade]:
    # Column by column first: single numbers out of arrays are what costs time.
    slots, purses = trades
    open_, shares, bought = slots[:, EXIT_FILL] < 0, slots[:, SHARES], slots[:, ENTRY_FILL]
    sold = np.where(open_, span.stop - 1, slots[:, EXIT_FILL])
    entered, dividends = purses[:, ENTRY_PRICE], purses[:, DIVIDENDS]
    left = np.where(open_, history.tape.close[sold], purses[:, EXIT_PRICE])
    after = np.where(open_, purses[:, CASH_HELD] + dividends + shares * left, purses[:, CASH_AFTER])
    pnl = after - purses[:, CASH_BEFORE]
    whole = (open_, shares, sold - bought, slots[:, REASONS])
    money = (entered, left, pnl, pnl / (shares * entered), shares * (left - entered) + dividends - pnl, dividends)
    for first, last, is_open, size, sessions, bits, price, exit_price, gain, return_, costs, paid in zip(
        *(history.days[at].tolist() for at in (bought, sold)), *(one.tolist() for one in (*whole, *money)), strict=True
    ):
        yield PlayedTrade(
            symbol=history.symbol,
            entry_session=first,
            entry_price=round(price, 6),
            exit_session=None if is_open else last,
            exit_price=None if is_open else round(exit_price, 6),
            shares=size,
            pnl_usd=round(gain, 6),
            return_frac=round(return_, 10),
            costs_usd=round(costs, 2),
            dividends_usd=round(paid, 2),
            sessions_held=sessions,
            reasons=() if is_open else _reasons(bits),
        )


def _orders(history: History, span: Span, trades: Trades) -> Iterator[PlayedOrder]:
    # One position at a time, bought and sold whole: the trades in their order are the orders in theirs.
    for one in _trades(history, span, trades):
        yield PlayedOrder(one.entry_session, one.symbol, Side.BUY, one.shares, one.entry_price, ENTRY_CONDITIONS)
        if one.exit_session is not None and one.exit_price is not None:
            yield PlayedOrder(one.exit_session, one.symbol, Side.SELL, one.shares, one.exit_price, one.reasons)


@cache
def _reasons(bits: int) -> tuple[str, ...]:
    return tuple(name for name, bit in _REASON_BITS.items() if bits & bit) or ("daily_loss",)
