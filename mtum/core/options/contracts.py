"""Option contracts: what one is, which listed ones may be traded, and what is different from the day before."""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from enum import Enum

from msgspec import Struct

from mtum.core.market.instruments import Right

UNITS = 100
"""Shares of the underlying behind one contract; any other number is an adjusted contract."""
_LOCAL = r"(?P<root>[A-Z0-9.]{1,6}) *(?P<day>\d{6})(?P<right>[CP])(?P<strike>\d{8})"


class Style(Enum):
    """When the holder may do it."""

    AMERICAN = "american"
    EUROPEAN = "european"


class Delivery(Enum):
    """What changes hands: shares, or cash by the opening prices or the close of the last day."""

    SHARES = "shares"
    CASH_AM = "cash_am"
    CASH_PM = "cash_pm"


class End(Enum):
    """What became of contracts."""

    ASSIGNED = "assigned"
    EXERCISED = "exercised"
    EXPIRED = "expired"
    CASH_SETTLED = "cash settled"


class IndexClass(Struct, frozen=True):
    """A class of options on an index: its name is not the index's."""

    delivery: Delivery
    style: Style = Style.EUROPEAN


CLASSES: Mapping[str, Mapping[str, IndexClass]] = {
    "SPX": {"SPX": IndexClass(Delivery.CASH_AM), "SPXW": IndexClass(Delivery.CASH_PM)},
    "XSP": {"XSP": IndexClass(Delivery.CASH_PM)},
    "VIX": {"VIX": IndexClass(Delivery.CASH_AM), "VIXW": IndexClass(Delivery.CASH_AM)},
}
"""Classes of each index. Options on a share or a fund have one class, which is named like it."""


class OptionContract(Struct, frozen=True):
    """One listed contract, as the broker's details of the day name it.

    Parameters
    ----------
    con_id : int
        The broker's number of it, above 0. It alone tells two contracts apart.
    underlying : str
        Symbol of the share, fund or index.
    strike : Decimal
        USD per share, from the listing: never computed.
    expiry : date
        Last day on which it trades.
    settles : date
        Day whose prices settle it: the next one for classes that settle in the morning.
    trading_class : str
        See `CLASSES`.

    Raises
    ------
    ValueError
        If a number or a date cannot be.
    """

    con_id: int
    underlying: str
    right: Right
    strike: Decimal
    expiry: date
    settles: date
    trading_class: str
    style: Style = Style.AMERICAN
    delivery: Delivery = Delivery.SHARES
    multiplier: int = UNITS
    currency: str = "USD"

    def __post_init__(self) -> None:
        sound = self.strike.is_finite() and self.strike > 0 < self.con_id
        if not sound or self.settles < self.expiry:
            said = f"number {self.con_id}, strike {self.strike}, traded to {self.expiry}, settled {self.settles}"
            raise ValueError(f"{self.underlying}: {said}: no such contract")

    @property
    def local_symbol(self) -> str:
        """Name as the exchanges write it: ``SPY   260821P00740000``."""
        strike = int(self.strike * 1000)
        return f"{self.trading_class:<6}{self.expiry:%y%m%d}{self.right.value}{strike:08d}"

    @property
    def words(self) -> str:
        """Name for a person: ``SPY 2026-08-21 740 put``."""
        return f"{self.trading_class} {self.expiry} {self.strike.normalize():f} {self.right.name.lower()}"

    @property
    def ends(self) -> date:
        """Day on which it ends: its last day of trade, or the day whose opening prices settle it."""
        return self.settles if self.delivery is Delivery.CASH_AM else self.expiry

    def over_on(self, day: date) -> bool:
        """Return whether it has ended on the morning of a day: nobody trades it any more, and its prices are made."""
        return self.expiry < day and self.ends <= day

    def awaits_settlement(self, day: date) -> bool:
        """Return whether it has ended by a morning, of whose opening prices nobody tells at once what they pay."""
        return self.delivery is Delivery.CASH_AM and self.over_on(day)

    def worth_at(self, price: Decimal) -> Decimal:
        """Return what exercising it brings at a price of its underlying, USD per share; never below 0."""
        return max(Decimal(0), price - self.strike if self.right is Right.CALL else self.strike - price)

    def days_from(self, day: date) -> int:
        """Return the calendar days from a day to the last one on which it trades."""
        return (self.expiry - day).days

    def differs_from(self, other: "OptionContract") -> tuple[str, ...]:
        """Return what two descriptions of one contract do not share: an error, never another contract."""
        return tuple(
            f"{name} was {getattr(self, name)}, is {getattr(other, name)}"
            for name in self.__struct_fields__
            if getattr(self, name) != getattr(other, name)
        )


class Listing(Struct, frozen=True):
    """A row of a chain or of contract details, as it came: nothing is believed of it yet."""

    symbol: str
    exchange: str
    trading_class: str
    multiplier: str
    currency: str = "USD"
    local_symbol: str = ""

    @property
    def refused(self) -> str | None:
        """Why it is no contract to trade; None if it is one.

        A class that begins with a digit is made to order (FLEX), one that ends with a digit stands for something
        else than 100 shares after a split or a spin-off, and every venue lists each class again.
        """
        known = CLASSES.get(self.symbol, {self.symbol: None})
        if self.exchange != "SMART":
            return f"exchange {self.exchange}, not SMART"
        if self.trading_class not in known:
            return f"class {self.trading_class}, not {' or '.join(known)}"
        if self.multiplier != str(UNITS):
            return f"multiplier {self.multiplier or 'missing'}, not {UNITS}"
        if self.currency != "USD":
            return f"currency {self.currency or 'missing'}, not USD"
        if self.local_symbol and root_of(self.local_symbol) != self.trading_class:
            return f"named {self.local_symbol}, not of class {self.trading_class}"
        return None


def underlying_of(trading_class: str) -> str:
    """Return the symbol whose options are of a class: the index of an index class, else the class itself."""
    return next((symbol for symbol, classes in CLASSES.items() if trading_class in classes), trading_class)


def root_of(local_symbol: str) -> str | None:
    """Return the class that an exchange's name of a contract begins with; None if it is no such name."""
    found = re.fullmatch(_LOCAL, local_symbol)
    return found["root"] if found else None
