"""The state at a glance, from what the database holds and the timetable says; nothing is asked of the broker."""

from collections.abc import Callable, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from msgspec import Struct

from mtum.app.service.schedule import Wake, timetable, upcoming
from mtum.config import REPLAYED_SOURCES, Settings
from mtum.config.account import ownership_problems
from mtum.core.market.calendars import NEW_YORK
from mtum.core.market.sessions import Session, Sessions
from mtum.errors import ExitCode
from mtum.ports.reading import DatabaseState
from mtum.ports.rows import RunRow, SessionRow

_WAKING_SESSIONS = 2
_AHEAD = timedelta(days=14)


class Status(Struct, frozen=True):
    """The state at a glance.

    Parameters
    ----------
    account : str or None
        The records' own, else that of the settings; None in practice before the first run.
    replayed : bool
        Whether market time is the records' own and not the computer's: on a replay or the practice gateway.
    halt : str
        The strongest in force: full, reduce_only or none.
    unsettled : sequence of str
        Decided sessions whose close is over and whose books are open.
    problems : sequence of str
        How the records contradict the settings.
    """

    account: str | None
    replayed: bool
    halt: str
    unsettled: Sequence[str]
    next_session: Session | None
    next_wakes: Sequence[Wake]
    problems: Sequence[str]


def status_of(
    settings: Settings, state: DatabaseState, now: datetime, calendar: Callable[[date, date], Sessions]
) -> Status:
    """Judge the records as they stand now.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    state : DatabaseState
        The records at a glance; as it stands, of a database that does not exist yet.
    now : datetime
        The computer's time; a replayed market and a practice gateway have their own, that of the last run.
    calendar : callable
        The exchange's sessions from one day to another; asked only where the last run knew too few.
    """
    sessions = _sessions(state.sessions)
    replay = settings.mode == "practice" and settings.market.source in REPLAYED_SOURCES
    rehearsal = settings.mode != "live" and state.rehearsal and state.last_run is not None
    halted = {halt.restriction for halt in state.halts}
    moment = _replayed_moment(state.last_run, sessions) if replay else now
    if rehearsal and state.last_run is not None:
        moment = datetime.fromisoformat(state.last_run.finished_at or state.last_run.started_at)
    if not replay and moment is not None and _next_session(sessions, moment) is None:
        sessions = calendar(moment.date() - timedelta(days=1), moment.date() + _AHEAD)
    slots = timetable(settings.schedule, options=settings.trades_options)
    return Status(
        account=state.account or settings.broker.account or None,
        replayed=replay or rehearsal,
        halt=next((word for word in ("full", "reduce_only") if word in halted), "none"),
        unsettled=[day for day in state.unsettled if _is_over(date.fromisoformat(day), sessions, moment)],
        next_session=_next_session(sessions, moment) if moment else None,
        next_wakes=upcoming(moment, sessions, _WAKING_SESSIONS, slots) if moment else (),
        problems=ownership_problems(settings, state.mode, state.account),
    )


def status_document(settings: Settings, state: DatabaseState, found: Status) -> dict[str, Any]:
    """Return the state as commands and pages answer it.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    state : DatabaseState
        The records at a glance; as it stands, of a database that does not exist yet.
    found : Status
        The state at a glance.
    """
    after = found.next_session
    return {
        "mode": settings.mode,
        "account": found.account,
        "strategy": ", ".join(settings.configured()),
        "source": settings.market.source,
        "replayed": found.replayed,
        "positions": state.positions,
        "position": state.positions[0] if state.positions else None,
        "open_orders": state.open_orders,
        "halts": state.halts,
        "halt": found.halt,
        "others": state.others,
        "cash_usd": state.cash_usd,
        "equity": state.equity,
        "cash_settles_by": state.cash_settles_by,
        "unsettled": found.unsettled,
        "last_run": state.last_run,
        "needs": state.needs,
        "next_session": after and {"session": after.day, "closes_at": after.close, "half_day": after.half_day},
        "next_wakes": [_wake_document(wake) for wake in found.next_wakes],
        "undelivered": state.undelivered,
        "problems": [{"code": int(ExitCode.USAGE), "text": text} for text in found.problems],
    }


def _wake_document(wake: Wake) -> dict[str, Any]:
    return {
        "job": wake.job,
        "slot": wake.slot,
        "session": wake.session,
        "at_utc": wake.at,
        "at_new_york": wake.at.astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M"),
    }


def _sessions(rows: Sequence[SessionRow]) -> Sessions:
    known = (
        Session(date.fromisoformat(one.session), *map(datetime.fromisoformat, (one.opens_at, one.closes_at)))
        for one in rows
    )
    return Sessions(tuple(known))


def _replayed_moment(last_run: RunRow | None, sessions: Sessions) -> datetime | None:
    # A replay stands at the end of the last session that it has played.
    if last_run is None or not last_run.session:
        return sessions.known[0].open if len(sessions) else None
    day = date.fromisoformat(last_run.session)
    later = [session for session in sessions if session.day > day]
    return later[0].open - timedelta(hours=1) if later else None


def _next_session(sessions: Sessions, moment: datetime) -> Session | None:
    return next((session for session in sessions if session.close > moment), None)


def _is_over(day: date, sessions: Sessions, moment: datetime | None) -> bool:
    # A session whose auction is still to come is not waiting to be settled.
    session = sessions.get(day)
    return session is None or moment is None or session.close <= moment
