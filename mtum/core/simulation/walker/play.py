"""A strategy with a column form over a whole history, played in one walk; any other session by session."""

from collections.abc import Sequence
from typing import Any, cast

import numpy as np

from mtum.core.compiled import machine
from mtum.core.market.bars import Column
from mtum.core.market.coverage import Dividends
from mtum.core.simulation.history import settled_at
from mtum.core.simulation.played import FillModel, Played, PlayTerms
from mtum.core.simulation.session_views import SessionHistory, looked_at
from mtum.core.simulation.walker.forms import form_problem, wishes_of
from mtum.core.simulation.walker.loop import walk
from mtum.core.simulation.walker.result import Walked, played_of
from mtum.core.simulation.walker.tables import (
    CAPPED,
    DECIDED,
    FILLED,
    HELD,
    HIT_AT,
    KEEPS,
    LAST,
    NEVER,
    ORDERS,
    PEAK,
    Book,
    Desk,
    Market,
    Room,
    Terms,
    Wishes,
)
from mtum.core.simulation.walker.terms import loop_terms, why_not
from mtum.core.simulation.walker.virtual import imagine
from mtum.core.strategies.columns import ColumnForm, MarketColumns, Ranking, ToldInColumns, Voter, Votes
from mtum.core.strategies.contract import Strategy
from mtum.errors import StrategyError, UsageError

_ROOM = 4096
"""Orders that there is room for before what was played so far is put aside."""


def play_strategy(
    history: SessionHistory,
    strategy: Strategy,
    terms: PlayTerms,
    first: int,
    stop: int,
    *,
    compiled: bool = False,
) -> Played:
    """Play the sessions at positions ``first <= t < stop``: in one walk where that is known, else one by one.

    Parameters
    ----------
    history : SessionHistory
        Bars per symbol, and extra series by session.
    strategy : Strategy
        Parameters of a strategy, what it says about itself, and its decision.
    terms : PlayTerms
        On what terms history is played.
    first : int
        Position of the first session.
    stop : int
        Position to stop before.
    compiled : bool
        Whether the walk is machine code (see `walked`).

    Raises
    ------
    UsageError
        If the strategy trades options: they are played with chains, by `play_with_options` alone.
    """
    if strategy.OPTIONS:
        raise UsageError(f"{strategy.name} trades options: they are played with chains, and nothing here quotes them")
    found = walked(history, strategy, terms, (first, stop), compiled=compiled)
    if found is not None:
        return played_of(history, terms, found)
    from mtum.core.simulation.session_path import play_sessions  # all that an account needs

    return play_sessions(history, strategy, terms, first, stop)


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
    if not isinstance(strategy, ToldInColumns) or why_not(history, strategy, terms, stop) is not None:
        return None
    market = columns_of(history, strategy, first, compiled=compiled)
    form, symbols, rules = _form_of(strategy, market), strategy.universe(), loop_terms(strategy, terms)
    if isinstance(form, Votes):
        tapes = (_market(history, market, one.symbols, terms) for one in form.voters)
        form = form.agreed(
            [
                _imagined(one, tape, terms, rules, span, compiled=compiled)
                for one, tape in zip(form.voters, tapes, strict=True)
            ]
        )
    if form is None:
        return None
    tape, wishes = _market(history, market, symbols, terms), wishes_of(form, len(symbols))
    book, desk = _book(terms, len(symbols), len(wishes.triggers)), _desk(len(symbols))
    room, begun = _room(stop - first, len(symbols)), _begun(history, symbols, terms, first)
    if begun is None:
        return None
    for at, shares, price in begun:
        _hold(book, int(tape.counted[first - 1]), (at, shares), price)
    capital_usd = float(book.purse[LAST])
    if not compiled:
        tape, wishes, book, desk, room = _plain(tape), _plain(wishes), _plain(book), _plain(desk), _plain(room)
    step, t = machine(walk) if compiled else walk, first
    orders, fills = [np.empty((0, 4), dtype=np.int64)], [np.empty((0, 2))]
    while t < stop:
        t = step(tape, wishes, rules, (book, desk, room), (first, t, stop))
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
        reasons=form.reasons,
        purchases_capped=int(book.marks[CAPPED]),
        capital_usd=capital_usd,
        begun=begun,
    )


def _begun(
    history: SessionHistory, symbols: Sequence[str], terms: PlayTerms, first: int
) -> tuple[tuple[int, int, float], ...] | None:
    # Symbol, shares and price of what is there at the start; None where something has no close before it.
    found = []
    for at, symbol in enumerate(symbols):
        if symbol in terms.holdings:
            close, shares = history.close(symbol, first - 1) if first else None, terms.holdings[symbol]
            if close is None or shares < 1:
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


