"""What did one session do, why, and how does the sleeve stand? One value; text, HTML and JSON are made from it.

Amounts are float64 in the unit of their name. A number that may be late is a `Stated`: it says
whether it is final, provisional or unknown, and is never guessed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime

from mtum.core.canonical import SPARSE, list_in, maybe_number, table_in, text_in
from mtum.core.reporting.expectation import BacktestLine
from mtum.core.reporting.stated import UNKNOWN, Stated
from mtum.core.reporting.words import condition


@dataclass(frozen=True, slots=True)
class ConditionLine:
    """One condition of the decision; `role` is "entry" or "exit", `unit` that of value and threshold."""

    name: str
    role: str
    value: float | None
    threshold: float | None
    margin: float | None
    passed: bool
    unit: str = ""
    symbol: str = ""


def conditions_in(symbols: Mapping[str, object]) -> tuple[ConditionLine, ...]:
    """Return every condition of a decision's document, symbol by symbol."""
    found = []
    for symbol, part in symbols.items():
        for row in map(table_in, list_in(table_in(part).get("conditions", []))):
            spec = condition(text_in(row["name"]))
            value, threshold, margin = (maybe_number(row[name]) for name in ("value", "threshold", "margin"))
            passed, role = bool(row["passed"]), spec.role.value
            found.append(ConditionLine(spec.name, role, value, threshold, margin, passed, spec.unit, symbol))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class OrderLine:
    """One order of the session; `type` and `status` are the broker-facing words."""

    id: str
    ref: str
    symbol: str
    side: str
    purpose: str
    type: str
    shares: int
    filled_shares: int
    status: str
    broker_id: str | None
    reference_price: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class FillLine:
    """One execution with the three prices; gaps in bps, positive = a cost to us.

    `wait_bps` is decision price to official close, `auction_bps` official close to fill.
    """

    exec_id: str
    order_id: str
    symbol: str
    side: str
    shares: int
    at: datetime
    decision_price: float | None
    official_close: Stated
    fill_price: float
    wait_bps: Stated
    auction_bps: Stated
    slippage_usd: Stated
    commission_usd: Stated
    assumed_commission_usd: float | None = None


@dataclass(frozen=True, slots=True)
class PositionLine:
    """Shares held after the session; entry values are known once the entry has filled."""

    symbol: str
    shares: int
    entry_session: date
    entry_price: float
    sessions_held: int
    close_usd: Stated
    market_usd: Stated
    unrealized_usd: Stated
    unrealized_frac: Stated
    atr_at_entry: float | None = None
    target_usd: float | None = None
    exit_pending: str | None = None


@dataclass(frozen=True, slots=True)
class Pnl:
    """Profit and loss in USD, deposits and withdrawals excluded; `_frac` chain the daily returns.

    `realized_usd` and `commission_usd` are None while the commission of an execution is not known.
    """

    day_usd: Stated = UNKNOWN
    day_frac: Stated = UNKNOWN
    week_usd: Stated = UNKNOWN
    week_frac: Stated = UNKNOWN
    month_usd: Stated = UNKNOWN
    month_frac: Stated = UNKNOWN
    year_usd: Stated = UNKNOWN
    year_frac: Stated = UNKNOWN
    start_usd: Stated = UNKNOWN
    start_frac: Stated = UNKNOWN
    realized_usd: float | None = 0.0
    commission_usd: float | None = 0.0


@dataclass(frozen=True, slots=True)
class EquityLine:
    """The sleeve at the session's official close, in USD."""

    equity_usd: Stated = UNKNOWN
    cash_usd: Stated = UNKNOWN
    receivable_usd: Stated = UNKNOWN
    market_usd: Stated = UNKNOWN
    paid_in_usd: float = 0.0
    start: date | None = None
    drawdown_frac: Stated = UNKNOWN
    worst_drawdown_frac: Stated = UNKNOWN
    worst_drawdown_session: date | None = None


@dataclass(frozen=True, slots=True)
class BenchmarkLine:
    """Buy-and-hold of the same symbol with the same deposits; `ahead_usd` is sleeve less benchmark."""

    name: str = "buy and hold"
    equity_usd: Stated = UNKNOWN
    ahead_usd: Stated = UNKNOWN
    day_frac: Stated = UNKNOWN
    week_frac: Stated = UNKNOWN
    month_frac: Stated = UNKNOWN
    year_frac: Stated = UNKNOWN
    start_frac: Stated = UNKNOWN
    drawdown_frac: Stated = UNKNOWN
    worst_drawdown_frac: Stated = UNKNOWN


