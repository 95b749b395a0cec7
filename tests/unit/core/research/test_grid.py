"""Many combinations at once give what each gives alone."""

from itertools import product

import numpy as np
import pytest

from mtum.core.indicators.smoothing import Smoothing
from mtum.core.market.bars import Bars
from mtum.core.portfolio.costs import IbFixedCosts, PercentCosts
from mtum.core.portfolio.decision import PortfolioRules
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.returns import from_capital, returns
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.research.grid import Combination, play_combinations
from mtum.core.research.metrics import curve_metrics, moments
from mtum.core.research.overfitting import block_sessions
from mtum.core.simulation.backtest import run
from mtum.core.simulation.history import history
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
)
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.played import FillModel, PlayTerms
from mtum.core.strategies.mtum_confluence import MtumConfluence
from support.markets import made_up_bars, made_up_vix
from support.values import replace

BASE = MtumConfluence(symbol="AAA")
PERCENT = PlayTerms(5000.0, PortfolioRules(SizingRules(1.0, 1e12, 0.0, PercentCosts()), LossRules(500.0)))
SCHEDULE = replace(
    PERCENT,
    rules=PortfolioRules(SizingRules(1.0, 1e12, 0.0, IbFixedCosts()), LossRules(500.0)),
    fill=FillModel.NEXT_OPEN,
)
STRATEGIES = [
    replace(BASE, ma_sessions=ma, rsi_smoothing=form, vix_exit_above=fear, rsi_exit_below=weak, atr_sessions=atr)
    for ma, form, fear, weak, atr in product((20, 50), Smoothing, (24.0, 30.0), (30.0, 45.0), (7, 14))
] + [replace(BASE, volume_sessions=5, rsi_entry_above=61.0, vix_entry_below=16.0, reentry_cooldown_sessions=3)]
# These leave alike and differ in when they enter: a walk goes by what the ones before it found.
STRATEGIES += [
    replace(BASE, rsi_entry_above=strong, vix_entry_below=calm) for strong in (45, 52, 58) for calm in (16, 22)
]
SMALL = replace(PERCENT, rules=PortfolioRules(replace(PERCENT.rules.sizing, max_position_usd=4900.0), LossRules(500.0)))
FLATTENED = replace(PERCENT, rules=PortfolioRules(PERCENT.rules.sizing, LossRules(40.0, flatten_on_daily_loss=True)))
COMBINATIONS = [
    Combination(strategy, terms) for strategy in STRATEGIES for terms in (PERCENT, SCHEDULE, FLATTENED, SMALL)
]
SPAN = Span(410, 900)


def test_every_row_equals_the_backtest_of_that_combination() -> None:
    drawn = made_up_bars(900, 21)
    columns = {name: getattr(drawn, name) for name in ("open", "high", "low", "close", "volume")}
    dividend = np.where(np.arange(900) % 21 == 20, 0.3, 0.0)
    bars = Bars.from_columns("AAA", "made-up", drawn.days, {**columns, "dividend": dividend})
    ready = history(bars, made_up_vix(bars, 21))
    found = play_combinations(ready, COMBINATIONS, SPAN)
    assert len({tuple(row) for row in found.numbers}) > len(COMBINATIONS) / 2, "the settings must matter"
    for numbers, sums, squares, one in zip(found.numbers, found.sums, found.squares, COMBINATIONS, strict=True):
        alone = run(ready, one.strategy, one.terms, SPAN)
        moves = returns(from_capital(alone.equity, 5000.0))
        metrics = curve_metrics(alone.equity, alone.days, 5000.0)
        assert numbers[TRADES] == len(alone.trades)
        assert numbers[CAPPED] == alone.purchases_capped
        assert numbers[WINS] == sum(trade.pnl_usd > 0 for trade in alone.trades if trade.exit_session)
        assert numbers[FINAL_EQUITY] == pytest.approx(alone.final_equity_usd, abs=1e-9)
        assert numbers[[MEAN, DEVIATION]].tolist() == pytest.approx([moves.mean(), moves.std(ddof=1)], abs=1e-15)
        assert numbers[[SKEW, KURTOSIS]].tolist() == pytest.approx(moments(moves), rel=1e-9)
        assert numbers[DRAWDOWN] == pytest.approx(metrics.max_drawdown.frac, abs=1e-12)
        blocks = np.arange(len(moves)) * 10 // len(moves)
        assert sums == pytest.approx(np.bincount(blocks, moves, 10), abs=1e-13)
        assert squares == pytest.approx(np.bincount(blocks, moves**2, 10), abs=1e-13)


def test_totals_are_the_same_without_returns() -> None:
    bars = made_up_bars(900, 22)
    ready = history(bars, made_up_vix(bars, 22))
    whole = play_combinations(ready, COMBINATIONS, SPAN)
    totals = play_combinations(ready, COMBINATIONS, SPAN, with_returns=False)
    np.testing.assert_array_equal(whole.numbers[:, :4], totals.numbers[:, :4])


def test_blocks_share_out_all_sessions() -> None:
    assert block_sessions(25).tolist() == [3, 2, 3, 2, 3, 2, 3, 2, 3, 2]
