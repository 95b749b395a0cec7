"""Rows as the database stores them, in ISO text and plain numbers."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from msgspec import Struct


class TradeRow(Struct, frozen=True):
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


class OrderRow(Struct, frozen=True):
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


class FillRow(Struct, frozen=True):
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


class DayRow(Struct, frozen=True):
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


class SignalRow(Struct, frozen=True):
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


class SnapshotRow(Struct, frozen=True):
    """The account as the broker showed it, `kind` cash or margin, in USD. Columns of `account_snapshots`."""

    session: str
    at: str
    account: str
    kind: str
    cash_usd: float
    settled_usd: float
    net_liquidation_usd: float


class BarRow(Struct, frozen=True):
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


class BarValues(NamedTuple):
    """The values of a cached bar, for what takes many of them and turns them into columns."""

    session: str
    open: float
    high: float
    low: float
    close: float
    volume: float | None
    dividend: float
    split: float


class IntradayRow(Struct, frozen=True):
    """A value of a cached bar within a session; the newest of a bar counts. Columns of `intraday_bars`."""

    minutes: int
    session: str
    begins_at: str
    open: float
    high: float
    low: float
    close: float
    volume: float | None


class EquityRow(Struct, frozen=True):
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


class Closes(Struct, frozen=True):
    """What the curve of a strategy needs, as columns with a value for each official close, oldest first."""

    sessions: Sequence[str]
    equity_usd: Sequence[float]
    flows_usd: Sequence[float]
    benchmark_usd: Sequence[float | None]


class VirtualRow(Struct, frozen=True):
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


class CashRow(Struct, frozen=True):
    """A change of a strategy's cash. The columns of `cash_movements`."""

    key: str
    strategy: str
    session: str
    kind: str
    amount_usd: float
    symbol: str | None
    note: str
    paid: int


class RunRow(Struct, frozen=True):
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


class PositionRow(Struct, frozen=True):
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


class HaltRow(Struct, frozen=True):
    """A halt in force, or one that was lifted."""

    id: int
    restriction: str
    why: str
    by: str
    since: str
    lifted_at: str | None
    sleeve: str | None = None


class SessionRow(Struct, frozen=True):
    """One of the next sessions as the last run saw them."""

    session: str
    opens_at: str
    closes_at: str
    half_day: int


class DecisionRow(Struct, frozen=True):
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
