"""What holds for every backtest, whatever the bars and the settings."""

from datetime import date

import numpy as np
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from mtum.core.indicators.smoothing import Smoothing
from mtum.core.portfolio.costs import IbFixedCosts, PercentCosts
from mtum.core.portfolio.decision import PortfolioRules
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.research.checks import OTHER_FUTURES, Question, Replay, same_past
from mtum.core.research.variants import alone, play
from mtum.core.simulation.backtest import run
from mtum.core.simulation.history import History, history
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.played import FillModel, Played, PlayTerms, Settlement
from mtum.core.simulation.session_path import play_sessions
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.strategies.mtum_confluence import MtumConfluence
from support.markets import made_up_bars, made_up_vix
from support.values import replace

SESSIONS = 460
RULES = st.builds(
    MtumConfluence,
    symbol=st.just("AAA"),
    ma_sessions=st.integers(5, 60),
    rsi_sessions=st.integers(3, 30),
    atr_sessions=st.integers(3, 30),
    volume_sessions=st.integers(3, 40),
    rsi_smoothing=st.sampled_from(Smoothing),
    atr_smoothing=st.sampled_from(Smoothing),
    vix_entry_below=st.sampled_from([16.0, 20.0, 25.0]),
    vix_exit_above=st.sampled_from([20.0, 26.0, 30.0]),
    rsi_entry_above=st.sampled_from([30.0, 50.0, 55.5]),
    rsi_exit_below=st.sampled_from([20.0, 30.0, 45.0]),
    atr_target_multiple=st.sampled_from([0.5, 1.75, 4.0]),
    reentry_cooldown_sessions=st.integers(0, 5),
)
TERMS = st.builds(
    PlayTerms,
    capital_usd=st.sampled_from([60.0, 777.77, 5000.0, 1e6]),
    rules=st.builds(
        PortfolioRules,
        sizing=st.builds(
            SizingRules,
            max_position_frac=st.sampled_from([0.3, 1.0]),
            max_position_usd=st.sampled_from([500.0, 5000.0, 1e12]),
            cash_buffer_frac=st.sampled_from([0.0, 0.005]),
            costs=st.sampled_from([PercentCosts(), IbFixedCosts()]),
        ),
        losses=st.builds(
            LossRules,
            max_daily_loss_usd=st.sampled_from([25.0, 120.0, 1e12]),
            flatten_on_daily_loss=st.booleans(),
            max_drawdown_frac=st.sampled_from([None, 0.04, 0.2]),
        ),
    ),
    loss_pause_sessions=st.integers(0, 4),
    fill=st.sampled_from(FillModel),
    slippage_bps=st.sampled_from([0.0, 7.5]),
    settlement=st.sampled_from(Settlement),
)
SEEDS = st.integers(1, 40)


def played(seed: int, rules: MtumConfluence, terms: PlayTerms) -> tuple[History, dict[date, float], Played]:
    bars = made_up_bars(SESSIONS, seed, step=0.018)
    vix = made_up_vix(bars, seed)
    ready = history(bars, vix, terms.settlement.value)
    return ready, vix, run(ready, rules, terms, Span(100, SESSIONS))


@given(SEEDS, RULES, TERMS)
@settings(max_examples=40)
def test_cutting_off_the_future_never_changes_the_past(seed: int, rules: MtumConfluence, terms: PlayTerms) -> None:
    bars = made_up_bars(SESSIONS, seed, step=0.018)
    market = SessionHistory({"AAA": bars}, {"VIX": made_up_vix(bars, seed)})
    question = Question(market, Span(100, SESSIONS), alone(rules, terms), rules.history_sessions(), play)
    whole = question.played(Replay(question.asked, question.span))
    for future in (0.0, *OTHER_FUTURES):
        part = question.played(Replay(question.asked, Span(100, 300), future=future))
        assert len(part.equity) == 200
        assert same_past(part, whole)


@given(SEEDS, RULES, TERMS)
@settings(max_examples=40)
def test_cash_is_kept_and_positions_never_overlap(seed: int, rules: MtumConfluence, terms: PlayTerms) -> None:
    _, _, found = played(seed, rules, terms)
    total = sum(trade.pnl_usd for trade in found.trades)
    assert abs(total - (found.final_equity_usd - found.capital_usd)) < 1e-4
    for earlier, later in zip(found.trades, found.trades[1:], strict=False):
        assert earlier.exit_session is not None
        assert later.entry_session > earlier.exit_session
    assert all(trade.shares >= 1 for trade in found.trades)


@given(SEEDS, RULES, TERMS)
@settings(max_examples=10, phases=[Phase.explicit, Phase.generate])
def test_both_paths_agree_whatever_the_settings(seed: int, rules: MtumConfluence, terms: PlayTerms) -> None:
    rules = replace(rules, rsi_smoothing=Smoothing.SIMPLE, atr_smoothing=Smoothing.SIMPLE)
    _, vix, fast = played(seed, rules, terms)
    bars = made_up_bars(SESSIONS, seed, step=0.018)
    slow = play_sessions(SessionHistory({"AAA": bars}, {"VIX": vix}), rules, terms, 100, SESSIONS)
    assert fast.trades == slow.trades
    np.testing.assert_allclose(fast.equity, slow.equity, atol=1e-5)
