"""The tables of a walk before its first session: market, book, desk, room."""

from collections.abc import Sequence

import numpy as np

from mtum.core.simulation.history import settled_at
from mtum.core.simulation.played import FillModel, PlayTerms
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.simulation.walker.tables import (
    DECIDED,
    FILLED,
    HIT_AT,
    KEEPS,
    NEVER,
    Book,
    Desk,
    Market,
    Room,
    Wishes,
)
from mtum.core.strategies.columns import MarketColumns

_ROOM = 4096
"""Orders that there is room for before what was played so far is put aside."""


def plain[T: (Market, Wishes, Book, Desk, Room)](table: T) -> T:
    """Return a table in lists, which plain Python reads quicker than arrays, one number at a time."""
    arrays = {name: one for name, one in table._asdict().items() if isinstance(one, np.ndarray)}
    lists = {at: one.tolist() for at, one in {id(one): one for one in arrays.values()}.items()}
    return table._replace(**{name: lists[id(one)] for name, one in arrays.items()})


def market_of(history: SessionHistory, market: MarketColumns, symbols: Sequence[str], terms: PlayTerms) -> Market:
    """Return prices and dividends of these symbols.

    Parameters
    ----------
    history : SessionHistory
        Bars per symbol, and extra series by session.
    market : MarketColumns
        The same as columns.
    symbols : sequence of str
        Tickers, in the order of the columns.
    terms : PlayTerms
        On what terms history is played.
    """
    close, even = market.close(symbols), all(len(history.bars[one]) == len(history.days) for one in symbols)
    at_open = terms.fill is FillModel.NEXT_OPEN
    traded = market.matrix(symbols, [history.bars[symbol].open for symbol in symbols]) if at_open else close
    dividend = market.matrix(symbols, [history.bars[symbol].dividend for symbol in symbols])
    dividend = dividend if even else np.nan_to_num(dividend)
    closing, fit = close if even else np.zeros(close.shape), market.able(symbols)
    for at, symbol in enumerate([] if even else symbols):
        bars = history.bars[symbol]
        begun = np.searchsorted(history.days, bars.days[0]) if len(bars) else len(closing)
        closing[begun:, at] = bars.close[np.searchsorted(bars.days, history.days[begun:], "right") - 1]
    known = even and not history.unquoted
    return Market(
        seen=closing if known else np.where(fit, closing, np.vstack([closing[:1], closing[:-1]])),
        closing=closing,
        fill=traded if even else np.nan_to_num(traded),
        dividend=dividend,
        pays=np.asarray((dividend != 0).any(axis=1)),
        fit=fit,
        counted=np.searchsorted(market.calendar, market.days, "right").astype(np.int64),
        settled=settled_at(history.days, terms.settlement.value),
    )


def book_of(terms: PlayTerms, count: int, triggers: int) -> Book:
    """Return the book of cash alone.

    Parameters
    ----------
    terms : PlayTerms
        On what terms history is played.
    count : int
        Symbols.
    triggers : int
        Triggers of a form of weights that are traded back.
    """
    whole, waiting = np.zeros(count, dtype=np.int64), 8 * count + 16
    marks, capital = np.zeros(10, dtype=np.int64), float(terms.capital_usd)
    marks[HIT_AT], marks[DECIDED], marks[FILLED] = NEVER, -1, NEVER
    return Book(
        # The first session's change and fall count from the capital.
        purse=np.array([capital, 0.0, capital, capital, 0.0]),
        marks=marks,
        shares=whole,
        held=whole.copy(),
        stands=np.full(count, -1, dtype=np.int64),
        since=whole.copy(),
        stood_for=whole.copy(),
        pending=np.zeros((count, 3), dtype=np.int64),
        settles=np.zeros(waiting, dtype=np.int64),
        proceeds=np.zeros(waiting),
        decided=whole.copy(),
        kept=np.full(count, np.nan),
        unit=np.zeros(count),
        high=np.zeros(count),
        entry=np.zeros(count),
        last=np.zeros(count),
        units=whole.copy(),
        bought=whole.copy(),
        paid=np.zeros(count),
        out=whole.copy(),
        opened=np.zeros((triggers, count), dtype=np.int64),
        traded=np.full(triggers, NEVER),
        ranked=np.arange(count),
    )


def desk_of(count: int) -> Desk:
    """Return room for one session's work on so many symbols."""
    verdict, number, word, sequence, chosen, wanted, signed, orders, nothing = np.zeros((9, count), dtype=np.int64)
    no_verdict, in_turn = np.full(count, KEEPS, dtype=np.int64), np.arange(count, dtype=np.int64)
    weight, no_weight, now, gap = np.zeros((4, count))
    return Desk(
        verdict, weight, number, word, sequence, chosen, wanted, signed, orders, no_verdict, no_weight, nothing,
        in_turn, now, gap,
    )  # fmt: skip


def room_of(sessions: int, count: int) -> Room:
    """Return room for what is played in so many sessions of so many symbols."""
    orders = max(_ROOM, 8 * count)
    return Room(
        equity=np.zeros(sessions),
        holds=np.zeros(sessions, dtype=bool),
        orders=np.zeros((orders, 4), dtype=np.int64),
        fills=np.zeros((orders, 2)),
    )
