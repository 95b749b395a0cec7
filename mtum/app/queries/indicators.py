"""What the indicators say of a symbol: newest values, readings, and the votes by group and timeframe."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from math import isnan
from statistics import fmean
from typing import ClassVar

from msgspec import Struct
from msgspec.structs import replace

from mtum.core.indicators import INDICATORS, lines_of
from mtum.core.indicators.indicator import Group
from mtum.core.market.bars import Bars, in_timeframe
from mtum.core.market.intraday import Frame as WithinFrame
from mtum.core.market.timeframes import INTRADAY, Timeframe


class Reading(Struct, frozen=True):
    """One indicator over the bars of one timeframe.

    Parameters
    ----------
    values : tuple of mapping of str to float or None
        Every line, newest bar first.
    vote : int or None
        -1, 0 or 1; None while no line has a value.
    words : str
        What that says, in a line.
    """

    name: str
    title: str
    group: Group
    unit: str
    values: tuple[dict[str, float | None], ...]
    vote: int | None
    words: str


class Frame(Struct, frozen=True):
    """The indicators over the bars of one timeframe.

    Parameters
    ----------
    bars : int
        How many there are.
    days : tuple of date
        Last session of each bar that values are shown of, newest first; the newest bar may be unfinished.
    ends : tuple of datetime
        When each of them ended, in UTC, where they are within the session: these have all ended.
    running : float or None
        Newest price of the bar that has not ended.
    why : str
        Why there are none.
    close : float
        Of the newest bar, in USD.
    groups : mapping of Group to float
        Mean vote of those of a group that have a direction to tell.
    vote : float or None
        Mean of all votes.
    """

    SPARSE: ClassVar = frozenset(("ends", "running", "why"))

    timeframe: Timeframe
    bars: int
    days: tuple[date, ...]
    close: float
    readings: tuple[Reading, ...]
    groups: dict[Group, float]
    vote: float | None
    ends: tuple[datetime, ...] = ()
    running: float | None = None
    why: str = ""


class Readings(Struct, frozen=True):
    """The indicators of a symbol over its timeframes.

    Parameters
    ----------
    direction : int
        -1, 0 or 1: where the mean votes of most timeframes point.
    agreement : float or None
        Share of the timeframes whose mean vote points there; None where none has a vote.
    """

    symbol: str
    source: str
    frames: tuple[Frame, ...]
    direction: int
    agreement: float | None


A_YEAR = {Timeframe.DAY: 252, Timeframe.WEEK: 52, Timeframe.MONTH: 12} | {
    one: 252 * 390 // one.minutes for one in INTRADAY
}
"""Bars, of full sessions."""


def parameters_for(name: str, timeframe: Timeframe) -> dict[str, object]:
    """Return the parameters of an indicator that follow from the length of the bars."""
    return {"a_year": A_YEAR[timeframe]} if "a_year" in INDICATORS[name].defaults else {}


def readings_of(
    bars: Bars,
    names: Sequence[str],
    timeframes: Sequence[Timeframe],
    limit: int = 2,
    within: Mapping[Timeframe, WithinFrame] | None = None,
) -> Readings:
    """Return what indicators say of a symbol.

    Parameters
    ----------
    bars : Bars
        Daily, oldest first, not empty.
    names : sequence of str
        Of the registry, or ``ta:NAME``.
    timeframes : sequence of Timeframe
        Lengths of bars.
    limit : int
        Newest bars of each timeframe to give values of.
    within : mapping of Timeframe to Frame
        Bars of timeframes within the session.
    """
    inside = within or {}
    frames = tuple(
        _within(inside[one], one, names, limit) if one in inside else _frame(in_timeframe(bars, one), one, names, limit)
        for one in timeframes
    )
    signs = [(one.vote > 0) - (one.vote < 0) for one in frames if one.vote is not None]
    balance = sum(signs)
    direction = (balance > 0) - (balance < 0)
    agreement = round(signs.count(direction) / len(signs), 6) if signs else None
    return Readings(bars.symbol, bars.source, frames, direction, agreement)


def _frame(bars: Bars, timeframe: Timeframe, names: Sequence[str], limit: int) -> Frame:
    readings = tuple(_reading(name, bars, timeframe, limit) for name in names)
    # What tells no direction says so by an empty word for either, and does not water down the others' mean.
    voting = [one for one in readings if one.vote is not None and INDICATORS[one.name].reads[0]]
    groups = {
        group: round(fmean(one.vote for one in voting if one.group is group and one.vote is not None), 6)
        for group in Group
        if any(one.group is group for one in voting)
    }
    return Frame(
        timeframe,
        len(bars),
        tuple(bars.day(-1 - back) for back in range(min(limit, len(bars)))),
        float(bars.close[-1]) if len(bars) else float("nan"),
        readings,
        groups,
        round(fmean(one.vote for one in voting if one.vote is not None), 6) if voting else None,
    )


def _within(found: WithinFrame, timeframe: Timeframe, names: Sequence[str], limit: int) -> Frame:
    return replace(
        _frame(found.bars, timeframe, names, limit),
        ends=tuple(found.bars.tail(limit).ended[::-1]),
        running=float(found.running.close[-1]) if len(found.running) else None,
        why=found.why,
    )


def _reading(name: str, bars: Bars, timeframe: Timeframe, limit: int) -> Reading:
    indicator = INDICATORS[name]
    if not len(bars):
        return Reading(name, indicator.title, indicator.group, indicator.unit, (), None, "too short a history")
    lines = lines_of(bars, name, parameters_for(name, timeframe))
    values = tuple(
        {line: None if isnan(column[-1 - back]) else float(column[-1 - back]) for line, column in lines.items()}
        for back in range(min(limit, len(bars)))
    )
    if not values or all(value is None for value in values[0].values()):
        return Reading(name, indicator.title, indicator.group, indicator.unit, values, None, "too short a history")
    now = {line: float("nan") if value is None else value for line, value in values[0].items()}
    vote = indicator.vote(float(bars.close[-1]), now)
    return Reading(name, indicator.title, indicator.group, indicator.unit, values, vote, indicator.reads[vote + 1])
