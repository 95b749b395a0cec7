"""What a strategy is: frozen parameters, what they mean, and one pure method from market view to verdicts."""

from collections.abc import Iterator, Mapping
from dataclasses import fields
from datetime import date
from typing import TYPE_CHECKING, ClassVar, Protocol

from msgspec import Struct, field

from mtum.core.conditions import Condition, above, at_least, at_most, below
from mtum.core.market.timeframes import Timeframe
from mtum.core.strategies.description import ChartPanel, ConditionSpec, Example, IndicatorSpec

if TYPE_CHECKING:
    from mtum.core.view import MarketView

__all__ = [
    "Abstain",
    "Condition",
    "Holding",
    "Keep",
    "Memory",
    "Own",
    "Price",
    "Remembered",
    "Shares",
    "Strategy",
    "SymbolVerdict",
    "Target",
    "Verdict",
    "above",
    "at_least",
    "at_most",
    "below",
]
"""What the file of a strategy imports from here."""


class Price(Struct, frozen=True):
    """A remembered price or distance between prices of a symbol, USD per share; splits re-base it."""

    symbol: str
    usd: float


type Remembered = float | int | str | Price
type Memory = Mapping[str, Remembered]


class Holding(Struct, frozen=True):
    """What a strategy knows of its own shares in one symbol; changed by fills only.

    Parameters
    ----------
    shares : int
        Whole shares held by the strategy, 0 when flat.
    entry_price : float or None
        Average price of all purchases since flat, in USD per share.
    entry_session : date or None
        Session of the first purchase since flat.
    remembered : mapping of str to float
        Values the strategy asked to keep with the entry, for instance its ATR.
    sessions_since_exit : int or None
        Sessions since the last one in which shares were sold; None if never.
    added : int
        Purchases after the first one since flat.
    added_price : float or None
        Average price of the last of these, in USD per share.
    """

    SPARSE: ClassVar = frozenset(("added", "added_price"))

    symbol: str
    shares: int = 0
    entry_price: float | None = None
    entry_session: date | None = None
    remembered: Mapping[str, float] = field(default_factory=dict)
    sessions_since_exit: int | None = None
    added: int = 0
    added_price: float | None = None

    @property
    def purchases(self) -> int:
        """Purchases since flat."""
        return self.added + 1 if self.shares else 0

    @property
    def last_price(self) -> float | None:
        """Average price of the last purchase since flat, in USD per share."""
        return self.added_price if self.added else self.entry_price


class Own(Struct, frozen=True):
    """What a strategy knows of its own sleeve; changed by fills, cash and its own decisions.

    Parameters
    ----------
    holdings : mapping of symbol to Holding
        Its own shares.
    cash_usd, equity_usd : float
        Cash, and what the sleeve is worth at the decision's prices.
    last_fill : date or None
        Session of its last fill; None if it never had one, or asks for no calendar.
    memory : mapping of str to float, str or Price
        What it said to remember in its last committed decision.
    """

    holdings: Mapping[str, Holding] = field(default_factory=dict)
    cash_usd: float = 0.0
    equity_usd: float = 0.0
    last_fill: date | None = None
    memory: Memory = field(default_factory=dict)

    def of(self, symbol: str) -> Holding:
        """Return its shares in a symbol, flat if it has none."""
        return self.holdings.get(symbol) or Holding(symbol)


class Target(Struct, frozen=True):
    """Hold this fraction of the sleeve's equity; 0 sells everything.

    Targets of one sleeve that are above 1 together are scaled down together.
    """

    weight: float


class Shares(Struct, frozen=True):
    """End with this many shares; 0 sells everything."""

    count: int


class Keep(Struct, frozen=True):
    """Leave the current shares as they are."""


class Abstain(Struct, frozen=True):
    """No opinion: an input is missing; nothing may be ordered."""


Verdict = Target | Shares | Keep | Abstain


class SymbolVerdict(Struct, frozen=True):
    """A strategy's verdict on one symbol, with everything that led to it.

    Parameters
    ----------
    reasons : tuple of str
        Why, the deciding one first.
    conditions : tuple of Condition
        Every condition, whether it decided or not.
    indicators : mapping of str to float or None
        Values used, rounded to 1e-6; None = undefined.
    remember : mapping of str to float
        Values to keep with a position opened by this verdict.
    memory : mapping of str to float, str, Price or None
        What the sleeve remembers from now on; None forgets a name, and names left out stay as they are.
    confidence : float or None
        From 0 to 1 where the strategy has a measure of its own; it is shown and sizes nothing.
    conflict : mapping of str to float
        Where those who vote on it disagree: what each of them wants to hold, as a fraction of the sleeve's equity.
    """

    symbol: str
    verdict: Verdict
    reasons: tuple[str, ...]
    conditions: tuple[Condition, ...]
    indicators: Mapping[str, float | None]
    remember: Mapping[str, float] = field(default_factory=dict)
    memory: Mapping[str, Remembered | None] = field(default_factory=dict)
    confidence: float | None = None
    conflict: Mapping[str, float] = field(default_factory=dict)

    @property
    def sells_all(self) -> bool:
        """Whether nothing of the symbol is to be left."""
        match self.verdict:
            case Target(weight):
                return weight <= 0
            case Shares(count):
                return count <= 0
            case _:
                return False

    @property
    def enters(self) -> bool:
        """Whether shares are wanted, of a sleeve that has none."""
        return isinstance(self.verdict, Target | Shares) and not self.sells_all


