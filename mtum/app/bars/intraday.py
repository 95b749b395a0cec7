"""Bars within the sessions: read where a sleeve asks for them, kept, and shown to it only where they are fit."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta

from msgspec import Struct, field

from mtum.app.bars.bar_desk import BarDesk
from mtum.core.market.bars import Bars
from mtum.core.market.intraday import (
    IntradayBars,
    fit_frame,
    nothing,
    regular_hours,
    sessions_for,
    unlike_daily,
)
from mtum.core.market.sessions import Session
from mtum.core.market.timeframes import Timeframe
from mtum.core.strategies.contract import Strategy
from mtum.errors import MtumError
from mtum.ports.market_data import SourceCall, TellsIntraday

_SHORTEST_MINUTES = 210


class ToReadWithin(Struct, frozen=True):
    """What a source is asked of one symbol: bars of one length, of these sessions."""

    symbol: str
    minutes: int
    sessions: tuple[Session, ...]

    @property
    def call(self) -> SourceCall:
        """The question."""
        return SourceCall("intraday", (self.symbol, self.minutes, self.sessions[0].day, self.sessions[-1].day))


class Within(Struct, frozen=True):
    """The bars within the sessions that were gathered for an instant.

    Parameters
    ----------
    told : mapping of (symbol, timeframe) to (minutes, IntradayBars)
        Bars of the source's own length, of which those of the timeframe are made.
    lacking : mapping of (symbol, timeframe) to str
        Why there are none.
    sessions : tuple of Session
        Those that any of the bars lie in, without a gap.
    """

    at: datetime
    told: Mapping[tuple[str, Timeframe], tuple[int, IntradayBars]] = field(default_factory=dict)
    lacking: Mapping[tuple[str, Timeframe], str] = field(default_factory=dict)
    sessions: tuple[Session, ...] = ()
    _judged: dict[tuple[str, Timeframe, int], tuple[IntradayBars, str]] = field(default_factory=dict)

    def of(
        self, strategy: Strategy, daily: Mapping[str, Bars]
    ) -> tuple[dict[tuple[str, Timeframe], IntradayBars], tuple[str, ...]]:
        """Return the frames a strategy may see, and why it sees no others.

        Parameters
        ----------
        daily : mapping of symbol to Bars
            Its symbols that are fit.
        """
        frames: dict[tuple[str, Timeframe], IntradayBars] = {}
        why: list[str] = []
        for symbol, bars in daily.items():
            for timeframe, needed in strategy.intraday_bars.items():
                found, wrong = self._frame(symbol, timeframe, needed, bars)
                if wrong:
                    why.append(f"{symbol} not seen: {wrong}; a condition on them does not hold")
                else:
                    frames[symbol, timeframe] = found
        return frames, tuple(dict.fromkeys(why))

    def _frame(self, symbol: str, timeframe: Timeframe, needed: int, daily: Bars) -> tuple[IntradayBars, str]:
        # Several sleeves may ask for the same.
        key = (symbol, timeframe, needed)
        if (symbol, timeframe) not in self.told:
            return nothing(symbol, daily.source), self.lacking.get(key[:2], f"{symbol} {timeframe} was not gathered")
        if key not in self._judged:
            minutes, told = self.told[symbol, timeframe]
            frame = fit_frame(told, minutes, timeframe, self.sessions, self.at, needed)
            apart = "" if frame.why else unlike_daily(frame.bars, daily)
            self._judged[key] = frame.bars, frame.why or (apart and f"{symbol} {timeframe}: {apart}")
        return self._judged[key]


def asked_within(strategies: Iterable[Strategy]) -> dict[str, dict[Timeframe, int]]:
    """Return the bars within the sessions that strategies ask for, by symbol; empty where none does."""
    found: dict[str, dict[Timeframe, int]] = {}
    for one in strategies:
        for timeframe, needed in one.intraday_bars.items():
            for symbol in (*one.universe(), *one.reads()):
                of = found.setdefault(symbol, {})
                of[timeframe] = max(needed, of.get(timeframe, 0))
    return found


def to_read_within(
    desk: BarDesk, asked: Mapping[str, Mapping[Timeframe, int]], session: Session, at: datetime
) -> list[ToReadWithin]:
    """Return what the source is to be asked: the sessions wanted from the first that was not read once over.

    Parameters
    ----------
    desk : BarDesk
        The part of a desk that reading bars touches; `second` is the source that must agree, if any.
    asked : mapping of str to mapping of Timeframe to int
        Bars within the session that strategies ask for: count by symbol and timeframe.
    session : Session
        The session, with its open and close.
    at : datetime
        Instant up to which the market is seen, UTC.
    """
    found = []
    for (symbol, minutes), wanted in _wanted(desk, asked, session, at).items():
        since = wanted[0].day
        read = desk.store.intraday.read_times(symbol, desk.source.name, minutes, since)
        # What was read before a split is in the shares of before.
        daily = desk.store.bars.eventful(symbol, desk.source.name, since, session.day)
        splits = [daily.day(at) for at in range(len(daily)) if daily.split[at] not in (0.0, 1.0)]
        open_ = next(
            (
                number
                for number, one in enumerate(wanted)
                if one.day not in read or any(one.day < day and read[one.day].date() < day for day in splits)
            ),
            None,
        )
        if open_ is not None:
            found.append(ToReadWithin(symbol, minutes, wanted[open_:]))
    return found


def read_within(desk: BarDesk, question: ToReadWithin, at: datetime) -> str:
    """Read bars within the sessions into the cache, those that had ended; return why that failed, else nothing.

    Parameters
    ----------
    desk : BarDesk
        The part of a desk that reading bars touches; `second` is the source that must agree, if any.
    question : ToReadWithin
        What a source is asked of one symbol: bars of one length, of these sessions.
    at : datetime
        Instant up to which the market is seen, UTC.
    """
    source = desk.source
    if not isinstance(source, TellsIntraday):
        return ""
    try:
        rows = source.intraday(*question.call.arguments)
        name = (question.symbol, source.name)
        bars = regular_hours(name, question.minutes, rows, question.sessions).ended_by(at)
    except (MtumError, ValueError) as error:
        return str(error)
    over = [one.day for one in question.sessions if one.close <= at]
    desk.store.intraday.accept(bars, question.minutes, at, over)
    return ""


def gathered_within(
    desk: BarDesk,
    asked: Mapping[str, Mapping[Timeframe, int]],
    session: Session,
    at: datetime,
    failed: Mapping[str, str],
) -> Within:
    """Return what the cache holds of what strategies ask for.

    Parameters
    ----------
    desk : BarDesk
        The part of a desk that reading bars touches; `second` is the source that must agree, if any.
    asked : mapping of str to mapping of Timeframe to int
        Bars within the session that strategies ask for: count by symbol and timeframe.
    session : Session
        The session, with its open and close.
    at : datetime
        Instant up to which the market is seen, UTC.
    failed : mapping of symbol to str
        Why the newest bars of a symbol could not be read.
    """
    wanted = _wanted(desk, asked, session, at)
    sessions = max(wanted.values(), key=len, default=())
    bars: dict[tuple[str, int], IntradayBars | str] = {}
    for (symbol, minutes), own in wanted.items():
        name = (symbol, desk.source.name)
        rows = desk.store.intraday.rows(*name, minutes, own[0].day)
        try:
            bars[symbol, minutes] = regular_hours(name, minutes, rows, sessions)
        except ValueError as error:
            bars[symbol, minutes] = str(error)
    told: dict[tuple[str, Timeframe], tuple[int, IntradayBars]] = {}
    lacking: dict[tuple[str, Timeframe], str] = {}
    for symbol, timeframes in asked.items():
        for timeframe in timeframes:
            minutes = _minutes_for(desk, symbol, timeframe)
            kept = bars.get((symbol, minutes), f"{symbol}: {desk.source.name} has no bars of {timeframe}")
            if isinstance(kept, str) or symbol in failed:
                lacking[symbol, timeframe] = failed.get(symbol) or str(kept)
            else:
                told[symbol, timeframe] = minutes, kept
    return Within(at, told, lacking, sessions)


def _minutes_for(desk: BarDesk, symbol: str, timeframe: Timeframe) -> int:
    return desk.source.minutes_for(symbol, timeframe) if isinstance(desk.source, TellsIntraday) else 0


def _wanted(
    desk: BarDesk, asked: Mapping[str, Mapping[Timeframe, int]], session: Session, at: datetime
) -> dict[tuple[str, int], tuple[Session, ...]]:
    # Sessions by symbol and length of the source's own bars, the longest run where several timeframes need them.
    found: dict[tuple[str, int], tuple[Session, ...]] = {}
    known: dict[tuple[Timeframe, int], tuple[Session, ...]] = {}
    for symbol, timeframes in asked.items():
        for timeframe, needed in timeframes.items():
            minutes = _minutes_for(desk, symbol, timeframe)
            if minutes:
                if (timeframe, needed) not in known:
                    known[timeframe, needed] = sessions_for(
                        timeframe, needed, _before(desk, session, timeframe, needed), at
                    )
                own = known[timeframe, needed]
                found[symbol, minutes] = max(own, found.get((symbol, minutes), ()), key=len)
    return {key: own for key, own in found.items() if own}


def _before(desk: BarDesk, session: Session, timeframe: Timeframe, needed: int) -> Sequence[Session]:
    # So many days that even sessions of early close alone would do.
    most = needed / max(1, _SHORTEST_MINUTES // timeframe.minutes)
    first: date = session.day - timedelta(days=round(most * 1.1 * 1.5) + 15)
    return desk.calendar.sessions(first, session.day).known
