"""What a strategy of options is asked with, and what it answers: chains it wants, its own groups, proposals."""

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from typing import ClassVar

from msgspec import Struct, field

from mtum.core.conditions import Condition
from mtum.core.market.instruments import Right
from mtum.core.options.contracts import OptionContract
from mtum.core.options.ladder import Envelope
from mtum.core.options.legs import Delivery, OptionLeg, OptionLot, OptionPurpose
from mtum.core.options.selecting import Selection, Window


class ChainRequest(Struct, frozen=True):
    """What has to be quoted before a strategy gives its verdicts.

    Parameters
    ----------
    window : Window
        Calendar days to expiry.
    rights : frozenset of Right
        Those that it sells or buys.
    deltas : (float, float)
        Least and largest absolute delta; the model says which contracts lie between them. The largest is above 0.5,
        so that each expiry has strikes with a call and a put.
    held : tuple of OptionContract
        Quoted beside those, whatever their days and delta. Of each of their expiries the call and the put at the
        strike nearest the spot are quoted too: its forward is read from them.
    sought : tuple of float
        Absolute deltas that its legs come nearest to. Where every quote has its price, what lies around them is
        quoted, and no more than a part of what lies between.
    opens : Window or None
        Days to expiry of what may be opened, where the market is judged by others too.
    """

    underlying: str
    window: Window
    rights: frozenset[Right]
    deltas: tuple[float, float]
    held: tuple[OptionContract, ...] = ()
    sought: tuple[float, ...] = ()
    opens: Window | None = None


class OptionGroup(Struct, frozen=True):
    """The open lots of one structure.

    Parameters
    ----------
    opened : date
        Session of its first fill.
    broken : bool
        Whether a leg was assigned: no normal rule holds for it any more, it is only closed.
    delivered : tuple of Delivery
        Shares that came or went by it.
    """

    group: str
    underlying: str
    lots: tuple[OptionLot, ...]
    opened: date
    broken: bool = False
    delivered: tuple[Delivery, ...] = ()


class OwnOptions(Struct, frozen=True):
    """What a strategy of options knows of its own sleeve.

    Parameters
    ----------
    groups : tuple of OptionGroup
        Open ones.
    equity, free_cash : Decimal
        USD: what the sleeve is worth; settled cash less what is reserved.
    shares : mapping of str to int
        Own shares by underlying.
    lot_prices : mapping of str to Decimal
        What they cost, USD per share; the strike where they were assigned.
    last_opened : mapping of str to date
        Session of the last opening by underlying.
    premium_of_year : Decimal
        USD paid for options in the last 365 days.
    account_equity : Decimal or None
        USD, of all sleeves; None where it is the sleeve's own.
    ex_dates : mapping of str to int
        Sessions to the next ex-date by underlying, 0 on the day itself; none where none is near.
    untold : tuple of str
        Underlyings whose dividends nobody tells: their ex-dates are the first on which one is possible.
    """

    SPARSE: ClassVar = frozenset(("untold",))

    groups: tuple[OptionGroup, ...] = ()
    equity: Decimal = Decimal(0)
    free_cash: Decimal = Decimal(0)
    shares: Mapping[str, int] = field(default_factory=dict)
    lot_prices: Mapping[str, Decimal] = field(default_factory=dict)
    last_opened: Mapping[str, date] = field(default_factory=dict)
    premium_of_year: Decimal = Decimal(0)
    account_equity: Decimal | None = None
    ex_dates: Mapping[str, int] = field(default_factory=dict)
    untold: tuple[str, ...] = ()

    def of(self, underlying: str) -> tuple[OptionGroup, ...]:
        """Return the open groups of an underlying."""
        return tuple(one for one in self.groups if one.underlying == underlying)


class Proposal(Struct, frozen=True):
    """What a strategy wants to trade.

    Parameters
    ----------
    group : str
        The open group that it closes or rolls; "" where it opens one.
    quantity : int
        Units: contracts of a single leg, combinations of several; at least 1.
    envelope : Envelope
        Net prices between which it may be offered.
    most_loss_usd : Decimal
        The most that the opened group may lose; 0 where nothing is opened.
    """

    purpose: OptionPurpose
    group: str
    legs: tuple[OptionLeg, ...]
    quantity: int
    envelope: Envelope
    most_loss_usd: Decimal


class OptionVerdict(Struct, frozen=True):
    """A strategy's word on one open group, or on an underlying in which it may open one.

    Parameters
    ----------
    group : str
        "" where it is about an opening.
    proposal : Proposal or None
        None leaves everything as it is.
    reasons : tuple of str
        Why, the deciding one first.
    conditions : tuple of Condition
        Every condition, whether it decided or not.
    decided_by : tuple of Condition
        Those that decided, with the value and the threshold of each.
    rules : tuple of (str, str, tuple of Condition)
        Of an open group: every rule in its order, what it would do, and what has to hold.
    selection : Selection or None
        Contracts that were considered, and the filter that removed each.
    would : OptionPurpose or None
        Where nothing is proposed because no contract was left or none could be paid: what would have been.
    indicators : mapping of str to float or None
        Values used, rounded to 1e-6; None = undefined.
    """

    underlying: str
    group: str
    proposal: Proposal | None
    reasons: tuple[str, ...]
    conditions: tuple[Condition, ...]
    selection: Selection | None = None
    decided_by: tuple[Condition, ...] = ()
    rules: tuple[tuple[str, str, tuple[Condition, ...]], ...] = ()
    would: OptionPurpose | None = None
    indicators: Mapping[str, float | None] = field(default_factory=dict)
