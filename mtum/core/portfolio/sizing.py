"""How many whole shares or contracts a budget buys; prices are what one of them costs in USD."""

from math import floor

from msgspec import Struct

from mtum.core.portfolio.costs import CostModel, IbFixedCosts, IbTieredCosts, PercentCosts


class SizingRules(Struct, frozen=True):
    """What bounds a purchase.

    Parameters
    ----------
    max_position_frac : float
        Largest position as a fraction of the sleeve's equity.
    max_position_usd : float
        Largest position in USD.
    cash_buffer_frac : float
        Kept back because the auction price is not known.
    costs : CostModel
        Assumed commissions.
    """

    max_position_frac: float
    max_position_usd: float
    cash_buffer_frac: float
    costs: CostModel


def cost_frac(costs: CostModel, budget_usd: float, price: float) -> float:
    """Return the commission of spending a budget at a price, as a fraction of the trade.

    Parameters
    ----------
    costs : CostModel
        Any way of charging.
    budget_usd : float
        Money to spend, USD.
    price : float
        Price, USD per share.
    """
    match costs:
        case PercentCosts():
            return float(costs.cost_frac)
        case IbFixedCosts():
            by_share = float(costs.per_share_usd) / price
            by_minimum = float(costs.minimum_usd) / budget_usd if budget_usd > 0 else 0.0
            return min(max(by_share, by_minimum), float(costs.cap_frac))
        case IbTieredCosts():
            fees, (_, dearest) = costs.fees, costs.tiers[0]
            by_minimum = float(costs.minimum_usd) / budget_usd if budget_usd > 0 else 0.0
            charged = min(max(float(dearest) / price, by_minimum), float(costs.cap_frac))
            return charged * (1.0 + float(fees.passed_frac)) + float(fees.exchange_usd + fees.clearing_usd) / price


def shares_for(budget_usd: float, price: float, rules: SizingRules) -> int:
    """Return floor(budget / (price * (1 + cost + buffer))); 0 when nothing can be bought.

    Parameters
    ----------
    budget_usd : float
        Money to spend, USD.
    price : float
        Price, USD per share.
    rules : SizingRules
        What bounds a purchase.
    """
    if budget_usd <= 0 or price <= 0:
        return 0
    extra = cost_frac(rules.costs, budget_usd, price) + rules.cash_buffer_frac
    return floor(budget_usd / (price * (1.0 + extra)))


def budget(weight: float, equity_usd: float, rules: SizingRules) -> float:
    """Return what a position may be worth: the smallest of target and position limits, in USD.

    Parameters
    ----------
    weight : float
        Fraction of the sleeve's equity.
    equity_usd : float
        Equity, USD.
    rules : SizingRules
        What bounds a purchase.
    """
    return min(min(weight, rules.max_position_frac) * equity_usd, rules.max_position_usd)


def outlay(shares: int, price: float, rules: SizingRules) -> float:
    """Return what a purchase takes from the cash, cost and buffer included, in USD.

    Parameters
    ----------
    shares : int
        Number of shares.
    price : float
        Price, USD per share.
    rules : SizingRules
        What bounds a purchase.
    """
    extra = cost_frac(rules.costs, shares * price, price) + rules.cash_buffer_frac
    return shares * price * (1.0 + extra)
