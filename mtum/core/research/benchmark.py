"""What buying and holding the same symbols would have made over the same sessions."""

from collections.abc import Mapping, Sequence

import numpy as np
from msgspec import Struct

from mtum.core.market.bars import Days
from mtum.core.portfolio.benchmark import held_from
from mtum.core.portfolio.costs import CostModel
from mtum.core.portfolio.money import exact
from mtum.core.simulation.kernel.columns import Column
from mtum.core.simulation.kernel.play import Span
from mtum.core.simulation.session_views import SessionHistory


class BuyAndHoldCurves(Struct, frozen=True, eq=False):
    """Equity at each close in USD, shape (n_sessions,), with dividends reinvested and kept as cash.

    `shares` are those bought of each symbol; `entry_cost_usd` is what buying them cost.
    """

    days: Days
    shares: Mapping[str, int]
    entry_cost_usd: float
    reinvested: Column
    unreinvested: Column


def buy_and_hold_weighted(
    market: SessionHistory, span: Span, weights: Mapping[str, float], capital_usd: float, costs: CostModel
) -> BuyAndHoldCurves:
    """Buy whole shares of each symbol with its part of the capital and keep them (see `held_from`).

    Dividends count from the session after the purchase; the fractions of a share they buy are only in `reinvested`.

    All are bought at the first close that all have; until then the money is cash, and so is what no weight takes.
    What has no bars any more stays at its last close.

    Parameters
    ----------
    market : SessionHistory
        Bars per symbol, and extra series by session.
    span : Span
        Sessions decided: ``first <= t < stop``.
    weights : mapping of symbol to float
        Parts of the capital; if they are above 1 together, in proportion.
    capital_usd : float
        Starting capital, USD.
    costs : CostModel
        Any way of charging.
    """
    days = market.days[span.first : span.stop]
    rows = {symbol: np.searchsorted(market.bars[symbol].days, days, "right") - 1 for symbol in weights}
    whole = max(1.0, sum(weights.values()))
    ready = np.flatnonzero(np.all([row >= 0 for row in rows.values()], axis=0))
    if not len(ready) or not weights:
        return BuyAndHoldCurves(days, dict.fromkeys(weights, 0), 0.0, *(np.full(len(days), capital_usd) for _ in "12"))
    at = int(ready[0])
    found = []
    for symbol, weight in weights.items():
        bars, row = market.bars[symbol], rows[symbol][at:]
        dividend = np.where(bars.days[row] == days[at:], bars.dividend[row], 0.0)
        found.append(_curves(symbol, (days[at:], bars.close[row], dividend), capital_usd * weight / whole, costs))
    idle = capital_usd * (1.0 - sum(weights.values()) / whole)

    def joined(name: str) -> Column:
        worth = sum(getattr(one, name) for one in found)
        return np.concatenate([np.full(at, float(capital_usd)), worth + idle if idle else worth])

    return BuyAndHoldCurves(
        days=days,
        shares={symbol: shares for one in found for symbol, shares in one.shares.items()},
        entry_cost_usd=round(sum(one.entry_cost_usd for one in found), 2),
        reinvested=joined("reinvested"),
        unreinvested=joined("unreinvested"),
    )


def together(held: Sequence[BuyAndHoldCurves]) -> BuyAndHoldCurves:
    """Return several curves over the same sessions as one."""
    if len(held) == 1:
        return held[0]
    shares: dict[str, int] = {}
    for one in held:
        for symbol, count in one.shares.items():
            shares[symbol] = shares.get(symbol, 0) + count
    return BuyAndHoldCurves(
        days=held[0].days,
        shares=shares,
        entry_cost_usd=round(sum(one.entry_cost_usd for one in held), 2),
        reinvested=np.sum([one.reinvested for one in held], axis=0),
        unreinvested=np.sum([one.unreinvested for one in held], axis=0),
    )


def _curves(
    symbol: str, columns: tuple[Days, Column, Column], capital_usd: float, costs: CostModel
) -> BuyAndHoldCurves:
    days, close, paid = columns
    dividend = np.array(paid)
    dividend[0] = 0.0
    held = held_from(close, dividend, capital_usd, costs)
    shares = int(held.shares[0])
    return BuyAndHoldCurves(
        days=days,
        shares={symbol: shares},
        entry_cost_usd=float(costs.commission(shares, exact(float(close[0])))) if shares else 0.0,
        reinvested=held.value_usd,
        unreinvested=held.cash_usd[0] + shares * (close + np.cumsum(dividend)),
    )
