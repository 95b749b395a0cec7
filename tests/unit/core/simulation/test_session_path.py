"""Playing session by session through `decide` gives the fast path's trades, equity and reasons."""

from datetime import date
from decimal import Decimal

import numpy as np
import pytest

from mtum.core.indicators.smoothing import Smoothing
from mtum.core.portfolio.costs import IbFixedCosts, PercentCosts
from mtum.core.portfolio.decision import PortfolioRules
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.simulation.backtest import run
from mtum.core.simulation.history import history
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.played import FillModel, PlayTerms, Settlement
from mtum.core.simulation.session_path import play_sessions
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.strategies.buy_and_hold import BuyAndHold
from mtum.core.strategies.mtum_confluence import MtumConfluence
from support.markets import by_day, made_up_bars, made_up_vix, real_bars
from support.values import replace

RULES = MtumConfluence(symbol="AAA")
SIZING = SizingRules(1.0, 1e12, 0.005, PercentCosts())
PLAIN = PlayTerms(5000.0, PortfolioRules(SIZING, LossRules(500.0)))
LOSSES = LossRules(500.0)
TIGHT = LossRules(60.0)


def with_rules(sizing: SizingRules = SIZING, losses: LossRules = LOSSES) -> PlayTerms:
    return replace(PLAIN, rules=PortfolioRules(sizing, losses))


VARIANTS: dict[str, tuple[MtumConfluence, PlayTerms]] = {
    "defaults": (RULES, PLAIN),
    "Wilder": (replace(RULES, rsi_smoothing=Smoothing.WILDER, atr_smoothing=Smoothing.WILDER), PLAIN),
    "next open with slippage": (RULES, replace(PLAIN, fill=FillModel.NEXT_OPEN, slippage_bps=5.0)),
    "broker's schedule, half the equity": (RULES, with_rules(SizingRules(0.5, 1e12, 0.0, IbFixedCosts()))),
    "limit in USD": (RULES, with_rules(SizingRules(1.0, 900.0, 0.0, IbFixedCosts()))),
    "daily loss": (RULES, replace(with_rules(losses=TIGHT), loss_pause_sessions=6)),
    "daily loss, no pause": (RULES, replace(with_rules(losses=TIGHT), loss_pause_sessions=0)),
    "flatten": (RULES, with_rules(losses=LossRules(120.0, flatten_on_daily_loss=True))),
    "drawdown": (RULES, with_rules(losses=LossRules(500.0, max_drawdown_frac=0.06))),
    "small drawdown": (RULES, with_rules(losses=LossRules(500.0, max_drawdown_frac=0.03))),
    "settlement": (
        replace(RULES, rsi_exit_below=48.0),
        replace(with_rules(SizingRules(0.6, 1e12, 0.0, PercentCosts(Decimal(0)))), settlement=Settlement.CALENDAR),
    ),
    "cooldown": (replace(RULES, reentry_cooldown_sessions=4), replace(PLAIN, fill=FillModel.NEXT_OPEN)),
}


@pytest.mark.parametrize("name", VARIANTS)
@pytest.mark.parametrize("seed", [11, 12])
def test_both_paths_make_the_same_trades(name: str, seed: int) -> None:
    strategy, terms = VARIANTS[name]
    bars = made_up_bars(840, seed, step=0.016)
    vix = made_up_vix(bars, seed)
    fast = run(history(bars, vix, terms.settlement.value), strategy, terms, Span(420, 840))
    slow = play_sessions(SessionHistory({"AAA": bars}, {"VIX": vix}), strategy, terms, 420, 840)
    assert fast.trades == slow.trades
    assert fast.trades, "a market without trades proves nothing"
    np.testing.assert_allclose(fast.equity, slow.equity, atol=1e-6)
    np.testing.assert_array_equal(fast.held, slow.held)
    assert fast.purchases_capped == slow.purchases_capped


@pytest.mark.parametrize(("smoothing", "start"), [("simple", date(2014, 1, 2)), ("wilder", date(2015, 1, 2))])
def test_both_paths_make_the_same_trades_on_real_bars(smoothing: str, start: date) -> None:
    bars, vix = real_bars("MTUM"), by_day(real_bars("VIX"))
    strategy = MtumConfluence(rsi_smoothing=Smoothing(smoothing))
    ready = history(bars, vix)
    span = Span(ready.index(start), len(ready))
    fast = run(ready, strategy, PLAIN, span)
    slow = play_sessions(SessionHistory({"MTUM": bars}, {"VIX": vix}), strategy, PLAIN, *span)
    assert fast.trades == slow.trades
    np.testing.assert_allclose(fast.equity, slow.equity, atol=1e-6)


def test_any_strategy_can_be_played() -> None:
    """Buy and hold: 5000 / (price x 1.006) shares on the first session, never sold."""
    bars = made_up_bars(80, 3)
    played = play_sessions(SessionHistory({"AAA": bars}, {}), BuyAndHold("AAA"), PLAIN, 10, 80)
    (trade,) = played.trades
    assert trade.shares == int(5000.0 // (float(bars.close[10]) * 1.006))
    assert (trade.entry_session, trade.exit_session, trade.reason) == (bars.day(10), None, None)
    assert played.held.tolist() == [1.0] * 70
