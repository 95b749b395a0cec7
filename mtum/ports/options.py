"""Options: where chains come from, a broker that trades them, and the state of an order."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol, runtime_checkable

from msgspec import Struct, field

from mtum.core.options.asking import ChainRequest
from mtum.core.options.chain import Chain, Quote
from mtum.core.options.contracts import OptionContract
from mtum.core.options.ladder import NetPrice
from mtum.core.options.legs import OptionLeg
from mtum.core.options.model.quotes import ModelChain
from mtum.core.portfolio.options.gate_facts import Detail, WhatIf
from mtum.core.portfolio.options.lots import Book
from mtum.core.portfolio.options.orders import Attempt, OptionIntent, WorkingOrder
from mtum.core.portfolio.orders import OrderStatus
from mtum.ports.broker import BrokerAccount, Denied, NoAnswer, NotSent, Rejected

type OptionRecords = tuple[Book, Mapping[OptionContract, tuple[Decimal, date]]]
"""The whole book of options, and the newest mark of each contract, USD per share, with its session."""


class ChainSource(Protocol):
    """Where chains come from; of a model's prices every figure made from them is labeled so."""

    @property
    def name(self) -> str:
        """Its name, which stands beside every figure made from it."""
        ...

    @property
    def model_priced(self) -> bool:
        """Whether a model priced its quotes."""
        ...

    def chain(self, request: ChainRequest, spot: float, at: datetime) -> Chain:
        """Return the contracts of a request as they are quoted.

        Parameters
        ----------
        request : ChainRequest
            What has to be quoted before a strategy gives its verdicts.
        spot : float
            USD per share of the underlying.
        at : datetime
            Aware UTC instant that quotes are to be of.

        Raises
        ------
        DataError
            If there is no such chain; one line that names the symbol.
        """
        ...


class ModelledChains(ChainSource, Protocol):
    """Where chains of history come from: with the middles, and what a reader has to know of them.

    `rate` is the continuous interest a year that is reckoned with, as a fraction.
    """

    rate: float

    def quoted(self, request: ChainRequest, spot: float, at: datetime) -> ModelChain:
        """Return the chain of a request with its label; see `ChainSource.chain`.

        Parameters
        ----------
        request : ChainRequest
            What has to be quoted before a strategy gives its verdicts.
        spot : float
            Price of the underlying, USD.
        at : datetime
            Instant of the quotes, UTC.
        """
        ...


class LegExecution(Struct, frozen=True):
    """One execution as the broker lists it, in one leg, or of a combination as a whole.

    Parameters
    ----------
    ref : str
        Of the order, "" for a stranger's.
    contract : OptionContract or None
        None for the record of the combination as a whole.
    quantity : int
        Contracts, negative for a sale; of a combination its units.
    price : Decimal
        USD per share; of a combination its net.
    fee_usd : Decimal or None
        None while it is not known.
    combo : bool
        Whether it is the record of the combination as a whole: that one is never booked.
    """

    exec_id: str
    ref: str
    account: str
    contract: OptionContract | None
    quantity: int
    price: Decimal
    instant: datetime
    fee_usd: Decimal | None = None
    combo: bool = False


class OptionLists(Struct, frozen=True):
    """What the broker says of an account's options, freshly asked, with the shares of the same reading.

    Parameters
    ----------
    account : BrokerAccount
        As the broker shows it; amounts in USD.
    positions : mapping of contract to int
        All options of the account, negative for those sold; none of 0.
    unknown : tuple of str
        Positions and orders that no contract of ours or of today's details describes, in words.
    working : tuple of WorkingOrder
        Orders of everybody that may still fill, in options and in shares.
    fills : tuple of LegExecution
        Today's executions in options, of everybody, those of combinations as a whole included.
    completed : mapping of str to OrderStatus
        How our orders in options that ended today did, by reference.
    shares : mapping of str to int
        All shares of the account by symbol.
    unread : tuple of str
        Messages about our own orders, shares and options that contradict themselves or our orders, in the broker's
        words; nothing of them is believed.
    """

    at: datetime
    account: BrokerAccount
    positions: Mapping[OptionContract, int]
    unknown: tuple[str, ...] = ()
    working: tuple[WorkingOrder, ...] = ()
    fills: tuple[LegExecution, ...] = ()
    completed: Mapping[str, OrderStatus] = field(default_factory=dict)
    shares: Mapping[str, int] = field(default_factory=dict)
    unread: tuple[str, ...] = ()


