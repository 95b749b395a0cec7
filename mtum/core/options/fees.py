"""What does an order for options cost beside its price?"""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

SURCHARGES: Mapping[str, Decimal] = {"VIX": Decimal("0.45")}
"""USD per contract and leg that the exchange adds for its own index, by underlying."""


class OptionFees(Struct, frozen=True):
    """Interactive Brokers' fees for US options with those of exchanges, clearing and regulators, rounded up.

    Assignment, exercise and expiry cost nothing.

    Parameters
    ----------
    contract_usd : Decimal
        Per contract and leg: 0.65 of commission below 10,000 contracts a month, and the others' fees.
    minimum_usd : Decimal
        Least that an order pays; a combination is one order.
    times : int
        2 for the test of a strategy that costs twice as much.

    References
    ----------
    Interactive Brokers, "Commissions: Options - United States, IBKR Pro".
    Cboe, fee schedule: surcharge on options on the VIX.
    """

    contract_usd: Decimal = Decimal("0.70")
    minimum_usd: Decimal = Decimal("1.00")
    times: int = 1

    @property
    def stressed(self) -> "OptionFees":
        """The same fees, doubled."""
        return replace(self, times=2 * self.times)

    def of_order(self, underlying: str, contracts: int, legs: int = 1) -> Decimal:
        """Return the fees of an order in USD.

        Parameters
        ----------
        underlying : str
            Ticker of the underlying.
        contracts : int
            Filled per leg; nothing filled costs nothing.
        legs : int
            1 for a single contract, up to 4 for a combination.

        Raises
        ------
        ValueError
            If there are fewer than 0 contracts or no leg.
        """
        if contracts < 0 or legs < 1:
            raise ValueError(f"{underlying}: {contracts} contracts on {legs} legs: no such order")
        if contracts == 0:
            return Decimal(0)
        sides = contracts * legs
        surcharge = SURCHARGES.get(underlying, Decimal(0)) * sides
        return self.times * (max(self.contract_usd * sides, self.minimum_usd) + surcharge)
