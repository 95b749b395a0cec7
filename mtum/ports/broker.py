"""An account at a broker, in our own words."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Protocol, runtime_checkable

from msgspec import Struct

from mtum.core.market.sessions import Session
from mtum.core.portfolio.money import AccountKind
from mtum.core.portfolio.orders import OrderStatus, OrderType, Side, Ticket


class BrokerAccount(Struct, frozen=True):
    """The account as the broker shows it; amounts in USD, other currencies left out.

    `doubt` says why the cash is not known, "" where it is; it is then taken for 0.
    """

    code: str
    kind: AccountKind
    cash_usd: Decimal
    settled_usd: Decimal
    net_liquidation_usd: Decimal
    doubt: str = ""


class BrokerOrder(Struct, frozen=True):
    """An order as the broker lists it, its words translated.

    `session` is the session it works in where the broker tells; `code` and `text` its last
    message about the order; `limit_usd` its limit, None without one. An `inactive` order stands among
    the open ones although the broker does not work on it now: it may come back and fill.
    """

    ref: str
    broker_id: str
    account: str
    symbol: str
    side: Side
    order_type: OrderType
    shares: int
    filled: int
    status: OrderStatus
    client_id: int | None = None
    order_id: int | None = None
    session: date | None = None
    code: int | None = None
    text: str = ""
    limit_usd: Decimal | None = None
    inactive: bool = False

    @property
    def may_fill(self) -> bool:
        """Whether shares of it may still be traded."""
        return self.status.working or self.inactive

    @property
    def left(self) -> int:
        """Shares not filled yet."""
        return self.shares - self.filled


class OtherInstrument(Struct, frozen=True):
    """A position in, or a working order for, something else than shares traded in USD.

    Parameters
    ----------
    symbol : str
        Its underlying, as the broker names it.
    name : str
        The instrument in words, such as ``MTUM 20180119 280 C``.
    kind : str
        The broker's word: OPT, FUT, CFD, ...; STK for shares in another currency.
    quantity : Decimal
        Contracts held or still to be filled; negative when short or sold.
    call : bool or None
        Of an option whether it is a call; None for everything else.
    multiplier : Decimal
        Shares per contract, 0 when not told.
    ref : str
        Reference of a working order, "" when it has none.
    pins : tuple of (Decimal, int) or None
        Of an order of our own in options what it may call for beyond what its group does: cash in USD, and shares of
        its underlying. None for everything that our books do not explain.
    """

    symbol: str
    name: str
    kind: str
    quantity: Decimal
    call: bool | None = None
    multiplier: Decimal = Decimal(0)
    working: bool = False
    limit_usd: Decimal | None = None
    ref: str = ""
    pins: tuple[Decimal, int] | None = None

    @property
    def words(self) -> str:
        """How much there is of what."""
        return f"{self.quantity} {self.name}"

    @property
    def known(self) -> bool:
        """Whether it is told what it can do to the shares of its underlying."""
        return self.pins is not None or (self.call is not None and self.multiplier > 0)

    @property
    def pledged(self) -> int:
        """Shares of the underlying that a short call, or an order to sell one, may call for."""
        if self.pins is not None:
            return self.pins[1]
        return int(-self.quantity * self.multiplier) if self.call and self.quantity < 0 else 0

    @property
    def cost_usd(self) -> Decimal | None:
        """What a working purchase may cost at most, None when that is not known; 0 for everything else."""
        if self.pins is not None:
            return self.pins[0]
        if not self.working or self.quantity <= 0:
            return Decimal(0)
        return self.limit_usd * self.multiplier * self.quantity if self.limit_usd and self.multiplier else None


class BrokerFill(Struct, frozen=True):
    """One execution as the broker lists it; commission None while it is not known."""

    exec_id: str
    ref: str
    broker_id: str
    account: str
    symbol: str
    side: Side
    shares: Decimal
    price: Decimal
    instant: datetime
    commission_usd: Decimal | None = None
    client_id: int | None = None
    order_id: int | None = None


class BrokerLists(Struct, frozen=True):
    """Everything the broker says about the account, freshly asked.

    `positions` are shares by the id of their instrument, the ticker (fractions possible); `orders` holds
    open orders of all clients and today's completed ones; `fills` today's executions. `unread` are messages
    about our own orders and shares that make no sense, in the broker's words; `skipped` counts those about others'.
    `others` are positions and working orders in anything but shares traded in USD.
    """

    at: datetime
    account: BrokerAccount
    positions: Mapping[str, Decimal]
    orders: tuple[BrokerOrder, ...]
    fills: tuple[BrokerFill, ...]
    unread: tuple[str, ...] = ()
    skipped: int = 0
    others: tuple[OtherInstrument, ...] = ()


class Accepted(Struct, frozen=True):
    """The broker has the order and gave it a permanent id."""

    order: BrokerOrder


class Rejected(Struct, frozen=True):
    """The broker refused; `final` says whether its code alone proves the order dead.

    `by_code` says whether it was rejected by a code at all, and not canceled, or called inactive by a word;
    `halts` whether a person has to look before anything more is opened: a fault of this program, or unknown words.
    """

    code: int
    text: str
    final: bool = True
    by_code: bool = True
    halts: bool = False


class Denied(Struct, frozen=True):
    """Our own last gate refused; nothing was sent."""

    code: str
    text: str


class NoAnswer(Struct, frozen=True):
    """Sent, and nothing came back in time: the order's fate is unknown, but not the number it was sent under."""

    text: str = ""
    client_id: int | None = None
    order_id: int | None = None


