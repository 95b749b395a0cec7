"""What the last gate for options knows when it judges an order: rules, and the broker's word of this moment."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

import msgspec
from msgspec import Struct

from mtum.core.market.sessions import Session
from mtum.core.options.chain import Quote
from mtum.core.options.contracts import Listing, OptionContract
from mtum.core.options.legs import OptionLot
from mtum.core.portfolio.options.lots import summed
from mtum.core.portfolio.options.orders import Attempt, OptionIntent, WorkingOrder
from mtum.core.portfolio.options.reservations import Held, Pinning, groups_of, pinning


class OptionRules(Struct, frozen=True):
    """What the gate allows a strategy, independent of any decision.

    Parameters
    ----------
    max_quantity : int
        Most contracts or combinations in one order.
    min_days : int
        A contract is opened only with more calendar days left than this.
    max_spot_move_frac : Decimal
        How far the underlying may be from where it was at the decision, as a fraction of it.
    max_changes, max_orders : int
        Price changes of an intent, and option orders of an underlying, in a session.
    strategy_loss_usd, account_loss_usd : Decimal
        Most that all open groups and live orders may lose together, USD.
    level : int
        The account's permission level for options, 1 to 4; 0 where nobody stated it.
    max_margin_usd : Decimal
        Initial margin of the account up to which the broker's what-if is accepted, USD.
    fee_usd : Decimal
        What a contract costs in commission and fees at most, USD.
    paper : bool or None
        Whether it must be a paper account; None where there is only one kind.
    """

    account: str
    max_quantity: int
    min_days: int
    max_spot_move_frac: Decimal
    strategy_loss_usd: Decimal
    account_loss_usd: Decimal
    level: int
    max_margin_usd: Decimal
    fee_usd: Decimal
    max_changes: int = 3
    max_orders: int = 4
    window_opens_minutes: float = 17.0
    last_send_minutes: float = 8.0
    paper: bool | None = None


class Detail(Struct, frozen=True):
    """A contract as the broker describes it today, and the row it was listed in."""

    contract: OptionContract
    listing: Listing


class ExDividend(Struct, frozen=True):
    """The next dividend of an underlying that pays one soon, or of which nobody tells whether it does.

    Parameters
    ----------
    sessions : int
        Until its ex-date, 0 on the day itself.
    amount : Decimal or None
        USD per share; None where it is not known.
    told : bool
        False where nobody tells its dividends: the ex-date is the first on which one is possible.
    """

    sessions: int
    amount: Decimal | None
    told: bool = True


class WhatIf(Struct, frozen=True):
    """The broker's answer what an order would do: initial margin after it in USD, None where it left it open."""

    margin_usd: Decimal | None
    one_side: bool = False


class OwnRecords(Struct, frozen=True):
    """What our own records say when an order is judged; the rest of the facts is the broker's word.

    Parameters
    ----------
    rules : OptionRules
        What is allowed to the order's strategy.
    lots : tuple of OptionLot
        Of all our strategies.
    intents : mapping of str to OptionIntent
        By id, those that an order at the broker may carry out.
    unresolved : tuple of WorkingOrder
        Orders of ours, in options and in shares, of which nobody knows what became, without the one that is judged.
    halt, full_halt, changes, orders, ex_dividend
        As in `OptionFacts`.
    """

    rules: OptionRules
    lots: tuple[OptionLot, ...] = ()
    intents: Mapping[str, OptionIntent] = msgspec.field(default_factory=dict)
    unresolved: tuple[WorkingOrder, ...] = ()
    halt: str = ""
    full_halt: str = ""
    changes: int = 0
    orders: int = 0
    ex_dividend: ExDividend | None = None


class OptionFacts(Struct, frozen=True):
    """What the broker says at this moment, beside our own lots.

    Parameters
    ----------
    halt, full_halt : str
        What halts openings, and what a person halted altogether, in words; "" for neither.
    details : mapping of int to Detail
        By the broker's number of the contract, asked today.
    positions : mapping of contract to int
        All the account's options, negative for those sold.
    shares : mapping of str to int
        All the account's shares, by symbol.
    lots : tuple of OptionLot
        Of all our strategies.
    working : tuple of WorkingOrder
        Orders of everybody that may still fill, or may have.
    settled_cash_usd : Decimal
        Settled cash; premium of today is not in it.
    share_orders_usd : Decimal
        What the session's purchases of shares still take of it.
    quotes : mapping of int to Quote
        By the broker's number of the contract.
    spot : Decimal
        USD per share of the underlying.
    tick : Decimal
        Step of the order's net price, USD.
    changes, orders : int
        Changes of this intent's price, and option orders sent in the underlying, in this session so far.
    ex_dividend : ExDividend or None
        None where none is near.
    what_if : WhatIf or None
        None where none came.
    """

    now: datetime
    session: Session
    account: str
    details: Mapping[int, Detail]
    positions: Mapping[OptionContract, int]
    shares: Mapping[str, int]
    lots: tuple[OptionLot, ...]
    working: tuple[WorkingOrder, ...]
    settled_cash_usd: Decimal
    share_orders_usd: Decimal
    quotes: Mapping[int, Quote]
    spot: Decimal
    tick: Decimal
    halt: str = ""
    full_halt: str = ""
    changes: int = 0
    orders: int = 0
    ex_dividend: ExDividend | None = None
    what_if: WhatIf | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """An order with all that it is judged by; the last three follow from the others.

    Parameters
    ----------
    others : tuple of WorkingOrder
        What works beside it: all but the order whose price it changes.
    groups : tuple of Held
        The account's contracts by group.
    pinned : Pinning
        What it does to its group.
    """

    attempt: Attempt
    facts: OptionFacts
    rules: OptionRules
    others: tuple[WorkingOrder, ...] = field(init=False)
    groups: tuple[Held, ...] = field(init=False)
    pinned: Pinning = field(init=False)

    def __post_init__(self) -> None:
        facts, attempt = self.facts, self.attempt
        replaced = attempt.ref if attempt.in_place else None
        groups = groups_of(facts.lots, facts.positions)
        one_side = facts.what_if is not None and facts.what_if.one_side
        object.__setattr__(self, "others", tuple(one for one in facts.working if one.ref != replaced))
        object.__setattr__(self, "groups", groups)
        object.__setattr__(self, "pinned", pinning(attempt.intent, attempt.price, groups, one_side=one_side))

    @property
    def intent(self) -> OptionIntent:
        """What the order carries out."""
        return self.attempt.intent

    @property
    def beside(self) -> tuple[WorkingOrder, ...]:
        """Orders in the same underlying that may still fill, in options and in shares."""
        return tuple(one for one in self.others if one.underlying == self.intent.underlying)

    @property
    def held(self) -> dict[OptionContract, int]:
        """Contracts of the underlying, negative for those sold."""
        mine = {one: number for one, number in self.facts.positions.items() if one.underlying == self.intent.underlying}
        return summed(mine)

    @property
    def mine(self) -> dict[OptionContract, int]:
        """Contracts of its group as it is."""
        key = (self.intent.strategy, self.intent.group, self.intent.underlying)
        return summed(*(one.contracts for one in self.groups if (one.strategy, one.group, one.underlying) == key))

    @property
    def after(self) -> dict[OptionContract, int]:
        """Contracts of its group once it has filled."""
        return summed(self.mine, self.intent.changes)
