"""Histories, terms and strategies on which the walker is set beside the session path."""

from collections.abc import Iterator, Mapping
from datetime import date, timedelta
from decimal import Decimal
from itertools import zip_longest
from math import inf

import numpy as np
import pytest

from mtum.core.market.bars import COLUMNS, Bars
from mtum.core.portfolio.costs import IbFixedCosts, PercentCosts
from mtum.core.portfolio.decision import PortfolioRules
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.simulation.played import FillModel, Played, PlayTerms, Settlement
from mtum.core.simulation.session_path import play_sessions
from mtum.core.simulation.session_views import SessionHistory, first_session, looked_at
from mtum.core.simulation.walker.play import walked
from mtum.core.simulation.walker.result import played_of
from mtum.core.strategies.band_rebalance import BandMode, BandRebalance, RebalanceTo
from mtum.core.strategies.buy_and_hold import BuyAndHold
from mtum.core.strategies.buy_only_rebalance import BuyOnlyRebalance
from mtum.core.strategies.contract import Strategy
from mtum.core.strategies.donchian_breakout import DonchianBreakout
from mtum.core.strategies.dual_momentum import DualMomentum
from mtum.core.strategies.ensemble import Ensemble, Member, Vote
from mtum.core.strategies.mean_reversion import MeanReversion, Variant
from mtum.core.strategies.momentum_burst import MomentumBurst
from mtum.core.strategies.momentum_rotation import MomentumRotation, Weighting
from mtum.core.strategies.multi_asset_allocation import MultiAssetAllocation, Sizing
from mtum.core.strategies.pair_reversal import PairReversal
from mtum.core.strategies.regime_rebalance import RegimeRebalance
from mtum.core.strategies.sell_only_rebalance import SellOnlyRebalance
from mtum.core.strategies.trend_following import TrendFollowing
from mtum.core.strategies.tsmom import Tsmom
from mtum.core.strategies.volatility_target import VolatilityTarget
from support.daily_ranking import DailyRanking
from support.markets import made_up_bars, weekdays
from support.values import replace

NAMES = tuple(f"S{number}" for number in range(10))
TOLERANCE = 2e-6
"""USD by which two values may differ: each is rounded to half of that."""
_PERCENT = PercentCosts(Decimal("0.001"))


def terms_of(sizing: SizingRules | None = None, losses: LossRules | None = None, **given: object) -> PlayTerms:
    """Terms without limits but those given."""
    rules = PortfolioRules(sizing or SizingRules(1.0, inf, 0.002, _PERCENT), losses or LossRules(None))
    return PlayTerms(**{"capital_usd": 100_000.0, "rules": rules, **given})  # type: ignore[arg-type]


TERMS: Mapping[str, PlayTerms] = {
    "percent": terms_of(),
    "broker's schedule, little money": terms_of(SizingRules(0.9, inf, 0.0, IbFixedCosts()), capital_usd=8_000.0),
    "a largest position": terms_of(SizingRules(1.0, 9_000.0, 0.003, PercentCosts(Decimal("0.002")))),
    "next open, slippage": terms_of(fill=FillModel.NEXT_OPEN, slippage_bps=5.0),
    "settlement": terms_of(settlement=Settlement.CALENDAR, slippage_bps=3.0),
    "a daily loss that pauses": terms_of(losses=LossRules(600.0), loss_pause_sessions=3),
    "a daily loss as a fraction": terms_of(losses=LossRules(None, False, None, 0.01)),
    "a daily loss that sells": terms_of(losses=LossRules(2_500.0, True)),
    "a fall that halts": terms_of(losses=LossRules(None, False, 0.05)),
    # Names of made-up bars, and of real ones.
    "shares at the start": terms_of(
        holdings={"S0": 400, "S4": 300, "SPY": 200, "TLT": 300}, losses=LossRules(3_000.0, False, 0.3)
    ),
    "all at once": terms_of(
        losses=LossRules(900.0), fill=FillModel.NEXT_OPEN, settlement=Settlement.CALENDAR, capital_usd=30_000.0
    ),
}


