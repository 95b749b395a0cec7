"""Indicators as machine code: each the twin of a numpy form, equal to it bit for bit after rounding.

The numpy form is the definition. A twin pays where many symbols are worked out: numba takes half a second to load,
and a twin is compiled once on a machine.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from mtum.core.compiled import machine
from mtum.core.indicators.smoothing import Smoothing
from mtum.core.indicators.twins import averages, ranges, volumes
from mtum.core.market.bars import Bars
from mtum.core.market.timeframes import Timeframe

if TYPE_CHECKING:
    from mtum.core.indicators.indicator import Lines
    from mtum.core.market.bars import Column


_CONTIGUOUS, _WRITEABLE_CONTIGUOUS = 0x1, 0x401
"""Of an array's flags; asked for by name they take longer than a short loop."""


@dataclass(frozen=True, slots=True)
class Twin:
    """A loop that writes every line of an indicator.

    Parameters
    ----------
    loop : callable
        What `given` returns in, lines of shape (n_lines, n_sessions) out.
    lines : tuple of str
        Their names.
    given : callable
        Bars and the indicator's parameters in, the loop's arguments out; None for those that it does not know.
    """

    loop: "Callable[..., Column]"
    lines: tuple[str, ...]
    given: Callable[..., tuple[object, ...] | None]


def _moves(bars: Bars, sessions: int, a_year: int) -> tuple[object, ...] | None:
    # numpy's logarithm and that of machine code differ in the last bit.
    return (np.log(bars.close[1:] / bars.close[:-1]), sessions, a_year) if len(bars) else None


def _of(bars: Bars, of: str, sessions: int) -> tuple[object, ...]:
    return getattr(bars, of), sessions


def _prices(bars: Bars, **parameters: object) -> tuple[object, ...]:
    return bars.high, bars.low, bars.close, *parameters.values()


def _volumes(bars: Bars, sessions: int) -> tuple[object, ...]:
    return bars.high, bars.low, bars.close, bars.volume, sessions


TWINS: Mapping[str, Twin] = {
    "sma": Twin(averages.sma, ("sma",), _of),
    "ema": Twin(averages.ema, ("ema",), _of),
    "wma": Twin(averages.wma, ("wma",), _of),
    "dema": Twin(averages.dema, ("dema",), _of),
    "tema": Twin(averages.tema, ("tema",), _of),
    "macd": Twin(
        averages.macd,
        ("line", "signal", "histogram"),
        lambda bars, fast, slow, signal: (bars.close, fast, slow, signal),
    ),
    "adx": Twin(ranges.adx, ("adx", "plus_di", "minus_di"), _prices),
    "donchian": Twin(
        ranges.donchian,
        ("high", "low"),
        lambda bars, sessions, previous: (bars.high, bars.low, sessions, bool(previous)),
    ),
    "rsi": Twin(
        averages.rsi,
        ("rsi",),
        lambda bars, sessions, smoothing: (bars.close, sessions, smoothing is Smoothing.WILDER),
    ),
    "stochastic": Twin(ranges.stochastic, ("k", "d"), _prices),
    "williams_r": Twin(ranges.williams_r, ("williams_r",), _prices),
    "roc": Twin(averages.roc, ("roc",), lambda bars, sessions: (bars.close, sessions)),
    "atr": Twin(
        ranges.atr,
        ("atr",),
        lambda bars, sessions, smoothing: (bars.high, bars.low, bars.close, sessions, smoothing is Smoothing.WILDER),
    ),
    "bollinger": Twin(
        averages.bollinger,
        ("middle", "upper", "lower", "percent_b", "bandwidth"),
        lambda bars, sessions, deviations: (bars.close, sessions, float(deviations)),
    ),
    "keltner": Twin(
        ranges.keltner,
        ("middle", "upper", "lower"),
        lambda bars, sessions, ranges, range_sessions: (
            bars.high, bars.low, bars.close, sessions, float(ranges), range_sessions
        ),
    ),
    "volatility": Twin(averages.volatility, ("volatility",), _moves),
    "vwap": Twin(volumes.vwap, ("vwap",), _volumes),
    "obv": Twin(volumes.obv, ("obv",), lambda bars, sessions: (bars.close, bars.volume, sessions)),
    "ad": Twin(volumes.ad, ("ad",), _volumes),
    "pvt": Twin(volumes.pvt, ("pvt",), lambda bars, sessions: (bars.close, bars.volume, sessions)),
    "cmf": Twin(volumes.cmf, ("cmf",), _volumes),
    "pivots": Twin(
        ranges.pivots,
        ("p", "r1", "s1", "r2", "s2", "r3", "s3"),
        lambda bars, period: (bars.high, bars.low, bars.close) if period is Timeframe.DAY else None,
    ),
    "percentile_rank": Twin(ranges.percentile_rank, ("percentile_rank",), _of),
    "iv_rank": Twin(ranges.iv_rank, ("iv_rank",), _of),
}  # fmt: skip
"""Every indicator that has one, by its name."""


def twin_lines(bars: Bars, indicator: str, asked: Mapping[str, object], *, plain: bool = False) -> "Lines | None":
    """Return every line of an indicator from its twin; None where it has none for such bars and parameters.

    Parameters
    ----------
    bars : Bars
        Bars of one symbol and one source, oldest first, one per session.
    indicator : str
        Name of the indicator.
    asked : mapping
        Every parameter of the indicator, the defaults too.
    plain : bool
        Whether to run the loop without numba, which takes a hundred times as long.
    """
    twin = TWINS.get(indicator)
    given = twin.given(bars, **asked) if twin is not None and type(bars) is Bars else None
    if twin is None or given is None:
        return None
    loop = twin.loop if plain else machine(twin.loop)
    found = loop(*[_read_only(one) if isinstance(one, np.ndarray) else one for one in given])
    return {name: found[place] for place, name in enumerate(twin.lines)}


def _read_only(column: "Column") -> "Column":
    # Machine code is made anew for each kind of column: so all are of one.
    if column.flags.num & _WRITEABLE_CONTIGUOUS != _CONTIGUOUS:
        column = np.ascontiguousarray(column).view()
        column.flags.writeable = False
    return column
