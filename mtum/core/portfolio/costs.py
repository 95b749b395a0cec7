"""What does a trade cost? Percent of value, or Interactive Brokers' fixed schedule."""

from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

CENT = Decimal("0.01")


def to_cent(amount_usd: Decimal) -> Decimal:
    """Round an amount of US dollars to the cent, halves away from zero."""
    return amount_usd.quantize(CENT, rounding=ROUND_HALF_UP)


@dataclass(frozen=True, slots=True)
class PercentCosts:
    """A fraction of the traded value, per side.

    Parameters
    ----------
    cost_frac : Decimal
        Fraction of the value, 0.001 = 0.1 %.
    """

    cost_frac: Decimal = Decimal("0.001")

    def commission(self, shares: int, price: Decimal) -> Decimal:
        """Commission in USD of one order, rounded to the cent."""
        return to_cent(self.cost_frac * shares * price)


@dataclass(frozen=True, slots=True)
class IbFixedCosts:
    """Interactive Brokers' fixed pricing for US shares and ETFs.

    USD 0.005 per share, at least USD 1.00 per order, at most 1 % of the trade's value;
    where the two disagree the maximum wins (10 shares at USD 0.20 cost USD 0.02).

    References
    ----------
    Interactive Brokers, "Commissions: Stocks, ETFs, Warrants - United States, IBKR Pro Fixed".
    """

    per_share_usd: Decimal = Decimal("0.005")
    minimum_usd: Decimal = Decimal("1.00")
    cap_frac: Decimal = Decimal("0.01")

    def commission(self, shares: int, price: Decimal) -> Decimal:
        """Commission in USD of one order, rounded to the cent; 0 for 0 shares."""
        by_size = max(self.per_share_usd * shares, self.minimum_usd)
        return to_cent(min(by_size, self.cap_frac * shares * price))


type CostModel = PercentCosts | IbFixedCosts
"""Either way of charging."""


def cost_model(name: str, cost_frac: Decimal) -> CostModel:
    """Cost model of the settings: "percent" with `cost_frac`, or "ib".

    Raises
    ------
    ValueError
        If the name is neither.
    """
    if name == "percent":
        return PercentCosts(cost_frac)
    if name == "ib":
        return IbFixedCosts()
    raise ValueError(f"cost model {name!r} is not known; use 'percent' or 'ib'")
