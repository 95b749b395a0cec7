"""What did one session do, why, and how does the sleeve stand? One value; text, HTML and JSON are made from it.

Amounts are float64 in the unit of their name. A number that may be late is a `Stated`: it says
whether it is final, provisional or unknown, and is never guessed.
"""

from collections.abc import Mapping
from datetime import date, datetime
from typing import ClassVar

from msgspec import Struct, field

from mtum.core.portfolio.fund import FUND
from mtum.core.reporting import words
from mtum.core.reporting.option_section import OptionsTold
from mtum.core.reporting.parts.account import CashLine, EquityLine, OwedLine
from mtum.core.reporting.parts.conditions import ConditionLine, Conflicts
from mtum.core.reporting.parts.corrections import CorrectionLine
from mtum.core.reporting.parts.data_quality import DataQuality
from mtum.core.reporting.parts.drift import ContractLine, DriftLine
from mtum.core.reporting.parts.expectation import BacktestLine
from mtum.core.reporting.parts.flips import FlipLine
from mtum.core.reporting.parts.orders import FillLine, OrderLine, StandingLine
from mtum.core.reporting.parts.partial_bars import RegretLine
from mtum.core.reporting.parts.position import PositionLine
from mtum.core.reporting.parts.problems import ProblemLine
from mtum.core.reporting.parts.result import BenchmarkLine, Pnl
from mtum.core.reporting.parts.timings import TimingLine
from mtum.core.reporting.stated import UNKNOWN, State, Stated, final, stated


class Summary(Struct, frozen=True):
    """What a session was for a sleeve, or for an account of several.

    `symbols` are all that the strategy trades and `symbol` the first of them; `position` are its shares,
    `other_positions` those of the others. `conflicts` are what the members of an ensemble want of symbols on which
    they disagree, as fractions of the sleeve's equity. `internal_orders` are no orders: shares that change sleeves,
    or what a sleeve does with virtual money. An account of several has a summary of each of its `sleeves` with its
    `state`, what `coordination` made of their wishes, and what was `undecided`; its own figures are theirs
    together, those of watched ones left out.
    """

    SPARSE: ClassVar = frozenset(
        ("state", "internal_orders", "conflicts", "standing", "undecided", "sleeves", "coordination", "options")
    )

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
    state: str = ""
    internal_orders: tuple[OrderLine, ...] = ()
    conflicts: Conflicts = field(default_factory=dict)
    standing: tuple[StandingLine, ...] = ()
    undecided: tuple[str, ...] = ()
    sleeves: Mapping[str, "Summary"] = field(default_factory=dict)
    coordination: Mapping[str, object] = field(default_factory=dict)
    options: OptionsTold | None = None

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

    @property
    def exposure(self) -> Stated:
        """Shares at market as a fraction of equity; what the cash fund holds counts as cash."""
        fund = self.sleeves[FUND].equity.market_usd if FUND in self.sleeves else final(0.0)
        market, equity = self.equity.market_usd, self.equity.equity_usd
        if market.amount is None or fund.amount is None or not equity.amount:
            return UNKNOWN
        is_final = State.PROVISIONAL not in (market.state, fund.state, equity.state)
        return stated((market.amount - fund.amount) / equity.amount, is_final=is_final)

    @property
    def why(self) -> tuple[str, ...]:
        """The reasons of the decision, in words."""
        unfit = [symbol for symbol in self.universe if symbol in self.data_quality.degraded]
        return tuple(words.reason(word, self.settles_by, unfit) for word in self.reasons if word != "hold")

    @property
    def universe(self) -> tuple[str, ...]:
        """Symbols that are told of; a report from before they were kept knows its first."""
        return self.symbols or (self.symbol,)

    @property
    def held(self) -> tuple[PositionLine, ...]:
        """Every position, the first symbol's first."""
        return (*(() if self.position is None else (self.position,)), *self.other_positions)

    @property
    def held_before(self) -> Mapping[str, bool]:
        """Every symbol, and whether shares of it were held when the session was decided."""
        sold = {order.symbol for order in self.orders if order.side == "SELL"}
        bought = {order.symbol for order in self.orders if order.purpose == "enter"}
        kept = sold | {line.symbol for line in self.held} - bought
        return {symbol: symbol in kept for symbol in self.universe}
