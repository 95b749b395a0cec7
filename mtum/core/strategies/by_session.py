"""What each session knew of an indicator over weeks, months or total returns, worked out for all of them at once."""

import numpy as np
from msgspec import Struct
from numpy.typing import NDArray

from mtum.core.indicators import INDICATORS, NAMES, column_of
from mtum.core.indicators.smoothing import known
from mtum.core.market.bars import COLUMNS, Bars, Column, periods, total_return
from mtum.core.market.timeframes import Timeframe
from mtum.core.strategies.description import IndicatorSpec

_BY_DATE = ("pivots",)
"""Indicators that look at the dates of bars."""


def by_session(bars: Bars, spec: IndicatorSpec, *, first_is_whole: bool) -> Column | None:
    """Return the newest value that bars up to each session give, shape (n_sessions,).

    Every value is, to the last bit, that of a view which ends at its session.

    Parameters
    ----------
    bars : Bars
        Bars of one symbol and one source, oldest first, one per session.
    spec : IndicatorSpec
        An indicator that a strategy asks of the view, by name and parameters.
    first_is_whole : bool
        Whether the first week or month of the bars is known to be whole.

    Returns
    -------
    ndarray of float64 or None
        None where every session has to be asked by itself: of a mean that runs on from week to week, and of what is
        not made of daily bars.
    """
    indicator, parameters = INDICATORS[spec.indicator], dict(spec.parameters)
    daily = spec.timeframe is Timeframe.DAY
    by_windows = indicator.history is None and spec.indicator not in _BY_DATE
    if spec.indicator not in NAMES or spec.timeframe.minutes or not (daily or by_windows) or not len(bars):
        return None
    asked = {name: value for name, value in parameters.items() if name != "line"}
    frames = None if daily else _Frames.of(bars, spec.timeframe, indicator.history_bars(**asked), first_is_whole)
    found = np.full(len(bars), np.nan)
    # Prices with dividends put back are the same for all sessions from one ex-date to the next.
    changes = np.flatnonzero(bars.dividend[1:]) + 1 if spec.total_return else ()
    for begin, end in zip((0, *changes), (*changes, len(bars)), strict=True):
        priced = total_return(bars[:end]) if spec.total_return else bars[:end]
        if frames is None:
            found[begin:end] = column_of(priced, spec.indicator, parameters)[begin:]
            continue
        rows = frames.reached(begin, end)
        if len(rows):
            column = column_of(frames.stacked(priced, rows), spec.indicator, parameters)
            found[rows] = column[frames.count - 1 :: frames.count]
    return np.array([np.nan if (value := known(one)) is None else value for one in found.tolist()])


class _Frames(Struct, frozen=True):
    # The newest `count` weeks or months of a session, its own with what there is: one behind the other for all.
    place: NDArray[np.int64]  # of each session's period
    starts: NDArray[np.int64]  # row at which each period begins
    count: int
    first: int  # the first period that counts

    @classmethod
    def of(cls, bars: Bars, timeframe: Timeframe, count: int, first_is_whole: bool) -> "_Frames":
        number = periods(bars.days, timeframe)
        starts = np.flatnonzero(np.r_[True, number[1:] != number[:-1]])
        place = np.searchsorted(starts, np.arange(len(bars)), side="right") - 1
        return cls(place, starts, count, 0 if first_is_whole else 1)

    def reached(self, begin: int, end: int) -> NDArray[np.int64]:
        """Return the rows of that stretch which have so many periods."""
        rows: NDArray[np.int64] = begin + np.flatnonzero(self.place[begin:end] - self.first + 1 >= self.count)
        return rows

    def stacked(self, bars: Bars, rows: NDArray[np.int64]) -> Bars:
        starts = self.starts[self.starts < len(bars)]
        begun = starts[self.place[rows]]
        before = self.place[rows][:, None] + np.arange(1 - self.count, 0)
        # From the first session of the period to this one; every other figure is of what lies between two such.
        ends = np.column_stack((begun, rows + 1)).ravel()
        columns = {"open": (bars.open[starts], bars.open[begun])}
        for name, merge in (("high", np.maximum), ("low", np.minimum), ("volume", np.add)):
            column: Column = getattr(bars, name)
            columns[name] = merge.reduceat(column, starts), merge.reduceat(np.append(column, 0.0), ends)[::2]
        columns["close"] = bars.close[np.r_[starts[1:], len(bars)] - 1], bars.close[rows]
        whole = {name: np.column_stack((each[before], now)).ravel() for name, (each, now) in columns.items()}
        none = np.zeros(len(rows) * self.count)
        days = np.arange(len(none)).astype("datetime64[D]")
        return Bars(bars.symbol, bars.source, days, **{name: whole.get(name, none) for name in COLUMNS})
