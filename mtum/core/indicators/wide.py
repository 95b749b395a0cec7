"""The wide library by name: any indicator of pandas-ta as `ta:NAME`, loaded only when one is asked for."""

import inspect
from types import ModuleType
from typing import TYPE_CHECKING, Any

from mtum.core.indicators.indicator import NO_READING, Group, Indicator, Lines, no_vote
from mtum.core.indicators.smoothing import rounded

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars

PREFIX = "ta:"
LOOKS_AHEAD = ("dpo", "ichimoku", "zigzag")
"""Those whose values of a session change by what comes after it; they are not offered."""
_COLUMNS = {"open_": "open", "open": "open", "high": "high", "low": "low", "close": "close", "volume": "volume"}
_GROUPS = {
    "overlap": Group.TREND,
    "trend": Group.TREND,
    "momentum": Group.MOMENTUM,
    "volatility": Group.VOLATILITY,
    "volume": Group.VOLUME,
}


def wide_names() -> tuple[str, ...]:
    """Return the names of the library's indicators of daily bars, sorted."""
    names = {name for group in _GROUPS for name in _library().Category[group]}
    return tuple(sorted(PREFIX + name for name in names if _inputs(name)))


def wide(name: str) -> Indicator:
    """Return an indicator of the library.

    It is the library's own: its defaults, its smoothing, its warm-up, with TA-Lib off so that a value does not depend
    on what is installed. No strategy of the package asks for one.

    Parameters
    ----------
    name : str
        Such as ``ta:supertrend``.

    Raises
    ------
    KeyError
        If the library has none of that name that works on daily bars.
    """
    library = _library()
    own = name.removeprefix(PREFIX)
    group = next((found for key, found in _GROUPS.items() if own in library.Category[key]), None)
    inputs = _inputs(own)
    if group is None or not inputs:
        raise KeyError(name)

    def compute(bars: "Bars", **parameters: object) -> Lines:
        import numpy as np
        import pandas as pd

        # Copies: one of the library's indicators writes into what it is given.
        days = pd.DatetimeIndex(bars.days)
        given = {key: pd.Series(np.array(getattr(bars, column)), index=days) for key, column in inputs.items()}
        found: Any = getattr(library, own)(**given, **parameters)
        found = found[0] if isinstance(found, tuple) else found
        if found is None:  # too short a history
            return {own: np.full(len(bars), np.nan)}
        columns = found.items() if isinstance(found, pd.DataFrame) else [(own, found)]
        return {str(line): rounded(np.asarray(column, dtype=np.float64)) for line, column in columns}

    return Indicator(f"{own} of pandas-ta", group, compute, lambda **_: 0, no_vote, NO_READING)


def _library() -> ModuleType:
    import pandas_ta
    from pandas_ta.maps import Imports

    Imports["talib"] = False  # else the library quietly computes with TA-Lib where that is installed
    return pandas_ta


def _inputs(name: str) -> dict[str, str]:
    function = None if name in LOOKS_AHEAD else getattr(_library(), name, None)
    if function is None:
        return {}
    asked = [one.name for one in inspect.signature(function).parameters.values() if one.name in _COLUMNS]
    return {one: _COLUMNS[one] for one in asked}
