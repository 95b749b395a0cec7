"""The decision of one session: what goes in beside the market, and what comes out."""

from collections.abc import Mapping
from datetime import date
from enum import Enum
from typing import ClassVar

from msgspec import Struct, field

from mtum.core.portfolio.limits import LossRules, LossState, Restriction
from mtum.core.portfolio.orders import Purpose, Side
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.strategies.contract import Holding, Memory, SymbolVerdict


class Action(Enum):
    """What the session's decision amounts to."""

    ENTER = "enter"
    EXIT = "exit"
    HOLD = "hold"
    NONE = "none"


class StopRules(Struct, frozen=True):
    """Gain and loss on the entry price at which a position is sold at the decision, as fractions; None = never."""

    take_profit_frac: float | None = None
    stop_loss_frac: float | None = None


class PortfolioRules(Struct, frozen=True):
    """Sizing, loss limits and stops of the sleeve."""

    sizing: SizingRules
    losses: LossRules
    stops: StopRules = StopRules()


STANDING_SESSIONS = 5
"""How many sessions a purchase that was wanted and not made is wanted again."""


class Standing(Struct, frozen=True):
    """A purchase that was decided: while less is held it is wanted again, in strategies whose purchases stand.

    Or a sale that a halt or a doubt barred, in strategies whose sales stand: it is wanted again while more is held.

    Parameters
    ----------
    shares : int
        Shares to end with.
    since : date
        Session of the decision that wanted it first.
    reason : str
        Why it was wanted then.
    remember : mapping of str to float
        What the strategy asked to keep with the entry.
    sells : bool
        Whether it is a sale.
    """

    SPARSE: ClassVar = frozenset(("remember", "sells"))

    symbol: str
    shares: int
    since: date
    reason: str
    remember: Mapping[str, float] = field(default_factory=dict)
    sells: bool = False


class Book(Struct, frozen=True):
    """What the sleeve holds and may spend at the decision.

    Parameters
    ----------
    holdings : mapping of symbol to Holding
        The strategy's own shares.
    exit_pending : mapping of symbol to str
        Symbols with shares left from an earlier exit, and that exit's reason.
    forced_exits : mapping of symbol to str
        Symbols to be sold whatever the strategy says, with the reason word.
    cash_usd : float
        Cash of the sleeve, dividends receivable not included.
    available_usd : float
        Cash that may be spent today: settled, USD, at the broker and in the sleeve.
    unsettled_usd : float
        Cash of the sleeve that settles later.
    settles_by : date or None
        Settlement day by which all of it will have settled; None where nothing waits.
    receivable_usd : float
        Dividends earned and not paid yet.
    restriction : Restriction
        Halts in force.
    entries_barred : mapping of symbol to str
        Symbols in which nothing may be bought, with the reason word.
    exits_barred : mapping of symbol to str
        Symbols in which nothing may be sold, with the reason word.
    unsellable_shares : mapping of symbol to int
        Shares of ours left out of the holdings because they cannot be sold today: the broker does not have
        them, another order is selling them, or they are short (negative). They stay part of the sleeve's equity.
    buy_backs : mapping of symbol to int
        Short shares that a person wants bought back.
    last_fill : date or None
        Session of the sleeve's last fill.
    memory : mapping of str to float, str or Price
        What the strategy said to remember in its last committed decision, in today's shares.
    standing : tuple of Standing
        Purchases of that decision, in today's shares, in the order of its verdicts.
    stopped : mapping of symbol to str
        Symbols sold by a stop that the strategy has wanted ever since, with the reason word.
    in_fund : bool
        Whether idle cash is kept in a fund: what lacks cash stands then, whatever the strategy.
    options_usd : float
        What the sleeve's options are worth, negative for what it would cost to close them.
    """

    SPARSE: ClassVar = frozenset(("last_fill", "memory", "standing", "settles_by", "stopped", "in_fund", "options_usd"))

    holdings: Mapping[str, Holding]
    cash_usd: float
    available_usd: float
    exit_pending: Mapping[str, str] = field(default_factory=dict)
    forced_exits: Mapping[str, str] = field(default_factory=dict)
    unsettled_usd: float = 0.0
    receivable_usd: float = 0.0
    losses: LossState = field(default_factory=LossState)
    restriction: Restriction = Restriction.NONE
    entries_barred: Mapping[str, str] = field(default_factory=dict)
    exits_barred: Mapping[str, str] = field(default_factory=dict)
    unsellable_shares: Mapping[str, int] = field(default_factory=dict)
    buy_backs: Mapping[str, int] = field(default_factory=dict)
    last_fill: date | None = None
    memory: Memory = field(default_factory=dict)
    standing: tuple[Standing, ...] = ()
    settles_by: date | None = None
    stopped: Mapping[str, str] = field(default_factory=dict)
    in_fund: bool = False
    options_usd: float = 0.0


class PlannedOrder(Struct, frozen=True):
    """One difference between wanted and held shares, to be ordered at the close."""

    symbol: str
    side: Side
    purpose: Purpose
    shares: int
    reasons: tuple[str, ...]


class Decision(Struct, frozen=True):
    """The whole decision of one strategy for one session.

    Parameters
    ----------
    reasons : tuple of str
        Reason words, the deciding one first.
    verdicts : tuple of SymbolVerdict
        What the strategy said, before limits.
    orders : tuple of PlannedOrder
        Buy-backs and exits first, then reductions, then entries.
    equity_usd : float
        Sleeve equity at the decision's prices.
    daily_loss_hit : bool
        Whether the daily-loss limit was reached; it also bars the next sessions.
    memory : mapping of str to float, str or Price
        Everything the strategy remembers after it.
    standing : tuple of Standing
        Purchases that are wanted again at the next decision as far as they are not made by then.
    stopped : mapping of symbol to str
        Symbols in which nothing is bought until the strategy, flat, has once not wanted to.
    """

    session: date
    strategy: str
    action: Action
    reasons: tuple[str, ...]
    verdicts: tuple[SymbolVerdict, ...]
    orders: tuple[PlannedOrder, ...]
    equity_usd: float
    daily_loss_hit: bool = False
    drawdown_hit: bool = False
    memory: Memory = field(default_factory=dict)
    standing: tuple[Standing, ...] = ()
    stopped: Mapping[str, str] = field(default_factory=dict)
