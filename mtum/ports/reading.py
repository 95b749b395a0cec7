"""The read side: rows as they are stored, in ISO text and plain numbers, and the port that gives them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any, Protocol

from mtum.core.portfolio.fills import Action
from mtum.ports.event_log import EventRow

if TYPE_CHECKING:
    from mtum.ports.options import OptionRecords

PRACTICE_KEY = "practice_gateway"
"""Fact of a database: whether its gateway said that it is the practice gateway, "yes" or "no"."""


@dataclass(frozen=True, slots=True)
class TradeRow:
    """A round trip; one that is open has no exit. The columns of `v_trades`."""

    strategy: str
    symbol: str
    entry_session: str
    entry_price: float
    exit_session: str | None
    exit_price: float | None
    shares: int
    pnl_usd: float | None
    return_frac: float | None
    reason: str | None
    sessions_held: int | None
    commission_usd: float | None


@dataclass(frozen=True, slots=True)
class OrderRow:
    """One attempt of an order: what was wanted, and what the broker told of it."""

    id: str
    ref: str
    session: str
    strategy: str
    account: str
    symbol: str
    side: str
    purpose: str
    type: str
    shares: int
    filled: int
    status: str
    reference_price: float
    reasons: Sequence[str]
    broker_id: str | None
    code: str | None
    text: str
    attempt: int
    planned_at: str
    submitted_at: str | None
    updated_at: str


@dataclass(frozen=True, slots=True)
class FillRow:
    """An execution that counts: corrected ones are left out."""

    exec_id: str
    intent_id: str
    account: str
    strategy: str
    symbol: str
    side: str
    session: str
    instant: str
    shares: int
    price: float
    commission_usd: float | None

    @property
    def words(self) -> str:
        """What was traded: ``BUY 3 MTUM``."""
        return f"{self.side} {self.shares} {self.symbol}"


@dataclass(frozen=True, slots=True)
class DayRow:
    """A decided session in short. The columns of `v_daily`."""

    session: str
    strategy: str
    action: str
    reason: str | None
    all_reasons: str | None
    decision_price: float | None
    close: float | None
    indicators: Mapping[str, Mapping[str, float | None]]
    equity_usd: float | None
    benchmark_usd: float | None
    orders: str | None
    fills: str | None


@dataclass(frozen=True, slots=True)
class SignalRow:
    """One condition of a decided session. The columns of `v_signals`."""

    session: str
    strategy: str
    symbol: str | None
    number: int
    condition: str
    value: float | None
    threshold: float | None
    margin: float | None
    passed: int
    action: str


@dataclass(frozen=True, slots=True)
class SnapshotRow:
    """The account as the broker showed it, `kind` cash or margin, in USD. Columns of `account_snapshots`."""

    session: str
    at: str
    account: str
    kind: str
    cash_usd: float
    settled_usd: float
    net_liquidation_usd: float


@dataclass(frozen=True, slots=True)
class BarRow:
    """A cached bar. The columns of `bars`."""

    symbol: str
    source: str
    session: str
    open: float
    high: float
    low: float
    close: float
    volume: float | None
    dividend: float
    split: float
    first_read_at: str
    read_at: str
    final: int
    checksum: int | None = None


@dataclass(frozen=True, slots=True)
class IntradayRow:
    """A value of a cached bar within a session; the newest of a bar counts. Columns of `intraday_bars`."""

    minutes: int
    session: str
    begins_at: str
    open: float
    high: float
    low: float
    close: float
    volume: float | None


@dataclass(frozen=True, slots=True)
class EquityRow:
    """A strategy at an official close. The columns of `equity`; no close, nor shares, where these are of several."""

    session: str
    strategy: str
    cash_usd: float
    receivable_usd: float
    market_usd: float
    equity_usd: float
    flows_usd: float
    benchmark_usd: float | None
    close: float | None
    shares: int | None
    final: int


@dataclass(slots=True)
class CloseRow:
    """What a curve needs of a strategy at an official close; there are many, and to freeze each takes its time."""

    session: str
    equity_usd: float
    flows_usd: float
    benchmark_usd: float | None


@dataclass(frozen=True, slots=True)
class VirtualRow:
    """What a watched strategy's virtual money was worth at its decision.

    Parameters
    ----------
    after : str or None
        Its last session before with money of its own: with virtual money it began anew after that.
    """

    session: str
    strategy: str
    equity_usd: float
    after: str | None


@dataclass(frozen=True, slots=True)
class CashRow:
    """A change of a strategy's cash. The columns of `cash_movements`."""

    key: str
    strategy: str
    session: str
    kind: str
    amount_usd: float
    symbol: str | None
    note: str
    paid: int


