"""Everything the simulated exchange knows: accounts, orders, executions, instructions."""

from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from typing import ClassVar, Protocol

from msgspec import Struct

from mtum.core.options.contracts import OptionContract
from mtum.core.portfolio.money import AccountKind
from mtum.core.portfolio.orders import OrderType, Side
from mtum.core.simulation.option_books import OptionEnding, OptionExecution, OptionTicket


class ExchangeStatus(Enum):
    """Life of an order at the exchange; all but WORKING are final."""

    WORKING = "working"
    FILLED = "filled"
    CANCELED = "canceled"
    EXPIRED = "expired"
    REJECTED = "rejected"


class PlanEffect(Enum):
    """What a fill plan makes the exchange do with the order it matches."""

    PARTIAL_FILL = "partial_fill"
    REJECT = "reject"
    REJECT_LATER = "reject_later"
    INACTIVE = "inactive"
    EXTRA_FILL = "extra_fill"
    TWICE = "twice"
    FILL_ON_CANCEL = "fill_on_cancel"


class Position(Struct, frozen=True):
    """Shares of one symbol (fractions allowed) and their average cost in USD, commission included."""

    symbol: str
    shares: Decimal
    average_cost: Decimal


class Unsettled(Struct, frozen=True):
    """Proceeds in USD of the sales of one session, until they settle; those of options on a day of their own."""

    SPARSE: ClassVar = frozenset(("due",))

    session: date
    amount: Decimal
    due: date | None = None


class ExchangeAccount(Struct, frozen=True):
    """Cash in USD, what of it is not settled yet, and positions (sorted by symbol, none empty)."""

    code: str
    kind: AccountKind
    cash: Decimal
    unsettled: tuple[Unsettled, ...] = ()
    positions: tuple[Position, ...] = ()
    realized_pnl: Decimal = Decimal(0)

    @property
    def settled_cash(self) -> Decimal:
        """Cash less proceeds that are still to settle."""
        return self.cash - sum((u.amount for u in self.unsettled), Decimal(0))

    @property
    def available_cash(self) -> Decimal:
        """What a purchase may use: settled cash at most in a cash account, all cash in a margin account."""
        return min(self.cash, self.settled_cash) if self.kind is AccountKind.CASH else self.cash

    def position(self, symbol: str) -> Position:
        """Position in a symbol; one of zero shares if there is none."""
        empty = Position(symbol, Decimal(0), Decimal(0))
        return next((p for p in self.positions if p.symbol == symbol), empty)


class Sent(Protocol):
    """What a plan knows an order by, in shares or in options."""

    @property
    def ref(self) -> str:
        """The client's own name of it."""
        ...

    @property
    def symbol(self) -> str:
        """What it trades, or the underlying of its options."""
        ...

    @property
    def side(self) -> Side:
        """Whether it buys or sells."""
        ...


class ExchangeTicket(Struct, frozen=True):
    """An order as a client sends it; `order_id` 0 lets the exchange choose the client's next one."""

    account: str
    symbol: str
    side: Side
    order_type: OrderType
    shares: int
    ref: str = ""
    limit: Decimal | None = None
    tif: str = "DAY"
    client_id: int = 0
    order_id: int = 0


class ExchangeOrder(Struct, frozen=True):
    """An order the exchange accepted.

    `session` is the session it works in, None = the next one to open (sent after the close).
    `reason` says in words why it ended, `code` is the broker's number for that (0 if none).
    """

    ticket: ExchangeTicket
    perm_id: int
    placed_at: datetime
    placed_session: date
    session: date | None
    status: ExchangeStatus = ExchangeStatus.WORKING
    filled: int = 0
    filled_value: Decimal = Decimal(0)
    commission: Decimal = Decimal(0)
    done_at: datetime | None = None
    code: int = 0
    reason: str = ""

    @property
    def remaining(self) -> int:
        """Shares not filled."""
        return self.ticket.shares - self.filled

    @property
    def average_price(self) -> Decimal:
        """Mean fill price; 0 when nothing is filled."""
        return self.filled_value / self.filled if self.filled else Decimal(0)


