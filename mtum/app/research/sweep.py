"""A backtest for every combination of a grid: resumable, in parallel, judged together."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from math import sqrt
from typing import Any, Protocol

import numpy as np

from mtum.app.research.grid_file import Grid
from mtum.core.market.bars import Days
from mtum.core.research.grid import Combination, Part, block_sessions, empty_results, play_combinations
from mtum.core.research.metrics import SESSIONS_PER_YEAR
from mtum.core.research.overfitting import deflated_sharpe, overfitting_probability
from mtum.core.simulation.history import History
from mtum.core.simulation.kernel.grid import (
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
class Prepared:
    """A grid made ready: one combination per row, and the history of each symbol they trade.

    All symbols are decided on the same sessions, `days`, so that their rows compare; `spans`
    says where these lie in each history.
    """

    grid: Grid
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

    def within(self, window: Span) -> "Prepared":
        """Return the same combinations over a window of the sessions, counted from the first decided."""
        spans = {
            symbol: Span(span.first + window.first, span.first + window.stop) for symbol, span in self.spans.items()
        }
        return replace(self, spans=spans)

    def fingerprint(self) -> str:
        """Return a short hash of grid, terms and data: equal only if the results would be."""
        found = sha256(repr([dict(change) for change in self.changes]).encode())
        found.update(repr([self.combinations[0], *self.spans.values()]).encode())
        for history in self.histories.values():
            for column in (*history.prices, history.tape.dividend, history.days.astype(np.int64)):
                found.update(np.ascontiguousarray(column).tobytes())
        return found.hexdigest()[:12]


def sweep(prepared: Prepared, store: ResultStore, engine: Engine, progress: Progress) -> GridResults:
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


def played(prepared: Prepared) -> GridResults:
    """Return all rows, played here and kept nowhere."""
    total = len(prepared.combinations)
    found = empty_results(total)
    for rows, part in prepared.parts(range(total), total):
        for whole, piece in zip(found, _played(part), strict=True):
            whole[rows] = piece
    return found


def judged(prepared: Prepared, results: GridResults) -> dict[str, Any]:
    """Return the best combination, and how likely it is only the luckiest."""
    sharpes = session_sharpes(results)
    best = int(np.argmax(sharpes))
    numbers = results.numbers[best]
    sessions = len(prepared.days)
    spread = float(np.std(sharpes, ddof=1)) if len(sharpes) > 1 else 0.0
    certain = deflated_sharpe(
        float(sharpes[best]), sessions, float(numbers[SKEW]), float(numbers[KURTOSIS]), spread, len(sharpes)
    )
    return {
        "best": row_document(prepared, results, best),
        "deflated_sharpe_probability": round(certain, 6),
        "overfitting_probability": overfitting_probability(
            results.sums, results.squares, block_sessions(len(prepared.days))
        ),
        "median_final_equity_usd": round(float(np.median(results.numbers[:, FINAL_EQUITY])), 6),
    }


def session_sharpes(results: GridResults) -> "np.ndarray[tuple[int, ...], np.dtype[np.float64]]":
    """Sharpe ratio per session of every combination; 0 where nothing moved."""
    mean, deviation = results.numbers[:, MEAN], results.numbers[:, DEVIATION]
    found = np.zeros_like(mean)
    np.divide(mean, deviation, out=found, where=deviation > 0)
    return found


def row_document(prepared: Prepared, results: GridResults, row: int) -> dict[str, Any]:
    """Return one combination with its figures as plain values."""
    numbers = results.numbers[row]
    years = (len(prepared.days)) / SESSIONS_PER_YEAR
    growth = float(numbers[FINAL_EQUITY]) / prepared.combinations[row].terms.capital_usd
    return {
        "settings": dict(prepared.changes[row]),
        "trades": int(numbers[TRADES]),
        "wins": int(numbers[WINS]),
        "final_equity_usd": round(float(numbers[FINAL_EQUITY]), 6),
        "cagr_frac": round(growth ** (1 / years) - 1, 6) if growth > 0 else -1.0,
        "sharpe": round(float(session_sharpes(results)[row]) * sqrt(SESSIONS_PER_YEAR), 6),
        "max_drawdown_frac": round(float(numbers[DRAWDOWN]), 6),
    }


def top_rows(prepared: Prepared, results: GridResults, count: int = 10) -> list[dict[str, Any]]:
    """Return the best combinations by Sharpe ratio, the first of equals first."""
    order = np.argsort(-session_sharpes(results), kind="stable")[:count]
    return [row_document(prepared, results, int(row)) for row in order]
