"""What a strategy says about itself: its conditions, indicators, charts and an example."""

from collections.abc import Mapping
from enum import StrEnum

from msgspec import Struct, field

from mtum.core.market.timeframes import Timeframe


class Role(StrEnum):
    """What a condition is asked for: all entry conditions must hold to enter, any exit condition is enough to exit.

    Those of a change say how much is held, flat or not, where a strategy's rule says how they go together.
    """

    ENTRY = "entry"
    EXIT = "exit"
    CHANGE = "change"


class ConditionSpec(Struct, frozen=True):
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
    of_fraction : bool
        Whether fractions stand in the record where the unit is percent.
    """

    name: str
    role: Role
    words: str
    failing: str = ""
    short: str = ""
    unit: str = ""
    input: str = ""
    of_position: bool = False
    of_fraction: bool = False

    def in_unit(self, recorded: float | None) -> float | None:
        """Return a value, threshold or margin of the record in the unit."""
        return round(100.0 * recorded, 6) if self.of_fraction and recorded is not None else recorded


class IndicatorSpec(Struct, frozen=True):
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
    timeframe : Timeframe
        Of the bars it is computed over; weeks and months are made of the daily bars, shorter ones are those that the
        strategy's `intraday_bars` asks for.
    total_return : bool
        Whether prices are total-return ones: dividends put back into what lies before them.
    """

    name: str
    indicator: str
    parameters: tuple[tuple[str, object], ...]
    unit: str = ""
    words: str = ""
    timeframe: Timeframe = Timeframe.DAY
    total_return: bool = False

    @property
    def by_day(self) -> bool:
        """Whether it is over the daily bars as they are, so that one column tells it of every session."""
        return self.timeframe is Timeframe.DAY and not self.total_return


class ChartPanel(Struct, frozen=True):
    """One panel below or, without a title, on top of the price: lines by name, and levels that matter.

    Parameters
    ----------
    lines : tuple of (str or IndicatorSpec, str)
        What is drawn and its label: an indicator by its name among the strategy's `indicators()`, a column of the
        bars, an extra series by its name in small letters, or any indicator by days, weeks or months that is only
        drawn. Every line is drawn, each in a color and dash of its own; a name that means nothing is refused.
    levels : tuple of (float, Role)
        Thresholds, in the unit of the lines.
    bars : bool
        Whether the first line is drawn as bars from zero, in thousands, millions or billions where it is large.
    bounds : (float, float) or None
        Lowest and highest value where the scale is fixed.
    """

    title: str
    lines: tuple[tuple[str | IndicatorSpec, str], ...]
    levels: tuple[tuple[float, Role], ...] = ()
    bars: bool = False
    bounds: tuple[float, float] | None = None


class Example(Struct, frozen=True):
    """What shows a strategy on an embedded market; the demo, its page and its log play it.

    Parameters
    ----------
    settings : mapping of str to value
        Parameters as in the settings, with symbols of that market.
    market : str
        Name of the embedded market.
    capital_usd : float
        Cash at the start.
    holdings : mapping of symbol to int
        Shares at the start, beside the cash.
    """

    settings: Mapping[str, object] = field(default_factory=dict)
    market: str = "multi"
    capital_usd: float = 10_000.0
    holdings: Mapping[str, int] = field(default_factory=dict)
