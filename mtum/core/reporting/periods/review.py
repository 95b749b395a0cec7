"""A week, a month or a quarter as one value; what a kind of review does not look at is empty."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

from mtum.core.canonical import SPARSE
from mtum.core.reporting.accuracy import Accuracy
from mtum.core.reporting.expectation import BacktestLine
from mtum.core.reporting.periods.run_summary import TradeLine
from mtum.core.reporting.summary import DriftLine


@dataclass(frozen=True, slots=True)
class WinLoss:
    """Closed trades; the rate comes with its 95 % Wilson interval. None where there is none."""

    closed: int
    wins: int
    win_frac: float | None
    low_frac: float | None
    high_frac: float | None
    gained_usd: float
    lost_usd: float
    mean_frac: float | None


@dataclass(frozen=True, slots=True)
class MissedSignal:
    """A signal that led to no full order, and what it cost until the next session's close.

    `cost_frac` is the return missed (entry) or suffered (exit), negative = luck; `cost_usd` the
    same for `shares`; None while the next close is unknown.
    """

    session: date
    signal: str
    cause: str
    shares: int
    close: float
    cost_frac: float | None
    cost_usd: float | None
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class IndicatorCheck:
    """One indicator against its second implementation on the live cache.

    `largest` is the largest difference over all sessions (None: one of them is undefined where
    the other is not), `warm_up` that between the newest value
    from the strategy's own history length and from everything (None: one of them is not known).
    """

    indicator: str
    unit: str
    sessions: int
    largest: float | None
    largest_session: date | None
    warm_up: float | None
    symbol: str = ""


@dataclass(frozen=True, slots=True)
class Regret:
    """How often the final bars would have turned a condition, in the period and since the start."""

    condition: str
    sessions: int
    turned: int
    all_sessions: int
    all_turned: int


@dataclass(frozen=True, slots=True)
class Slack:
    """Minutes between a step and its deadline over the period."""

    step: str
    sessions: int
    least_minutes: float
    least_session: date
    median_minutes: float


@dataclass(frozen=True, slots=True)
class Standing:
    """One curve over the period and since the start; yearly figures take 252 sessions a year."""

    name: str
    sessions: int
    period_frac: float | None
    start_frac: float | None
    volatility_frac: float | None
    sharpe: float | None
    sharpe_low: float | None
    sharpe_high: float | None
    worst_drawdown_frac: float | None


@dataclass(frozen=True, slots=True)
class Effect:
    """The rules played over the cached bars with some conditions only."""

    variant: str
    trades: int
    return_frac: float
    worst_drawdown_frac: float
    difference_frac: float


@dataclass(frozen=True, slots=True)
class Costs:
    """What trading cost in the period, in USD and basis points of the traded value; positive = a cost.

    `simulated` is False where a replayed market decided on the close and filled at it: no gap was measured.
    """

    fills: int
    traded_usd: float
    assumed_usd: float
    paid_usd: float
    unknown: int
    fees_usd: float
    slippage_usd: float | None
    wait_bps: float | None
    auction_bps: float | None
    simulated: bool = True


@dataclass(frozen=True, slots=True)
class Stability:
    """How many sessions of the period reached a step."""

    step: str
    expected: int
    reached: int


@dataclass(frozen=True, slots=True)
class AuditLine:
    """One check: `result` is ok, attention or unknown."""

    check: str
    result: str
    detail: str


@dataclass(frozen=True, slots=True)
class TaxLine:
    """Closed tax lots of a calendar year; USD, None while a commission in them is not known."""

    year: int
    lots: int
    short_usd: float | None
    long_usd: float | None
    wash_lots: int
    deferred_usd: float | None


@dataclass(frozen=True, slots=True)
class Review:
    """A period of a sleeve, or of an account with those of its `sleeves`.

    `complete` is False while sessions of it are still to come; `drawdown_frac` is the deepest fall from the peak
    inside it, `paid_usd` its commissions, fees and taxes (None while one is not known).
    """

    kind: str
    first: date
    last: date
    complete: bool
    mode: str
    account: str
    strategy: str
    symbol: str
    sessions: int
    recorded: int
    equity_usd: float | None
    pnl_usd: float | None
    pnl_frac: float | None
    benchmark_frac: float | None
    trades: tuple[TradeLine, ...] = ()
    open_trades: tuple[TradeLine, ...] = ()
    win_loss: WinLoss | None = None
    win_loss_start: WinLoss | None = None
    accuracy: tuple[Accuracy, ...] = ()
    missed: tuple[MissedSignal, ...] = ()
    validation: tuple[IndicatorCheck, ...] = ()
    regret: tuple[Regret, ...] = ()
    projection_error_frac: float | None = None
    slack: tuple[Slack, ...] = ()
    standing: tuple[Standing, ...] = ()
    effects: tuple[Effect, ...] = ()
    costs: Costs | None = None
    stability: tuple[Stability, ...] = ()
    audit: tuple[AuditLine, ...] = ()
    drift: tuple[DriftLine, ...] = ()
    tax: tuple[TaxLine, ...] = ()
    backtest: BacktestLine | None = None
    symbols: tuple[str, ...] = ()
    drawdown_frac: float | None = None
    paid_usd: float | None = None
    state: str = field(default="", metadata=SPARSE)
    replayed: bool = field(default=False, metadata=SPARSE)
    sleeves: Mapping[str, "Review"] = field(default_factory=dict, metadata=SPARSE)

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
