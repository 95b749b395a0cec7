"""What the walker plays a strategy on: which terms and histories it knows, and those terms as its loop reads them."""

from decimal import Decimal
from math import inf

import numpy as np

from mtum.core.market.instruments import instrument
from mtum.core.portfolio.costs import IbFixedCosts, PercentCosts
from mtum.core.portfolio.decision import PortfolioRules
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.simulation.played import BPS, FillModel, PlayTerms
from mtum.core.simulation.session_views import SessionHistory, looked_at
from mtum.core.simulation.walker.tables import Terms
from mtum.core.strategies.columns import tells_its_own
from mtum.core.strategies.contract import Strategy
from mtum.core.strategies.several import TradeFilter


def why_not(history: SessionHistory, strategy: Strategy, terms: PlayTerms) -> str | None:
    """Say what the walker does not know of a strategy, terms or history; None where it can play them.

    What its column form does not know is told by the form itself, which is then None.

    Parameters
    ----------
    history : SessionHistory
        Bars per symbol, and extra series by session.
    strategy : Strategy
        Parameters of a strategy, what it says about itself, and its decision.
    terms : PlayTerms
        On what terms history is played.
    """
    sizing = terms.rules.sizing
    known = PlayTerms(
        terms.capital_usd,
        PortfolioRules(
            SizingRules(sizing.max_position_frac, sizing.max_position_usd, sizing.cash_buffer_frac, sizing.costs),
            LossRules(
                terms.rules.losses.max_daily_loss_usd,
                terms.rules.losses.flatten_on_daily_loss,
                terms.rules.losses.max_drawdown_frac,
                terms.rules.losses.max_daily_loss_frac,
            ),
        ),
        terms.loss_pause_sessions,
        terms.fill,
        terms.slippage_bps,
        terms.settlement,
        terms.holdings,
    )
    if terms != known or terms.slippage_bps * BPS >= 1:
        return "stops, limits of an account or a cost beside commission and slippage"
    if type(sizing.costs) not in (PercentCosts, IbFixedCosts):
        return "this schedule of commissions"
    return unsaid(history, strategy)


def unsaid(history: SessionHistory, strategy: Strategy) -> str | None:
    """Say why columns cannot tell what a strategy says of a history; None where they can.

    Parameters
    ----------
    history : SessionHistory
        Bars per symbol, and extra series by session.
    strategy : Strategy
        Parameters of a strategy, what it says about itself, and its decision.
    """
    if not tells_its_own(strategy):
        return "verdicts of a kind of its own"
    if _filter_of(strategy) is None:
        return "this trade filter"
    if any(instrument(symbol).multiplier != 1 for symbol in looked_at(strategy)):
        return "contracts"
    if strategy.CALENDAR and not _calendar_holds(history):
        return "sessions that the exchange's calendar does not have"
    return None


def _filter_of(strategy: Strategy) -> tuple[float, float] | None:
    made = type(strategy).least_trade_usd
    if made is Strategy.least_trade_usd:
        return 0.0, strategy.LEAST_TRADE_FRAC
    if isinstance(strategy, TradeFilter) and made is TradeFilter.least_trade_usd:
        return strategy.min_trade_usd, strategy.min_trade_frac
    return None


def _calendar_holds(history: SessionHistory) -> bool:
    calendar = history.calendar_days
    at = np.searchsorted(calendar, history.days, "right")
    return bool(
        len(calendar) and at[-1] < len(calendar) and (at > 0).all() and (calendar[at - 1] == history.days).all()
    )


def loop_terms(strategy: Strategy, terms: PlayTerms) -> Terms:
    """Return the terms as the loop reads them."""
    sizing, losses = terms.rules.sizing, terms.rules.losses
    percent = sizing.costs if isinstance(sizing.costs, PercentCosts) else PercentCosts(Decimal(0))
    fixed = sizing.costs if isinstance(sizing.costs, IbFixedCosts) else IbFixedCosts()
    least = _filter_of(strategy) or (0.0, 0.0)
    return Terms(
        max_position_frac=float(sizing.max_position_frac),
        max_position_usd=float(sizing.max_position_usd),
        buffer_frac=float(sizing.cash_buffer_frac),
        fixed_schedule=isinstance(sizing.costs, IbFixedCosts),
        cost_frac=float(percent.cost_frac),
        per_share_usd=float(fixed.per_share_usd),
        minimum_usd=float(fixed.minimum_usd),
        cap_frac=float(fixed.cap_frac),
        slippage_frac=terms.slippage_bps * BPS,
        next_open=terms.fill is FillModel.NEXT_OPEN,
        max_daily_loss_usd=inf if losses.max_daily_loss_usd is None else float(losses.max_daily_loss_usd),
        max_daily_loss_frac=inf if losses.max_daily_loss_frac is None else float(losses.max_daily_loss_frac),
        loss_pause_sessions=terms.loss_pause_sessions,
        flatten=losses.flatten_on_daily_loss,
        max_drawdown_frac=inf if losses.max_drawdown_frac is None else float(losses.max_drawdown_frac),
        min_trade_usd=float(least[0]),
        min_trade_frac=float(least[1]),
        stands=strategy.STANDING_PURCHASES,
        never_sells=strategy.NEVER_SELLS,
    )
