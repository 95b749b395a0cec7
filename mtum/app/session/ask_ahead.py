"""Asking sources for many symbols at once, each within the time that the window leaves.

A source that takes time answers side by side; what has not come when the time is up is not gathered, and hurts its
own symbol only.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from mtum.app.bars.intraday import read_within, to_read_within
from mtum.app.bars.own_volatility import volatility_calls
from mtum.app.bars.refresh_bars import ToRead, reading_of
from mtum.app.desk import Desk
from mtum.core.market.sessions import Session, Sessions
from mtum.core.market.timeframes import Timeframe
from mtum.core.market.volume import LEARNING_SESSIONS, UsualShare, usual_share
from mtum.core.portfolio.sleeves import series_of
from mtum.ports.market_data import AsksAhead, SourceCall, TellsVolatility

GATHER_SECONDS = 90.0
"""Longest time for all bars, and for all quotes."""
RESERVE_SECONDS = 10.0
"""Kept of the time before the data deadline, for judging what has come."""
_LEAST_SECONDS = 5.0


class OwnShare(NamedTuple):
    """What our own snapshots say of the share traded by now, and whether they alone are enough."""

    share: UsualShare | None
    proven: bool


def own_share(desk: Desk, symbol: str, session: Session, minutes: float) -> OwnShare:
    """Return the share of a session's volume usually traded so many minutes before its close, by our snapshots.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    symbol : str
        Ticker.
    session : Session
        The session, with its open and close.
    minutes : float
        Minutes before the close.
    """
    observed = desk.store.volumes.observed_shares(symbol, desk.source.name, session.day, minutes)
    found = usual_share(observed, minutes, None)
    return OwnShare(found, found is not None and found.learned_sessions == LEARNING_SESSIONS)


def ask_histories(desk: Desk, symbols: Sequence[str], session: Session, sessions: Sessions) -> None:
    """Ask for what the caches of these symbols lack, and for what their volumes are projected with.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    symbols : sequence of str
        Tickers.
    session : Session
        The session, with its open and close.
    sessions : Sessions
        A gapless run of sessions, oldest first, with look-ups by date.
    """
    if not isinstance(desk.source, AsksAhead):
        return
    minutes = desk.settings.schedule.snapshot_minutes
    readings = [one for symbol in symbols if (one := reading_of(desk, symbol, session, sessions)) is not None]
    shares = [symbol for symbol in symbols if not own_share(desk, symbol, session, minutes).proven]
    calls = [SourceCall("history", one.arguments) for one in readings]
    calls += [SourceCall("volume_share", (symbol, session, minutes)) for symbol in shares]
    _ask(desk.source, calls, _early(desk, session))
    _ask_second(desk, readings, _left(desk, session) / 2)


def ask_closes(desk: Desk, symbols: Sequence[str], session: Session, sessions: Sessions) -> None:
    """Ask for the official closes of a session that is over, and what else the caches lack.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    symbols : sequence of str
        Tickers.
    session : Session
        The session, with its open and close.
    sessions : Sessions
        A gapless run of sessions, oldest first, with look-ups by date.
    """
    if isinstance(desk.source, AsksAhead):
        found = (reading_of(desk, symbol, session, sessions, through_session=True) for symbol in symbols)
        readings = [one for one in found if one is not None]
        _ask(desk.source, [SourceCall("history", one.arguments) for one in readings], GATHER_SECONDS)
        _ask_second(desk, readings, GATHER_SECONDS)


def _ask_second(desk: Desk, readings: Sequence[ToRead], seconds: float) -> None:
    newest = [SourceCall("history", (one.symbol, one.last, one.last)) for one in readings if one.missing]
    _ask(desk.second, newest, seconds)


def ask_quotes(desk: Desk, symbols: Sequence[str], when: tuple[Session, Sessions, datetime]) -> None:
    """Ask for today's bars of these symbols, and for the extra series; then the second source for its opinion.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    symbols : sequence of str
        Tickers.
    when : (Session, Sessions, datetime)
        Session, calendar around it, and the instant of the decision.
    """
    session, sessions, at = when
    quotes = [SourceCall("quote", (symbol, session, at)) for symbol in symbols]
    series = [SourceCall("series", (name, session, at)) for name in series_of(desk.deciding)]
    own = volatility_calls(desk, session) if isinstance(desk.source, TellsVolatility) else []
    _ask(desk.source, [*quotes, *series, *own], _left(desk, session))
    before = sessions.before(session.day)
    closes = [SourceCall("history", (symbol, before.day, before.day)) for symbol in symbols if before]
    _ask(desk.second, [*quotes, *closes, *series], _left(desk, session))


def read_all_within(
    desk: Desk, asked: Mapping[str, Mapping[Timeframe, int]], session: Session, at: datetime, *, early: bool = False
) -> dict[str, str]:
    """Read the bars within the sessions that sleeves ask for; return which symbols' could not be read, and why.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    asked : mapping of str to mapping of Timeframe to int
        Bars within the session that strategies ask for: count by symbol and timeframe.
    session : Session
        The session, with its open and close.
    at : datetime
        Instant of the decision, UTC.
    early : bool
        Whether it is before the snapshot, which must not wait for it.
    """
    questions = to_read_within(desk, asked, session, at)
    _ask(desk.source, [one.call for one in questions], (_early if early else _left)(desk, session))
    return {one.symbol: why for one in questions if (why := read_within(desk, one, at))}


def _early(desk: Desk, session: Session) -> float:
    # What is asked before the snapshot has until then; after it, or right before, the quotes need the other half.
    until = (session.before_close(desk.settings.schedule.snapshot_minutes) - desk.clock.now()).total_seconds()
    return min(until, GATHER_SECONDS) if until > _LEAST_SECONDS else _left(desk, session) / 2


def _left(desk: Desk, session: Session) -> float:
    # Outside the trading window (a dry run) a look at the market gets as long as inside it.
    deadline = session.before_close(desk.settings.schedule.data_deadline_minutes)
    left = (deadline - desk.clock.now()).total_seconds()
    return min(GATHER_SECONDS, max(_LEAST_SECONDS, left - RESERVE_SECONDS)) if left > 0 else GATHER_SECONDS


def _ask(source: object, calls: Sequence[SourceCall], seconds: float) -> None:
    if calls and isinstance(source, AsksAhead):
        source.ask_ahead(calls, seconds)
