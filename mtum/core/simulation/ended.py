"""Symbols whose bars end before the others': when each is sold, what is played without it, what a person is told."""

from collections.abc import Iterator
from datetime import date
from typing import NamedTuple

import numpy as np

from mtum.core.market.bars import Bars
from mtum.core.simulation.session_views import SessionHistory, looked_at
from mtum.core.strategies.contract import Strategy
from mtum.core.strategies.several import without

BARS_ENDED = "bars_ended"
"""Reason word: the source has no bars of the symbol any more, and what was held of it is sold at its last close."""


class Stretch(NamedTuple):
    """Sessions with one list of symbols: ``first <= t < stop``.

    Parameters
    ----------
    strategy : Strategy
        As it is there.
    ended : tuple of (str, bool)
        Symbols whose bars have ended in the session before it, and whether the list is without them.
    """

    strategy: Strategy
    first: int
    stop: int
    ended: tuple[tuple[str, bool], ...] = ()


def stretches(history: SessionHistory, strategy: Strategy, span: tuple[int, int]) -> Iterator[Stretch]:
    """Return the stretches of a span, oldest first; the first may be empty.

    Parameters
    ----------
    history : SessionHistory
        Bars per symbol, and extra series by session.
    strategy : Strategy
        As it is at the first session.
    span : tuple of int
        Positions of the first session and of the one to stop before.
    """
    first, stop = span
    ends: dict[int, list[str]] = {}
    for symbol in looked_at(strategy):
        if history.ended(symbol, stop - 1):
            after = int(np.searchsorted(history.days, history.bars[symbol].days[-1], "right"))
            ends.setdefault(max(first, after), []).append(symbol)
    begun, now = first, strategy
    ended: tuple[tuple[str, bool], ...] = ()
    for at in sorted(ends):
        yield Stretch(now, begun, at, ended)
        begun, ended = at, ()
        for symbol in ends[at]:
            rest = without(now, symbol)
            now, ended = rest or now, (*ended, (symbol, rest is not None))
    yield Stretch(now, begun, stop, ended)


def ended_note(bars: Bars, day: date, shares: int, *, off_list: bool) -> str:
    """Return what a person has to know of a symbol whose bars have ended.

    Parameters
    ----------
    bars : Bars
        Its bars.
    day : date
        The session after them.
    shares : int
        Shares that were held.
    off_list : bool
        Whether the strategy's list is without it from then on.
    """
    sold = f"its {shares:,} shares were sold at that close on {day}" if shares else "no share was held"
    after = "it was off the list from then on" if off_list else "the strategy cannot do without it and abstains there"
    return f"{bars.symbol}: its bars end on {bars.last_day}; {sold}, and {after}"
