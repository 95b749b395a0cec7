"""Indicators as machine code: each the twin of a numpy form, equal to it bit for bit after rounding.

The numpy form is the definition. A twin pays where many symbols are worked out: numba takes half a second to load,
and a twin is compiled once on a machine.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from mtum.core.compiled import machine
from mtum.core.indicators import INDICATORS
from mtum.core.indicators.fibonacci import LEVELS
from mtum.core.indicators.smoothing import Smoothing
from mtum.core.indicators.twins import averages, ranges, volumes
from mtum.core.market.bars import Bars
from mtum.core.market.timeframes import Timeframe

if TYPE_CHECKING:
    from mtum.core.indicators.indicator import Lines
    from mtum.core.market.bars import Column

type Given = tuple[tuple[str, ...], tuple[object, ...]]
"""Columns that a loop reads, and its other arguments."""

_BESIDE = 8
"""Symbols worked out beside one another: what belongs to them stays in the processor's second cache."""
_CONTIGUOUS, _WRITEABLE_CONTIGUOUS = 0x1, 0x401
"""Of an array's flags; asked for by name they take longer than a short loop."""
_KEPT = 1024
"""Indicators with parameters whose arguments are found once."""


class Twin(Struct, frozen=True):
    """A loop that writes every line of an indicator.

    Parameters
    ----------
    loop : callable
        Takes columns of several symbols, the other arguments, and what it writes into, of shape (n_lines, n_symbols,
        n_sessions). No value depends on a later session.
    lines : tuple of str
        Their names.
    given : callable
        The indicator's parameters in, what the loop is given out; None for parameters that it does not know.
    """

    loop: Callable[..., None]
    lines: tuple[str, ...]
    given: Callable[..., Given | None]


_CLOSE, _CLOSE_VOLUME, _PRICES = ("close",), ("close", "volume"), ("high", "low", "close")
_FLOWS = (*_PRICES, "volume")


def _with(*columns: str) -> Callable[..., Given]:
    return lambda **parameters: (columns, tuple(parameters.values()))


def _of(of: str, sessions: int) -> Given:
    return (of,), (sessions,)


def _smoothed(*columns: str) -> Callable[..., Given]:
    return lambda sessions, smoothing: (columns, (sessions, smoothing is Smoothing.WILDER))


TWINS: Mapping[str, Twin] = {
    "sma": Twin(averages.sma, ("sma",), _of),
    "ema": Twin(averages.ema, ("ema",), _of),
    "wma": Twin(averages.wma, ("wma",), _of),
    "dema": Twin(averages.dema, ("dema",), _of),
    "tema": Twin(averages.tema, ("tema",), _of),
    "macd": Twin(averages.macd, ("line", "signal", "histogram"), _with(*_CLOSE)),
    "adx": Twin(ranges.adx, ("adx", "plus_di", "minus_di"), _with(*_PRICES)),
    "donchian": Twin(
        ranges.donchian, ("high", "low"), lambda sessions, previous: (("high", "low"), (sessions, bool(previous)))
    ),
    "rsi": Twin(averages.rsi, ("rsi",), _smoothed(*_CLOSE)),
    "stochastic": Twin(
        ranges.stochastic,
        ("k", "d"),
        lambda sessions, smooth, signal: (_PRICES, (sessions, (smooth, signal))),
    ),
    "williams_r": Twin(ranges.williams_r, ("williams_r",), _with(*_PRICES)),
    "roc": Twin(averages.roc, ("roc",), _with(*_CLOSE)),
    "atr": Twin(ranges.atr, ("atr",), _smoothed(*_PRICES)),
    "bollinger": Twin(
        averages.bollinger,
        ("middle", "upper", "lower", "percent_b", "bandwidth"),
        lambda sessions, deviations: (_CLOSE, (sessions, float(deviations))),
    ),
    "keltner": Twin(
        ranges.keltner,
        ("middle", "upper", "lower"),
        lambda sessions, ranges, range_sessions: (_PRICES, ((sessions, range_sessions), float(ranges))),
    ),
    "volatility": Twin(averages.volatility, ("volatility",), _with("moves")),
    "vwap": Twin(volumes.vwap, ("vwap",), _with(*_FLOWS)),
    "obv": Twin(volumes.obv, ("obv",), _with(*_CLOSE_VOLUME)),
    "ad": Twin(volumes.ad, ("ad",), _with(*_FLOWS)),
    "pvt": Twin(volumes.pvt, ("pvt",), _with(*_CLOSE_VOLUME)),
    "cmf": Twin(volumes.cmf, ("cmf",), _with(*_FLOWS)),
    "pivots": Twin(
        ranges.pivots,
        ("p", "r1", "s1", "r2", "s2", "r3", "s3"),
        lambda period: (_PRICES, ()) if period is Timeframe.DAY else None,
    ),
    "fibonacci": Twin(ranges.fibonacci, (*LEVELS, "up"), _with("high", "low")),
    "percentile_rank": Twin(ranges.percentile_rank, ("percentile_rank",), _of),
    "iv_rank": Twin(ranges.iv_rank, ("iv_rank",), _of),
}
"""Every indicator that has one, by its name."""


