"""Bars within sessions: of regular hours, counted from each session's open, and only what has ended."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Self

import numpy as np
from msgspec import Struct
from msgspec.structs import replace
from numpy.typing import NDArray

from mtum.core.market.bars import COLUMNS, PRICE_COLUMNS, Bars, Column
from mtum.core.market.sessions import Session
from mtum.core.market.timeframes import Timeframe

type Instants = NDArray[np.datetime64]
"""UTC, to the second."""
type Rows = Mapping[str, object]
"""Bars of one length as a source told them, of whatever hours: "begins" in UTC, rising, and the columns `VALUES`."""

MISSING_FRAC = 0.05
"""Of a session's bars; a minute without a trade has none, and more than this is a source that does not tell all."""
APART_FRAC = 0.05
"""How far a price within the session may lie beyond those of the daily bar."""
VALUES = (*PRICE_COLUMNS, "volume")


class IntradayBars(Bars, frozen=True, eq=False):
    """Bars of regular hours, oldest first; `days` names the session of each.

    Build with `IntradayBars.within`.

    Parameters
    ----------
    begins, ends : ndarray of datetime64[s], shape (n,)
        UTC instants; the last bar of a session ends with it.
    """

    begins: Instants
    ends: Instants

    @classmethod
    def within(
        cls, symbol: str, source: str, when: tuple[object, object, object], columns: Mapping[str, object]
    ) -> Self:
        """Build from sessions, begins and ends, and one array per column of `VALUES`.

        Parameters
        ----------
        symbol : str
            Ticker.
        source : str
            Name of the source.
        when : (object, object, object)
            Session, begin and end of each bar.
        columns : mapping of str to object
            Values by column, each of shape (n_bars,); prices in USD.

        Raises
        ------
        ValueError
            If a column is missing or of another length, or the bars do not rise.
        """
        days, begins, ends = when
        first, after = (_read_only(np.array(one, dtype="datetime64[s]")) for one in (begins, ends))
        sessions = _read_only(np.array(days, dtype="datetime64[D]"))
        if len(first) > 1 and not bool((first[1:] >= after[:-1]).all()):
            raise ValueError(f"{symbol}: bars within the session are not in rising order")
        arrays: dict[str, Column] = {}
        for name in COLUMNS:
            told = columns[name] if name in VALUES else np.zeros(len(first))
            arrays[name] = _read_only(np.array(told, dtype=np.float64))
        if {one.shape for one in (sessions, first, after, *arrays.values())} != {first.shape}:
            raise ValueError(f"{symbol}: columns of bars within the session are not of one length")
        return cls(symbol=symbol, source=source, days=sessions, **arrays, begins=first, ends=after)

    def __getitem__(self, part: slice) -> Self:
        """Return a part of the bars by their positions, without a copy."""
        names = ("days", *COLUMNS, "begins", "ends")
        return replace(self, **{name: getattr(self, name)[part] for name in names})

    @property
    def ended(self) -> list[datetime]:
        """When each bar ended, as aware UTC instants."""
        ends: list[datetime] = self.ends.astype("datetime64[s]").astype(object).tolist()
        return [end.replace(tzinfo=UTC) for end in ends]

    def ended_by(self, at: datetime) -> Self:
        """Return the bars that had ended at an instant."""
        return self[: int(np.searchsorted(self.ends, instant(at), side="right"))]


class Frame(Struct, frozen=True):
    """The bars of a timeframe at an instant.

    Parameters
    ----------
    bars : IntradayBars
        Those that had ended.
    running : IntradayBars
        The one that had not, by what there was of it; at most one, and it counts for nothing.
    why : str
        Why no decision may rest on them, naming symbol and timeframe; empty where one may.
    """

    bars: IntradayBars
    running: IntradayBars
    why: str = ""


def instant(at: datetime) -> np.datetime64:
    """Return an aware instant as the bars have it."""
    return np.datetime64(at.astimezone(UTC).replace(tzinfo=None), "s")


def nothing(symbol: str, source: str) -> IntradayBars:
    """Return no bars."""
    return IntradayBars.within(symbol, source, ([], [], []), {name: [] for name in VALUES})


