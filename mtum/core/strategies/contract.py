"""What a strategy is: frozen parameters, what they mean, and one pure method from market view to verdicts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, ClassVar, Protocol

if TYPE_CHECKING:
    from mtum.core.view import MarketView


class Role(StrEnum):
    """What a condition is asked for: all entry conditions must hold to enter, any exit condition is enough to exit."""

    ENTRY = "entry"
    EXIT = "exit"


@dataclass(frozen=True, slots=True)
class ConditionSpec:
    """A condition as its strategy describes it; every report, chart and listing reads this.

    Parameters
    ----------
    name : str
        As in the decision record.
    words, failing, short : str
        What is said when it holds, when it does not, and beside a mark in a chart.
    unit : str
        Of value, threshold and margin; empty for a pure number.
    input : str
        What moves it: "close" or "volume" of the symbol, or the name of an extra series in small letters.
        Empty if no single one does.
    of_position : bool
        Whether it depends on the strategy's own shares, so that bars alone do not tell it.
    """

    name: str
    role: Role
    words: str
    failing: str = ""
    short: str = ""
    unit: str = ""
    input: str = ""
    of_position: bool = False


@dataclass(frozen=True, slots=True)
class IndicatorSpec:
    """An indicator that a strategy asks of the view, by name and parameters.

    Parameters
    ----------
    name : str
        Among the verdict's indicators, for instance "average".
    indicator : str
        In the registry of indicators, for instance "sma".
    parameters : tuple of (str, value)
        Keyword arguments of that indicator.
    words : str
        As in "close above its WORDS".
    """

    name: str
    indicator: str
    parameters: tuple[tuple[str, object], ...]
    unit: str = ""
    words: str = ""


@dataclass(frozen=True, slots=True)
class ChartPanel:
    """One panel below or, without a title, on top of the price: lines by name, and levels that matter.

    Parameters
    ----------
    lines : tuple of (str, str)
        Name of a verdict's indicator, of a bar column or of an extra series in small letters, and its label.
    levels : tuple of (float, Role)
        Thresholds, in the unit of the lines.
    bars : bool
        Whether the first line is drawn as bars from zero.
    bounds : (float, float) or None
        Lowest and highest value where the scale is fixed.
    """

    title: str
    lines: tuple[tuple[str, str], ...]
    levels: tuple[tuple[float, Role], ...] = ()
    bars: bool = False
    bounds: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True)
class Condition:
    """A named yes-no over indicators, with how far it is from flipping.

    `margin` is in the unit of `value`, positive when the condition holds; value,
    threshold and margin are None when unknown, and an unknown condition does not hold.
    """

    name: str
    value: float | None
    threshold: float | None
    margin: float | None
    passed: bool


@dataclass(frozen=True, slots=True)
class Holding:
    """What a strategy knows of its own shares in one symbol; changed by fills only.

    Parameters
    ----------
    shares : int
        Whole shares held by the strategy, 0 when flat.
    entry_price : float or None
        Average fill price in USD per share.
    entry_session : date or None
        Session of the entry decision.
    remembered : mapping of str to float
        Values the strategy asked to keep with the entry, for instance its ATR.
    sessions_since_exit : int or None
        Sessions since the last one in which shares were sold; None if never.
    """

    symbol: str
    shares: int = 0
    entry_price: float | None = None
    entry_session: date | None = None
    remembered: Mapping[str, float] = field(default_factory=dict)
    sessions_since_exit: int | None = None


@dataclass(frozen=True, slots=True)
class Target:
    """Hold this fraction of the sleeve's equity; 0 sells everything."""

    weight: float


@dataclass(frozen=True, slots=True)
class Keep:
    """Leave the current shares as they are."""


@dataclass(frozen=True, slots=True)
class Abstain:
    """No opinion: an input is missing; nothing may be ordered."""


Verdict = Target | Keep | Abstain


@dataclass(frozen=True, slots=True)
class SymbolVerdict:
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
    """

    symbol: str
    verdict: Verdict
    reasons: tuple[str, ...]
    conditions: tuple[Condition, ...]
    indicators: Mapping[str, float | None]
    remember: Mapping[str, float] = field(default_factory=dict)


class Strategy(Protocol):
    """Parameters of a strategy, what it says about itself, and its decision.

    Implementations are frozen dataclasses that name this class as their base: what they leave out
    means "nothing".
    """

    name: ClassVar[str]
    CONDITIONS: ClassVar[tuple[ConditionSpec, ...]] = ()
    """Every condition its verdicts carry, in their order."""
    REMEMBERED: ClassVar[tuple[str, ...]] = ()
    """Indicators whose value at the entry stays with the position."""
    EACH_BY_ITSELF: ClassVar[bool] = False
    """Whether each symbol is judged by itself: the view may then lack symbols whose bars are unfit. Else it
    is asked only when every symbol is fit."""

    def universe(self) -> tuple[str, ...]:
        """Symbols the strategy may hold."""
        ...

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
        """What a chart shows beside the price."""
        return ()

    def contradictions(self) -> tuple[str, ...]:
        """Which parameters do not go together, one line each; studies may cross such points, trading may not."""
        return ()

    def verdicts(self, view: "MarketView", holdings: Mapping[str, Holding]) -> tuple[SymbolVerdict, ...]:
        """Return one verdict per symbol of the universe that the view has, in its order."""
        ...


def above(name: str, value: float | None, threshold: float | None) -> Condition:
    """Condition ``value > threshold``; a tie does not hold."""
    if value is None or threshold is None:
        return Condition(name, value, threshold, None, passed=False)
    margin = round(value - threshold, 6)
    return Condition(name, value, threshold, margin, passed=value > threshold)


def below(name: str, value: float | None, threshold: float | None) -> Condition:
    """Condition ``value < threshold``; a tie does not hold."""
    if value is None or threshold is None:
        return Condition(name, value, threshold, None, passed=False)
    margin = round(threshold - value, 6)
    return Condition(name, value, threshold, margin, passed=value < threshold)


def at_least(name: str, value: float | None, threshold: float | None) -> Condition:
    """Condition ``value >= threshold``."""
    if value is None or threshold is None:
        return Condition(name, value, threshold, None, passed=False)
    margin = round(value - threshold, 6)
    return Condition(name, value, threshold, margin, passed=value >= threshold)
