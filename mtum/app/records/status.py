"""The state at a glance, from what the database holds and the timetable says; nothing is asked of the broker."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from mtum.app.service.schedule import NEW_YORK, Wake, timetable, upcoming
from mtum.config import Settings
from mtum.core.market.sessions import Session, Sessions
from mtum.errors import ExitCode

REPLAYED_SOURCES = ("sample", "csv")
"""Sources whose market time is not the computer's."""
_WAKING_SESSIONS = 2
_AHEAD = timedelta(days=14)

Document = dict[str, Any]


def status_document(
    settings: Settings, found: Mapping[str, Any] | None, now: datetime, calendar: Callable[[date, date], Sessions]
) -> Document:
    """Return the state as plain values.

    Parameters
    ----------
    found : mapping or None
        What the store's `status` reader gave; None before the first run.
    now : datetime
        The computer's time; a replayed market has its own, that of its last run.
    calendar : callable
        The exchange's sessions from one day to another; asked only where the last run knew too few.
    """
    seen: Mapping[str, Any] = found or {}
    sessions = _sessions(seen.get("sessions", ()))
    replayed = settings.mode == "practice" and settings.market.source in REPLAYED_SOURCES
    last_run = seen.get("last_run")
    moment = _replayed_moment(last_run, sessions) if replayed else now
    if not replayed and _next_session(sessions, now) is None:
        sessions = calendar(now.date() - timedelta(days=1), now.date() + _AHEAD)
    positions, orders = seen.get("positions", []), seen.get("open_orders", [])
    return {
        "mode": settings.mode,
        "account": seen.get("account") or settings.broker.account or None,
        "strategy": settings.portfolio.strategy,
        "source": settings.market.source,
        "replayed": replayed,
        "positions": positions,
        "position": positions[0] if positions else None,
        "open_orders": orders,
        "halts": seen.get("halts", []),
        "halt": _strongest(seen.get("halts", [])),
        "cash_usd": seen.get("cash_usd", {}),
        "equity": seen.get("equity", []),
        "unsettled": [day for day in seen.get("unsettled", []) if _is_over(date.fromisoformat(day), sessions, moment)],
        "last_run": last_run,
        "next_session": _next_session(sessions, moment),
        "next_wakes": [_wake_document(wake) for wake in _next_wakes(settings, sessions, moment)],
        "undelivered": seen.get("undelivered", 0),
        "problems": [{"code": int(ExitCode.USAGE), "text": text} for text in ownership_problems(settings, seen)],
    }


def _sessions(rows: Sequence[Mapping[str, Any]]) -> Sessions:
    known = (
        Session(
            date.fromisoformat(row["session"]),
            datetime.fromisoformat(row["opens_at"]),
            datetime.fromisoformat(row["closes_at"]),
        )
        for row in rows
    )
    return Sessions(tuple(known))


def _replayed_moment(last_run: Mapping[str, Any] | None, sessions: Sessions) -> datetime | None:
    # A replay stands at the end of the last session that it has played.
    if last_run is None or not last_run.get("session"):
        return sessions.known[0].open if len(sessions) else None
    day = date.fromisoformat(last_run["session"])
    later = [session for session in sessions if session.day > day]
    return later[0].open - timedelta(hours=1) if later else None


def _next_session(sessions: Sessions, moment: datetime | None) -> Document | None:
    if moment is None:
        return None
    for session in sessions:
        if session.close > moment:
            return {"session": session.day, "closes_at": session.close, "half_day": session.half_day}
    return None


def _is_over(day: date, sessions: Sessions, moment: datetime | None) -> bool:
    # Of the day at work the books are not behind: its auction is still to come.
    session = sessions.get(day)
    return session is None or moment is None or session.close <= moment


def _next_wakes(settings: Settings, sessions: Sessions, moment: datetime | None) -> tuple[Wake, ...]:
    if moment is None:
        return ()
    return upcoming(moment, sessions, _WAKING_SESSIONS, timetable(settings.schedule))


def _wake_document(wake: Wake) -> Document:
    return {
        "job": wake.job,
        "slot": wake.slot,
        "session": wake.session,
        "at_utc": wake.at,
        "at_new_york": wake.at.astimezone(NEW_YORK).strftime("%Y-%m-%d %H:%M"),
    }


def _strongest(halts: Sequence[Mapping[str, Any]]) -> str:
    words = {halt["restriction"] for halt in halts}
    return next((word for word in ("full", "reduce_only") if word in words), "none")


def ownership_problems(settings: Settings, found: Mapping[str, Any]) -> list[str]:
    """Return how a database's stamp of mode and account contradicts the settings."""
    lines = []
    mode, account = found.get("mode"), found.get("account")
    if mode is not None and mode != settings.mode:
        lines.append(f'the database belongs to mode "{mode}", the settings say "{settings.mode}"')
    elif account and settings.mode != "practice" and account != settings.broker.account:
        lines.append(f'the database belongs to account {account}, the settings say "{settings.broker.account}"')
    return [f"{line}; give each its own --data-dir" for line in lines]
