"""The fast path: a strategy's rules over a whole history in one compiled pass."""

from collections.abc import Iterable, Iterator
from functools import cache

import numpy as np

from mtum.core.indicators.smoothing import Smoothing
from mtum.core.portfolio.orders import Side
from mtum.core.simulation.history import History
from mtum.core.simulation.kernel.columns import Column
from mtum.core.simulation.kernel.conditions import Rules
from mtum.core.simulation.kernel.play import (
    ATR_TARGET,
    CLOSE_BELOW_MA,
    RSI_LOW,
    VIX_FEAR,
    Span,
    equity_curve,
    one_row,
    play,
    play_all,
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
    Trades,
    purchases_capped,
)
from mtum.core.simulation.played import Played, PlayedOrder, PlayedTrade, PlayTerms
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
) -> Played:
    """Play a history in one pass.

    Parameters
    ----------
    history : History
        Columns, warm-up included.
    span : Span
        Positions decided; the first should be fit (see `first_fit`).
    used : frozenset of str
        Conditions in force; leaving some out shows what each does.
    """
    return played_of(history, terms, span, walked(history, strategy, terms, span, used))


def played_of(history: History, terms: PlayTerms, span: Span, trades: Trades, seen: Column | None = None) -> Played:
    """Return a walk's trades with the equity and positions that follow from them.

    Parameters
    ----------
    seen : ndarray or None
        Prices decided on, shape (n_sessions,), where they are not the closes.
    """
    equity = equity_curve(history.tape, float(terms.capital_usd), span, trades)
    made = tuple(_trade(history, span, trades, k) for k in range(len(trades.slots)))
    tape = history.tape if seen is None else history.tape._replace(seen=seen)
    return Played(
        symbol=history.symbol,
        days=history.days[span.first : span.stop],
        equity=equity,
        held=_held(span, trades),
        trades=made,
        capital_usd=float(terms.capital_usd),
        purchases_capped=int(purchases_capped(tape, terms.compiled(), trades)),
        orders=tuple(order for trade in made for order in _orders(trade)),
    )


def walked(
    history: History,
    strategy: MtumConfluence,
    terms: PlayTerms,
    span: Span,
    used: frozenset[str] = ALL_CONDITIONS,
) -> Trades:
    """Play a history and return its trades as columns, the quickest form (see `run`)."""
    compiled = terms.compiled(strategy.reentry_cooldown_sessions)
    room = room_for(history)
    made = play(history.prices, history.tape, fast_rules(strategy, used), compiled, span, room)
    return Trades(room.slots[:made], room.purses[:made])


def walked_each(
    histories: Iterable[History], strategy: MtumConfluence, terms: PlayTerms
) -> Iterator[tuple[History, Trades]]:
    """Play one history after the other, each from its first fit session; nothing waits for all.

    The trades lie in room that the next history uses again: read them before asking for it.
    """
    compiled = terms.compiled(strategy.reentry_cooldown_sessions)
    row = one_row(fast_rules(strategy), compiled, strategy.history_sessions() - 1)
    room: Trades | None = None
    for history in histories:
        if room is None or len(room.slots) < len(history) // 2 + 2:
            room = room_for(history)
        made = play_all(history.prices, history.tape, row, room)
        yield history, Trades(room.slots[:made], room.purses[:made])


def final_equity(history: History, terms: PlayTerms, span: Span, trades: Trades) -> float:
    """Equity in USD at the last close of the span."""
    if not len(trades.slots):
        return float(terms.capital_usd)
    slot, purse = trades.slots[-1], trades.purses[-1]
    if slot[EXIT_FILL] >= 0:
        return float(purse[CASH_AFTER])
    return float(purse[CASH_HELD] + purse[DIVIDENDS] + slot[SHARES] * history.tape.close[span.stop - 1])


def _held(span: Span, trades: Trades) -> Column:
    held = np.zeros(span.stop - span.first)
    for slot in trades.slots:
        until = slot[EXIT_FILL] if slot[EXIT_FILL] >= 0 else span.stop
        held[slot[ENTRY_FILL] - span.first : until - span.first] = 1.0
    return held


def _trade(history: History, span: Span, trades: Trades, k: int) -> PlayedTrade:
    slot, purse = trades.slots[k], trades.purses[k]
    open_, shares = slot[EXIT_FILL] < 0, int(slot[SHARES])
    bought, sold = int(slot[ENTRY_FILL]), span.stop - 1 if slot[EXIT_FILL] < 0 else int(slot[EXIT_FILL])
    entry_price, dividends = float(purse[ENTRY_PRICE]), float(purse[DIVIDENDS])
    exit_price = float(history.tape.close[sold]) if open_ else float(purse[EXIT_PRICE])
    after = float(purse[CASH_HELD]) + dividends + shares * exit_price if open_ else float(purse[CASH_AFTER])
    pnl = after - float(purse[CASH_BEFORE])
    return PlayedTrade(
        symbol=history.symbol,
        entry_session=history.day(bought),
        entry_price=round(entry_price, 6),
        exit_session=None if open_ else history.day(sold),
        exit_price=None if open_ else round(exit_price, 6),
        shares=shares,
        pnl_usd=round(pnl, 6),
        return_frac=round(pnl / (shares * entry_price), 10),
        costs_usd=round(shares * (exit_price - entry_price) + dividends - pnl, 2),
        dividends_usd=round(dividends, 2),
        sessions_held=sold - bought,
        reasons=_reasons(int(slot[REASONS]), open_=bool(open_)),
    )


def _orders(trade: PlayedTrade) -> Iterator[PlayedOrder]:
    # One position at a time, bought and sold whole: the trades in their order are the orders in theirs.
    yield PlayedOrder(
        trade.entry_session, trade.symbol, Side.BUY, trade.shares, trade.entry_price, tuple(ENTRY_CONDITIONS)
    )
    if trade.exit_session is not None and trade.exit_price is not None:
        yield PlayedOrder(trade.exit_session, trade.symbol, Side.SELL, trade.shares, trade.exit_price, trade.reasons)


def _reasons(bits: int, *, open_: bool) -> tuple[str, ...]:
    if open_:
        return ()
    return tuple(name for name, bit in _REASON_BITS.items() if bits & bit) or ("daily_loss",)