def regular_hours(told: tuple[str, str], minutes: int, rows: Rows, sessions: Sequence[Session]) -> IntradayBars:
    """Return what a source told, without what lies outside the sessions.

    A row without any price is a bar without a trade, and is left out.

    Parameters
    ----------
    told : (str, str)
        Symbol and source.
    minutes : int
        Length of a bar.
    rows : Rows
        What it told.
    sessions : sequence of Session
        Those the rows lie in, oldest first.

    Raises
    ------
    ValueError
        Naming the first bar that does not begin a whole number of bars after the open, or whose numbers contradict
        each other.
    """
    begins = np.array(rows["begins"], dtype="datetime64[s]")
    columns = {name: np.array(rows[name], dtype=np.float64) for name in VALUES}
    opens, closes = (
        np.array([instant(getattr(one, name)) for one in sessions], dtype="datetime64[s]") for name in ("open", "close")
    )
    at = np.searchsorted(opens, begins, side="right") - 1
    priced = ~np.isnan(np.vstack([columns[name] for name in PRICE_COLUMNS])).all(axis=0)
    inside = priced & (at >= 0) & (begins < closes[at] if len(closes) else False)
    begins, at, columns = begins[inside], at[inside], {name: column[inside] for name, column in columns.items()}
    step = np.timedelta64(minutes * 60, "s")
    odd = (begins - opens[at]) % step != np.timedelta64(0, "s") if len(begins) else np.zeros(0, dtype=bool)
    where = f"{told[0]}: the {minutes}-minute bar of {told[1]} at "
    if odd.any():
        raise ValueError(f"{where}{begins[odd][0]}Z does not begin a whole number of bars after the open")
    high, low, volume = columns["high"], columns["low"], columns["volume"]
    prices = np.vstack([columns[name] for name in PRICE_COLUMNS])
    fine = (prices > 0).all(axis=0) & (prices <= high).all(axis=0) & (prices >= low).all(axis=0) & ~(volume < 0)
    if not fine.all():
        raise ValueError(f"{where}{begins[~fine][0]}Z has prices or a volume that cannot be")
    days = np.array([one.day for one in sessions], dtype="datetime64[D]")[at]
    return IntradayBars.within(*told, (days, begins, np.minimum(begins + step, closes[at])), columns)


def in_frame(bars: IntradayBars, timeframe: Timeframe, sessions: Sequence[Session], at: datetime) -> Frame:
    """Return bars of a longer timeframe, each counted from its session's open; the last of a session is the rest.

    Parameters
    ----------
    bars : IntradayBars
        Shorter ones, or of the same length.
    timeframe : Timeframe
        What one bar stands for; weeks run from Monday to Sunday, months are calendar months.
    sessions : sequence of Session
        Those of the bars, oldest first.
    at : datetime
        What had not ended by then is left out, or runs.
    """
    known = bars.ended_by(at)
    if not len(known):
        return Frame(known, known)
    opens = np.array([instant(one.open) for one in sessions], dtype="datetime64[s]")
    closes = np.array([instant(one.close) for one in sessions], dtype="datetime64[s]")
    of = np.searchsorted(opens, known.begins, side="right") - 1
    step = np.timedelta64(timeframe.minutes * 60, "s")
    begins = opens[of] + (known.begins - opens[of]) // step * step
    starts = np.flatnonzero(np.r_[True, begins[1:] != begins[:-1]])
    last = np.r_[starts[1:] - 1, len(known) - 1]
    columns = {
        "open": known.open[starts],
        "high": np.maximum.reduceat(known.high, starts),
        "low": np.minimum.reduceat(known.low, starts),
        "close": known.close[last],
        "volume": np.add.reduceat(known.volume, starts),
    }
    ends = np.minimum(begins[starts] + step, closes[of[starts]])
    whole = IntradayBars.within(bars.symbol, bars.source, (known.days[starts], begins[starts], ends), columns)
    ended = whole.ended_by(at)
    return Frame(ended, whole.tail(len(whole) - len(ended)))


