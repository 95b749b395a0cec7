"""What a backtest was asked and what it made: terms, trades, equity."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from enum import Enum
from typing import overload

from msgspec import Struct, field

from mtum.core.coordination.account import AccountRules, Cut
from mtum.core.coordination.transfers import Transfer
from mtum.core.market.bars import Days
from mtum.core.portfolio.costs import IbFixedCosts, IbTieredCosts, PercentCosts
from mtum.core.portfolio.decision import PortfolioRules, StopRules
from mtum.core.portfolio.orders import Side
from mtum.core.simulation.kernel.columns import Column
from mtum.core.simulation.kernel.walk import NO_LIMIT, Terms
from mtum.core.simulation.played_options import PlayedOptions
from mtum.errors import UsageError

BPS = 1e-4


class FillModel(Enum):
    """Where an order decided in a session is filled."""

    SAME_CLOSE = "same_close"
    NEXT_OPEN = "next_open"


class Settlement(Enum):
    """When the proceeds of a sale can be spent: at once, or on the settlement date of the time."""

    NONE = "none"
    CALENDAR = "calendar"


class PlayTerms(Struct, frozen=True):
    """On what terms history is played.

    Parameters
    ----------
    capital_usd : float
        Cash at the start.
    rules : PortfolioRules
        Sizing, costs and loss limits of a strategy that is played alone, as the daily job has them.
    loss_pause_sessions : int
        Its further sessions without entries after a daily loss.
    slippage_bps : float
        Added to purchases and taken off sales, in basis points of the price.
    holdings : mapping of symbol to int
        Shares at the start beside the cash, bought at the close of the session before the first; the first
        sleeve that may hold a symbol has them.
    account : AccountRules
        Limits that all sleeves keep together, and how their cash moves.
    impact_coefficient : float or None
        Market impact in volatilities of a session for a fill of a whole session's volume; None for no impact.
    auction_volume_frac : float or None
        Part of a session's volume that its closing auction fills of a symbol; None for all.
    """

    capital_usd: float
    rules: PortfolioRules
    loss_pause_sessions: int = 1
    fill: FillModel = FillModel.SAME_CLOSE
    slippage_bps: float = 0.0
    settlement: Settlement = Settlement.NONE
    holdings: Mapping[str, int] = field(default_factory=dict)
    account: AccountRules = AccountRules()
    impact_coefficient: float | None = None
    auction_volume_frac: float | None = None

    @property
    def fits_fast_path(self) -> bool:
        """Whether the fast path knows all of these terms."""
        unknown = self.holdings or self.auction_volume_frac is not None
        unknown = unknown or self.rules.losses.max_daily_loss_frac is not None or self.account != AccountRules()
        costly = self.impact_coefficient is not None or isinstance(self.rules.sizing.costs, IbTieredCosts)
        return not unknown and not costly and self.rules.stops == StopRules()

    def compiled(self, cooldown_sessions: int = 0) -> Terms:
        """Return the terms as the compiled walk takes them.

        Raises
        ------
        UsageError
            If a limit is set that it does not know.
        """
        sizing, losses = self.rules.sizing, self.rules.losses
        if self.holdings:
            raise UsageError("sweeps and checks of mtum_confluence begin without shares: leave out the holdings")
        if self.auction_volume_frac is not None:
            raise UsageError(
                "sweeps and checks of mtum_confluence know no thin auction: "
                "add --set portfolio.auction_volume_frac=none to see it without"
            )
        if losses.max_daily_loss_frac is not None:
            raise UsageError(
                "sweeps and checks of mtum_confluence know a daily loss in USD only: "
                "add --set risk.max_daily_loss_frac=none, and --set risk.max_daily_loss_usd=USD for a limit"
            )
        if self.rules.stops != StopRules():
            raise UsageError(
                "sweeps and checks of mtum_confluence know no stops: "
                "add --set risk.stop_loss_frac=none --set risk.take_profit_frac=none to see it without them"
            )
        if self.account != AccountRules():
            raise UsageError(
                "sweeps and checks of mtum_confluence know no limits of the account and no cash fund: "
                "leave them out of [risk] and [portfolio] to see it without them"
            )
        if self.impact_coefficient is not None:
            raise UsageError(
                "sweeps and checks of mtum_confluence know no market impact: "
                "add --set portfolio.impact_coefficient=none to see it without"
            )
        if isinstance(sizing.costs, IbTieredCosts):
            raise UsageError(
                'sweeps and checks of mtum_confluence know the cost models "percent" and "ib": '
                "add --set portfolio.cost_model=ib for the broker's fixed schedule"
            )
        percent = sizing.costs if isinstance(sizing.costs, PercentCosts) else PercentCosts(Decimal(0))
        fixed = sizing.costs if isinstance(sizing.costs, IbFixedCosts) else IbFixedCosts()
        return Terms(
            capital_usd=float(self.capital_usd),
            max_position_frac=float(sizing.max_position_frac),
            max_position_usd=float(sizing.max_position_usd),
            buffer_frac=float(sizing.cash_buffer_frac),
            fixed_schedule=int(isinstance(sizing.costs, IbFixedCosts)),
            cost_frac=float(percent.cost_frac),
            per_share_usd=float(fixed.per_share_usd),
            minimum_usd=float(fixed.minimum_usd),
            cap_frac=float(fixed.cap_frac),
            slippage_frac=self.slippage_bps * BPS,
            next_open=int(self.fill is FillModel.NEXT_OPEN),
            cooldown_sessions=cooldown_sessions,
            max_daily_loss_usd=float("inf") if losses.max_daily_loss_usd is None else losses.max_daily_loss_usd,
            loss_pause_sessions=self.loss_pause_sessions,
            flatten=int(losses.flatten_on_daily_loss),
            max_drawdown_frac=NO_LIMIT if losses.max_drawdown_frac is None else losses.max_drawdown_frac,
        )


class PlayedTrade(Struct, frozen=True):
    """One round trip; an open one has no exit and is valued at the last close.

    Parameters
    ----------
    entry_session, exit_session : date
        Sessions of the fills.
    entry_price, exit_price : float
        Fill prices in USD, slippage included.
    pnl_usd : float
        What the trade added to the cash: prices, dividends and both costs.
    return_frac : float
        `pnl_usd` over what the shares cost, commission apart.
    costs_usd, dividends_usd : float
        Commissions paid, dividends received.
    sessions_held : int
        Sessions from the fill of the entry to that of the exit.
    reasons : tuple of str
        Every exit condition that held, the deciding one first; empty while open.
    sleeve : str
        Whose trade it was.
    """

    symbol: str
    entry_session: date
    entry_price: float
    exit_session: date | None
    exit_price: float | None
    shares: int
    pnl_usd: float
    return_frac: float
    costs_usd: float
    dividends_usd: float
    sessions_held: int
    reasons: tuple[str, ...]
    sleeve: str = ""

    @property
    def reason(self) -> str | None:
        """The deciding exit reason; None while open."""
        return self.reasons[0] if self.reasons else None


class PlayedOrder(Struct, frozen=True):
    """One order as it was filled: `session` and `price` are those of the fill, slippage included.

    Parameters
    ----------
    sleeve : str
        Whose order it was.
    crossed : int
        Shares of it that changed hands inside the account.
    """

    session: date
    symbol: str
    side: Side
    shares: int
    price: float
    reasons: tuple[str, ...]
    sleeve: str = ""
    crossed: int = 0


class OnDemand[T](Sequence[T]):  # noqa: PLW1641  # no key, as a list is none
    """Rows that are made when somebody first looks at them; how many there are is known before.

    Parameters
    ----------
    count : int
        How many.
    make : callable
        Makes all of them, in order.
    """

    __slots__ = ("_count", "_made", "_make")

    def __init__(self, count: int, make: Callable[[], Iterable[T]]) -> None:
        self._count, self._make = count, make
        self._made: tuple[T, ...] | None = None

    def _rows(self) -> tuple[T, ...]:
        if self._made is None:
            self._made = tuple(self._make())
        return self._made

    def __len__(self) -> int:
        return self._count

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[T, ...]: ...
    def __getitem__(self, index: int | slice) -> T | tuple[T, ...]:
        return self._rows()[index]

    def __iter__(self) -> Iterator[T]:
        return iter(self._rows())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and self._rows() == tuple(other)

    def __reduce__(self) -> tuple[type[tuple[T, ...]], tuple[tuple[T, ...]]]:
        # What is sent to another process is the rows, not what they are made of.
        return tuple, (self._rows(),)


class Played(Struct, frozen=True, eq=False):
    """A history played: sessions decided, equity at each close in USD, trades in order.

    Parameters
    ----------
    held : ndarray, shape (n_sessions,)
        1 where shares were held at the close, else 0.
    capital_usd : float
        Cash at the start, and what the shares were worth that were there.
    purchases_capped : int
        Purchases that the largest position in USD made smaller.
    trades, orders : sequence of PlayedTrade, of PlayedOrder
        In the order of their entries, of their fills.
    notes : tuple of str
        What a person has to know of how it was played.
    costs : mapping of str to float
        USD by kind (see `fill_costs.KINDS`); empty where the path that played it keeps none.
    """

    symbol: str
    days: Days
    equity: Column
    held: Column
    trades: Sequence[PlayedTrade]
    capital_usd: float
    purchases_capped: int = 0
    orders: Sequence[PlayedOrder] = ()
    notes: tuple[str, ...] = ()
    costs: Mapping[str, float] = field(default_factory=dict)

    @property
    def final_equity_usd(self) -> float:
        """Equity at the last close; the capital when nothing was played."""
        return float(self.equity[-1]) if len(self.equity) else self.capital_usd


class PlayedSleeve(Struct, frozen=True, eq=False):
    """One sleeve of an account that was played.

    Parameters
    ----------
    strategy : str
        Name of its strategy.
    played : Played
        Its own curve, orders and trades; its capital is what it had at the start.
    flows : ndarray, shape (n_sessions,)
        USD that came (+) from other sleeves or went (-) to them before the session's decision. What it earned in a
        session is the change of its equity less this.
    """

    name: str
    strategy: str
    played: Played
    flows: Column


class PlayedAccount(Struct, frozen=True, eq=False):
    """Several sleeves played as one account; what they earn adds up to what the account does, to the cent.

    Parameters
    ----------
    total : Played
        The account: its equity, the orders and trades of all sleeves.
    sleeves : mapping of sleeve to PlayedSleeve
        Those that own money, in the order of the settings; the cash fund under its own name if there is one.
    shares : mapping of symbol to ndarray, shape (n_sessions,)
        Shares of all sleeves at each close.
    prices : mapping of symbol to ndarray, shape (n_sessions,)
        What one share or contract was worth then, USD; NaN before its first close.
    cuts : tuple of (date, Cut)
        What limits of the account took from purchases.
    held_back : tuple of (date, sleeve, symbol, str)
        Orders that were not made, with the reason word.
    transfers : tuple of (date, tuple of Transfer)
        What the end of each period meant for the sleeves.
    watched : mapping of sleeve to PlayedSleeve
        Sleeves on virtual money: no part of the account.
    options : mapping of sleeve to PlayedOptions
        Those of the sleeves that trade options.
    """

    total: Played
    sleeves: Mapping[str, PlayedSleeve]
    shares: Mapping[str, Column]
    prices: Mapping[str, Column]
    cuts: tuple[tuple[date, Cut], ...] = ()
    held_back: tuple[tuple[date, str, str, str], ...] = ()
    transfers: tuple[tuple[date, tuple[Transfer, ...]], ...] = ()
    watched: Mapping[str, PlayedSleeve] = field(default_factory=dict)
    options: Mapping[str, PlayedOptions] = field(default_factory=dict)
