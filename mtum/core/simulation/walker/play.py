"""A strategy with a column form over a whole history, played in one walk."""

import numpy as np

from mtum.core.compiled import machine
from mtum.core.market.coverage import Dividends
from mtum.core.simulation.ended import ended_note, stretches
from mtum.core.simulation.played import PlayTerms
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.simulation.walker.books import book_of, desk_of, market_of, plain, room_of
from mtum.core.simulation.walker.loop import end, walk
from mtum.core.simulation.walker.result import Walked
from mtum.core.simulation.walker.tables import CAPPED, HELD, LAST, ORDERS, PEAK, Book
from mtum.core.simulation.walker.terms import loop_terms, why_not
from mtum.core.simulation.walker.wants import in_turn, wanted
from mtum.core.strategies.columns import ToldInColumns
from mtum.core.strategies.contract import Strategy


def walked(
    history: SessionHistory,
    strategy: Strategy,
    terms: PlayTerms,
    span: tuple[int, int],
    *,
    compiled: bool = False,
) -> Walked | None:
    """Play the sessions from the first to before the last of a span; None where the walker does not know them.

    Parameters
    ----------
    history : SessionHistory
        Bars per symbol, and extra series by session.
    strategy : Strategy
        Parameters of a strategy, what it says about itself, and its decision.
    terms : PlayTerms
        On what terms history is played.
    span : tuple of int
        Positions among the sessions of the history.
    compiled : bool
        Whether as machine code, which pays where the same is played many times: it takes as long to load as 500,000
        sessions of a symbol to play, and once on a machine a while to be made.

    Raises
    ------
    StrategyError
        If the column form ends in an error, or is none that can be played.
    """
    first, stop = span
    if not isinstance(strategy, ToldInColumns) or why_not(history, strategy, terms) is not None:
        return None
    parts, symbols, rules = [*stretches(history, strategy, span)], strategy.universe(), loop_terms(strategy, terms)
    found = wanted(history, parts, terms, compiled=compiled)
    begun = _begun(history, strategy, terms, first)
    if found is None or begun is None:
        return None
    tape = market_of(history, found.market, symbols, terms)
    book, desk = book_of(terms, len(symbols), len(found.wishes[0].triggers)), desk_of(len(symbols))
    room = room_of(stop - first, len(symbols))
    for at, shares, price in begun:
        _hold(book, int(tape.counted[first - 1]), (at, shares), price)
    capital_usd = float(book.purse[LAST])
    if not compiled:
        tape, book, desk, room = plain(tape), plain(book), plain(desk), plain(room)
    step, notes = machine(walk) if compiled else walk, []
    orders, fills = [np.empty((0, 4), dtype=np.int64)], [np.empty((0, 2))]
    for part, wishes in zip(parts, in_turn(found.wishes, book), strict=True):
        for symbol, off_list in part.ended:
            held = end(tape, rules, book, room, (part.first, symbols.index(symbol))) if symbol in symbols else 0
            notes.append(ended_note(history.bars[symbol], history.day(part.first), held, off_list=off_list))
        t, now = part.first, wishes if compiled else plain(wishes)
        while t < part.stop:
            t = step(tape, now, rules, (book, desk, room), (first, t, part.stop))
            made, book.marks[ORDERS] = int(book.marks[ORDERS]), 0
            orders.append(np.array(room.orders[:made], dtype=np.int64).reshape(made, 4))
            fills.append(np.array(room.fills[:made], dtype=np.float64).reshape(made, 2))
    return Walked(
        symbols=symbols,
        days=history.days,
        first=first,
        equity=np.array(room.equity),
        held=np.array(room.holds, dtype=np.float64),
        orders=np.concatenate(orders),
        fills=np.concatenate(fills),
        reasons=found.reasons,
        purchases_capped=int(book.marks[CAPPED]),
        capital_usd=capital_usd,
        begun=begun,
        notes=tuple(notes),
    )


def _begun(
    history: SessionHistory, strategy: Strategy, terms: PlayTerms, first: int
) -> tuple[tuple[int, int, float], ...] | None:
    # Symbol, shares and price of what is there at the start; None where something has no close before it, or is unfit
    # for its dividends alone: that is worth its newest close at a decision, which other unfit symbols are not.
    found = []
    for at, symbol in enumerate(strategy.universe()):
        if symbol in terms.holdings:
            close, shares = history.close(symbol, first - 1) if first else None, terms.holdings[symbol]
            untold = strategy.TOTAL_RETURNS and history.dividends.get(symbol) is Dividends.UNKNOWN
            if close is None or shares < 1 or untold:
                return None
            found.append((at, shares, close))
    return tuple(found)


def _hold(book: Book, counted: int, begun: tuple[int, int], price: float) -> None:
    # As bought at the close before the first session; the first session's change and fall count it too.
    at, shares = begun
    book.held[book.marks[HELD]] = at
    book.marks[HELD] += 1
    book.shares[at] = book.bought[at] = shares
    book.units[at], book.paid[at], book.decided[at] = 1, shares * price, counted
    book.entry[at] = book.last[at] = book.high[at] = price
    book.purse[LAST] += shares * price
    book.purse[PEAK] += shares * price
