"""What buying and holding the same symbol would have made over the same sessions."""

from dataclasses import dataclass

import numpy as np

from mtum.core.market.bars import Days
from mtum.core.portfolio.benchmark import held_from
from mtum.core.portfolio.costs import CostModel
from mtum.core.portfolio.money import exact
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
    """Buy whole shares at the first close of the span and keep them (see `held_from`); dividends count from the next.

    The fractions of a share that reinvested dividends buy are only in `reinvested`.
    """
    close = history.tape.close[span.first : span.stop]
    paid = np.zeros(len(history))
    paid[history.tape.dividend_at[:-1]] = history.tape.dividend[:-1]  # the last is a sentinel
    dividend = paid[span.first : span.stop]
    dividend[0] = 0.0
    held = held_from(close, dividend, capital_usd, costs)
    shares = int(held.shares[0])
    return BuyAndHoldCurves(
        days=history.days[span.first : span.stop],
        shares=shares,
        entry_cost_usd=float(costs.commission(shares, exact(float(close[0])))) if shares else 0.0,
        reinvested=held.value_usd,
        unreinvested=held.cash_usd[0] + shares * (close + np.cumsum(dividend)),
    )
