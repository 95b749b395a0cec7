"""What a strategy wants at each stretch of a walk: its column forms, and what members agree on."""

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, cast

import numpy as np

from mtum.core.compiled import machine
from mtum.core.market.bars import Column
from mtum.core.market.coverage import Dividends
from mtum.core.simulation.ended import Stretch
from mtum.core.simulation.played import PlayTerms
from mtum.core.simulation.session_views import SessionHistory, looked_at
from mtum.core.simulation.walker.books import book_of, desk_of, market_of, plain
from mtum.core.simulation.walker.forms import form_problem, wishes_of
from mtum.core.simulation.walker.tables import DECIDED, Book, Market, Wishes
from mtum.core.simulation.walker.terms import loop_terms
from mtum.core.simulation.walker.virtual import imagine
from mtum.core.strategies.columns import (
    ColumnForm,
    MarketColumns,
    Positions,
    Ranking,
    ToldInColumns,
    Voter,
    Votes,
)
from mtum.core.strategies.contract import Strategy
from mtum.errors import StrategyError


class Wanted(NamedTuple):
    """What is wanted at each stretch, the reasons of all of them, and the market with the whole list."""

    wishes: list[Wishes]
    reasons: tuple[tuple[str, ...], ...]
    market: MarketColumns


def wanted(history: SessionHistory, parts: Sequence[Stretch], terms: PlayTerms, *, compiled: bool) -> Wanted | None:
    """Ask a strategy for its form at each stretch; None where one of them cannot be said as columns.

    Parameters
    ----------
    history : SessionHistory
        Bars per symbol, and extra series by session.
    parts : sequence of Stretch
        Those of all sessions, oldest first.
    terms : PlayTerms
        On what terms history is played.
    compiled : bool
        Whether compiled code is used.

    Raises
    ------
    StrategyError
        If the column form ends in an error, or is none that can be played.
    """
    decided: dict[tuple[str, int], int | None] = {}
    markets = [_columns_of(history, one, parts[0].first, decided, compiled=compiled) for one in parts]
    forms = [_form_of(one.strategy, market) for one, market in zip(parts, markets, strict=True)]
    votes = [form for form in forms if isinstance(form, Votes)]
    single = [form for form in forms if not (form is None or isinstance(form, Votes))]
    if len(votes) == len(forms):
        tables = []
        for voters in zip(*(one.voters for one in votes), strict=True):
            tape = market_of(history, markets[0], voters[0].symbols, terms)
            tables.append(_imagined(voters, tape, terms, parts, compiled=compiled))
        single = [
            one.agreed(
                [
                    table[:, _places(now.symbols, all_.symbols)]
                    for table, now, all_ in zip(tables, one.voters, votes[0].voters, strict=True)
                ]
            )
            for one in votes
        ]
    symbols = parts[0].strategy.universe()
    wishes = [
        wishes_of(form, _places(one.strategy.universe(), symbols), len(symbols))
        for one, form in zip(parts, single, strict=False)
    ]
    # A book goes on from one form to the next of its kind, with the same reasons and on the same history.
    kinds = {
        (form.reasons, one.kind, len(one.triggers), market.needed)
        for form, one, market in zip(single, wishes, markets, strict=False)
    }
    return Wanted(wishes, single[0].reasons, markets[0]) if len(single) == len(forms) and len(kinds) == 1 else None


def in_turn(wishes: Sequence[Wishes], book: Book) -> Iterator[Wishes]:
    """Return what is wanted, one stretch after the other; drift is measured from what the one before decided last.

    Parameters
    ----------
    wishes : sequence of Wishes
        One for each stretch.
    book : Book
        What one session leaves to the next; read, and marked, when the next stretch is asked for.
    """
    before = wishes[0]
    yield before
    for after in wishes[1:]:
        last, now = book.marks[DECIDED], after
        if last >= 0 and now.most_drift < np.inf:
            now, book.marks[DECIDED] = now._replace(value=np.vstack([now.value, before.value[last]])), len(now.value)
        yield now
        before = now


def _places(symbols: Sequence[str], among: Sequence[str]) -> Positions:
    return np.array([among.index(one) for one in symbols], dtype=np.int64)


def _imagined(
    voters: Sequence[Voter], tape: Market, terms: PlayTerms, parts: Sequence[Stretch], *, compiled: bool
) -> Column:
    # What a member wants to hold after each session, NaN where it has no opinion.
    symbols, rules = voters[0].symbols, loop_terms(parts[0].strategy, terms)
    count, places = len(symbols), [_places(one.symbols, symbols) for one in voters]
    wishes = [wishes_of(one.form, at, count) for one, at in zip(voters, places, strict=True)]
    book, desk = book_of(terms, count, len(wishes[0].triggers)), desk_of(count)
    weights: Column = np.zeros(count)
    listed: Any = np.zeros((len(voters[0].able), count))
    step = machine(imagine) if compiled else imagine
    if not compiled:
        tape, book, desk, listed = plain(tape), plain(book), plain(desk), listed.tolist()
        weights = cast("Column", weights.tolist())
    for part, one in zip(parts, in_turn(wishes, book), strict=True):
        for i in (symbols.index(symbol) for symbol, off_list in part.ended if off_list and symbol in symbols):
            # Nobody holds it, so nothing is sold: it is not there any more.
            weights[i], book.shares[i] = 0.0, 0
        step(tape, one if compiled else plain(one), rules, (book, desk, weights), listed, (part.first, part.stop))
    table: Column = np.array(listed)
    for part, voter, at in zip(parts, voters, places, strict=True):
        row, own = voter.form.row[part.first : part.stop], table[part.first : part.stop]
        own[~voter.able[part.first : part.stop] | (row <= -2)] = np.nan
        if isinstance(voter.form, Ranking):
            (ranked,) = np.nonzero(row >= 0)
            unknown = np.isnan(voter.form.ranks[row[ranked]])
            own[np.ix_(ranked, at)] = np.where(unknown, np.nan, own[np.ix_(ranked, at)])
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


def _columns_of(
    history: SessionHistory, part: Stretch, first: int, decided: dict[tuple[str, int], int | None], *, compiled: bool
) -> MarketColumns:
    # What a strategy's column form looks at.
    strategy = part.strategy
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
        played=(part.first, part.stop),
        decided=decided,
    )