def twin_lines(
    bars: Sequence[Bars], indicator: str, asked: Mapping[str, object], *, plain: bool = False
) -> "Iterator[Lines] | None":
    """Return every line of an indicator for each bars in turn; None where no twin knows such bars and parameters.

    Parameters
    ----------
    bars : sequence of Bars
        Bars of each symbol, oldest first; they need not be of one length.
    indicator : str
        Name of the indicator.
    asked : mapping
        Its parameters; its defaults stand for the rest.
    plain : bool
        Whether to run the loop without numba, which takes a hundred times as long.
    """
    call = _call_of(indicator, tuple(asked.items()))
    if call is None or not all(type(one) is Bars for one in bars):
        return None
    twin, given = call
    return _in_turn(bars, twin.loop if plain else machine(twin.loop), twin.lines, given)


@lru_cache(_KEPT)
def _call_of(indicator: str, asked: tuple[tuple[str, object], ...]) -> tuple[Twin, Given] | None:
    twin = TWINS.get(indicator)
    given = twin.given(**{**INDICATORS[indicator].defaults, **dict(asked)}) if twin is not None else None
    return None if twin is None or given is None else (twin, given)


def _in_turn(
    bars: Sequence[Bars], loop: Callable[..., None], names: tuple[str, ...], given: Given
) -> "Iterator[Lines]":
    # Not all at once: memory that was just let go is in the cache, and new memory is not.
    columns, others = given
    for begin in range(0, len(bars), _BESIDE):
        some = bars[begin : begin + _BESIDE]
        lengths = [len(one.days) for one in some]
        longest = max(lengths)
        lines = np.empty((len(names), len(some), longest))
        loop(*[_beside(some, column, longest) for column in columns], *others, lines)
        for row, length in enumerate(lengths):
            yield {name: lines[line, row, :length] for line, name in enumerate(names)}


def _beside(bars: Sequence[Bars], name: str, longest: int) -> "tuple[Column, ...]":
    # Machine code is made anew for each kind of column and for each number of them: so all are of one.
    found = [_moves(one.close) if name == "moves" else getattr(one, name) for one in bars]
    if {(len(column), column.flags.num & _WRITEABLE_CONTIGUOUS) for column in found} != {(longest, _CONTIGUOUS)}:
        for row, column in enumerate(found):
            found[row] = np.full(longest, np.nan)
            found[row][: len(column)] = column
            found[row].flags.writeable = False
    return *found, *[found[0]] * (_BESIDE - len(found))


def _moves(close: "Column") -> "Column":
    # numpy's logarithm and that of machine code differ in the last bit.
    found = np.empty(len(close))
    found[:1] = np.nan
    np.divide(close[1:], close[:-1], out=found[1:])
    np.log(found[1:], out=found[1:])
    found.flags.writeable = False
    return found
