"""Why mtum_confluence keeps a loop of its own: how much longer the walker of every strategy takes for the same trades.

The rules are said to the walker as columns, which the strategy itself does not do: its conditions are worked out
inside its own loop, a bit for each session, and a sweep over thresholds jumps from one trade to the next. What the
walker takes contains its tables, made for each run, but not the indicators, made once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from statistics import median
from time import process_time
from typing import TYPE_CHECKING

import numpy as np
import pytest

from mtum.core.market.bars import Column
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.decision import PortfolioRules
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.research.grid import Combination, play_combinations
from mtum.core.simulation.backtest import first_fit, run
from mtum.core.simulation.backtest import walked as own_walk
from mtum.core.simulation.history import history
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.played import PlayTerms
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.simulation.walker.play import walked
from mtum.core.simulation.walker.result import Walked, played_of
from mtum.core.strategies.columns import Signals, reasons_by_bits
from mtum.core.strategies.contract import Own, SymbolVerdict
from mtum.core.strategies.mtum_confluence import ENTRY_CONDITIONS, EXIT_CONDITIONS, MtumConfluence
from support.markets import made_up_bars, made_up_vix
from support.values import replace

if TYPE_CHECKING:
    from mtum.core.strategies.columns import MarketColumns
    from mtum.core.view import MarketView

pytestmark = pytest.mark.bench
SESSIONS, SEED = 2_520, 5
TERMS = PlayTerms(5000.0, PortfolioRules(SizingRules(1.0, 1e12, 0.0, PercentCosts()), LossRules(1e12)))
BARS = made_up_bars(SESSIONS, SEED)
VIX = made_up_vix(BARS, SEED)
FEAR = np.array([VIX.get(day, np.nan) for day in BARS.days.astype(object)])


@dataclass(frozen=True)
class InColumns(MtumConfluence):
    """The same rules, said as columns."""

    def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
        return super().verdicts(view, own)

    def column_form(self, market: "MarketColumns") -> Signals:
        return said(self, market.close((self.symbol,)), market.volume((self.symbol,)), self.seen(market))

    def seen(self, market: "MarketColumns") -> dict[str, Column]:
        # A sweep works an indicator out once: the loop is what is compared.
        for one in self.indicators():
            key = (one.indicator, one.parameters)
            if key not in KNOWN:
                KNOWN[key] = market.values((self.symbol,), one)
        return {one.name: KNOWN[(one.indicator, one.parameters)] for one in self.indicators()}


KNOWN: dict[tuple[object, ...], Column] = {}


def said(rules: MtumConfluence, close: Column, volume: Column, now: dict[str, Column]) -> Signals:
    vix = FEAR[:, None]
    enters = (close > now["ma"]) & (vix < rules.vix_entry_below) & (now["rsi"] > rules.rsi_entry_above)
    enters &= volume > now["volume_average"]
    leaves = (close < now["ma"]).astype(np.int64)
    leaves += 2 * (vix > rules.vix_exit_above) + 4 * (now["rsi"] < rules.rsi_exit_below)
    _, *sales = reasons_by_bits("", EXIT_CONDITIONS)
    return Signals(
        np.arange(len(close)), np.where(enters, 1.0, np.nan), np.zeros(close.shape), leaves, now["atr"],
        rules.atr_target_multiple, np.inf, 1 << 40, 1, (8, 0, 0), (ENTRY_CONDITIONS, *sales),
    )  # fmt: skip


OWN, COLUMNS = MtumConfluence(symbol="AAA"), InColumns(symbol="AAA")
OWN_HISTORY, SHARED_HISTORY = history(BARS, VIX), SessionHistory({"AAA": BARS}, {"VIX": VIX})
SPAN = Span(first_fit(OWN_HISTORY, OWN), SESSIONS)


def by_walker(strategy: InColumns) -> Walked:
    found = walked(SHARED_HISTORY, strategy, TERMS, (SPAN.first, SPAN.stop), compiled=True)
    assert found is not None
    return found


def times_longer(slow: Callable[[], object], quick: Callable[[], object], pairs: int, repeat: int) -> float:
    """Median over pairs of the CPU that one takes over that of the other, both in turns."""

    def cost(work: Callable[[], object], times: int) -> float:
        began = process_time()
        for _ in range(times):
            work()
        return (process_time() - began) / times

    slow()
    quick()
    return median(cost(slow, 3) / cost(quick, repeat) for _ in range(pairs))


def test_both_make_the_same_trades() -> None:
    own, columns = run(OWN_HISTORY, OWN, TERMS, SPAN), played_of(SHARED_HISTORY, TERMS, by_walker(COLUMNS))

    assert len(own.trades) > 20
    assert [(one.entry_session, one.exit_session, one.shares) for one in columns.trades] == [
        (one.entry_session, one.exit_session, one.shares) for one in own.trades
    ]
    assert float(np.abs(columns.equity - own.equity).max()) < 1e-4


def test_own_loop_is_worth_keeping_for_one_history() -> None:
    found = times_longer(lambda: by_walker(COLUMNS), lambda: own_walk(OWN_HISTORY, OWN, TERMS, SPAN), 15, 30)
    print(f"one history: the walker takes {found:.1f} times as long")
    assert found > 1.5


def test_own_loop_is_worth_keeping_for_a_sweep() -> None:
    levels = [
        (ma, multiple) for ma in range(20, 70, 5) for multiple in (2.0, 2.5, 3.0, 3.5, 4.0, 4.5, 5.0, 5.5, 6.0, 6.5)
    ]
    grid = [Combination(replace(OWN, ma_sessions=ma, atr_target_multiple=multiple), TERMS) for ma, multiple in levels]
    each = [replace(COLUMNS, ma_sessions=ma, atr_target_multiple=multiple) for ma, multiple in levels]

    found = times_longer(
        lambda: [by_walker(one) for one in each],
        lambda: play_combinations(OWN_HISTORY, grid, SPAN, with_returns=False),
        5, 30,
    )  # fmt: skip
    print(f"{len(grid)} combinations: the walker takes {found:.1f} times as long")
    assert found > 1.5