@dataclass(frozen=True, slots=True)
class RunRow:
    """A job and how it ended; `steps` gives the instant of each step reached."""

    id: int
    job: str
    slot: str
    session: str | None
    started_at: str
    finished_at: str | None
    outcome: str | None
    exit_code: int | None
    steps: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PositionRow:
    """What a strategy holds of a symbol. The columns of `v_positions`."""

    strategy: str
    symbol: str
    shares: int
    entry_session: str
    entry_price: float
    commission_usd: float | None
    price_session: str | None
    last_price: float | None
    market_usd: float | None
    unrealized_usd: float | None


@dataclass(frozen=True, slots=True)
class HaltRow:
    """A halt in force, or one that was lifted."""

    id: int
    restriction: str
    why: str
    by: str
    since: str
    lifted_at: str | None
    sleeve: str | None = None


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One of the next sessions as the last run saw them."""

    session: str
    opens_at: str
    closes_at: str
    half_day: int


@dataclass(frozen=True, slots=True)
class DecisionRow:
    """A whole final decision: what was decided, every input it saw, and with which settings and code."""

    session: str
    strategy: str
    decided_at: str
    action: str
    reasons: Sequence[str]
    document: Mapping[str, Any]
    frame: Mapping[str, Any]
    settings: Mapping[str, Any]
    settings_hash: str
    code_version: str
    code_hash: str


@dataclass(frozen=True, slots=True)
class DatabaseState:
    """The records at a glance; as it stands, of a database that does not exist yet.

    Parameters
    ----------
    halts : sequence of HaltRow
        Those in force.
    cash_usd : mapping of strategy to float
        Cash paid in and out so far.
    equity : sequence of EquityRow
        The newest point of each strategy.
    unsettled : sequence of str
        Decided sessions whose official close and fills are not in the books.
    undelivered : int
        Messages waiting.
    others : sequence of str
        What the broker last showed in the account besides shares, in words.
    needs : sequence of str
        What the last run said that only a person can see to.
    cash_settles_by : str or None
        Settlement day that the last decision waits for, where its cash had not settled.
    rehearsal : bool
        Whether the gateway of these records said that it is the practice gateway.
    """

    mode: str | None = None
    account: str | None = None
    positions: Sequence[PositionRow] = ()
    open_orders: Sequence[OrderRow] = ()
    halts: Sequence[HaltRow] = ()
    cash_usd: Mapping[str, float] = field(default_factory=dict)
    equity: Sequence[EquityRow] = ()
    unsettled: Sequence[str] = ()
    last_run: RunRow | None = None
    undelivered: int = 0
    sessions: Sequence[SessionRow] = ()
    others: Sequence[str] = ()
    rehearsal: bool = False
    needs: Sequence[str] = ()
    cash_settles_by: str | None = None


class Reader(Protocol):
    """The records of one database, for reading alone."""

    @property
    def option_records(self) -> "OptionRecords":
        """The book of all executions and events in options, and each contract's newest mark, USD, with its session."""
        ...

    def state(self) -> DatabaseState:
        """Return the records at a glance."""
        ...

    def rows[R](
        self, kind: type[R], /, since: date | None = None, limit: int | None = None, **equal: str | None
    ) -> Sequence[R]:
        """Return rows of a kind, oldest first.

        Parameters
        ----------
        kind : type
            One of the rows above that stand in a list: all but `PositionRow` and `DecisionRow`.
        since : date, optional
            Only sessions from that one on.
        limit : int, optional
            Only so many of the newest.
        equal : str or None
            Only rows with that value in the column of that name.
        """
        ...

    def rows_until[R](
        self, kind: type[R], last: date, /, since: date | None, limit: int | None, **equal: str | None
    ) -> Sequence[R]:
        """Return rows as `rows` does, of sessions up to the last one alone.

        Parameters
        ----------
        kind : type
            Kind of row.
        last : date
            Last day of the closed interval.
        since : date or None
            First session; None for all.
        limit : int or None
            How many of the newest; None for all.
        equal : str or None
            Column and value that the rows have.
        """
        ...

    def events(self, after: int | None, limit: int) -> Sequence[EventRow]:
        """Return the oldest events behind a number, at most so many; without a number the newest ones."""
        ...

    def version(self) -> int:
        """Return a number that changes whenever another connection has changed anything; nothing is locked."""
        ...

    def actions(self) -> Sequence[Action]:
        """Return what lots follow: splits that source and broker agreed upon, and changes of symbols stated."""
        ...

    def unsound_fills(self) -> Sequence[str]:
        """Return fills that are missing though an event or their cash tells of them, or whose cash is another's."""
        ...

    def decision(self, day: date | None = None, strategy: str | None = None) -> DecisionRow | None:
        """Return one whole final decision (default: the newest), or None.

        Raises
        ------
        VerificationError
            If a stored document is no longer JSON.
        """
        ...

    def plan(self, day: date) -> Mapping[str, object] | None:
        """Return what the account did with the wishes of its sleeves in a session, or None."""
        ...

    def crosses(self, day: date) -> Mapping[tuple[str, str], Mapping[str, object]]:
        """Return `status` and `price_usd` of a session's crosses by sleeve and symbol.

        The price is the official close, before it is known that of the decision.
        """
        ...
