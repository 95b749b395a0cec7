"""Numbers per session computed from past bars only; one pure function per file."""

from collections.abc import Callable, Iterator, Mapping
from functools import cache
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


@cache
def _twin_lines() -> "Callable[..., Lines | None]":
    from mtum.core.indicators.twins import twin_lines  # read on request only

    return twin_lines


def lines_of(bars: "Bars", indicator: str, parameters: Mapping[str, object], *, compiled: bool = False) -> Lines:
    """Return every line of an indicator over bars, each of shape (n_sessions,).

    Parameters
    ----------
    bars : Bars
        Bars of one symbol and one source, oldest first, one per session.
    indicator : str
        Name in the registry.
    parameters : mapping
        Keyword arguments of that indicator; its defaults stand for the rest.
    compiled : bool
        Whether as machine code where it has such a twin: the same values, quicker where many symbols are worked out.
        numba takes half a second to load, and each twin a few seconds to be made, once on a machine.
    """
    if compiled:
        found = _twin_lines()(bars, indicator, {**INDICATORS[indicator].defaults, **parameters})
        if found is not None:
            return found
    return INDICATORS[indicator].compute(bars, **parameters)


def column_of(bars: "Bars", indicator: str, parameters: Mapping[str, object], *, compiled: bool = False) -> "Column":
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
    compiled : bool
        As of `lines_of`.
    """
    if "line" not in parameters:
        return next(iter(lines_of(bars, indicator, parameters, compiled=compiled).values()))
    own = {name: value for name, value in parameters.items() if name != "line"}
    lines = lines_of(bars, indicator, own, compiled=compiled)
    if parameters["line"] not in lines:
        raise ValueError(f'{indicator} has no line "{parameters["line"]}"; it has {", ".join(lines)}')
    return lines[str(parameters["line"])]