@dataclass(frozen=True, slots=True)
class FlipLine:
    """Where one condition changes, and whether that alone changes the decision.

    `when` is "session" (what would have changed this decision) or "next"; `input` is close, vix or
    volume; the condition changes when the input goes `direction` ("above", "below") `level`;
    `now` is the present value and `distance` level less now, both in the input's unit.
    """

    when: str
    condition: str
    role: str
    input: str
    direction: str
    level: float
    now: float | None
    distance: float | None
    distance_frac: float | None
    holds_now: bool
    alone: bool
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class DataQuality:
    """What the decision saw and how good it was; `final_*` are read after the close.

    `turned` are the conditions that came out otherwise on the final bar; None while there is none.
    Four sessions in five should end between `projected_low` and `projected_high`; None where the usual
    share is a documented one. `last_projection_error_frac` is that of the session before. `official_close`
    says that a replayed market was decided on the closes of price and extra series, not on earlier values.
    `embedded` says of each symbol of an embedded market what it really is.
    """

    source: str
    stands_in: str | None = None
    embedded: tuple[str, ...] = ()
    official_close: bool = False
    bar_at: datetime | None = None
    bars_used: int | None = None
    decision_close: float | None = None
    volume_so_far: float | None = None
    volume_share: float | None = None
    volume_projected: float | None = None
    final_volume: Stated = UNKNOWN
    projected_low: float | None = None
    projected_high: float | None = None
    projection_error_frac: Stated = UNKNOWN
    last_projection_error_frac: float | None = None
    vix: float | None = None
    final_vix: Stated = UNKNOWN
    rsi_form: str | None = None
    turned: tuple[str, ...] | None = None
    degraded: tuple[str, ...] = ()
    revisions: int = 0
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TimingLine:
    """A recorded step of a job; `to_close_minutes` is positive before the close."""

    job: str
    slot: str
    step: str
    at: datetime
    to_close_minutes: float | None
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class DriftLine:
    """Something that is not as it was; `since` says as of when."""

    subject: str
    before: str
    now: str
    since: str


@dataclass(frozen=True, slots=True)
class RegretLine:
    """A condition over the newest sessions with final bars: in how many of them the final bar turned it."""

    condition: str
    sessions: int
    turned: int


@dataclass(frozen=True, slots=True)
class CorrectionLine:
    """A number of an earlier report that has become known or has changed."""

    session: date
    subject: str
    before: Stated
    now: Stated
    unit: str


@dataclass(frozen=True, slots=True)
class CashLine:
    """One cash movement of the session other than trades: dividend, deposit, fee, tax and the like."""

    kind: str
    amount_usd: float
    paid: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class OwedLine:
    """A cash movement that is due and not paid yet; `session` is the one it belongs to (the ex-date)."""

    session: date
    kind: str
    amount_usd: float
    note: str = ""


@dataclass(frozen=True, slots=True)
class ContractLine:
    """The contract pinned for a symbol: the broker's number and the listing market."""

    symbol: str
    contract: str


@dataclass(frozen=True, slots=True)
class ProblemLine:
    """Something a person should know; `code` is the exit code it means, 0 for a notice."""

    code: int
    text: str


@dataclass(frozen=True, slots=True)
class StandingLine:
    """A purchase that was wanted and is not made yet; `shares` are those to end with, `since` its first session."""

    symbol: str
    shares: int
    since: date


@dataclass(frozen=True, slots=True)
class Summary:
    """What a session was for a sleeve, or for an account of several.

    `symbols` are all that the strategy trades and `symbol` the first of them; `position` are its shares,
    `other_positions` those of the others. `internal_orders` are no orders: shares that change sleeves, or what
    a sleeve does with virtual money. An account of several has a summary of each of its `sleeves` with its
    `state`, what `coordination` made of their wishes, and what was `undecided`; its own figures are theirs
    together, those of watched ones left out.
    """

    session: date
    mode: str
    account: str
    strategy: str
    symbol: str
    action: str
    reasons: tuple[str, ...]
    outcome: str
    exit_code: int
    half_day: bool
    next_session: date | None
    next_decision_at: datetime | None
    conditions: tuple[ConditionLine, ...]
    orders: tuple[OrderLine, ...]
    fills: tuple[FillLine, ...]
    position: PositionLine | None
    pnl: Pnl
    equity: EquityLine
    benchmark: BenchmarkLine
    cash: tuple[CashLine, ...]
    flips: tuple[FlipLine, ...]
    data_quality: DataQuality
    timings: tuple[TimingLine, ...]
    drift: tuple[DriftLine, ...]
    corrections: tuple[CorrectionLine, ...]
    problems: tuple[ProblemLine, ...]
    other_positions: tuple[PositionLine, ...] = ()
    code_version: str = ""
    settings_hash: str = ""
    owed: tuple[OwedLine, ...] = ()
    contracts: tuple[ContractLine, ...] = ()
    backtest: BacktestLine | None = None
    next_half_day: bool = False
    regret: tuple[RegretLine, ...] = ()
    symbols: tuple[str, ...] = ()
    settles_by: date | None = None
    state: str = field(default="", metadata=SPARSE)
    internal_orders: tuple[OrderLine, ...] = field(default=(), metadata=SPARSE)
    standing: tuple[StandingLine, ...] = field(default=(), metadata=SPARSE)
    undecided: tuple[str, ...] = field(default=(), metadata=SPARSE)
    sleeves: Mapping[str, "Summary"] = field(default_factory=dict, metadata=SPARSE)
    coordination: Mapping[str, object] = field(default_factory=dict, metadata=SPARSE)

    @property
    def virtual(self) -> bool:
        """Whether the money is not real."""
        return self.state == "watch"

    @property
    def traded(self) -> str:
        """What is traded, in words: one symbol, the strategy's name where there are several, or the account."""
        if self.sleeves:
            return "Account"
        return self.symbol if len(self.symbols) < 2 else self.strategy