class OptionOrder(Struct, frozen=True):
    """An order in options that the exchange accepted; as `ExchangeOrder`, in units and USD per share of one.

    Parameters
    ----------
    filled_value : Decimal
        Sum of units x price, as sent.
    """

    ticket: OptionTicket
    perm_id: int
    placed_at: datetime
    placed_session: date
    session: date | None
    status: ExchangeStatus = ExchangeStatus.WORKING
    filled: int = 0
    filled_value: Decimal = Decimal(0)
    fees: Decimal = Decimal(0)
    done_at: datetime | None = None
    code: int = 0
    reason: str = ""

    @property
    def remaining(self) -> int:
        """Units not filled."""
        return self.ticket.quantity - self.filled

    @property
    def average_price(self) -> Decimal:
        """Mean fill price as sent; 0 when nothing is filled."""
        return self.filled_value / self.filled if self.filled else Decimal(0)


class OptionBooks(Struct, frozen=True):
    """Everything in options: orders, executions and ends of contracts, oldest first, and the contracts held."""

    orders: tuple[OptionOrder, ...] = ()
    executions: tuple[OptionExecution, ...] = ()
    endings: tuple[OptionEnding, ...] = ()
    contracts: tuple[OptionContract, ...] = ()


class Execution(Struct, frozen=True):
    """One fill as reported. A correction repeats the first three parts of `exec_id` and raises the last.

    `realized_pnl` is None for a fill that opens or adds to a position.
    """

    exec_id: str
    perm_id: int
    session: date
    instant: datetime
    shares: int
    price: Decimal
    commission: Decimal
    realized_pnl: Decimal | None
    filled_so_far: int
    average_price: Decimal
    ticket: ExchangeTicket

    @property
    def stem(self) -> str:
        """The first three parts of the id: equal for a fill and its corrections."""
        return self.exec_id.rsplit(".", 1)[0]


class FillPlan(Struct, frozen=True):
    """An instruction to misbehave, for every order it matches; empty fields match anything.

    Parameters
    ----------
    shares : int
        PARTIAL_FILL: at most so many shares fill, 0 = none; the rest expires at the close. EXTRA_FILL: so many
        more than ordered fill, in an execution of their own.
    code, text : int, str
        REJECT, REJECT_LATER: the broker's number and words.
    minutes_before_close : float
        REJECT_LATER: an accepted order is rejected from so many minutes before the close on. INACTIVE: it is
        called inactive from then on, though it works and fills.

    TWICE is for whoever takes the orders: the same one is placed once more. FILL_ON_CANCEL is for options: a cancel
    comes too late for so many of them (`shares`; 0 = all).
    """

    effect: PlanEffect
    ref: str = ""
    symbol: str = ""
    session: date | None = None
    side: Side | None = None
    shares: int = 0
    code: int = 201
    text: str = "Order rejected - reason: simulated"
    minutes_before_close: float = 12.0

    def matches(self, ticket: Sent, day: date) -> bool:
        """Whether the plan is meant for this order in this session."""
        return (
            self.ref in ("", ticket.ref)
            and self.symbol in ("", ticket.symbol)
            and self.session in (None, day)
            and self.side in (None, ticket.side)
        )


class ExchangeState(Struct, frozen=True):
    """The whole exchange at one instant; `session` is the last one opened, executions oldest first."""

    SPARSE: ClassVar = frozenset(("options",))

    accounts: tuple[ExchangeAccount, ...] = ()
    orders: tuple[ExchangeOrder, ...] = ()
    executions: tuple[Execution, ...] = ()
    plans: tuple[FillPlan, ...] = ()
    session: date | None = None
    next_perm_id: int = 1_700_000_001
    options: OptionBooks | None = None

    @property
    def option_books(self) -> OptionBooks:
        """What it knows of options; nothing, as long as nobody traded or held any."""
        return self.options or OptionBooks()

    def account(self, code: str) -> ExchangeAccount | None:
        """Account by its code, None if there is none."""
        return next((a for a in self.accounts if a.code == code), None)
