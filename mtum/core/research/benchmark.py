"""What buying and holding the same symbol would have made over the same sessions."""

from dataclasses import dataclass
from decimal import Decimal
from math import floor

import numpy as np

from mtum.core.market.bars import Days
from mtum.core.portfolio.costs import CostModel
from mtum.core.portfolio.sizing import SizingRules, shares_for
from mtum.core.simulation.history import History
from mtum.core.simulation.kernel.columns import Column
from mtum.core.simulation.kernel.play import Span


@dataclass(frozen=True, slots=True, eq=False)
class BuyAndHoldCurves:
    """Equity at each close in USD, shape (n_sessions,), with dividends reinvested and kept as cash."""

    days: Days
    shares: int
    entry_cost_usd: float
    reinvested: Column
    unreinvested: Column


def buy_and_hold(history: History, span: Span, capital_usd: float, costs: CostModel) -> BuyAndHoldCurves:
    """Buy whole shares at the first close of the span and keep them.

    One entry cost is paid; dividends count from the next session on and are
    reinvested at the close of the ex-date without cost, fractions of a share
    included, or stay cash.
    """
    close = history.tape.close[span.first : span.stop]
    price = float(close[0])
    shares = shares_for(capital_usd, price, SizingRules(1.0, capital_usd, 0.0, costs))
    cost = float(costs.commission(shares, Decimal(repr(price)))) if shares else 0.0
    cash = capital_usd - shares * price - cost
    dividend = np.zeros(len(close))
    for at, per_share in zip(history.tape.dividend_at, history.tape.dividend, strict=True):
        if span.first < at < span.stop:
            dividend[at - span.first] = per_share
    grown = shares * np.cumprod(1.0 + dividend / close)
    return BuyAndHoldCurves(
        days=history.days[span.first : span.stop],
        shares=floor(shares),
        entry_cost_usd=cost,
        reinvested=cash + grown * close,
        unreinvested=cash + shares * (close + np.cumsum(dividend)),
    )
