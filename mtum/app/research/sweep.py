"""A backtest for every combination of a grid: resumable, in parallel, judged together."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import sqrt
from typing import Any, Protocol

import numpy as np
from msgspec import Struct

from mtum.app.research.prepared_sweep import PreparedSweep
from mtum.app.research.run_backtest import benchmark_document, sizing_cautions, stand_in
from mtum.core.portfolio.returns import NEGLIGIBLE
from mtum.core.research.benchmark import BuyAndHoldCurves, buy_and_hold_weighted, together
from mtum.core.research.grid import Part, empty_results, play_combinations
from mtum.core.research.metrics import SESSIONS_PER_YEAR
from mtum.core.research.neighbors import neighbors
from mtum.core.research.overfitting import block_sessions, deflated_sharpe, overfitting_probability
from mtum.core.research.session_grid import AccountCombination, AccountPart, play_combination, play_each
from mtum.core.simulation.backtest import run
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
from mtum.core.simulation.played import Played

MOST_MAPPED = 2000
"""Combinations of a sweep that is kept with its map; the page beside its rows has that of any number."""
type Progress = Callable[[int, int], None]
"""Told how many combinations are done, of how many."""


class ResultStore(Protocol):
    """Keeps finished rows, so that a sweep that was killed goes on where it stopped."""

    def done(self) -> set[int]:
        """Return the numbers of the combinations that are finished."""
        ...

    def add(self, numbers: Sequence[int], results: GridResults, changes: Sequence[Mapping[str, Any]]) -> None:
        """Keep the rows of some combinations, all or none.

        Parameters
        ----------
        numbers : sequence of int
            Numbers of the combinations.
        results : GridResults
            One row per combination: `numbers` (n, 9); `sums`, `squares` of returns per block (n, n_blocks).
        changes : sequence of mapping of str to any
            Settings of each combination, in the order of the rows.
        """
        ...

    def results(self, count: int) -> GridResults:
        """Return the rows of all combinations in their order."""
        ...


class RowsAtHand:
    """Keeps finished rows in memory only (ResultStore)."""

    def __init__(self) -> None:
        self._rows: list[tuple[Sequence[int], GridResults]] = []

    def done(self) -> set[int]:
        """Return the numbers of the combinations that are finished."""
        return {number for numbers, _ in self._rows for number in numbers}

    def add(self, numbers: Sequence[int], results: GridResults, changes: Sequence[Mapping[str, Any]]) -> None:
        """Keep the rows of some combinations.

        Parameters
        ----------
        numbers : sequence of int
            Numbers of the combinations.
        results : GridResults
            One row per combination: `numbers` (n, 9); `sums`, `squares` of returns per block (n, n_blocks).
        changes : sequence of mapping of str to any
            Settings of each combination, in the order of the rows.
        """
        self._rows.append((numbers, results))

    def results(self, count: int) -> GridResults:
        """Return the rows of all combinations in their order."""
        found = empty_results(count)
        for numbers, rows in self._rows:
            for whole, piece in zip(found, rows, strict=True):
                whole[list(numbers)] = piece
        return found


class Engine(Protocol):
    """Plays parts of a sweep somewhere; yields each part's rows as it is finished."""

    def play(self, parts: Sequence[Part | AccountPart]) -> Iterator[tuple[int, GridResults]]:
        """Yield the position of a part and its results, in any order."""
        ...


def sweep(prepared: PreparedSweep, store: ResultStore, engine: Engine, progress: Progress) -> GridResults:
    """Play what is not done yet, keep each part, and return all rows.

    Parameters
    ----------
    prepared : PreparedSweep
        A grid made ready: one combination per row, and the histories they share.
    store : ResultStore
        Keeps finished rows, so that a sweep that was killed goes on where it stopped.
    engine : Engine
        Plays parts of a sweep somewhere; yields each part's rows as it is finished.
    progress : Progress
        Told how many combinations are done, of how many.
    """
    total = len(prepared.combinations)
    done = store.done()
    rows, parts = [], []
    for numbers, part in prepared.parts([number for number in range(total) if number not in done]):
        rows.append(numbers)
        parts.append(part)
    progress(len(done), total)
    finished = len(done)
    for position, results in engine.play(parts):
        store.add(rows[position], results, [prepared.changes[number] for number in rows[position]])
        finished += len(rows[position])
        progress(finished, total)
    return store.results(total)


class ThreadEngine(Struct, frozen=True):
    """Plays parts in this process; compiled loops run beside each other, whatever else one after the other."""

    workers: int = 1

    def play(self, parts: Sequence[Part | AccountPart]) -> Iterator[tuple[int, GridResults]]:
        """Yield the parts in their order."""
        from concurrent.futures import ThreadPoolExecutor

        if self.workers == 1:
            yield from enumerate(map(played, parts))
            return
        with ThreadPoolExecutor(self.workers) as pool:
            yield from enumerate(pool.map(played, parts))