def strategies(names: tuple[str, ...] = NAMES, *, months: int = 3) -> dict[str, Strategy]:
    """Strategies with a column form, on the first of these symbols, that look back so many months."""
    five = dict.fromkeys(names[:5], 0.2)
    return {
        "multi_asset_allocation": MultiAssetAllocation(weights=five, months=months),
        "multi_asset_allocation by volatility": MultiAssetAllocation(
            weights=five, months=months, sizing=Sizing.INVERSE_VOL, cash_symbol=names[6], drift_band=0.06
        ),
        "dual_momentum": DualMomentum(
            risk_assets=names[:3], safe=names[3], bonds=names[4], lookback_months=months
        ),
        "dual_momentum with one safe asset": DualMomentum(
            risk_assets=names[:2], safe=names[4], bonds=names[4], lookback_months=1
        ),
        "tsmom": Tsmom(symbols=names[:6], lookback_months=months, target_vol=0.15),
        "volatility_target": VolatilityTarget(symbol=names[0]),
        "buy_and_hold": BuyAndHold(symbols=names[:3]),
        "momentum_rotation": MomentumRotation(
            symbols=names[:8], top=3, exit_rank=4, trend_symbol=names[8], lookback_months=months, trend_sessions=60
        ),
        "mean_reversion": MeanReversion(symbols=names[:6], trend_sessions=60, max_positions=2),
        "mean_reversion by bands": MeanReversion(
            symbols=names[:6], variant=Variant.BOLLINGER_RSI, trend_sessions=0, max_positions=3, stop_atr=1.0
        ),
        "momentum_burst": MomentumBurst(symbols=names[:7], burst_atr=0.5, volume_multiple=0.8, rsi_low=50.0),
        "a ranking of one's own": DailyRanking(symbols=names[:8], top=3, part=0.3),
        "momentum_rotation by volatility": MomentumRotation(
            symbols=names[:8], top=3, exit_rank=5, trend_symbol=names[0], lookback_months=months, skip_months=0,
            weighting=Weighting.INVERSE_VOL, trend_sessions=50,
        ),
        "trend_following": TrendFollowing(
            symbols=names[:5], fast=5, slow=12, adx_min=8.0, weeks=6, months=max(2, months), chandelier_atr=2.0,
        ),
        "donchian_breakout": DonchianBreakout(
            symbols=names[:4], system=1, risk_frac=0.004, max_units=3, stop_n=1.5
        ),
        "donchian_breakout out of a squeeze": DonchianBreakout(symbols=names[:5], squeeze_filter=True),
        "pair_reversal": PairReversal(symbols=names[1:3], pair_sessions=4 * months),
        "band_rebalance": BandRebalance(weights=five),
        "band_rebalance to the edge": BandRebalance(
            weights=dict(zip(names[:6], (0.4, 0.2, 0.15, 0.1, 0.05, 0.0), strict=True)),
            band_mode=BandMode.RELATIVE, band=0.04, rebalance_to=RebalanceTo.EDGE, min_sessions_between=2,
        ),
        "band_rebalance half-way": BandRebalance(
            weights=dict(zip(names[:3], (0.5, 0.3, 0.1), strict=True)),
            band_mode=BandMode.ABSOLUTE, band=0.015, rebalance_to=RebalanceTo.HALF, min_sessions_between=0,
        ),
        "buy_only_rebalance": BuyOnlyRebalance(weights=dict(zip(names[:4], (0.4, 0.2, 0.2, 0.1), strict=True))),
        "sell_only_rebalance": SellOnlyRebalance(
            weights={names[0]: 0.1, names[1]: 0.2, names[4]: 0.0}, gap=0.1, max_daily_frac=0.2
        ),
        "ensemble": Ensemble(members=tuple(
            Member(one.name, weight, one)
            for weight, one in (
                (1.0, MeanReversion(symbols=names[:6], trend_sessions=60, max_positions=2)),
                (2.0, MultiAssetAllocation(weights=five, months=months)),
                (1.0, MomentumRotation(
                    symbols=names[:7], top=3, exit_rank=4, trend_symbol=names[8], lookback_months=months,
                    trend_sessions=60,
                )),
            )
        )),
        "ensemble of trends": Ensemble(members=tuple(
            Member(one.name, 1.0, one)
            for one in (
                TrendFollowing(symbols=names[:4], fast=5, slow=12, adx_min=8.0, weeks=6, months=2, chandelier_atr=2.0),
                MeanReversion(symbols=names[:4], trend_sessions=60, max_positions=2),
                DonchianBreakout(symbols=names[:4], system=1, risk_frac=0.004, max_units=3, stop_n=1.5),
            )
        )),
        "ensemble by majority": Ensemble(rule=Vote.MAJORITY, members=tuple(
            Member(one.name, 1.0, one)
            for one in (
                MomentumBurst(symbols=names[:4], burst_atr=0.5, volume_multiple=0.8, rsi_low=50.0),
                VolatilityTarget(symbol=names[0]),
                VolatilityTarget(symbol=names[1]),
                PairReversal(symbols=names[1:3], pair_sessions=4 * months),
                Tsmom(symbols=names[:3], lookback_months=months, target_vol=0.15),
            )
        )),
        "ensemble that is unanimous": Ensemble(rule=Vote.UNANIMOUS, members=tuple(
            Member(one.name, 1.0, one)
            for one in (
                DualMomentum(risk_assets=names[:3], safe=names[3], bonds=names[4], lookback_months=months),
                BuyAndHold(symbols=names[:3]),
                MeanReversion(
                    symbols=names[1:6], variant=Variant.BOLLINGER_RSI, trend_sessions=0, max_positions=3, stop_atr=1.0
                ),
            )
        )),
        "regime_rebalance": RegimeRebalance(
            weights=dict(zip(names[:4], (0.4, 0.25, 0.2, 0.1), strict=True)), soft_band=0.06, hard_band=0.2,
            hard_frac=0.5,
        ),
        "regime_rebalance by flows": RegimeRebalance(
            weights=dict.fromkeys(names[:4], 0.2), lookback=10, cooldown=1, soft_band=0.9, hard_band=1.5,
            choppiness_min=1.0, flow_start=0.01, flow_stop=0.005, flow_tau=0.2, deficit_start=0.02, deficit_stop=0.01,
        ),
    }  # fmt: skip


