"""Choose settings on one window of history, try them on the next, and join the tries."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date
from math import sqrt
from typing import Any

import numpy as np
from msgspec import Struct

from mtum.app.research.prepared_sweep import PreparedSweep
from mtum.app.research.run_backtest import curve_document, sizing_cautions, stand_in
from mtum.app.research.sweep import (
    about,
    held_document,
    held_of,
    play_row,
    ranks,
    session_sharpes,
    terms_document,
)
from mtum.core.canonical import as_table
from mtum.core.market.bars import Days
from mtum.core.portfolio.returns import from_capital, returns
from mtum.core.research.benchmark import BuyAndHoldCurves
from mtum.core.research.bootstrap import bootstrap
from mtum.core.research.metrics import SESSIONS_PER_YEAR, curve_metrics
from mtum.core.research.overfitting import luck_of
from mtum.core.research.walk_forward import Fold, WindowKind, folds
from mtum.core.simulation.kernel.columns import Column
from mtum.core.simulation.kernel.grid import GridResults
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.played import Played
from mtum.errors import UsageError

type Play = Callable[[PreparedSweep], GridResults]
"""Plays every combination of a sweep."""


class WalkedForward(Struct, frozen=True, eq=False):
    """Every fold's choice and result, and the joined curve of the sessions that were not looked at.

    `held` is buy-and-hold of each symbol over these sessions, `tried` the combinations over them.
    """

    folds: tuple[dict[str, Any], ...]
    days: Days
    equity: Column
    in_sample_best: Column
    capital_usd: float
    held: Mapping[str, BuyAndHoldCurves]
    tried: PreparedSweep


def folds_of(prepared: PreparedSweep, fit_sessions: int, try_sessions: int, kind: WindowKind) -> tuple[Fold, ...]:
    """Cut the sessions decided into folds.

    Parameters
    ----------
    prepared : PreparedSweep
        A grid made ready: one combination per row, and the histories they share.
    fit_sessions : int
        Length of the window that settings are chosen on, sessions.
    try_sessions : int
        Length of the window that they are tried on, sessions.
    kind : WindowKind
        Whether the fitting window moves along or grows from the start.

    Raises
    ------
    UsageError
        If they are too few for one.
    """
    try:
        return folds(Span(0, len(prepared.days)), fit_sessions, try_sessions, kind)
    except ValueError as error:
        raise UsageError(f"{error}; ask for shorter windows or a longer span") from error


def walk_forward(prepared: PreparedSweep, cuts: Sequence[Fold], play: Play) -> WalkedForward:
    """Fit and try fold by fold.

    Each window starts with the capital, and shares where they are asked for; the tries are joined by their returns. A
    position open at the end of a window is valued at its last close. Beside the curve
    stands the one combination that was best over the whole span, chosen with hindsight.

    Parameters
    ----------
    prepared : PreparedSweep
        A grid made ready: one combination per row, and the histories they share.
    cuts : sequence of Fold
        See `folds_of`.
    play : callable
        Plays the windows that are fitted on; what follows them is played here.
    """
    rows, parts = [], []
    for fold in cuts:
        best, sharpe = _best(prepared, fold.fitted, play)
        moves, one = _moves(prepared, best, fold.tried)
        parts.append(moves)
        rows.append(
            {
                "fitted_from": _day(prepared, fold.fitted.first),
                "tried_from": _day(prepared, fold.tried.first),
                "tried_to": _day(prepared, fold.tried.stop - 1),
                "settings": dict(prepared.changes[best]),
                "fitted_sharpe": None if sharpe is None else round(sharpe * sqrt(SESSIONS_PER_YEAR), 6),
                "tried_return_frac": round(float(np.prod(1 + moves)) - 1, 6),
                "trades": len(one.trades),
                "purchases_capped": one.purchases_capped,
            }
        )
    tried = Span(cuts[0].tried.first, cuts[-1].tried.stop)
    hindsight, _ = _best(prepared, Span(0, len(prepared.days)), play)
    capital = prepared.within(tried).capital_usd(0)
    return WalkedForward(
        folds=tuple(rows),
        days=prepared.days[tried.first : tried.stop],
        equity=_grown(capital, np.concatenate(parts)),
        in_sample_best=_grown(capital, _moves(prepared, hindsight, tried)[0]),
        capital_usd=capital,
        held=held_of(prepared.within(tried)),
        tried=prepared.within(tried),
    )


def _day(prepared: PreparedSweep, index: int) -> date:
    found: date = prepared.days[index].astype(object)
    return found


def _best(prepared: PreparedSweep, window: Span, play: Play) -> tuple[int, float | None]:
    # Row of the best Sharpe ratio per session over a window, and the ratio; None where nothing was traded.
    found = play(prepared.within(window))
    best = int(np.argmax(ranks(found)))
    sharpe = float(session_sharpes(found)[best])
    return best, sharpe if np.isfinite(sharpe) else None


def _grown(capital: float, moves: Column) -> Column:
    return np.asarray(capital * np.cumprod(1.0 + moves), dtype=np.float64)


def _moves(prepared: PreparedSweep, row: int, window: Span) -> tuple[Column, Played]:
    found = play_row(prepared.within(window), row)
    return returns(from_capital(found.equity, found.capital_usd)), found


def _luck(found: WalkedForward) -> dict[str, Any]:
    # Beside holding: of several histories the mean of their returns.
    curves = (from_capital(one.reinvested, float(one.reinvested[0])) for one in found.held.values())
    held = np.mean([returns(curve) for curve in curves], axis=0)
    moves = returns(from_capital(found.equity, found.capital_usd))
    return {"luck": as_table(luck_of(moves, held)), "bootstrap": as_table(bootstrap(moves, held))}


def document(found: WalkedForward) -> dict[str, Any]:
    """Return the folds, both curves and their metrics as plain values."""

    def measured(equity: Column) -> dict[str, Any]:
        return {
            "final_equity_usd": round(float(equity[-1]), 2),
            **curve_document(curve_metrics(equity, found.days, found.capital_usd)),
        }

    settings = found.tried.asked.settings
    trades, capped = (sum(fold[name] for fold in found.folds) for name in ("trades", "purchases_capped"))
    return {
        **about(found.tried),
        "folds": list(found.folds),
        "out_of_sample": measured(found.equity),
        "in_sample_best": measured(found.in_sample_best),
        **_luck(found),
        "benchmarks": [held_document(held, found.tried, symbol) for symbol, held in found.held.items()],
        "terms": terms_document(found.tried),
        "cautions": [
            *stand_in(settings, found.tried.symbols),
            *found.tried.cautions,
            *sizing_cautions(settings, trades, capped),
        ],
        "curves": {
            "session": found.days.astype(object).tolist(),
            "out_of_sample_usd": found.equity.round(2).tolist(),
            "in_sample_best_usd": found.in_sample_best.round(2).tolist(),
            **{f"buy_and_hold_{symbol}_usd": held.reinvested.round(2).tolist() for symbol, held in found.held.items()},
        },
    }