def _imagined(
    voter: Voter, tape: Market, terms: PlayTerms, rules: Terms, span: tuple[int, int], *, compiled: bool
) -> Column:
    # What a member wants to hold after each session, NaN where it has no opinion.
    count, wishes = len(voter.symbols), wishes_of(voter.form, len(voter.symbols))
    book, desk, weights, table = (
        _book(terms, count, len(wishes.triggers)),
        _desk(count),
        np.zeros(count),
        tape.closing * 0.0,
    )
    if compiled:
        machine(imagine)(tape, wishes, rules, (book, desk, weights), table, span)
    else:
        tape, wishes, book, desk = _plain(tape), _plain(wishes), _plain(book), _plain(desk)
        listed: Any = table.tolist()
        imagine(tape, wishes, rules, (book, desk, cast("Column", weights.tolist())), listed, span)
        table = np.array(listed)
    row = voter.form.row
    table[~voter.able | (row == -2)] = np.nan
    if isinstance(voter.form, Ranking):
        (at,) = np.nonzero(row >= 0)
        table[at] = np.where(np.isnan(voter.form.ranks[row[at]]), np.nan, table[at])
    return table


def _form_of(strategy: Strategy, market: MarketColumns) -> ColumnForm | None:
    if not isinstance(strategy, ToldInColumns):
        return None
    try:
        form = strategy.column_form(market)
    except Exception as error:
        text = " ".join(str(error).split())
        raise StrategyError(
            f"{strategy.name}: column_form ends in {type(error).__name__}{': ' if text else ''}{text}"
        ) from error
    wrong = None if form is None else form_problem(form, len(market.days), len(strategy.universe()))
    if wrong:
        raise StrategyError(f"{strategy.name}: column_form answers {wrong}")
    return form


def _plain[T: (Market, Wishes, Book, Desk, Room)](table: T) -> T:
    # Lists are read quicker than arrays, one number at a time.
    arrays = {name: one for name, one in table._asdict().items() if isinstance(one, np.ndarray)}
    lists = {at: one.tolist() for at, one in {id(one): one for one in arrays.values()}.items()}
    return table._replace(**{name: lists[id(one)] for name, one in arrays.items()})


def columns_of(history: SessionHistory, strategy: Strategy, first: int, *, compiled: bool = False) -> MarketColumns:
    """Return what a strategy's column form looks at.

    Parameters
    ----------
    history : SessionHistory
        Bars per symbol, and extra series by session.
    strategy : Strategy
        Parameters of a strategy, what it says about itself, and its decision.
    first : int
        Position of the first session.
    compiled : bool
        Whether compiled code is used.
    """
    symbols, needed = looked_at(strategy), strategy.history_sessions()
    untold = [strategy.TOTAL_RETURNS and history.dividends.get(symbol) is Dividends.UNKNOWN for symbol in symbols]
    return MarketColumns(
        days=history.days,
        bars={symbol: history.bars[symbol] for symbol in symbols},
        fit={
            symbol: np.zeros(len(history.days), dtype=bool) if unknown else history.fit(symbol, needed)
            for symbol, unknown in zip(symbols, untold, strict=True)
        },
        first=first,
        calendar=history.calendar_days,
        needed=needed,
        dividends=history.dividends,
        compiled=compiled,
    )


def _market(history: SessionHistory, market: MarketColumns, symbols: Sequence[str], terms: PlayTerms) -> Market:
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


def _book(terms: PlayTerms, count: int, triggers: int) -> Book:
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


def _desk(count: int) -> Desk:
    verdict, number, word, sequence, chosen, wanted, signed, orders, nothing = np.zeros((9, count), dtype=np.int64)
    no_verdict, in_turn = np.full(count, KEEPS, dtype=np.int64), np.arange(count, dtype=np.int64)
    weight, no_weight, now, gap = np.zeros((4, count))
    return Desk(
        verdict, weight, number, word, sequence, chosen, wanted, signed, orders, no_verdict, no_weight, nothing,
        in_turn, now, gap,
    )  # fmt: skip


def _room(sessions: int, count: int) -> Room:
    orders = max(_ROOM, 8 * count)
    return Room(
        equity=np.zeros(sessions),
        holds=np.zeros(sessions, dtype=bool),
        orders=np.zeros((orders, 4), dtype=np.int64),
        fills=np.zeros((orders, 2)),
    )