def played(part: Part | AccountPart) -> GridResults:
    """Play a part here and now."""
    if isinstance(part, AccountPart):
        return play_each(part)
    return play_combinations(part.history, part.combinations, part.span)


def play_row(prepared: PreparedSweep, row: int) -> Played:
    """Play one combination over the sessions decided."""
    one, ground = prepared.combinations[row], prepared.grounds[prepared.at[row]]
    if isinstance(one, AccountCombination):
        return play_combination(ground.market, one, ground.span)
    assert ground.history is not None  # it was made for the compiled grid
    return run(ground.history, one.strategy, one.terms, ground.span)


def about(prepared: PreparedSweep) -> dict[str, Any]:
    """Return what was played, for the head of an answer."""
    market, days = prepared.grounds[0].market, prepared.days
    return {
        "symbol": ", ".join(prepared.symbols),
        "strategy": ", ".join(prepared.strategies),
        "source": market.bars[prepared.symbols[0]].source,
        "start": days[0].astype(object),
        "end": days[-1].astype(object),
        "sessions": len(days),
        "combinations": len(prepared.combinations),
        "left_out": {symbol: why for ground in prepared.grounds for symbol, why in ground.left_out.items()},
    }


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
    beside = neighbors(prepared.changes, table(prepared, results)["sharpe"], best)
    return {
        "best": rows[0],
        "neighbors": [{"settings": dict(one.settings), "sharpe": one.sharpe} for one in beside],
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
    found = [*stand_in(settings, prepared.symbols), *prepared.cautions]
    found += [f"best combination: {line}" for line in sizing_cautions(settings, trades, capped)]
    if rows:
        found.append(
            f"in {rows:,} of {len(results.numbers):,} combinations risk.max_position_usd made purchases smaller"
        )
    return found


def held_of(prepared: PreparedSweep) -> dict[str, BuyAndHoldCurves]:
    """Return buy-and-hold on each ground over the sessions decided: of an account that of its sleeves together.

    It pays the costs, and has the capital, of the ground's first combination. Of grounds with the same symbols the
    first one's is shown.
    """
    found: dict[str, BuyAndHoldCurves] = {}
    for place, ground in enumerate(prepared.grounds):
        if ground.name in found:
            continue
        one = prepared.combinations[prepared.at.index(place)]
        costs = one.terms.rules.sizing.costs
        market, span = ground.market, ground.span
        found[ground.name] = together(
            [
                buy_and_hold_weighted(market, span, {s: w for s, w in weights.items() if s in market.bars}, usd, costs)
                for weights, usd in one.compared_with(prepared.asked.benchmark, ground.worth_usd(one.terms.holdings))
            ]
        )
    return found


def held_document(held: BuyAndHoldCurves, prepared: PreparedSweep, name: str) -> dict[str, Any]:
    """Return buy-and-hold on a ground as plain values.

    Parameters
    ----------
    held : BuyAndHoldCurves
        Equity at each close in USD, shape (n_sessions,), with dividends reinvested and kept as cash.
    prepared : PreparedSweep
        A grid made ready: one combination per row, and the histories they share.
    name : str
        Name of the history.
    """
    place = [ground.name for ground in prepared.grounds].index(name)
    capital = prepared.capital_usd(prepared.at.index(place))
    return {"symbol": name, **benchmark_document(held, capital)}


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
    held = {"holdings": dict(asked.holdings)} if asked.holdings else {}
    return {**terms, "fill": asked.fill, "settlement": asked.settlement, "slippage_bps": asked.slippage_bps, **held}


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
    capital = np.array([*map(prepared.capital_usd, range(len(prepared.combinations)))], dtype=np.float64)
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


def map_document(prepared: PreparedSweep, results: GridResults) -> dict[str, Any] | None:
    """Return what maps of the Sharpe ratio over settings are drawn of; None for more combinations than are kept."""
    if len(prepared.changes) > MOST_MAPPED:
        return None
    names = list(prepared.changes[0])
    return {
        "settings": names,
        "values": [[change[name] for name in names] for change in prepared.changes],
        "sharpe": table(prepared, results)["sharpe"],
    }


def top_rows(prepared: PreparedSweep, results: GridResults, count: int = 10) -> list[dict[str, Any]]:
    """Return the best combinations by Sharpe ratio with their figures, the first of equals first.

    Parameters
    ----------
    prepared : PreparedSweep
        A grid made ready: one combination per row, and the histories they share.
    results : GridResults
        One row per combination: `numbers` (n, 9); `sums`, `squares` of returns per block (n, n_blocks).
    count : int
        How many.
    """
    columns = table(prepared, results)
    return [
        {
            "settings": dict(prepared.changes[row]),
            **{name: column[row] for name, column in columns.items()},
            "final_equity_usd": round(float(results.numbers[row, FINAL_EQUITY]), 6),
        }
        for row in np.argsort(-ranks(results), kind="stable")[:count].tolist()
    ]
