"""Bars within the sessions for a person to look at: from the cache, or from the files of source `csv`."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime

import numpy as np

from mtum.core.market.intraday import VALUES, Frame, Rows, in_frame, missing_in, nothing, regular_hours
from mtum.core.market.sessions import Session
from mtum.core.market.timeframes import Timeframe
from mtum.ports.market_data import BarSource, TellsIntraday
from mtum.ports.reading import Reader
from mtum.ports.rows import IntradayRow
from mtum.ports.time import Calendar

type Told = Mapping[int, Rows]
"""Bars as they were told, by their length in minutes."""


def cached_within(reader: Reader, symbol: str, source: str) -> Told:
    """Return the cached bars of a symbol; of each its newest values.

    Parameters
    ----------
    reader : Reader
        The records of one database, for reading alone.
    symbol : str
        Ticker.
    source : str
        Name of the source.
    """
    known: dict[int, dict[str, tuple[float, ...]]] = {}
    for row in reader.rows(IntradayRow, symbol=symbol, source=source):
        volume = float("nan") if row.volume is None else row.volume
        known.setdefault(row.minutes, {})[row.begins_at] = (row.open, row.high, row.low, row.close, volume)
    return {
        minutes: {
            "begins": np.array([begin.removesuffix("Z") for begin in rows], dtype="datetime64[s]"),
            **dict(zip(VALUES, zip(*rows.values(), strict=True), strict=True)),
        }
        for minutes, rows in known.items()
    }


def told_within(source: BarSource, symbol: str, timeframes: Sequence[Timeframe], span: tuple[date, date]) -> Told:
    """Return what a source has of these timeframes from one day to another; nothing of one that has none.

    Parameters
    ----------
    source : BarSource
        Daily bars, today's unfinished bar and the VIX from one vendor.
    symbol : str
        Ticker.
    timeframes : sequence of Timeframe
        Lengths of bars.
    span : (date, date)
        First and last day.
    """
    if not isinstance(source, TellsIntraday):
        return {}
    lengths = {source.minutes_for(symbol, one) for one in timeframes} - {0}
    return {minutes: source.intraday(symbol, minutes, *span) for minutes in sorted(lengths)}


def frames_within(
    name: tuple[str, str], told: Told, timeframes: Sequence[Timeframe], calendar: Calendar, until: datetime
) -> dict[Timeframe, Frame]:
    """Return the frames that bars make up, each from the first session on since which no session lacks too many.

    Parameters
    ----------
    name : (str, str)
        Symbol and source.
    told : Told
        Bars as they were told, by their length in minutes.
    timeframes : sequence of Timeframe
        Lengths of bars.
    calendar : Calendar
        The exchange's trading sessions.
    until : datetime
        What had not ended by then is left out.
    """
    found = {}
    for timeframe in timeframes:
        minutes = max((one for one in told if timeframe.minutes % one == 0), default=0)
        begins = np.asarray(told[minutes]["begins"]) if minutes else np.empty(0)
        begins = begins[begins < np.datetime64(until.replace(tzinfo=None), "s")] if minutes else begins
        if not len(begins):
            empty = nothing(*name)
            found[timeframe] = Frame(empty, empty, f"no bars of {timeframe} from {name[1]} up to {until:%Y-%m-%d}")
            continue
        first, last = (begins[at].astype("datetime64[D]").astype(object) for at in (0, -1))
        sessions = calendar.sessions(first, last).known
        try:
            bars = regular_hours(name, minutes, told[minutes], sessions).ended_by(until)
        except ValueError as error:
            found[timeframe] = Frame(nothing(*name), nothing(*name), str(error))
            continue
        at = min(until, bars.tail(1).ended[0]) if len(bars) else until
        unbroken: list[Session] = []
        why = ""
        for one in reversed(sessions):
            why = missing_in(bars, minutes, (one,), at)
            if why:
                break
            unbroken.insert(0, one)
        if not unbroken:
            empty = nothing(*name)
            found[timeframe] = Frame(empty, empty, why)
            continue
        found[timeframe] = in_frame(bars.since(unbroken[0].day), timeframe, sessions, at)
    return found