def fit_frame(
    bars: IntradayBars,
    minutes: int,
    timeframe: Timeframe,
    sessions: Sequence[Session],
    at: datetime,
    needed: int,
) -> Frame:
    """Return the newest bars of a timeframe, as many as are needed, and whether a decision may rest on them.

    Parameters
    ----------
    bars : IntradayBars
        As the source told them.
    minutes : int
        Length of these.
    timeframe : Timeframe
        What one bar stands for; weeks run from Monday to Sunday, months are calendar months.
    sessions : sequence of Session
        Those of the bars without a gap, oldest first; the newest is the one being decided.
    at : datetime
        Instant of the decision's snapshot.
    needed : int
        Bars of the timeframe.
    """
    found = in_frame(bars, timeframe, sessions, at)
    kept, about = found.bars.tail(needed), f"{bars.symbol} {timeframe}"
    if len(kept) < needed:
        return replace(found, why=f"{about}: {len(kept)} bars from {bars.source}, {needed} needed")
    used = [one for one in sessions if kept.day(0) <= one.day]
    missing = missing_in(bars, minutes, used, at)
    return Frame(kept, found.running, f"{about}: {missing}" if missing else "")


def sessions_for(timeframe: Timeframe, needed: int, sessions: Sequence[Session], at: datetime) -> tuple[Session, ...]:
    """Return the newest sessions that hold that many bars by an instant, even where `MISSING_FRAC` of them is missing.

    Parameters
    ----------
    timeframe : Timeframe
        What one bar stands for; weeks run from Monday to Sunday, months are calendar months.
    needed : int
        How many bars are needed.
    sessions : sequence of Session
        Oldest first, without a gap.
    at : datetime
        Instant up to which the market is seen, UTC.
    """
    found, count, step = [], 0.0, timedelta(minutes=timeframe.minutes)
    for one in reversed(sessions):
        if one.open >= at:
            continue
        found.append(one)
        # A session of early close has fewer.
        count += (1 - MISSING_FRAC) * (-((one.open - min(at, one.close)) // step))
        if count >= needed + 1:
            break
    return tuple(reversed(found))


def unlike_daily(bars: IntradayBars, daily: Bars) -> str:
    """Return the first session whose prices are not those of its daily bar, as after a split; empty for none."""
    if not len(bars) or not len(daily):
        return ""
    starts = np.flatnonzero(np.r_[True, bars.days[1:] != bars.days[:-1]])
    days = bars.days[starts]
    at = np.minimum(np.searchsorted(daily.days, days), len(daily) - 1)
    beyond = np.maximum.reduceat(bars.high, starts) > daily.high[at] * (1 + APART_FRAC)
    below = np.minimum.reduceat(bars.low, starts) < daily.low[at] * (1 - APART_FRAC)
    wrong = np.flatnonzero((daily.days[at] == days) & (beyond | below))
    return f"prices from {bars.source} of {days[wrong[0]]} are not those of its daily bar" if len(wrong) else ""


def missing_in(bars: IntradayBars, minutes: int, sessions: Sequence[Session], at: datetime) -> str:
    """Return which session lacks more than `MISSING_FRAC` of the bars it has by an instant; empty where none does.

    Parameters
    ----------
    bars : IntradayBars
        Bars of regular hours, oldest first; `days` names the session of each.
    minutes : int
        Length of a bar, minutes.
    sessions : sequence of Session
        Sessions to look at.
    at : datetime
        Instant up to which the market is seen, UTC.
    """
    days, counts = np.unique(bars.ended_by(at).days, return_counts=True)
    found = dict(zip(days.tolist(), counts.tolist(), strict=True))
    for one in sessions:
        length = min(one.close, max(one.open, at)) - one.open
        whole = length // timedelta(minutes=minutes)
        due = whole + (one.close <= at and length % timedelta(minutes=minutes) > timedelta(0))
        lacking = due - found.get(one.day, 0)
        if lacking > MISSING_FRAC * due:
            return f"{lacking} of the {due} {minutes}-minute bars of {one.day} are missing from {bars.source}"
    return ""


def _read_only[T: np.generic](array: NDArray[T]) -> NDArray[T]:
    array.flags.writeable = False
    return array
