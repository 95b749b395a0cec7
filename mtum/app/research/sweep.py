"""A backtest for every combination of a grid: resumable, in parallel, judged together."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from math import sqrt
from typing import Any, Protocol

import numpy as np

from mtum.app.research.backtest_request import BacktestRequest
from mtum.app.research.grid_file import Grid
from mtum.app.research.run_backtest import benchmark_document, sizing_cautions, stand_in
from mtum.core.market.bars import Days
from mtum.core.portfolio.returns import NEGLIGIBLE
from mtum.core.research.benchmark import BuyAndHoldCurves, buy_and_hold
from mtum.core.research.grid import (
    RESULT_COLUMNS,
    Combination,
    Part,
    empty_results,
    play_combinations,
)
from mtum.core.research.metrics import SESSIONS_PER_YEAR
from mtum.core.research.overfitting import block_sessions, deflated_sharpe, overfitting_probability
from mtum.core.simulation.history import History
from mtum.core.simulation.kernel.columns import Column
from mtum.core.simulation.kernel.grid import (
    CAPPED,
    DEVIATION,
    DRAWDOWN,
    FINAL_EQUITY,
    KURTOSIS,
    MEAN,
    SKEW,
    TRADES,
    WINS,
    GridResults,
)
from mtum.core.simulation.kernel.play import Span

CHUNK = 500

type Progress = Callable[[int, int], None]
"""Told how many combinations are done, of how many."""


class ResultStore(Protocol):
    """Keeps finished rows, so that a sweep that was killed goes on where it stopped."""

    def done(self) -> set[int]:
        """Return the numbers of the combinations that are finished."""
        ...

    def add(self, numbers: Sequence[int], results: GridResults, changes: Sequence[Mapping[str, Any]]) -> None:
        """Keep the rows of some combinations, all or none."""
        ...

    def results(self, count: int) -> GridResults:
        """Return the rows of all combinations in their order."""
        ...


class Engine(Protocol):
    """Plays parts of a sweep somewhere; yields each part's rows as it is finished."""

    def play(self, parts: Sequence[Part]) -> Iterator[tuple[int, GridResults]]:
        """Yield the position of a part and its results, in any order."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class PreparedSweep:
    """A grid made ready: one combination per row, and the history of each symbol they trade.

    All symbols are decided on the same sessions, `days`, so that their rows compare; `spans`
    says where these lie in each history.
    """

    grid: Grid
    asked: BacktestRequest
    histories: Mapping[str, History]
    spans: Mapping[str, Span]
    changes: tuple[Mapping[str, Any], ...]
    combinations: tuple[Combination, ...]

    @property
    def symbols(self) -> tuple[str, ...]:
        """Symbols traded, in the order of the grid."""
        return tuple(self.histories)

    @property
    def days(self) -> Days:
        """Sessions decided."""
        symbol = self.symbols[0]
        return self.histories[symbol].days[self.spans[symbol].first : self.spans[symbol].stop]

    def parts(self, numbers: Sequence[int], size: int) -> Iterator[tuple[list[int], Part]]:
        """Cut combinations into parts of at most so many, each on one history."""
        for symbol, history in self.histories.items():
            own = [number for number in numbers if self.combinations[number].strategy.symbol == symbol]
            for first in range(0, len(own), size):
                rows = own[first : first + size]
                yield rows, Part(history, self.spans[symbol], [self.combinations[row] for row in rows])

    def within(self, window: Span) -> "PreparedSweep":
        """Return the same combinations over a window of the sessions, counted from the first decided."""
        spans = {
            symbol: Span(span.first + window.first, span.first + window.stop) for symbol, span in self.spans.items()
        }
        return replace(self, spans=spans)

    def fingerprint(self) -> str:
        """Return a short hash of grid, terms and data: equal only if the results would be."""
        found = sha256(repr([RESULT_COLUMNS, *(dict(change) for change in self.changes)]).encode())
        found.update(repr([self.combinations[0], *self.spans.values()]).encode())
        for history in self.histories.values():
            for column in (*history.prices, history.tape.dividend, history.days.astype(np.int64)):
                found.update(np.ascontiguousarray(column).tobytes())
        return found.hexdigest()[:12]


def sweep(prepared: PreparedSweep, store: ResultStore, engine: Engine, progress: Progress) -> GridResults:
    """Play what is not done yet, keep each part, and return all rows."""
    total = len(prepared.combinations)
    done = store.done()
    rows, parts = [], []
    for numbers, part in prepared.parts([number for number in range(total) if number not in done], CHUNK):
        rows.append(numbers)
        parts.append(part)
    progress(len(done), total)
    finished = len(done)
    for position, results in engine.play(parts):
        store.add(rows[position], results, [prepared.changes[number] for number in rows[position]])
        finished += len(rows[position])
        progress(finished, total)
    return store.results(total)


@dataclass(frozen=True, slots=True)
class ThreadEngine:
    """Plays parts on this machine; the compiled loops run beside each other."""

    workers: int = 1

    def play(self, parts: Sequence[Part]) -> Iterator[tuple[int, GridResults]]:
        """Yield the parts in their order."""
        from concurrent.futures import ThreadPoolExecutor

        if self.workers == 1:
            yield from enumerate(map(_played, parts))
            return
        with ThreadPoolExecutor(self.workers) as pool:
            yield from enumerate(pool.map(_played, parts))


def _played(part: Part) -> GridResults:
    return play_combinations(part.history, part.combinations, part.span)


def played(prepared: PreparedSweep) -> GridResults:
    """Return all rows, played here and kept nowhere."""
    total = len(prepared.combinations)
    found = empty_results(total)
    for rows, part in prepared.parts(range(total), total):
        for whole, piece in zip(found, _played(part), strict=True):
            whole[rows] = piece
    return found


def judged(prepared: PreparedSweep, results: GridResults) -> dict[str, Any]:
    """Return the best combination, how likely it is only the luckiest, and what holding made meanwhile."""
    sharpes, ranked = session_sharpes(results), ranks(results)
    best = int(np.argmax(ranked))
    numbers = results.numbers[best]
    sessions = len(prepared.days)
    spread = float(np.std(ranked, ddof=1)) if len(ranked) > 1 else 0.0
    certain = None
    if np.isfinite(sharpes[best]):
        certain = deflated_sharpe(
            float(sharpes[best]), sessions, float(numbers[SKEW]), float(numbers[KURTOSIS]), spread, len(ranked)
        )
    rows = top_rows(prepared, results)
    return {
        "best": rows[0],
        "deflated_sharpe_probability": None if certain is None else round(certain, 6),
        "overfitting_probability": overfitting_probability(
            results.sums, results.squares, block_sessions(len(prepared.days))
        ),
        "median_final_equity_usd": round(float(np.median(results.numbers[:, FINAL_EQUITY])), 6),
        "benchmarks": [held_document(held, prepared, symbol) for symbol, held in held_of(prepared).items()],
        "cautions": _cautions(prepared, results, best),
        "top": rows,
    }


def _cautions(prepared: PreparedSweep, results: GridResults, best: int) -> list[str]:
    trades, capped = (int(results.numbers[best, column]) for column in (TRADES, CAPPED))
    settings, rows = prepared.asked.settings, int(np.count_nonzero(results.numbers[:, CAPPED]))
    found = [*stand_in(settings, prepared.symbols)]
    found += [f"best combination: {line}" for line in sizing_cautions(settings, trades, capped)]
    if rows:
        found.append(
            f"in {rows:,} of {len(results.numbers):,} combinations risk.max_position_usd made purchases smaller"
        )
    return found


def held_of(prepared: PreparedSweep) -> dict[str, BuyAndHoldCurves]:
    """Return buy-and-hold of each symbol over the sessions decided.

    It pays the costs, and has the capital, of the symbol's first combination.
    """
    found = {}
    for symbol, history in prepared.histories.items():
        terms = next(one.terms for one in prepared.combinations if one.strategy.symbol == symbol)
        span = prepared.spans[symbol]
        found[symbol] = buy_and_hold(history, span, float(terms.capital_usd), terms.rules.sizing.costs)
    return found


def held_document(held: BuyAndHoldCurves, prepared: PreparedSweep, symbol: str) -> dict[str, Any]:
    """Return buy-and-hold of a symbol as plain values."""
    capital = next(one.terms.capital_usd for one in prepared.combinations if one.strategy.symbol == symbol)
    return {"symbol": symbol, **benchmark_document(held, float(capital))}


def terms_document(prepared: PreparedSweep) -> dict[str, Any]:
    """Return on what terms every combination was played, but for what varies."""
    settings, varies = prepared.asked.settings_document(), set(prepared.grid.names())
    known = {
        f"{section}.{name}": settings[section][name]
        for section, name in (
            ("portfolio", "capital_usd"),
            ("portfolio", "cost_model"),
            ("portfolio", "cost_frac"),
            ("portfolio", "max_position_frac"),
            ("risk", "max_position_usd"),
        )
    }
    terms = {name: value for name, value in known.items() if name not in varies}
    asked = prepared.asked
    return {**terms, "fill": asked.fill, "settlement": asked.settlement, "slippage_bps": asked.slippage_bps}


def session_sharpes(results: GridResults) -> Column:
    """Sharpe ratio per session of every combination; NaN where returns do not differ."""
    mean, deviation = results.numbers[:, MEAN], results.numbers[:, DEVIATION]
    found = np.full_like(mean, np.nan)
    np.divide(mean, deviation, out=found, where=deviation > NEGLIGIBLE)
    return found


def ranks(results: GridResults) -> Column:
    """Sharpe ratios to choose by: a combination that never trades gains and loses nothing, which is 0."""
    return np.nan_to_num(session_sharpes(results), nan=0.0)


def table(prepared: PreparedSweep, results: GridResults) -> dict[str, list[Any]]:
    """Return the figures of every combination, column by column: whole numbers, USD to the cent, six places."""
    numbers = results.numbers
    years = len(prepared.days) / SESSIONS_PER_YEAR
    capital = np.array([one.terms.capital_usd for one in prepared.combinations], dtype=np.float64)
    growth = np.maximum(numbers[:, FINAL_EQUITY] / capital, 0.0)
    sharpes = session_sharpes(results) * sqrt(SESSIONS_PER_YEAR)
    return {
        "trades": numbers[:, TRADES].astype(int).tolist(),
        "wins": numbers[:, WINS].astype(int).tolist(),
        "final_equity_usd": numbers[:, FINAL_EQUITY].round(2).tolist(),
        "purchases_capped": numbers[:, CAPPED].astype(int).tolist(),
        "cagr_frac": (growth ** (1 / years) - 1).round(6).tolist(),
        "sharpe": [None if np.isnan(one) else round(one, 6) for one in sharpes.tolist()],
        "max_drawdown_frac": numbers[:, DRAWDOWN].round(6).tolist(),
    }


def top_rows(prepared: PreparedSweep, results: GridResults, count: int = 10) -> list[dict[str, Any]]:
    """Return the best combinations by Sharpe ratio with their figures, the first of equals first."""
    columns = table(prepared, results)
    return [
        {
            "settings": dict(prepared.changes[row]),
            **{name: column[row] for name, column in columns.items()},
            "final_equity_usd": round(float(results.numbers[row, FINAL_EQUITY]), 6),
        }
        for row in np.argsort(-ranks(results), kind="stable")[:count].tolist()
    ]
