"""What is kept of a study, and studies side by side."""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime
from hashlib import sha256
from typing import Any

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from mtum.core.canonical import canonical, digest, plain, utc_text
from mtum.core.market.bars import COLUMNS, Column, Days
from mtum.core.portfolio.returns import from_capital, returns
from mtum.core.research.metrics import curve_metrics
from mtum.core.research.overfitting import judge_tries
from mtum.core.simulation.session_views import SessionHistory
from mtum.ports.research import Study

LONG = ("trades", "orders", "weights", "curves", "files", "seconds", "top")
"""Parts of an answer that are not kept: the command gives them again."""
FIGURES = ("final_equity_usd", "cagr_frac", "sharpe", "max_drawdown_frac")
_HEAD = (
    *("id", "made_at", "kind", "command", "strategy", "symbols", "source", "start", "end", "sessions"),
    *("settings_hash", "code_hash", "data_hash"),
)
_HASHED = ("settings", "code", "data")
SHOWN = (
    *("final_equity_usd", "cagr_frac", "volatility_frac", "sharpe", "sortino", "calmar", "max_drawdown_frac"),
    *("exposure_frac", "turnover_per_year", "trades", "win_rate_frac", "profit_factor", "costs_usd"),
)
"""Figures set side by side, where a study has them."""


def hash_of_bars(histories: Sequence[SessionHistory]) -> str:
    """Return a short hash of everything a study could see of its histories; equal only for equal bars."""
    found = sha256()
    for symbol, bars in (one for market in histories for one in market.bars.items()):
        found.update(f"{symbol} {len(bars)}\n".encode())
        found.update(np.ascontiguousarray(bars.days).tobytes())
        for name in COLUMNS:
            found.update(np.ascontiguousarray(getattr(bars, name)).tobytes())
    for name, values in (one for market in histories for one in market.series.items()):
        found.update(repr((name, sorted(values.items()))).encode())
    for symbol, days in (one for market in histories for one in market.unquoted.items()):
        found.update(repr((symbol, sorted(days))).encode())
    return found.hexdigest()[:16]


class Stamp(Struct, frozen=True):
    """When and with which line, code and bars a study was made."""

    at: datetime
    command: str
    code_hash: str
    data_hash: str


def study_of(
    kind: str,
    answer: Mapping[str, Any],
    settings: Mapping[str, Any],
    stamp: Stamp,
    curve: tuple[Days, Column] | None = None,
) -> Study:
    """Return what is kept of an answer.

    Parameters
    ----------
    kind : str
        backtest, sweep or walkforward.
    answer : mapping
        The document of `mtum backtest`, `mtum sweep` or `mtum walkforward`.
    settings : mapping
        Settings that shaped it.
    stamp : Stamp
        When and with which line, code and bars a study was made.
    curve : (ndarray, ndarray) or None
        Sessions, and equity in USD at their closes, shape (n_sessions,) each.
    """
    whole = {"backtest": {**answer, **answer.get("metrics", {})}, "walkforward": answer.get("out_of_sample", {})}
    figures = whole.get(kind, answer.get("best", {}))
    shaped = _plain(settings)
    days, equity = curve or (np.array([], "datetime64[D]"), np.array([]))
    return Study(
        made_at=utc_text(stamp.at, "seconds"),
        kind=kind,
        command=stamp.command,
        strategy=answer["strategy"],
        symbols=answer["symbol"],
        source=answer["source"],
        start=str(answer["start"]),
        end=str(answer["end"]),
        sessions=answer["sessions"],
        **{name: _plain(figures[name]) for name in FIGURES},
        settings_hash=digest(canonical(shaped))[:16],
        code_hash=stamp.code_hash,
        data_hash=stamp.data_hash,
        settings=shaped,
        result=_plain({name: value for name, value in answer.items() if name not in LONG}),
        curve={"session": days.astype(str).tolist(), "equity_usd": equity.round(2).tolist()} if curve else {},
    )


def _plain(value: object) -> Any:
    def scalar(one: object) -> object:
        if isinstance(one, float) and not math.isfinite(one):
            return None
        return str(one) if not isinstance(one, float) else one

    return plain(value, scalar)


