"""What can be held or traded: instruments, their ids, and where they are listed."""

import re
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import lru_cache
from typing import NewType

from msgspec import Struct

InstrumentId = NewType("InstrumentId", str)
"""What orders, fills, lots, positions, bars and tax lots are kept by: the ticker of a stock or index, and of an
option its 21 characters in the form of the clearing house (`option_id`)."""

SHARES_PER_CONTRACT = 100
"""Multiplier of a standard option; contracts with another one are not standard and have no id here."""
_ROOT_WIDTH = 6
_LONGEST_STRIKE = Decimal("99999.999")
_OPTION = re.compile(r"(.{6})(\d{6})([CP])(\d{8})")


class InstrumentKind(Enum):
    """Kinds of instrument known to the program."""

    STOCK = "stock"
    """a share or an exchange-traded fund"""
    INDEX = "index"
    """a number that nobody can hold"""
    OPTION = "option"
    """a standard option on either"""
    OTHER = "other"
    """anything else that an account may hold; never traded"""


class Right(Enum):
    """What the holder of an option may do at the strike: buy or sell."""

    CALL = "C"
    PUT = "P"


class Instrument(Struct, frozen=True):
    """One instrument.

    Parameters
    ----------
    symbol : str
        Ticker; of an option that of its underlying.
    primary_exchange : str or None
        The broker's code of the listing market; None means that it has to be pinned from the broker's
        answer before anything is traded.
    multiplier : int
        Shares per contract, 1 for shares: a price times it is what one of it costs.
    tick : Decimal
        Smallest step of its price in USD.
    expiry : date or None
        Last trading date of an option, whose `strike` is in USD per share.

    Raises
    ------
    ValueError
        If an option lacks expiry, strike or right, or anything else has one.
    """

    symbol: str
    kind: InstrumentKind = InstrumentKind.STOCK
    currency: str = "USD"
    primary_exchange: str | None = None
    multiplier: int = 1
    tick: Decimal = Decimal("0.01")
    expiry: date | None = None
    strike: Decimal | None = None
    right: Right | None = None

    def __post_init__(self) -> None:
        known = [part is not None for part in (self.expiry, self.strike, self.right)]
        if known != [self.kind is InstrumentKind.OPTION] * 3:
            raise ValueError(f"{self.symbol}: an option, and nothing else, has an expiry, a strike and a right")

    @property
    def id(self) -> InstrumentId:
        """What it is kept by."""
        if self.expiry is None or self.strike is None or self.right is None:
            return InstrumentId(self.symbol)
        return option_id(self.symbol, self.expiry, self.right, self.strike)


LISTINGS = {
    "MTUM": Instrument("MTUM", primary_exchange="BATS"),
    **{
        name: Instrument(name, InstrumentKind.INDEX, primary_exchange="CBOE")
        for name in ("VIX", "VXN", "RVX", "SPX", "XSP")
    },
}
"""Instruments whose listing market is known beforehand (iShares MTUM: Cboe BZX), and indexes that options are on."""


@lru_cache(4096)
def instrument(identity: str) -> Instrument:
    """Return what is known of an instrument by its id; an unknown ticker is taken as a US stock."""
    return LISTINGS.get(identity) or _option(identity) or Instrument(identity)


def unit_usd[N: (float, Decimal)](identity: str, price: N) -> N:
    """Return what one share or contract is worth in USD at a price, which is per share.

    Examples
    --------
    >>> unit_usd("MTUM", 105.25), unit_usd("MTUM  180119C00280000", Decimal("2.50"))
    (105.25, Decimal('250.00'))
    """
    return price * instrument(identity).multiplier


def option_id(root: str, expiry: date, right: Right, strike: Decimal) -> InstrumentId:
    """Return the id of a standard option: root, last trading date, right and strike in a fixed width.

    Parameters
    ----------
    root : str
        Root of the option's name.
    expiry : date
        Last day on which the contract trades.
    right : Right
        What the holder of an option may do at the strike: buy or sell.
    strike : Decimal
        Strike, USD.

    Raises
    ------
    ValueError
        If the root or the strike does not fit. One digit at either end of the root marks a contract that is not
        standard; a number of several belongs to the name, as in SP500.

    Examples
    --------
    >>> option_id("MTUM", date(2018, 1, 19), Right.CALL, Decimal("280"))
    'MTUM  180119C00280000'
    """
    thousandths = strike * 1000
    if len(root) > _ROOT_WIDTH or not re.fullmatch(r"[A-Z]+([0-9]{2,})?", root):
        raise ValueError(f"{root!r} is no root of a standard option: one to {_ROOT_WIDTH} capital letters")
    if thousandths != int(thousandths) or not 0 < strike <= _LONGEST_STRIKE:
        raise ValueError(f"a strike of {strike} USD cannot be written: thousandths above 0, up to {_LONGEST_STRIKE}")
    return InstrumentId(f"{root:<{_ROOT_WIDTH}}{expiry:%y%m%d}{right.value}{int(thousandths):08d}")


def _option(identity: str) -> Instrument | None:
    """Return the option that an id stands for; one that is not standard is something else, and None no option's."""
    found = _OPTION.fullmatch(identity)
    if found is None:
        return None
    root, expiry, right, strike = found.groups()
    try:
        known = Instrument(
            root.rstrip(),
            InstrumentKind.OPTION,
            multiplier=SHARES_PER_CONTRACT,
            expiry=date(2000 + int(expiry[:2]), int(expiry[2:4]), int(expiry[4:])),
            strike=Decimal(strike) / 1000,
            right=Right(right),
        )
        return known if known.id == identity else Instrument(identity, InstrumentKind.OTHER)
    except ValueError:
        return Instrument(identity, InstrumentKind.OTHER)
