"""What was seen before the close: the fitted draws, and decisions on them."""

import numpy as np
import pytest

from mtum.core.indicators.smoothing import Smoothing
from mtum.core.market.bars import Bars
from mtum.core.market.volume import VolumeMode
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.decision import PortfolioRules
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.simulation.backtest import run
from mtum.core.simulation.history import History, history
from mtum.core.simulation.kernel.near_close import Seen
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.near_close import NearCloseModel, draws, near_close_spread, played_near_close
from mtum.core.simulation.played import PlayTerms
from mtum.core.simulation.session_path import play_sessions
from mtum.core.simulation.session_views import SessionHistory
from mtum.core.strategies.mtum_confluence import MtumConfluence
from support.markets import made_up_bars, made_up_vix
from support.values import replace

RULES = MtumConfluence(symbol="AAA")
TERMS = PlayTerms(5000.0, PortfolioRules(SizingRules(1.0, 1e12, 0.005, PercentCosts()), LossRules(1e12)))
BARS = made_up_bars(900, 31)
VIX = made_up_vix(BARS, 31)
SPAN = Span(420, 900)
MODEL = NearCloseModel()


@pytest.fixture(scope="module")
def ready() -> History:
    return history(BARS, VIX)


@pytest.mark.parametrize("smoothing", list(Smoothing))
def test_seeing_the_final_bar_is_deciding_on_the_final_bar(ready: History, smoothing: Smoothing) -> None:
    rules = replace(RULES, rsi_smoothing=smoothing, atr_smoothing=smoothing)
    prices = ready.prices
    seen = Seen(prices.close, prices.vix, prices.volume)
    official = run(ready, rules, TERMS, SPAN)
    assert played_near_close(ready, rules, TERMS, SPAN, seen).trades == official.trades
    assert official.trades


def test_one_session_seen_otherwise_is_decided_on_the_bar_that_was_seen(ready: History) -> None:
    """The session path, shown a history whose last bar is the one seen, decides the same for that session."""
    seen = draws(ready, RULES, MODEL, VolumeMode.PROJECTED, 1)[0]
    checked = 0
    for t in range(600, 640):
        close = float(seen.close[t])
        bar = replace(
            BARS.bar(t),
            close=close,
            high=max(BARS.bar(t).high, close),
            low=min(BARS.bar(t).low, close),
            volume=float(seen.volume[t]),
        )
        day = BARS.day(t)
        bars = Bars.of("AAA", "made-up", [*(BARS.bar(i) for i in range(t - 419, t)), bar])
        vix = {day: float(seen.vix[t])} if seen.vix[t] == seen.vix[t] else {}
        slow = play_sessions(SessionHistory({"AAA": bars}, {"VIX": vix}), RULES, TERMS, 419, 420)
        fast = played_near_close(ready, RULES, TERMS, Span(t, t + 1), seen)
        assert len(fast.trades) == len(slow.trades)
        if slow.trades:
            assert fast.trades[0].shares == slow.trades[0].shares
            checked += 1
    assert checked, "no entry in these sessions proves nothing"


def test_fills_are_at_the_official_close(ready: History) -> None:
    seen = draws(ready, RULES, MODEL, VolumeMode.PROJECTED, 1)[0]
    played = played_near_close(ready, RULES, TERMS, SPAN, seen)
    closes = dict(zip(BARS.days.astype(object).tolist(), BARS.close.tolist(), strict=True))
    assert played.trades
    assert all(trade.entry_price == closes[trade.entry_session] for trade in played.trades)


def test_the_same_seed_draws_the_same_past_and_another_seed_another(ready: History) -> None:
    first, second = draws(ready, RULES, MODEL, VolumeMode.PROJECTED, 2, seed=5)
    again = draws(ready, RULES, MODEL, VolumeMode.PROJECTED, 1, seed=5)[0]
    np.testing.assert_array_equal(first.close, again.close)
    assert (first.close != second.close).mean() > 0.5


def test_draws_have_the_fitted_sizes_and_tie(ready: History) -> None:
    """Half of the moves stay within the scale's quartile, 0.75 of it with these tails; price and VIX move apart."""
    many = draws(ready, RULES, MODEL, VolumeMode.PROJECTED, 40)
    ranges = BARS.high - BARS.low
    moves = np.concatenate([np.log(BARS.close / seen.close)[50:] for seen in many])
    fears = np.concatenate([np.log(ready.prices.vix / seen.vix)[50:] for seen in many])
    known = ~np.isnan(fears)
    assert 0.05 < np.median(np.abs(moves)) / np.median(ranges / BARS.close) < 0.15
    assert np.nanmedian(np.abs(fears)) == pytest.approx(0.0075, rel=0.1)
    assert np.corrcoef(np.sign(moves[known]), np.sign(fears[known]))[0, 1] < -0.3
    shares = np.concatenate([MODEL.share_median * seen.volume / BARS.volume for seen in many])
    assert np.quantile(shares, [0.05, 0.5, 0.95]) == pytest.approx([0.74, 0.87, 0.98], abs=0.015)


def test_without_a_tie_price_and_vix_move_independently(ready: History) -> None:
    many = draws(ready, RULES, MODEL.with_correlation(0.0), VolumeMode.PROJECTED, 40)
    moves = np.concatenate([np.log(BARS.close / seen.close)[50:] for seen in many])
    fears = np.concatenate([np.log(ready.prices.vix / seen.vix)[50:] for seen in many])
    known = ~np.isnan(fears)
    assert abs(np.corrcoef(np.sign(moves[known]), np.sign(fears[known]))[0, 1]) < 0.03


def test_spread_counts_what_differs_from_the_official_result(ready: History) -> None:
    official = run(ready, RULES, TERMS, SPAN)
    same = near_close_spread(official, [official, official], -0.5)
    assert (same.elsewhere_frac, same.moved_entries_frac, same.draws) == (0.0, 0.0, 2)
    assert same.final_equity_low == same.final_equity_high == round(official.final_equity_usd, 2)
    seens = draws(ready, RULES, MODEL, VolumeMode.PROJECTED, 10)
    played = [played_near_close(ready, RULES, TERMS, SPAN, seen) for seen in seens]
    other = near_close_spread(official, played, -0.5)
    assert 0.0 < other.elsewhere_frac < 0.5
    assert other.final_equity_low < other.final_equity_high


def test_volume_modes_change_what_is_seen(ready: History) -> None:
    raw, prior = (draws(ready, RULES, MODEL, mode, 1)[0] for mode in (VolumeMode.RAW, VolumeMode.PRIOR_SESSION))
    assert np.median(raw.volume / BARS.volume) == pytest.approx(0.87, abs=0.02)
    np.testing.assert_array_equal(prior.volume[1:], BARS.volume[:-1])
