"""What the store keeps, one frozen value per kind."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from msgspec import Struct, field

from mtum.core.portfolio.fills import SymbolChange
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.orders import OrderIntent, OrderStatus, Purpose, Side

if TYPE_CHECKING:
    from mtum.core.market.bars import Bar  # loads numpy

type Way = Literal["enter", "exit"]
"""Which order of a session a person approves."""
type Subject = Literal["settings", "code", "backtest"]
"""What a person approves to trade with."""


class RunRecord(Struct, frozen=True):
    """One start of a job for one session."""

    id: int
    job: str
    slot: str
    session: date | None
    started_at: datetime
    finished_at: datetime | None = None
    outcome: str | None = None
    exit_code: int | None = None
    document: Mapping[str, Any] | None = None
    steps: Mapping[str, datetime] = field(default_factory=dict)


class DecisionRecord(Struct, frozen=True):
    """A stored decision with what it takes to explain and replay it; documents are plain JSON values.

    Parameters
    ----------
    preview : bool
        True for a dry run, which never counts.
    document : mapping
        The decision: action, reasons, conditions, indicators, orders.
    frame : mapping
        Every input: bars, series, provisional bars, book.
    settings : mapping
        All settings in force.
    remembered : mapping of symbol to values
        What the strategy keeps with a position opened by this decision.
    """

    account: str
    session: date
    strategy: str
    decided_at: datetime
    action: str
    reasons: tuple[str, ...]
    document: Mapping[str, Any]
    frame: Mapping[str, Any]
    settings: Mapping[str, Any]
    settings_hash: str
    code_version: str
    code_hash: str
    libraries: Mapping[str, str]
    remembered: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    preview: bool = False


class Observed(Struct, frozen=True):
    """What the broker told of an order; None leaves what was known."""

    filled: int | None = None
    broker_id: str | None = None
    code: str | None = None
    text: str = ""
    client_id: int | None = None
    order_id: int | None = None


class IntentState(Struct, frozen=True):
    """An intent with its present status and what the broker told of it."""

    intent: OrderIntent
    status: OrderStatus
    filled: int = 0
    broker_id: str | None = None
    code: str | None = None
    text: str = ""
    submitted_at: datetime | None = None
    updated_at: datetime | None = None
    client_id: int | None = None
    order_id: int | None = None


class PlanRecord(Struct, frozen=True):
    """What the account planned in a session, with every input it saw; documents are plain JSON values."""

    account: str
    session: date
    decided_at: datetime
    document: Mapping[str, Any]
    frame: Mapping[str, Any]


class Cross(Struct, frozen=True):
    """Shares that one sleeve gives to, or takes from, others at the official close of a session.

    Parameters
    ----------
    id : str
        Id of the intent that its fill belongs to.
    purpose : Purpose
        What the sleeve wanted with it.
    status : OrderStatus
        PLANNED until the official close is there, then FILLED; LAPSED if the session has none.
    """

    id: str
    account: str
    session: date
    strategy: str
    symbol: str
    purpose: Purpose
    side: Side
    shares: int
    reference_price: Decimal
    reasons: tuple[str, ...]
    status: OrderStatus = OrderStatus.PLANNED


IN_LIEU = "in_lieu:"
"""Prefix of the key of cash paid for a fraction of a share; symbol, session and sleeve follow."""


def merger_key(change: SymbolChange, sleeve: str) -> str:
    """Return the key of the cash that a merger brought a sleeve; with "" how those of all begin."""
    return f"merged:{change.symbol}:{change.session}:{sleeve}"


HANDED_OVER = ("handed_on:", "taken_over:", "handed_back:", "begins_again:")
"""Prefixes of the keys of cash that moved between a sleeve and the unowned rest; the broker's cash stays the same."""

FLOWS = ("deposit", "withdrawal", "transfer")
"""Kinds of cash movements that are money put in or taken out, never profit or loss."""


class CashMovement(Struct, frozen=True):
    """One change of a strategy's cash; `key` makes a repeated movement the same one.

    `kind`: capital, deposit, withdrawal, transfer (from sleeve to sleeve), buy, sell, commission, dividend, fee,
    adjustment. A dividend with `paid` False is receivable.
    """

    key: str
    strategy: str
    session: date
    kind: str
    amount_usd: Decimal
    note: str = ""
    symbol: str | None = None
    paid: bool = True


class ChangeRecord(Struct, frozen=True):
    """What became of a symbol, as it was stated.

    Parameters
    ----------
    id : int
        The store's number, 0 before it is stored.
    before, after : mapping of symbol to shares
        The broker's positions when it last showed the old symbol, and those by which the change was believed.
    external : mapping of symbol to (before, after)
        Shares the owner stated as not the program's, where the change moved them.
    """

    change: SymbolChange
    stated_at: datetime
    before: Mapping[str, Decimal]
    after: Mapping[str, Decimal]
    external: Mapping[str, tuple[Decimal, Decimal]]
    id: int = 0


class EquityPoint(Struct, frozen=True):
    """A sleeve at an official close, and its buy-and-hold benchmark, in USD.

    `flows_usd` are deposits less withdrawals since the previous point; `final` is False while
    the official close may still change.
    """

    session: date
    strategy: str
    cash_usd: Decimal
    receivable_usd: Decimal
    market_usd: Decimal
    equity_usd: Decimal
    flows_usd: Decimal
    benchmark_usd: Decimal | None
    close: Decimal | None
    shares: int
    final: bool = True


class AccountWorth(Struct, frozen=True):
    """An account at a decision: net liquidation value, our shares in it, our recorded cash; USD."""

    session: date
    net_usd: float
    shares_usd: float
    cash_usd: float


class Revision(Struct, frozen=True):
    """A bar value that a source changed after it was accepted."""

    symbol: str
    source: str
    session: date
    column: str
    before: float
    after: float
    first_read_at: datetime
    replaced_at: datetime
    accepted: bool


class QuarantinedBar(Struct, frozen=True):
    """A bar that broke a rule and was kept out, until a person releases it; `id` is the store's."""

    symbol: str
    source: str
    bar: "Bar"
    rule: str
    found: str
    seen_at: datetime
    id: int = 0
    released_at: datetime | None = None
    released_by: str | None = None


class VolumeSnapshot(Struct, frozen=True):
    """Volume seen at a decision, what was projected, and the final figure once it is known.

    Parameters
    ----------
    projected_low, projected_high : float or None
        Volumes between which four sessions in five would have ended; None with a documented prior.
    learned_sessions : int
        Sessions whose median share was used; 0 for a documented prior.
    error_frac : float or None
        How far the projection was off, as a fraction of the final volume.
    """

    symbol: str
    source: str
    session: date
    minutes: float
    volume_so_far: float
    share: float | None
    projected: float | None
    half_day: bool = False
    final_volume: float | None = None
    projected_low: float | None = None
    projected_high: float | None = None
    learned_sessions: int = 0
    error_frac: float | None = None


class Halt(Struct, frozen=True):
    """A switch that stops new orders, in force until lifted."""

    id: int
    restriction: Restriction
    why: str
    by: str
    since: datetime
    lifted_at: datetime | None = None
    sleeve: str | None = None
