"""What does a trade cost? Percent of value, or one of Interactive Brokers' schedules."""

from decimal import ROUND_HALF_UP, Decimal

from msgspec import Struct, field

CENT = Decimal("0.01")


def to_cent(amount_usd: Decimal) -> Decimal:
    """Round an amount of US dollars to the cent, halves away from zero."""
    return amount_usd.quantize(CENT, rounding=ROUND_HALF_UP)


class PercentCosts(Struct, frozen=True):
    """A fraction of the traded value, per side.

    Parameters
    ----------
    cost_frac : Decimal
        Fraction of the value, 0.001 = 0.1 %.
    """

    cost_frac: Decimal = Decimal("0.001")

    def commission(self, shares: int, price: Decimal, *, sale: bool = False, traded: int = 0) -> Decimal:
        """Commission in USD of one order, rounded to the cent; the same for a sale and in any month.

        Parameters
        ----------
        shares : int
            Number of shares.
        price : Decimal
            Price, USD per share.
        sale : bool
            Whether it is a sale.
        traded : int
            Shares traded in this calendar month before the order.
        """
        del sale, traded
        return to_cent(self.cost_frac * shares * price)


class IbFixedCosts(Struct, frozen=True):
    """Interactive Brokers' fixed pricing for US shares and ETFs.

    USD 0.005 per share, at least USD 1.00 per order, at most 1 % of the trade's value;
    where the two disagree the maximum wins (10 shares at USD 0.20 cost USD 0.02). The regulators' fees on
    sales, about 2 cents for 1,000 USD sold, come on top at the broker and are left out here.

    References
    ----------
    Interactive Brokers, "Commissions: Stocks, ETFs, Warrants - United States, IBKR Pro Fixed",
    https://www.interactivebrokers.co.uk/en/pricing/commissions-stocks.php?re=amer
    """

    per_share_usd: Decimal = Decimal("0.005")
    minimum_usd: Decimal = Decimal("1.00")
    cap_frac: Decimal = Decimal("0.01")

    def commission(self, shares: int, price: Decimal, *, sale: bool = False, traded: int = 0) -> Decimal:
        """Commission in USD of one order, rounded to the cent; 0 for 0 shares.

        Parameters
        ----------
        shares : int
            Number of shares.
        price : Decimal
            Price, USD per share.
        sale : bool
            Whether it is a sale.
        traded : int
            Shares traded in this calendar month before the order.
        """
        del sale, traded
        by_size = max(self.per_share_usd * shares, self.minimum_usd)
        return to_cent(min(by_size, self.cap_frac * shares * price))


class ThirdPartyFees(Struct, frozen=True):
    """What exchanges, clearing and regulators charge, and a tiered account pays beside the commission.

    The rates are those of 2026 for every session: older ones were others, and the SEC's was 0 for months.

    Parameters
    ----------
    sec_frac : Decimal
        SEC fee (Section 31), a fraction of the value sold.
    taf_usd, taf_most_usd : Decimal
        FINRA trading activity fee per share sold, and the most for one trade.
    exchange_usd : Decimal
        Closing auction, per share.
    clearing_usd : Decimal
        Clearing (NSCC, DTC: 0.0002) and audit trail (0.000003) per share.
    passed_frac : Decimal
        Fees of NYSE (0.000175) and FINRA (0.00056), a fraction of the commission.

    References
    ----------
    SEC, order 34-104909 of 27 February 2026 (91 FR 10643): USD 20.60 for a million from 4 April 2026.
    FINRA, By-Laws, Schedule A, section 1: trading activity fee of 2026.
    Interactive Brokers, the page of `IbTieredCosts`, and "NASDAQ/Island Exchange Fees": market-on-close USD 0.0016,
    https://www.interactivebrokers.co.uk/en/accounts/fees/INETstkfee.php
    """

    sec_frac: Decimal = Decimal("0.0000206")
    taf_usd: Decimal = Decimal("0.000195")
    exchange_usd: Decimal = Decimal("0.0016")
    clearing_usd: Decimal = Decimal("0.000203")
    taf_most_usd: Decimal = Decimal("9.79")
    passed_frac: Decimal = Decimal("0.000735")

    def of_order(self, shares: int, price: Decimal, commission: Decimal, *, sale: bool) -> Decimal:
        """Fees in USD of one order, not rounded.

        Parameters
        ----------
        shares : int
            Number of shares.
        price : Decimal
            Price, USD per share.
        commission : Decimal
            Commission of the order, USD.
        sale : bool
            Whether it is a sale.
        """
        fees = (self.exchange_usd + self.clearing_usd) * shares + self.passed_frac * commission
        sold = self.sec_frac * shares * price + min(self.taf_usd * shares, self.taf_most_usd)
        return fees + sold if sale else fees