def made_up(strategy: Strategy, sessions: int, *, ragged: bool = False) -> SessionHistory:
    """Made-up bars of what a strategy looks at; ragged: with different first days, and sessions missing of some."""
    days, bars = weekdays(sessions), {}
    for symbol in looked_at(strategy):
        number = NAMES.index(symbol)
        drawn = made_up_bars(sessions, 100 + number, symbol)
        keep = np.ones(sessions, dtype=bool)
        if ragged:
            keep[: number % 4 * 8] = False
            # Of a long history the half before the end too: what is not fit then is fit again.
            for before in (45, *([sessions // 2] if sessions > 1_000 else [])):
                keep[sessions - before + number] &= number % 3 != 1
                keep[sessions - before - 8 : sessions - before - 4] &= number % 5 != 2
        columns = {name: getattr(drawn, name)[keep] for name in COLUMNS}
        bars[symbol] = Bars.from_columns(symbol, "made-up", drawn.days[keep], columns)
    return SessionHistory(bars, {}, tuple(weekdays(sessions + 80, days[0] - timedelta(days=56))))


ENDS: Mapping[str, Mapping[int, int]] = {
    "one": {1: 60},
    "the first of the list": {0: 50},
    "two at once": {0: 45, 2: 45},
    "one after the other": {2: 70, 1: 46},
    "all": {at: 20 + 7 * at for at in range(len(NAMES))},
}
"""Sessions before the end of the history at which bars end, by place on what a strategy looks at."""


def ending(history: SessionHistory, strategy: Strategy, ends: Mapping[int, int]) -> SessionHistory:
    """The same history with bars that end so many of a symbol's sessions before its last."""
    cut = {symbol: ends[at] for at, symbol in enumerate(looked_at(strategy)) if at in ends}
    bars = {symbol: one[: len(one) - cut.get(symbol, 0)] for symbol, one in history.bars.items()}
    return replace(history, bars=bars)


def first_of(history: SessionHistory, strategy: Strategy, terms: PlayTerms) -> int:
    """The first session that is fit, and has a close before it of what is held at the start."""
    first = first_session(history, strategy)
    assert first is not None
    begun = [history.bars[one].days[0] for one in terms.holdings if one in history.bars]
    return max(first, *(int(at) for at in np.searchsorted(history.days, begun, "right")), 0)


def by_the_walker(
    history: SessionHistory, strategy: Strategy, terms: PlayTerms, *, compiled: bool = False
) -> Played | None:
    """What one walk makes from the first session that is fit."""
    first = first_of(history, strategy, terms)
    found = walked(history, strategy, terms, (first, len(history.days)), compiled=compiled)
    return None if found is None else played_of(history, terms, found)


def differences(history: SessionHistory, strategy: Strategy, terms: PlayTerms) -> Iterator[str]:
    """Say where the walker and the session path differ: orders, trades, equity at each close."""
    first = first_of(history, strategy, terms)
    mine, other = (
        by_the_walker(history, strategy, terms),
        play_sessions(history, strategy, terms, first, len(history.days)),
    )
    yield from ["the walker does not play it"] if mine is None else apart(mine, other)


def apart(mine: Played, other: Played) -> Iterator[str]:
    """Say where what a fast path played and what the session path played differ."""
    for own, its in zip_longest(mine.orders, other.orders):
        if own is None or its is None or not _alike(own, its):
            yield f"order: {own}, the session path {its}"
            break
    for trade, its_trade in zip_longest(mine.trades, other.trades):
        if trade is None or its_trade is None or not _alike(trade, its_trade):
            yield f"trade: {trade}, the session path {its_trade}"
            break
    between = np.abs(mine.equity - other.equity)
    if not between.max() <= TOLERANCE:
        yield f"equity {between.max()} USD apart, first on {_day(other, between)}"
    if (mine.held != other.held).any() or mine.purchases_capped != other.purchases_capped:
        yield f"held or capped: {mine.purchases_capped}, the session path {other.purchases_capped}"
    if mine.notes != other.notes:
        yield f"notes {mine.notes}, the session path {other.notes}"
    if mine.costs != pytest.approx(other.costs, abs=1e-5):
        yield f"costs {mine.costs}, the session path {other.costs}"


def _day(played: Played, between: "np.ndarray[tuple[int, ...], np.dtype[np.float64]]") -> date:
    found: date = played.days[int(np.argmax(between > TOLERANCE))].astype(object)
    return found


def _alike(one: object, other: object) -> bool:
    pairs = ((getattr(one, name), getattr(other, name)) for name in type(one).__slots__)  # type: ignore[attr-defined]
    return all(
        abs(mine - its) <= TOLERANCE if isinstance(mine, float) and isinstance(its, float) else mine == its
        for mine, its in pairs
    )
