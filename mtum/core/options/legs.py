"""Legs of option orders, and the lots, ends and deliveries that come of them."""

from datetime import date
from decimal import Decimal
from enum import Enum

from msgspec import Struct

from mtum.core.market.side import Side
from mtum.core.options.contracts import OptionContract

TRADED = "traded"
"""How a lot ended that an execution closed."""


class OptionPurpose(Enum):
    """Why an option order exists; part of its identity."""

    OPEN = "open"
    CLOSE = "close"
    ROLL = "roll"
    """Closes one contract and opens another in one order."""


def part_of(fee_usd: Decimal | None, contracts: int, of: int) -> Decimal | None:
    """Return what some of the contracts that a fee was paid for cost; None while it is not told.

    Parameters
    ----------
    fee_usd : Decimal or None
        Fees of the whole execution, USD; None while they are not told.
    contracts, of : int
        Of how many; negative ones were sold.
    """
    return None if fee_usd is None else fee_usd * abs(contracts) / abs(of)


class OptionLeg(Struct, frozen=True):
    """One contract of an order: which way it goes, and how many of it one unit of the order trades."""

    contract: OptionContract
    side: Side
    ratio: int = 1

    @property
    def signed(self) -> int:
        """Contracts in one unit, negative for a sale."""
        return self.ratio if self.side is Side.BUY else -self.ratio

    @property
    def words(self) -> str:
        """The leg for a person: ``SELL 1 SPY 2026-08-21 740 put``."""
        return f"{self.side.value} {self.ratio} {self.contract.words}"


class OptionLot(Struct, frozen=True):
    """Contracts that one intent opened and that are not closed yet; one lot per leg.

    Parameters
    ----------
    group : str
        What ties the legs of one structure together, and a put to the shares it brings.
    quantity : int
        Contracts, negative for those sold.
    premium : Decimal
        USD per share that was paid or received for each, without sign.
    fees_usd : Decimal or None
        Commission and fees of the contracts left; None until the broker tells them.
    session : date
        Session that opened it.
    broken : bool
        Whether another leg of its group was assigned: no normal rule holds for it any more.
    """

    account: str
    strategy: str
    group: str
    contract: OptionContract
    quantity: int
    premium: Decimal
    fees_usd: Decimal | None
    opened_by: str
    session: date
    broken: bool = False

    @property
    def paid_usd(self) -> Decimal:
        """What the contracts left cost, fees apart; negative for those sold."""
        return self.quantity * self.premium * self.contract.multiplier


class ClosedLot(Struct, frozen=True):
    """Contracts of a lot that ended, by a trade or without one.

    Parameters
    ----------
    lot : OptionLot
        As it was opened, with the contracts that ended and their part of its fees.
    session : date
        Session of the trade, or the day on which they ended.
    price : Decimal
        USD per share at which they ended; 0 where shares changed hands, for the strike is the price of these.
    fee_usd : Decimal or None
        What it cost to close them; None until the broker tells it.
    kind : str
        How: `TRADED`, or the kind of event.
    by : str
        The execution or the event.
    """

    lot: OptionLot
    session: date
    price: Decimal
    fee_usd: Decimal | None
    kind: str
    by: str

    @property
    def both_fees_usd(self) -> Decimal | None:
        """Commission and fees of opening and closing them; None until both are told."""
        return None if self.lot.fees_usd is None or self.fee_usd is None else self.lot.fees_usd + self.fee_usd

    @property
    def pnl_usd(self) -> Decimal | None:
        """Profit or loss after all fees, None until they are told.

        Of an assigned option it is the whole premium, for the shares cost the strike.
        """
        worth, fees = self.lot.quantity * self.price * self.lot.contract.multiplier, self.both_fees_usd
        return None if fees is None else worth - self.lot.paid_usd - fees

    @property
    def settled_usd(self) -> Decimal:
        """Change of cash by an event; 0 for a trade, whose execution has it."""
        return Decimal(0) if self.kind == TRADED else self.lot.quantity * self.price * self.lot.contract.multiplier


class Delivery(Struct, frozen=True):
    """Shares that an assignment or an exercise brought to a group, or took from it.

    Parameters
    ----------
    shares : int
        Negative for those that went.
    price : Decimal
        The strike, USD per share: what the shares cost.
    premium : Decimal
        USD per share that the option had cost, negative for what it had brought; it stays with the option.
    broken : bool
        Whether they belong to no plan of the strategy and are to be traded back.
    """

    strategy: str
    group: str
    underlying: str
    shares: int
    price: Decimal
    premium: Decimal
    event: str
    broken: bool = False

    @property
    def net_entry(self) -> Decimal:
        """What a share came to with the premium, USD: shown beside the cost, never booked as it."""
        return self.price + (self.premium if self.shares > 0 else -self.premium)