class Working(Struct, frozen=True):
    """The broker has the order, or took the change of its price; units of it that have filled already."""

    ref: str
    broker_id: str = ""
    filled: int = 0
    client_id: int | None = None
    order_id: int | None = None


OptionOutcome = Working | Rejected | Denied | NoAnswer | NotSent


@runtime_checkable
class OptionBroker(Protocol):
    """A `Broker` that trades options as well; over the same connection."""

    def option_lists(self, known: Collection[OptionContract] = ()) -> OptionLists:
        """Ask positions, orders and executions in options afresh.

        Parameters
        ----------
        known : collection of OptionContract
            Those of our books: the broker describes a contract that has expired no more.
        """
        ...

    def details(self, contracts: Iterable[OptionContract]) -> Mapping[int, Detail]:
        """Return how the broker describes contracts today, by its number of them, without those it does not know."""
        ...

    def quotes(self, contracts: Iterable[OptionContract]) -> Mapping[int, Quote]:
        """Return what contracts are quoted at now, by the broker's number of them, without those that have no quote."""
        ...

    def tick(self, legs: Sequence[OptionLeg], price: Decimal) -> Decimal:
        """Return the step of an order's net price at a price, USD."""
        ...

    def place(self, attempt: Attempt, last_moment: datetime | None = None) -> OptionOutcome:
        """Send an offer, once; never repeats by itself.

        Later than `last_moment`, by the broker's clock, not a byte of it leaves (Denied, "window").
        """
        ...

    def change(self, attempt: Attempt, last_moment: datetime | None = None) -> OptionOutcome:
        """Change the price of a working order in place; of a single leg alone.

        A refused change says nothing of the order itself: fresh lists do.
        """
        ...

    def cancel_option(self, ref: str) -> bool:
        """Ask to cancel an order in options; whether fresh lists then agree that it is gone."""
        ...

    def option_what_if(self, attempt: Attempt) -> WhatIf | None:
        """Return the broker's answer what an offer would do, None if it gave none; nothing is placed."""
        ...


class AttemptState(Struct, frozen=True):
    """One offer of an intent, and what the broker told of it.

    Parameters
    ----------
    attempt : Attempt
        With the price that was asked for last.
    filled : int
        Units that the broker told of; the executions outweigh it.
    prices : tuple of NetPrice
        Prices that it was given, the first one included; claimed, whatever became of the change.
    """

    attempt: Attempt
    status: OrderStatus
    filled: int = 0
    prices: tuple[NetPrice, ...] = ()
    broker_id: str | None = None
    code: str | None = None
    text: str = ""
    submitted_at: datetime | None = None
    updated_at: datetime | None = None
    client_id: int | None = None
    order_id: int | None = None

    @property
    def changes(self) -> int:
        """Changes of its price so far."""
        return max(0, len(self.prices) - 1)


class OptionState(Struct, frozen=True):
    """An intent in options with its offers.

    Parameters
    ----------
    status : OrderStatus
        PLANNED before the first offer, FILLED once every unit is; else that of the newest offer, or how it ended.
    filled : int or None
        Whole units that the executions make; None where its legs make no whole number of them.
    attempts : tuple of AttemptState
        Oldest first; one of them lives at most.
    """

    intent: OptionIntent
    status: OrderStatus
    filled: int | None = 0
    attempts: tuple[AttemptState, ...] = ()

    @property
    def live(self) -> AttemptState | None:
        """The offer that may still fill; None if there is none."""
        return next((one for one in self.attempts if one.status.working), None)

    @property
    def left(self) -> int:
        """Units not filled yet; 0 where nobody can say."""
        return 0 if self.filled is None else self.intent.quantity - self.filled

    @property
    def next_number(self) -> int:
        """Number of the next offer."""
        return 1 + max((one.attempt.number for one in self.attempts), default=0)
