"""Every engine gives the rows of the local one; the cluster's is tried where `ray` is installed."""

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from mtum.adapters.worker_processes import WorkerEngine
from mtum.app.research.sweep import Engine, ThreadEngine
from mtum.config import use_strategies
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.decision import PortfolioRules
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.portfolio.sleeves import Sleeve, SleeveState
from mtum.core.research.grid import Combination, Part, play_combinations
from mtum.core.research.session_grid import AccountCombination, AccountPart, play_each, row_of
from mtum.core.simulation.backtest import run
from mtum.core.simulation.history import History, history
from mtum.core.simulation.kernel.grid import FINAL_EQUITY, TRADES
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.played import PlayTerms
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.contract import Strategy
from mtum.core.strategies.mtum_confluence import MtumConfluence
from mtum.errors import UsageError
from support.markets import made_up_bars, made_up_vix
from support.values import replace

TERMS = PlayTerms(5000.0, PortfolioRules(SizingRules(1.0, 1e12, 0.0, PercentCosts()), LossRules(1e12)))


def ready(symbol: str, seed: int) -> History:
    bars = made_up_bars(700, seed, symbol=symbol)
    return history(bars, made_up_vix(bars, seed))


HISTORIES = [ready("AAA", 61), ready("BBB", 62)]
PARTS = [
    Part(
        one,
        Span(110, 700),
        [
            Combination(replace(MtumConfluence(symbol=one.symbol), ma_sessions=ma, atr_target_multiple=multiple), TERMS)
            for multiple in (2.0, 3.0, 4.0)
        ],
    )
    for one in HISTORIES
    for ma in range(20, 110, 10)
]


@pytest.fixture(params=["one thread", "three threads", "two processes", "ray"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
    if request.param == "two processes":
        yield WorkerEngine(2)
        return
    if request.param != "ray":
        yield ThreadEngine(1 if request.param == "one thread" else 3)
        return
    if importlib.util.find_spec("ray") is None:
        pytest.skip("ray is not installed")
    from mtum.adapters.ray_engine import ray_engine

    engine = ray_engine(2)
    yield engine
    engine.ray.shutdown()


def test_parts_on_any_symbol_are_played_as_alone(engine: Engine) -> None:
    if isinstance(engine, WorkerEngine):
        pytest.skip("compiled parts are played in threads")
    found = dict(engine.play(PARTS))
    assert sorted(found) == list(range(len(PARTS)))
    for position, part in enumerate(PARTS):
        expected = play_combinations(part.history, part.combinations, part.span)
        for mine, theirs in zip(found[position], expected, strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert len({row[TRADES] for results in found.values() for row in results.numbers}) > 4


OWN = """
from dataclasses import dataclass
from typing import ClassVar

from mtum.core.strategies.contract import Strategy, SymbolVerdict, Target


@dataclass(frozen=True)
class Half(Strategy):
    name: ClassVar[str] = "half"
    share: float = 0.5

    def universe(self):
        return ("AAA",)

    def history_sessions(self):
        return 1

    def verdicts(self, view, own):
        return (SymbolVerdict("AAA", Target(self.share), ("half",), (), {}),)
"""


def own_parts(folder: Path) -> list[AccountPart]:
    """A person's own strategy, which another process knows by its file only."""
    file = folder / "half.py"
    file.write_text(OWN)
    use_strategies([file])
    half: Any = STRATEGIES["half"]
    market = SessionHistory({"AAA": made_up_bars(300, 61, symbol="AAA")}, {})
    return [
        AccountPart(market, Span(20, 300), [AccountCombination((alone(half(share=share)),), TERMS)])
        for share in (0.25, 0.5, 1.0)
    ]


def alone(strategy: Strategy) -> Sleeve:
    """All the money for one strategy."""
    return Sleeve("", strategy, 1.0, SleeveState.ON, 0.0, "", TERMS.rules)


def test_a_strategy_of_ones_own_is_played_elsewhere_as_here(engine: Engine, tmp_path: Path) -> None:
    parts = own_parts(tmp_path)
    found = dict(engine.play(parts))
    for position, part in enumerate(parts):
        for mine, theirs in zip(found[position], play_each(part), strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert len({results.numbers[0][FINAL_EQUITY] for results in found.values()}) == 3


def test_a_row_is_that_of_the_compiled_grid() -> None:
    part = PARTS[0]
    compiled = play_combinations(part.history, part.combinations, part.span)
    for row, one in enumerate(part.combinations):
        numbers, sums, squares = row_of(run(part.history, one.strategy, one.terms, part.span))
        np.testing.assert_allclose(numbers, compiled.numbers[row], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(sums, compiled.sums[row], rtol=1e-9, atol=1e-12)
        np.testing.assert_allclose(squares, compiled.squares[row], rtol=1e-9, atol=1e-12)


def test_without_the_library_the_cluster_is_refused_in_one_line() -> None:
    if importlib.util.find_spec("ray") is not None:
        pytest.skip("ray is installed")
    from mtum.adapters.ray_engine import ray_engine

    with pytest.raises(UsageError, match="uv pip install ray"):
        ray_engine(2)
