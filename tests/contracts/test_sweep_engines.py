"""Every engine gives the rows of the local one; the cluster's is tried where `ray` is installed."""

import importlib.util
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from mtum.app.research.sweep import Engine, ThreadEngine
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.decision import PortfolioRules
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.research.grid import Combination, Part, play_combinations
from mtum.core.simulation.history import History, history
from mtum.core.simulation.kernel.grid import TRADES
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.played import PlayTerms
from mtum.core.strategies.mtum_confluence import MtumConfluence
from mtum.errors import UsageError
from support.markets import made_up_bars, made_up_vix

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


@pytest.fixture(params=["one thread", "three threads", "ray"])
def engine(request: pytest.FixtureRequest) -> Iterator[Engine]:
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
    found = dict(engine.play(PARTS))
    assert sorted(found) == list(range(len(PARTS)))
    for position, part in enumerate(PARTS):
        expected = play_combinations(part.history, part.combinations, part.span)
        for mine, theirs in zip(found[position], expected, strict=True):
            np.testing.assert_array_equal(mine, theirs)
    assert len({row[TRADES] for results in found.values() for row in results.numbers}) > 4


def test_without_the_library_the_cluster_is_refused_in_one_line() -> None:
    if importlib.util.find_spec("ray") is not None:
        pytest.skip("ray is installed")
    from mtum.adapters.ray_engine import ray_engine

    with pytest.raises(UsageError, match="uv pip install ray"):
        ray_engine(2)