class Strategy(Protocol):
    """Parameters of a strategy, what it says about itself, and its decision.

    Implementations are frozen dataclasses that name this class as their base: what they leave out
    means "nothing". Ours leave out ``eq`` and ``repr`` too: to write these for each of them takes as long as all
    else that its class is made of, in every process.
    """

    name: ClassVar[str]
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = ()
    """Every condition its verdicts carry, in their order."""
    REASONS: ClassVar[Mapping[str, str]] = {}
    """Every reason its verdicts can give, and its words; empty ones for a condition, or a reason that all share."""
    EXAMPLE: ClassVar[Example] = Example()
    """What shows it on an embedded market."""
    CAUTIONS: ClassVar[tuple[str, ...]] = ()
    """What every demo, report and backtest of it has to say, one line each."""
    REMEMBERED: ClassVar[tuple[str, ...]] = ()
    """Indicators whose value at the entry stays with the position."""
    EACH_BY_ITSELF: ClassVar[bool] = False
    """Whether each symbol is judged by itself: the view may then lack symbols whose bars are unfit. Else it
    abstains as a whole unless every symbol is fit."""
    CALENDAR: ClassVar[bool] = False
    """Whether it asks when weeks and months end, or how many sessions have passed."""
    TOTAL_RETURNS: ClassVar[bool] = False
    """Whether it needs total returns: a symbol whose dividends are unknown is then unfit."""
    STANDING_PURCHASES: ClassVar[bool] = False
    """Whether a purchase that was wanted and not made is wanted again; such a strategy needs the calendar."""
    NEVER_SELLS: ClassVar[bool] = False
    """Whether its targets buy alone: a position that a limit makes smaller than its target is not reduced either."""
    STANDING_SALES: ClassVar[bool] = False
    """Whether a sale that a halt or a doubt barred is wanted again: it decides once a period, not every session."""
    LEAST_TRADE_FRAC: ClassVar[float] = 0.0
    """Smallest change that is worth an order as a fraction of the sleeve's equity, where it has no setting for it."""
    SERIES_SESSIONS: ClassVar[int] = 1
    """How many values of its extra series it needs, today's included."""
    CONFIDENCE: ClassVar[bool] = False
    """Whether the part of its conditions that hold says how sure it is."""

    OPTIONS: ClassVar[bool] = False
    """Whether it trades options: it is an `OptionStrategy`, whose shares come and go by assignment alone."""
    CASH_SECURED: ClassVar[bool] = False
    """Whether it sells puts whose whole strike is kept in cash."""

    def __eq__(self, other: object) -> bool:
        """Whether it is the same strategy with equal parameters."""
        if self is other:
            return True
        return type(self) is type(other) and all(getattr(other, name) == one for name, one in _parameters(self))

    def __hash__(self) -> int:
        """Hash its parameters."""
        return hash(tuple(one for _, one in _parameters(self)))

    def __repr__(self) -> str:
        """Return the call that makes it."""
        return f"{type(self).__qualname__}({', '.join(f'{name}={one!r}' for name, one in _parameters(self))})"

    @property
    def bar_columns(self) -> tuple[str, ...]:
        """Columns of a bar it looks at beside the close; symbols that have closes only are refused then."""
        return ()

    @property
    def intraday_bars(self) -> Mapping[Timeframe, int]:
        """Bars it needs of each timeframe within the session, in every symbol; of fewer the view has none."""
        return {}

    def universe(self) -> tuple[str, ...]:
        """Symbols the strategy may hold."""
        ...

    def reads(self) -> tuple[str, ...]:
        """Symbols whose bars it needs without ever holding them."""
        return ()

    @property
    def least_fit(self) -> int:
        """How many of the symbols it may hold must have their history for a backtest to begin."""
        return len(self.universe())

    @property
    def benchmark(self) -> Mapping[str, float]:
        """Symbols that it is compared with, bought and held, and their weights; what is left of 1 stays cash."""
        return dict.fromkeys(self.universe(), 1.0)

    @property
    def usual_weights(self) -> Mapping[str, float]:
        """Weight that a symbol usually has when it is bought, as a fraction of the sleeve's equity."""
        whole = max(1.0, sum(self.benchmark.values()))
        return {symbol: weight / whole for symbol, weight in self.benchmark.items()}

    def series(self) -> tuple[str, ...]:
        """Extra series it needs at the decision, for instance ``("VIX",)``."""
        return ()

    def history_sessions(self) -> int:
        """Bars it needs per symbol, today's included; fewer are not fit."""
        ...

    def problems(self) -> tuple[str, ...]:
        """What is wrong with the parameters, one line each; empty when usable."""
        return ()

    def indicators(self) -> tuple[IndicatorSpec, ...]:
        """Indicators it asks of the view."""
        return ()

    def panels(self) -> tuple[ChartPanel, ...]:
        """What a chart shows beside the price: a line named here is drawn in every report and mail."""
        return ()

    def contradictions(self) -> tuple[str, ...]:
        """Which parameters do not go together, one line each; studies may cross such points, trading may not."""
        return ()

    def least_trade_usd(self, equity_usd: float) -> float:
        """Smallest change in USD, entries and full exits apart, that is worth an order at this equity."""
        return self.LEAST_TRADE_FRAC * equity_usd

    def verdicts(self, view: "MarketView", own: Own) -> tuple[SymbolVerdict, ...]:
        """Return one verdict per fit symbol of the universe: exits, then purchases, the best first."""
        ...


def _parameters(strategy: Strategy) -> Iterator[tuple[str, object]]:
    for one in fields(strategy):  # type: ignore[arg-type]  # implementations are dataclasses
        yield one.name, getattr(strategy, one.name)
