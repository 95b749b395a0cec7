"""Bring the cache of bars up to date: read what is missing and the last sessions again."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta

from msgspec import Struct
from msgspec.structs import replace

from mtum.app.bars.accept_bars import Answer, Reading, Refresh, accept_bars, judge_answer
from mtum.app.bars.accept_closes import accept_closes
from mtum.app.bars.bar_desk import BarDesk
from mtum.core.market.bars import Bars, among
from mtum.core.market.sessions import Session, Sessions
from mtum.core.market.sifting import CONTEXT_SESSIONS
from mtum.core.market.validation import session_days
from mtum.errors import MtumError, SourceUnavailableError, StoreError, TooManyRequestsError
from mtum.ports.market_data import told_dividends
from mtum.ports.store import Store

OVERLAP_SESSIONS = 10
"""Sessions read again each time, so that a vendor's corrections are noticed."""
TOGETHER = 25
"""Symbols accepted in one transaction: where the program is killed, as many at most are read again."""


def refresh_bars(
    desk: BarDesk, symbol: str, session: Session, sessions: Sessions, *, through_session: bool = False
) -> Refresh:
    """Bring one symbol up to date for a session.

    Parameters
    ----------
    desk : BarDesk
        The part of a desk that reading bars touches; `second` is the source that must agree, if any.
    symbol : str
        Ticker.
    session : Session
        The session, with its open and close.
    sessions : Sessions
        The history wanted and the session itself; with an empty cache all of it is read.
    through_session : bool
        Read the session's own bar too, once its close has passed.

    Raises
    ------
    SourceUnavailableError
        If the source does not answer and the cache lacks a session.
    BarsRestatedError
        If the source's prices and splits contradict the cache; nothing is written then.
    """
    ((_, found),) = refresh_each(desk, (symbol,), session, sessions, through_session=through_session)
    if isinstance(found, MtumError):
        raise found
    return found


def refresh_each(
    desk: BarDesk, symbols: Sequence[str], session: Session, sessions: Sessions, *, through_session: bool = False
) -> Iterator[tuple[str, Refresh | MtumError]]:
    """Bring symbols up to date for a session, each as `refresh_bars` does; yield what came of it, or why it failed.

    Parameters
    ----------
    desk : BarDesk
        The part of a desk that reading bars touches; `second` is the source that must agree, if any.
    symbols : sequence of str
        Tickers, each once.
    session : Session
        The session, with its open and close.
    sessions : Sessions
        The history wanted and the session itself; with an empty cache all of it is read.
    through_session : bool
        Read the session's own bar too, once its close has passed.
    """
    group: list[tuple[str, Answer | Refresh | MtumError]] = []
    for symbol in symbols:
        # No transaction is open while a source may be waited for.
        group.append((symbol, _answer(desk, symbol, session, sessions, through_session=through_session)))
        # Who is told of a failure may not want to ask any further.
        if len(group) == TOGETHER or isinstance(group[-1][1], MtumError):
            yield from _accepted(desk.store, group)
            group = []
    yield from _accepted(desk.store, group)


def _answer(
    desk: BarDesk, symbol: str, session: Session, sessions: Sessions, *, through_session: bool
) -> Answer | Refresh | MtumError:
    """Ask for a symbol and judge what comes; what has come already where there is nothing to judge."""
    now, source = desk.clock.now(), desk.source
    try:
        question = reading_of(desk, symbol, session, sessions, through_session=through_session)
        if question is None:
            return Refresh(symbol, source.name, desk.store.bars.last_final(symbol, source.name))
        try:
            fresh = source.history(*question.arguments)
        except SourceUnavailableError as error:
            if question.missing:
                raise
            note = f"{symbol}: the cache is complete, but revisions could not be looked for: {error}"
            away = isinstance(error, TooManyRequestsError)
            return Refresh(symbol, source.name, question.cached.last_day, notes=(note,), turned_away=away)
        answer = judge_answer(desk, Reading(question.cached, fresh, question.wanted, now, session))
        told_by = source.coverage(symbol).told_by
        news = told_by and desk.store.control.meta(told_dividends(symbol, source.name)) != told_by
        return replace(answer, told_by=told_by) if news else answer
    except MtumError as error:
        return error


def _accepted(
    store: Store, group: Sequence[tuple[str, Answer | Refresh | MtumError]]
) -> Iterator[tuple[str, Refresh | MtumError]]:
    """Accept a group's answers together, each by itself where the database refuses that; yield what came of them."""
    refused: StoreError | None = None
    try:
        accept_bars(store, [one for _, one in group if isinstance(one, Answer)])
    except StoreError as error:
        refused = error
    if refused is None:
        yield from ((symbol, one.refresh if isinstance(one, Answer) else one) for symbol, one in group)
    elif len(group) == 1:
        yield group[0][0], refused
    else:
        # Each is told before the next is tried: another process may keep the file locked for long.
        for one in group:
            yield from _accepted(store, [one])


