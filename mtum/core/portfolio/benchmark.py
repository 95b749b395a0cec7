"""Buy-and-hold of the same symbol with the same money: the shadow every result is held against."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from math import floor
from types import MappingProxyType

import numpy as np

from mtum.core.market.bars import Bars
from mtum.core.portfolio.costs import CostModel
from mtum.core.portfolio.money import exact

NO_FLOWS: Mapping[date, float] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Shadow:
    """The benchmark after a session: shares (fractions from reinvested dividends) and cash, in USD."""

    shares: float
    cash_usd: float
    close: float

    @property
    def value_usd(self) -> float:
        """Cash and shares at the session's close."""
        return self.cash_usd + self.shares * self.close


def buy_and_hold(
    bars: Bars, start: date, capital_usd: float, costs: CostModel, flows: Mapping[date, float] = NO_FLOWS
) -> Shadow | None:
    """Return buy-and-hold at the last bar, or None when the bars end before it starts.

    Whole shares are bought at the close of the first session from `start` on and whenever money is
    added, each time with one commission; dividends are reinvested at the close of their ex-date
    without cost; money taken out is raised by selling at that close.

    Parameters
    ----------
    flows : mapping of session to float
        Deposits (above zero) and withdrawals (below zero) in USD; those up to the first session are part of
        what is bought there.
    """
    held = bars.since(start)
    if not len(held):
        return None
    moved: dict[int, float] = {}
    for day, usd in flows.items():
        # Money of a day without a bar is used at the next one.
        index = int(np.searchsorted(held.days, np.datetime64(day)))
        moved[index] = moved.get(index, 0.0) + usd
    shares, cash = _bought(0.0, capital_usd + moved.pop(0, 0.0), float(held.close[0]), costs)
    for index in sorted({*moved, *(int(one) for one in np.flatnonzero(held.dividend[1:]) + 1)}):
        if index == len(held):
            cash += moved[index]
            continue
        close = float(held.close[index])
        shares += shares * float(held.dividend[index]) / close
        cash += moved.get(index, 0.0)
        if cash < 0:
            shares, cash = shares + cash / close, 0.0
        elif moved.get(index, 0.0) > 0:
            shares, cash = _bought(shares, cash, close, costs)
    return Shadow(shares, cash, float(held.close[-1]))


def _bought(shares: float, cash: float, close: float, costs: CostModel) -> tuple[float, float]:
    count = floor(cash / close)
    while count > 0 and count * close + _commission(count, close, costs) > cash:
        count -= 1
    if count <= 0:
        return shares, cash
    return shares + count, cash - count * close - _commission(count, close, costs)


def _commission(shares: int, close: float, costs: CostModel) -> float:
    commission: Decimal = costs.commission(shares, exact(close))
    return float(commission)