class NotSent(Struct, frozen=True):
    """Certainly not taken: nothing was written, or the gateway's interface takes no orders at all."""

    text: str


SubmitOutcome = Accepted | Rejected | Denied | NoAnswer | NotSent


@runtime_checkable
class Clearing(Protocol):
    """A broker with a last gate that can be asked before an order is claimed for sending."""

    def clear(self, ticket: Ticket) -> Denied | NotSent | None:
        """Judge an order by fresh facts; None lets the very next `submit` of it pass."""
        ...


class Broker(Protocol):
    """An account at a broker. Connect just in time, close soon; one object per connection.

    `proves_absence` says whether an order that no list shows was certainly never taken. Only a
    broker without a wire can promise that; with one, an answer may still be on its way.
    """

    name: str
    proves_absence: bool

    def connect(self) -> None:
        """Open the connection.

        Raises
        ------
        BrokerUnavailableError
            If there is no usable connection, the account is another one or of the wrong kind.
        """
        ...

    def close(self) -> None:
        """Close the connection; never raises."""
        ...

    def server_time(self) -> datetime:
        """Return the broker's clock as an aware UTC instant."""
        ...

    def lists(self) -> BrokerLists:
        """Ask account, positions, orders and executions afresh."""
        ...

    def session_hours(self, symbol: str, day: date) -> Session | None:
        """Return the broker's trading hours of the symbol that day; None when it says closed."""
        ...

    def contract(self, symbol: str) -> str:
        """Return the broker's identity of the contract traded for a symbol; "" when it has none."""
        ...

    def price(self, symbol: str) -> Decimal:
        """Return the last price of a symbol in USD as the broker shows it now."""
        ...

    def submit(self, ticket: Ticket, last_moment: datetime | None = None) -> SubmitOutcome:
        """Send one order, once; never repeats by itself.

        Later than `last_moment`, by the broker's clock, not a byte of it leaves (Denied, "window").
        """
        ...

    def cancel(self, ref: str) -> bool:
        """Ask to cancel an order; whether fresh lists then agree that it is gone."""
        ...


@runtime_checkable
class Rehearsing(Protocol):
    """A broker with trial orders."""

    def what_if(self, ticket: Ticket) -> str | None:
        """Return why the broker would refuse the order, None if it would take it; nothing is placed.

        Raises
        ------
        BrokerUnavailableError
            If the broker takes no orders over this connection at all.
        """
        ...