def refresh_series(
    desk: BarDesk, name: str, session: Session, sessions: Sessions, *, through_session: bool = False
) -> int:
    """Bring the official closes of an extra series up to date; return how many values were new.

    Parameters
    ----------
    desk : BarDesk
        The part of a desk that reading bars touches; `second` is the source that must agree, if any.
    name : str
        Name of the series.
    session : Session
        The session, with its open and close.
    sessions : Sessions
        A gapless run of sessions, oldest first, with look-ups by date.
    through_session : bool
        Whether the session itself is over and wanted too.

    Raises
    ------
    SourceUnavailableError
        If the source does not answer.
    """
    over = through_session and desk.clock.now() >= session.close
    finished = [one for one in sessions if one.day < session.day or (over and one.day == session.day)]
    if not finished:
        return 0
    cached = desk.store.bars.series(name, desk.source.name, finished[0].day)
    known = [one.day for one in finished if one.day in cached]
    first = known[-OVERLAP_SESSIONS] if len(known) >= OVERLAP_SESSIONS else finished[0].day
    read = desk.source.series_history(name, first, finished[-1].day)
    return accept_closes(desk.store.bars, (name, desk.source.name), read, finished, desk.clock.now())


def missing_sessions(cached: Bars, wanted: Sequence[Session]) -> list[date]:
    """Return the wanted sessions that are not cached, from the first cached bar on; all with an empty cache."""
    days = session_days(tuple(one.day for one in wanted))
    if len(cached):
        days = days[days >= cached.days[0]]
    found: list[date] = days[~among(days, cached.days)].astype(object).tolist()
    return found


class ToRead(Struct, frozen=True):
    """What a source is asked for, and the part of the cache that its answer can touch.

    Parameters
    ----------
    missing : bool
        Whether a wanted session is not cached; else it is only looked for revisions.
    """

    symbol: str
    cached: Bars
    wanted: tuple[Session, ...]
    first: date
    missing: bool

    @property
    def last(self) -> date:
        """The newest session that is wanted."""
        return self.wanted[-1].day

    @property
    def arguments(self) -> tuple[str, date, date]:
        """Symbol, first and last day of the question."""
        return self.symbol, self.first, self.last


def reading_of(
    desk: BarDesk, symbol: str, session: Session, sessions: Sessions, *, through_session: bool = False
) -> ToRead | None:
    """Return what `refresh_bars` with these arguments would read; None for nothing.

    Parameters
    ----------
    desk : BarDesk
        The part of a desk that reading bars touches; `second` is the source that must agree, if any.
    symbol : str
        Ticker.
    session : Session
        The session, with its open and close.
    sessions : Sessions
        A gapless run of sessions, oldest first, with look-ups by date.
    through_session : bool
        Whether the session itself is over and wanted too.
    """
    through = through_session and desk.clock.now() >= session.close
    wanted = sessions.between(date.min, session.day if through else session.day - timedelta(days=1))
    if not wanted:
        return None
    source = desk.source.name
    told_by = desk.source.coverage(symbol).told_by
    if told_by and desk.store.control.meta(told_dividends(symbol, source)) != told_by:
        return _everything(desk, symbol, wanted)
    # The wanted sessions alone; a split that re-bases the whole cache reads all of it.
    cached = desk.store.bars.bars(symbol, source, wanted[0].day)
    if not len(cached):
        cached, wanted = _after_a_gap(desk, symbol, wanted)
    elif cached.days.tobytes() == session_days(sessions.days[: len(wanted)])[: len(cached)].tobytes():
        # Nothing is missing inside: only the overlap and what the rules look back on is judged.
        again = max(0, len(cached) - OVERLAP_SESSIONS)
        near = slice(max(0, again - CONTEXT_SESSIONS), None)
        return ToRead(symbol, cached[near], wanted[near], wanted[again].day, len(cached) < len(wanted))
    missing = missing_sessions(cached, wanted)
    return ToRead(symbol, cached, wanted, _first_asked(cached, wanted, missing), bool(missing))


def _everything(desk: BarDesk, symbol: str, wanted: tuple[Session, ...]) -> ToRead:
    # Bars cached without the dividends, or with another's word for them, are read again from the first on.
    cached = desk.store.bars.bars(symbol, desk.source.name)
    if len(cached) and cached.day(0) < wanted[0].day:
        wanted = (*desk.calendar.sessions(cached.day(0), wanted[0].day - timedelta(days=1)), *wanted)
    return ToRead(symbol, cached, wanted, wanted[0].day, bool(missing_sessions(cached, wanted)))


def _after_a_gap(desk: BarDesk, symbol: str, wanted: tuple[Session, ...]) -> tuple[Bars, tuple[Session, ...]]:
    # Read from the end of an old cache on, so that a split in between is seen.
    cached = desk.store.bars.bars(symbol, desk.source.name)
    if not len(cached) or cached.last_day >= wanted[0].day:
        return cached, wanted
    overlap = cached.day(max(-len(cached), -OVERLAP_SESSIONS))
    return cached, (*desk.calendar.sessions(overlap, wanted[0].day - timedelta(days=1)), *wanted)


def _first_asked(cached: Bars, wanted: Sequence[Session], missing: list[date]) -> date:
    if not len(cached) or wanted[0].day < cached.day(0):
        # Nothing is cached, or a longer history is needed than is cached.
        return wanted[0].day
    newest = cached.last_day  # computed once: there may be thousands of sessions
    known = [one.day for one in wanted if one.day <= newest]
    overlap = known[max(0, len(known) - OVERLAP_SESSIONS)]
    return min([overlap, *missing[:1]])
