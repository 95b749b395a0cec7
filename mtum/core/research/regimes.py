"""A result by the state that the market was in: calm or afraid, rising or falling."""

from collections.abc import Mapping, Sequence
from datetime import date

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from mtum.core.research.metrics import SESSIONS_PER_YEAR
from mtum.core.research.overfitting import sharpe_of
from mtum.core.simulation.kernel.columns import Column
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.session_views import SessionHistory

TREND_SESSIONS = 200
"""Closes whose mean the market is above or below."""
VIX_BOUNDS = (15.0, 25.0)
VIX_STATES = ("below 15", "15 to 25", "25 or more")
TREND_STATES = ("above its mean", "at or below its mean")
UNKNOWN = "not known"
FEWEST_SESSIONS = 21
"""Sessions in one state, below which no Sharpe ratio is told."""

type States = NDArray[np.int64]
"""Which state was known before each session, shape (n_sessions,); -1 = none."""


class Regime(Struct, frozen=True):
    """What was made in the sessions that began in one state; `kind` is by what the states are told.

    Parameters
    ----------
    return_frac, benchmark_return_frac : float
        Of these sessions one after the other: growth of all states of a kind, multiplied, is the whole growth.
    held_frac : float
        Share of the sessions that ended with shares.
    """

    kind: str
    name: str
    sessions: int
    return_frac: float
    benchmark_return_frac: float
    sharpe: float | None
    worst_session_frac: float
    held_frac: float


def by_state(
    kind: str, names: Sequence[str], states: States, moves: Column, benchmark: Column, held: Column
) -> tuple[Regime, ...]:
    """Return one row per state that occurred, in the order of the names, what is not known last.

    Parameters
    ----------
    kind : str
        Kind of the states.
    names : sequence of str
        Of the states 0, 1, ...
    states : ndarray of int64
        State known before each session, shape (n_sessions,); -1 = none.
    moves, benchmark, held : ndarray, shape (n_sessions,)
        Session returns of the result and of buy-and-hold, and 1 where shares were held at the close.
    """
    found = []
    for state, name in (*enumerate(names), (-1, UNKNOWN)):
        inside = states == state
        own = moves[inside]
        if not len(own):
            continue
        sharpe = sharpe_of(own) if len(own) >= FEWEST_SESSIONS else None
        found.append(
            Regime(
                kind=kind,
                name=name,
                sessions=len(own),
                return_frac=float(np.prod(1.0 + own)) - 1.0,
                benchmark_return_frac=float(np.prod(1.0 + benchmark[inside])) - 1.0,
                sharpe=None if sharpe is None else sharpe * SESSIONS_PER_YEAR**0.5,
                worst_session_frac=float(own.min()),
                held_frac=float(np.mean(held[inside])),
            )
        )
    return tuple(found)


def vix_states(market: SessionHistory, span: Span, vix: Mapping[date, float]) -> States:
    """Return between which bounds the VIX of the session before closed.

    Parameters
    ----------
    market : SessionHistory
        Bars per symbol, and extra series by session.
    span : Span
        Sessions decided: ``first <= t < stop``.
    vix : mapping of date to float
        VIX closes by session, points.
    """
    before = [vix.get(market.day(t - 1)) if t else None for t in range(*span)]
    return np.array([-1 if one is None else np.searchsorted(VIX_BOUNDS, one, "right") for one in before], np.int64)


def trend_states(market: SessionHistory, span: Span, weights: Mapping[str, float]) -> States:
    """Return whether the symbols together closed above their mean of 200 sessions, in the session before.

    They are taken together by the weighted mean of their returns, of those that have bars.

    Parameters
    ----------
    market : SessionHistory
        Bars per symbol, and extra series by session.
    span : Span
        Sessions decided: ``first <= t < stop``.
    weights : mapping of str to float
        Fraction of the equity by symbol.
    """
    closes = np.array([_known(market, symbol) for symbol in weights])
    moves = closes[:, 1:] / closes[:, :-1] - 1.0
    shares = np.where(np.isnan(moves), 0.0, np.array([*weights.values()])[:, None])
    whole = shares.sum(axis=0)
    mean = np.divide((np.nan_to_num(moves) * shares).sum(axis=0), whole, out=np.zeros_like(whole), where=whole > 0)
    # Nothing is known of a trend before the first of them has bars.
    level = np.cumprod(np.r_[1.0, 1.0 + mean])
    begun = int(np.argmax(~np.isnan(closes).all(axis=0)))
    sums = np.cumsum(np.r_[0.0, level])
    known = np.full(len(level), -1, np.int64)
    at = np.arange(begun + TREND_SESSIONS - 1, len(level))
    if len(at):
        average = (sums[at + 1] - sums[at + 1 - TREND_SESSIONS]) / TREND_SESSIONS
        known[at] = np.where(level[at] > average, 0, 1)
    before: States = np.r_[-1, known[:-1]]
    return before[span.first : span.stop]


def _known(market: SessionHistory, symbol: str) -> Column:
    # Each session's close or the newest before it; NaN before the first.
    bars = market.bars[symbol]
    rows = np.searchsorted(bars.days, market.days, "right") - 1
    return np.where(rows < 0, np.nan, bars.close[np.maximum(rows, 0)] if len(bars) else np.nan)