class IbTieredCosts(Struct, frozen=True):
    """Interactive Brokers' tiered pricing for US shares and ETFs.

    Per share by how many the account traded in the calendar month before (each tier counts for the shares that
    fall into it), at least USD 0.35 per order, at most 1 % of the trade's value, and the third parties' fees.

    Parameters
    ----------
    tiers : tuple of (int, Decimal)
        Up to so many shares a month, USD per share; beyond the last, `above_usd`.

    References
    ----------
    Interactive Brokers, "Commissions: Stocks, ETFs, Warrants - United States, IBKR Pro Tiered",
    https://www.interactivebrokers.co.uk/en/pricing/commissions-stocks.php?re=amer
    """

    fees: ThirdPartyFees = field(default_factory=ThirdPartyFees)
    tiers: tuple[tuple[int, Decimal], ...] = (
        (300_000, Decimal("0.0035")),
        (3_000_000, Decimal("0.0020")),
        (20_000_000, Decimal("0.0015")),
        (100_000_000, Decimal("0.0010")),
    )
    above_usd: Decimal = Decimal("0.0005")
    minimum_usd: Decimal = Decimal("0.35")
    cap_frac: Decimal = Decimal("0.01")

    def commission(self, shares: int, price: Decimal, *, sale: bool = False, traded: int = 0) -> Decimal:
        """Commission and fees in USD of one order, rounded to the cent; 0 for 0 shares.

        Parameters
        ----------
        shares : int
            Number of shares.
        price : Decimal
            USD per share.
        sale : bool
            Only sales pay the regulators.
        traded : int
            Shares that the account traded in this calendar month before the order.
        """
        by_size, below, left = Decimal(0), 0, shares
        for most, usd in self.tiers:
            inside = max(0, min(left, most - max(traded, below)))
            by_size, below, left = by_size + inside * usd, most, left - inside
        by_size = max(by_size + left * self.above_usd, self.minimum_usd)
        charged = min(by_size, self.cap_frac * shares * price)
        return to_cent(charged + self.fees.of_order(shares, price, charged, sale=sale))


type CostModel = PercentCosts | IbFixedCosts | IbTieredCosts
"""Any way of charging."""


def cost_model(name: str, cost_frac: Decimal, fees: ThirdPartyFees | None = None) -> CostModel:
    """Cost model of the settings: "percent" with `cost_frac`, "ib", or "ib_tiered" with the third parties' fees.

    Parameters
    ----------
    name : str
        Name of the model.
    cost_frac : Decimal
        Cost of a side, fraction of the trade.
    fees : ThirdPartyFees or None
        What exchanges, clearing and regulators charge, and a tiered account pays beside the commission; None for
        none.

    Raises
    ------
    ValueError
        If there is none of that name.
    """
    match name:
        case "percent":
            return PercentCosts(cost_frac)
        case "ib":
            return IbFixedCosts()
        case "ib_tiered":
            return IbTieredCosts(fees or ThirdPartyFees())
        case _:
            raise ValueError(f"cost model {name!r} is not known; use 'percent', 'ib' or 'ib_tiered'")
