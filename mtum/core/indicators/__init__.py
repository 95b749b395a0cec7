"""Numbers per session computed from past bars only; one pure function per file."""

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

from mtum.core.indicators.indicator import Indicator, Lines

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars, Column

NAMES = (
    "sma",
    "ema",
    "wma",
    "dema",
    "tema",
    "macd",
    "adx",
    "donchian",
    "rsi",
    "stochastic",
    "williams_r",
    "roc",
    "atr",
    "bollinger",
    "keltner",
    "volatility",
    "vwap",
    "obv",
    "ad",
    "pvt",
    "cmf",
    "pivots",
    "fibonacci",
    "percentile_rank",
    "iv_rank",
)
"""Every indicator, each named like its file, in the order in which they are listed."""


class _Registry(Mapping[str, Indicator]):
    # A file is read when its indicator is asked for: a session that asks for three loads three.
    def __init__(self) -> None:
        self._read: dict[str, Indicator] = {}

    def __getitem__(self, name: str) -> Indicator:
        if name not in self._read:
            if name.startswith("ta:"):
                self._read[name] = import_module(f"{__name__}.wide").wide(name)
            elif name in NAMES:
                self._read[name] = import_module(f"{__name__}.{name}").INDICATOR
            else:
                raise KeyError(name)
        return self._read[name]

    def __iter__(self) -> Iterator[str]:
        return iter(NAMES)

    def __len__(self) -> int:
        return len(NAMES)


INDICATORS: Mapping[str, Indicator] = _Registry()
"""Every indicator by its name, and any of pandas-ta as ``ta:NAME``."""


def lines_of(bars: "Bars", indicator: str, parameters: Mapping[str, object]) -> Lines:
    """Return every line of an indicator over bars, each of shape (n_sessions,).

    Parameters
    ----------
    bars : Bars
        Bars of one symbol and one source, oldest first, one per session.
    indicator : str
        Name in the registry.
    parameters : mapping
        Keyword arguments of that indicator; its defaults stand for the rest.
    """
    return INDICATORS[indicator].compute(bars, **parameters)


def lines_of_each(
    bars: "Sequence[Bars]", indicator: str, parameters: Mapping[str, object], *, compiled: bool = False
) -> Iterator[Lines]:
    """Return what `lines_of` does for the bars of each of several symbols, one after the other.

    Parameters
    ----------
    bars : sequence of Bars
        Bars of each symbol; they need not be of one length.
    indicator : str
        Name in the registry.
    parameters : mapping
        Keyword arguments of that indicator; its defaults stand for the rest.
    compiled : bool
        Whether as machine code where it has such a twin: the same values, quicker where many symbols are worked out.
        numba takes half a second to load, and each twin a few seconds to be made, once on a machine.
    """
    found = None
    if compiled:
        from mtum.core.indicators.twins import twin_lines  # read on request only

        found = twin_lines(bars, indicator, parameters)
    return (lines_of(one, indicator, parameters) for one in bars) if found is None else found


def column_of(bars: "Bars", indicator: str, parameters: Mapping[str, object]) -> "Column":
    """Return one line of an indicator over bars, shape (n_sessions,).

    Parameters
    ----------
    bars : Bars
        Bars of one symbol and one source, oldest first, one per session.
    indicator : str
        Name in the registry.
    parameters : mapping
        Keyword arguments of that indicator; its defaults stand for the rest. "line" names the line where it has
        several; without it the first is meant.
    """
    return _line(lines_of(bars, indicator, _own(parameters)), indicator, parameters)


def columns_of(
    bars: "Sequence[Bars]", indicator: str, parameters: Mapping[str, object], *, compiled: bool = False
) -> Iterator["Column"]:
    """Return what `column_of` does for the bars of each of several symbols, one after the other.

    Parameters
    ----------
    bars : sequence of Bars
        Bars of each symbol; they need not be of one length.
    indicator : str
        Name in the registry.
    parameters : mapping
        As of `column_of`.
    compiled : bool
        As of `lines_of_each`.
    """
    each = lines_of_each(bars, indicator, _own(parameters), compiled=compiled)
    return (_line(lines, indicator, parameters) for lines in each)


def _own(parameters: Mapping[str, object]) -> Mapping[str, object]:
    return {name: value for name, value in parameters.items() if name != "line"}


def _line(lines: Lines, indicator: str, parameters: Mapping[str, object]) -> "Column":
    if "line" not in parameters:
        return next(iter(lines.values()))
    if parameters["line"] not in lines:
        raise ValueError(f'{indicator} has no line "{parameters["line"]}"; it has {", ".join(lines)}')
    return lines[str(parameters["line"])]
