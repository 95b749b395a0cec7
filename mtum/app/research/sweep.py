"""A backtest for every combination of a grid: resumable, in parallel, judged together."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from math import sqrt
from typing import Any, Protocol

import numpy as np

from mtum.app.research.asked import Asked, on_symbol
from mtum.app.research.grid_file import Grid
from mtum.app.research.load import Loaded, load
from mtum.config import Settings
from mtum.core.research.grid import Combination, block_sessions, play_combinations
from mtum.core.research.metrics import SESSIONS_PER_YEAR
from mtum.core.research.overfitting import deflated_sharpe, overfitting_probability
from mtum.core.simulation.history import History, history
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
from mtum.core.simulation.played import PlayTerms
from mtum.core.strategies.mtum_confluence import MtumConfluence
from mtum.errors import UsageError
from mtum.ports.market_data import BarSource
from mtum.ports.time import Calendar

CHUNK = 500
STRATEGY = "strategy.mtum_confluence."

type LoadSettings = Callable[[Mapping[str, Any]], Settings]
"""Gives the settings with single changes put over them; raises ConfigError."""
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
    """Plays chunks of combinations somewhere; yields each chunk's rows as it is finished."""

    def play(
        self, ready: History, chunks: Sequence[Sequence[Combination]], span: Span
    ) -> Iterator[tuple[int, GridResults]]:
        """Yield the position of a chunk and its results, in any order."""
        ...


@dataclass(frozen=True, slots=True)
class Prepared:
    """A grid made ready: its history, the sessions decided, one combination per row."""

    grid: Grid
    loaded: Loaded
    history: History
    span: Span
    changes: tuple[Mapping[str, Any], ...]
    combinations: tuple[Combination, ...]

    def fingerprint(self) -> str:
        """Return a short hash of grid, terms and data: equal only if the results would be."""
        found = sha256(repr([dict(change) for change in self.changes]).encode())
        found.update(repr([self.combinations[0], self.span]).encode())
        for column in (*self.history.prices, self.history.tape.dividend, self.history.days.astype(np.int64)):
            found.update(np.ascontiguousarray(column).tobytes())
        return found.hexdigest()[:12]


def prepare(grid: Grid, asked: Asked, settings: LoadSettings, source: BarSource, calendar: Calendar) -> Prepared:
    """Check every value of the grid and load the history all combinations share.

    Raises
    ------
    ConfigError, UsageError, DataError
        Before anything is written.
    """
    base = settings(grid.base)
    settled = {(name, repr(value)): settings({**grid.base, name: value}) for name, value in grid.distinct()}
    changes = tuple(grid.combinations())
    made: dict[tuple[tuple[str, str], ...], PlayTerms] = {}
    combinations = []
    for change in changes:
        fields = {
            name.removeprefix(STRATEGY): _field(settled[name, repr(value)], name)
            for name, value in change.items()
            if name.startswith(STRATEGY)
        }
        others = tuple(sorted((name, repr(value)) for name, value in change.items() if not name.startswith(STRATEGY)))
        if others not in made:
            rest = {name: value for name, value in change.items() if not name.startswith(STRATEGY)}
            made[others] = replace(asked, settings=settings({**grid.base, **rest}) if rest else base).terms()
        combinations.append(Combination(_strategy(base, asked, fields), made[others]))
    longest = max((one.strategy for one in combinations), key=lambda strategy: strategy.history_sessions())
    loaded = load(asked, longest, source, calendar)
    ready = history(loaded.bars, loaded.vix, asked.settlement)
    return Prepared(grid, loaded, ready, Span(loaded.first, len(ready)), changes, tuple(combinations))


def _field(settings: Settings, name: str) -> Any:
    return getattr(settings.strategy["mtum_confluence"], name.removeprefix(STRATEGY))


def _strategy(base: Settings, asked: Asked, fields: Mapping[str, Any]) -> MtumConfluence:
    strategy = on_symbol(base.active_strategy(asked.strategy), asked.symbol)
    if not isinstance(strategy, MtumConfluence):
        raise UsageError(f"sweeps are made for mtum_confluence, not for {strategy.name}")
    return replace(strategy, **fields)


def sweep(prepared: Prepared, store: ResultStore, engine: Engine, progress: Progress) -> GridResults:
    """Play what is not done yet, keep each chunk, and return all rows."""
    total = len(prepared.combinations)
    done = store.done()
    todo = [number for number in range(total) if number not in done]
    parts = [todo[first : first + CHUNK] for first in range(0, len(todo), CHUNK)]
    progress(len(done), total)
    finished = len(done)
    chunks = [[prepared.combinations[number] for number in part] for part in parts]
    for position, results in engine.play(prepared.history, chunks, prepared.span):
        store.add(parts[position], results, [prepared.changes[number] for number in parts[position]])
        finished += len(parts[position])
        progress(finished, total)
    return store.results(total)


@dataclass(frozen=True, slots=True)
class ThreadEngine:
    """Plays chunks on this machine; the compiled loops run beside each other."""

    workers: int = 1

    def play(
        self, ready: History, chunks: Sequence[Sequence[Combination]], span: Span
    ) -> Iterator[tuple[int, GridResults]]:
        """Yield the chunks in their order."""
        from concurrent.futures import ThreadPoolExecutor

        if self.workers == 1:
            for position, chunk in enumerate(chunks):
                yield position, play_combinations(ready, chunk, span)
            return
        with ThreadPoolExecutor(self.workers) as pool:
            yield from enumerate(pool.map(lambda chunk: play_combinations(ready, chunk, span), chunks))


def judged(prepared: Prepared, results: GridResults) -> dict[str, Any]:
    """Return the best combination, and how likely it is only the luckiest."""
    sharpes = session_sharpes(results)
    best = int(np.argmax(sharpes))
    numbers = results.numbers[best]
    sessions = prepared.span.stop - prepared.span.first
    spread = float(np.std(sharpes, ddof=1)) if len(sharpes) > 1 else 0.0
    certain = deflated_sharpe(
        float(sharpes[best]), sessions, float(numbers[SKEW]), float(numbers[KURTOSIS]), spread, len(sharpes)
    )
    return {
        "best": row_document(prepared, results, best),
        "deflated_sharpe_probability": round(certain, 6),
        "overfitting_probability": overfitting_probability(
            results.sums, results.squares, block_sessions(prepared.span)
        ),
        "median_final_equity_usd": round(float(np.median(results.numbers[:, FINAL_EQUITY])), 2),
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
    years = (prepared.span.stop - prepared.span.first) / SESSIONS_PER_YEAR
    growth = float(numbers[FINAL_EQUITY]) / prepared.combinations[row].terms.capital_usd
    return {
        "settings": dict(prepared.changes[row]),
        "trades": int(numbers[TRADES]),
        "wins": int(numbers[WINS]),
        "final_equity_usd": round(float(numbers[FINAL_EQUITY]), 2),
        "cagr_frac": round(growth ** (1 / years) - 1, 6) if growth > 0 else -1.0,
        "sharpe": round(float(session_sharpes(results)[row]) * sqrt(SESSIONS_PER_YEAR), 6),
        "max_drawdown_frac": round(float(numbers[DRAWDOWN]), 6),
    }


def top_rows(prepared: Prepared, results: GridResults, count: int = 10) -> list[dict[str, Any]]:
    """Return the best combinations by Sharpe ratio, the first of equals first."""
    order = np.argsort(-session_sharpes(results), kind="stable")[:count]
    return [row_document(prepared, results, int(row)) for row in order]
