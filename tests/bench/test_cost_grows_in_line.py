"""Cost is linear in sessions, in symbols and in combinations, and memory stays small."""

import resource
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial
from itertools import product
from math import log
from time import process_time

import numpy as np
import pytest

from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.decision import PortfolioRules
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.research.grid import Combination, play_combinations
from mtum.core.simulation.backtest import walked, walked_each
from mtum.core.simulation.history import History, history
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.played import PlayTerms
from mtum.core.simulation.session_path import play_sessions
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.simulation.walker.play import walked as walked_strategy
from mtum.core.strategies.band_rebalance import BandRebalance
from mtum.core.strategies.buy_only_rebalance import BuyOnlyRebalance
from mtum.core.strategies.contract import Strategy
from mtum.core.strategies.donchian_breakout import DonchianBreakout
from mtum.core.strategies.ensemble import Ensemble, Member
from mtum.core.strategies.mean_reversion import MeanReversion
from mtum.core.strategies.momentum_rotation import MomentumRotation
from mtum.core.strategies.mtum_confluence import MtumConfluence
from mtum.core.strategies.trend_following import TrendFollowing
from support.markets import made_up_bars, made_up_vix
from support.values import replace

pytestmark = pytest.mark.bench
RULES = MtumConfluence(symbol="AAA")
TERMS = PlayTerms(5000.0, PortfolioRules(SizingRules(1.0, 1e12, 0.0, PercentCosts()), LossRules(1e12)))


def costs(works: Sequence[Callable[[], object]], rounds: int = 15, times: int = 20) -> list[float]:
    """Least CPU seconds of each, repeated so long that the clock sees it; in turns, so that a slow moment meets all."""
    for work in works:
        work()
    found: list[list[float]] = [[] for _ in works]
    for _ in range(rounds):
        for work, spent in zip(works, found, strict=True):
            began = process_time()
            for _ in range(times):
                work()
            spent.append(process_time() - began)
    return [min(spent) for spent in found]


def exponent(sizes: list[int], made: list[float]) -> float:
    """Slope of log cost over log size."""
    return float(np.polyfit([log(size) for size in sizes], [log(one) for one in made], 1)[0])


def ready(sessions: int, seed: int = 1) -> History:
    bars = made_up_bars(sessions, seed)
    return history(bars, made_up_vix(bars, seed))


def combinations(count: int) -> list[Combination]:
    grid = product(range(20, 60), range(1, 101))
    return [
        Combination(replace(RULES, ma_sessions=ma, atr_target_multiple=multiple / 10), TERMS)
        for ma, multiple in list(grid)[:count]
    ]


def test_cost_is_linear_in_sessions() -> None:
    sizes = [2000, 4000, 8000, 14000]
    histories = [ready(size) for size in sizes]
    made = costs([partial(walked, one, RULES, TERMS, Span(60, len(one))) for one in histories])
    assert exponent(sizes, made) <= 1.05, made


def test_cost_is_linear_in_combinations() -> None:
    one, sizes = ready(2000), [500, 1000, 2000, 4000]
    grids = [combinations(size) for size in sizes]
    made = costs([partial(play_combinations, one, grid, Span(60, 2000)) for grid in grids])
    assert exponent(sizes, made) <= 1.05, made


def test_memory_is_flat_in_combinations_and_symbols_stream() -> None:
    one = ready(5000)
    play_combinations(one, combinations(100), Span(60, 5000))
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    play_combinations(one, combinations(4000), Span(60, 5000))
    trades = sum(len(made.slots) for _, made in walked_each((ready(5000, seed) for seed in range(40)), RULES, TERMS))
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert trades > 1000
    assert grown < 64, f"{grown:.0f} MiB more for 40 times the combinations and 40 symbols"


def several(symbols: int, sessions: int) -> tuple[SessionHistory, tuple[str, ...]]:
    names = tuple(f"S{number:03}" for number in range(symbols))
    bars = {name: made_up_bars(sessions, seed, name) for seed, name in enumerate(names)}
    days = tuple(bars[names[0]].days.astype(object))
    return SessionHistory(bars, {}, (*days, days[-1] + timedelta(days=1))), names


def play(history: SessionHistory, strategy: Strategy) -> Callable[[], object]:
    first = strategy.history_sessions()
    return partial(play_sessions, history, strategy, TERMS, first, len(history.days))