def compared(studies: Sequence[Study]) -> dict[str, Any]:
    """Return studies side by side: what differs in what was asked, the figures, and the sessions all share.

    The figures over the shared sessions tell the studies apart where their spans differ.
    """
    settings = [dict(_leaves(one.settings)) for one in studies]
    names = dict.fromkeys(name for one in settings for name in one)
    rows = {name: [one.get(name) for one in settings] for name in names}
    kept = [{name: getattr(one, name) for name in _HEAD} for one in studies]
    metrics = [
        {**one.result.get("metrics", one.result.get("out_of_sample", one.result.get("best", {}))), **_own(one)}
        for one in studies
    ]
    shared = _shared(studies)
    return {
        "studies": kept,
        "same": {what: len({getattr(one, f"{what}_hash") for one in studies}) == 1 for what in _HASHED},
        "differences": {name: row for name, row in rows.items() if any(value != row[0] for value in row)},
        "figures": {name: [one.get(name) for one in metrics] for name in SHOWN if any(name in one for one in metrics)},
        "shared": shared,
        "cautions": [*_cautions(studies, shared)],
    }


def _own(study: Study) -> dict[str, float | None]:
    return {name: getattr(study, name) for name in FIGURES}


def _leaves(tree: object, prefix: str = "") -> list[tuple[str, Any]]:
    if not isinstance(tree, Mapping):
        return [(prefix, tree)]
    return [leaf for name, value in tree.items() for leaf in _leaves(value, f"{prefix}.{name}" if prefix else name)]


def _shared(studies: Sequence[Study]) -> dict[str, Any] | None:
    # Each curve over the sessions that all have, from the close of the first: its capital is what it was worth there.
    days = [np.array(one.curve.get("session", []), dtype="datetime64[D]") for one in studies]
    shared = days[0]
    for one in days[1:]:
        shared = np.intersect1d(shared, one)
    if len(shared) < 3:
        return None
    curves = [
        np.array(one.curve["equity_usd"], dtype=np.float64)[np.searchsorted(own, shared)]
        for one, own in zip(studies, days, strict=True)
    ]
    measured = [curve_metrics(curve[1:], shared[1:], float(curve[0])) for curve in curves]
    moves = [returns(from_capital(curve[1:], float(curve[0]))) for curve in curves]
    tied = [[_tied(one, other) for other in moves] for one in moves]
    return {
        "start": shared[0].astype(object),
        "end": shared[-1].astype(object),
        "sessions": len(shared),
        "total_return_frac": [round(one.total_return_frac, 6) for one in measured],
        "cagr_frac": [round(one.cagr_frac, 6) for one in measured],
        "volatility_frac": [round(one.volatility_frac, 6) for one in measured],
        "sharpe": [None if one.sharpe is None else round(one.sharpe, 6) for one in measured],
        "max_drawdown_frac": [round(one.max_drawdown.frac, 6) for one in measured],
        "correlation": tied,
        **_judged(studies, np.array(moves)),
        "curves": {"session": shared.astype(object).tolist(), "grown": [(c / c[0]).round(6).tolist() for c in curves]},
    }


def _judged(studies: Sequence[Study], moves: NDArray[np.float64]) -> dict[str, Any]:
    # Whoever compares has tried as many: which is the best, and how likely it is only the luckiest.
    found = judge_tries(moves)
    sure, overfitted = found.deflated_sharpe_probability, found.overfitting_probability
    return {
        "best": studies[found.best].id,
        "deflated_sharpe_probability": None if sure is None else round(sure, 6),
        "overfitting_probability": None if overfitted is None else round(overfitted, 6),
    }


def _tied(one: Column, other: Column) -> float | None:
    if not (np.ptp(one) > 0 and np.ptp(other) > 0):
        return None
    return round(float(np.corrcoef(one, other)[0, 1]), 6)


def _cautions(studies: Sequence[Study], shared: Mapping[str, Any] | None) -> list[str]:
    found = []
    if len({one.code_hash for one in studies}) > 1:
        found.append("the code has changed between them: a difference may be the program's, not the settings'")
    # Other symbols, spans and sources are seen above; what is not seen is a bar that was corrected.
    alike = len({(one.symbols, one.source, one.start, one.end) for one in studies}) == 1
    if alike and len({one.data_hash for one in studies}) > 1:
        found.append("they saw different bars of the same symbols: bars were corrected, or another warm-up was read")
    if len({(one.start, one.end) for one in studies}) > 1 and shared:
        found.append(f"their spans differ; {shared['start']} to {shared['end']} is what all of them played")
    if shared is None:
        found.append("fewer than 3 sessions are in the curves of all of them: no figures over shared sessions")
    if any(one.kind == "sweep" for one in studies):
        found.append("a sweep's figures are those of its best combination, chosen with hindsight")
    return found