STRATEGIES: dict[str, Callable[[tuple[str, ...]], Strategy]] = {
    "momentum_rotation": lambda names: MomentumRotation(symbols=names, top=5, exit_rank=10, trend_symbol=names[0]),
    "trend_following": lambda names: TrendFollowing(symbols=names),
}


@pytest.mark.parametrize("name", STRATEGIES)
def test_cost_of_the_session_path_is_linear_in_sessions(name: str) -> None:
    sizes, works = [250, 500, 1000, 2000], []
    for size in sizes:
        before = STRATEGIES[name](("A", "B", "C", "D", "E")).history_sessions()
        history, names = several(10, before + size)
        works.append(play(history, STRATEGIES[name](names)))
    made = costs(works, rounds=3, times=1)
    print(name, f"{exponent(sizes, made):.2f}", made)
    assert exponent(sizes, made) <= 1.1, made


@pytest.mark.parametrize("name", STRATEGIES)
def test_cost_of_the_session_path_is_linear_in_symbols(name: str) -> None:
    sizes, works = [10, 20, 40, 80], []
    for size in sizes:
        history, names = several(size, STRATEGIES[name](("A", "B", "C", "D", "E")).history_sessions() + 150)
        works.append(play(history, STRATEGIES[name](names)))
    made = costs(works, rounds=3, times=1)
    print(name, f"{exponent(sizes, made):.2f}", made)
    assert exponent(sizes, made) <= 1.1, made


WALKED: dict[str, Callable[[tuple[str, ...]], Strategy]] = {
    "momentum_rotation": STRATEGIES["momentum_rotation"],
    "mean_reversion": lambda names: MeanReversion(symbols=names, trend_sessions=60, max_positions=5),
    "trend_following": STRATEGIES["trend_following"],
    "donchian_breakout": lambda names: DonchianBreakout(symbols=names, system=1, max_units=4),
    "band_rebalance": lambda names: BandRebalance(weights=dict.fromkeys(names, 0.9 / len(names)), min_trade_frac=0.0),
    "buy_only_rebalance": lambda names: BuyOnlyRebalance(
        weights=dict.fromkeys(names, 0.9 / len(names)), min_trade_frac=0.0
    ),
    "ensemble": lambda names: Ensemble(
        members=tuple(
            Member(one.name, 1.0, one) for one in (MeanReversion(symbols=names), TrendFollowing(symbols=names))
        )
    ),
}
"""A ranking, signals, a trailing stop, units, bands, gaps in order, votes: what each session's work grows with."""
RICH = replace(TERMS, capital_usd=5e6)
"""Money for a share of each."""


def walk(history: SessionHistory, strategies: list[Strategy]) -> Callable[[], object]:
    """Play these strategies over one history by the walker, as machine code."""

    def work() -> None:
        for strategy in strategies:
            span = strategy.history_sessions(), len(history.days)
            assert walked_strategy(history, strategy, RICH, span, compiled=True) is not None

    return work


@pytest.mark.parametrize("name", WALKED)
def test_cost_of_the_walker_is_linear_in_sessions(name: str) -> None:
    sizes, works = [2500, 5000, 10000, 20000], []
    for size in sizes:
        before = WALKED[name](("A", "B", "C", "D", "E")).history_sessions()
        history, names = several(20, before + size)
        works.append(walk(history, [WALKED[name](names)]))
    made = costs(works, times=1)
    print(name, f"{exponent(sizes, made):.2f}", made)
    assert exponent(sizes, made) <= 1.1, made


@pytest.mark.parametrize("name", WALKED)
def test_cost_of_the_walker_is_linear_in_symbols(name: str) -> None:
    sizes, works = [25, 50, 100, 200], []
    for size in sizes:
        history, names = several(size, 2500)
        works.append(walk(history, [WALKED[name](names)]))
    made = costs(works, times=1)
    print(name, f"{exponent(sizes, made):.2f}", made)
    assert exponent(sizes, made) <= 1.1, made


def test_cost_of_the_walker_is_linear_in_combinations() -> None:
    sizes, works = [10, 20, 40, 80], []
    history, names = several(10, 1250)
    for size in sizes:
        tried: list[Strategy] = [
            MomentumRotation(symbols=names, top=top, exit_rank=top, trend_symbol=names[0], trend_sessions=sessions)
            for top, sessions in list(product((2, 4), range(100, 140)))[:size]
        ]
        works.append(walk(history, tried))
    made = costs(works, times=1)
    print(f"{exponent(sizes, made):.2f}", made)
    assert exponent(sizes, made) <= 1.1, made
