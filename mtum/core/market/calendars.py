"""Do the calendars at hand say the same about a session?"""

from collections.abc import Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from msgspec import Struct
from msgspec.structs import replace

from mtum.core.market.sessions import Session, Sessions

NEW_YORK = ZoneInfo("America/New_York")
_SLACK = timedelta(seconds=59)


class Overrides(Struct, frozen=True):
    """Closures and early closes announced at short notice; close times are New York's."""

    closed: frozenset[date] = frozenset()
    early_close: Mapping[date, time] | None = None

    def __bool__(self) -> bool:
        return bool(self.closed or self.early_close)


def overridden(sessions: Sessions, overrides: Overrides) -> Sessions:
    """Return the sessions with announced closures left out and early closes applied."""
    if not overrides:
        return sessions
    early = overrides.early_close or {}
    kept = (session for session in sessions if session.day not in overrides.closed)
    return Sessions(tuple(_closing_early(session, early.get(session.day)) for session in kept))


def calendars_agree(day: date, own: Session | None, broker: Session | None) -> str | None:
    """Return None when our calendar and the broker's hours agree about that date, else what differs.

    Opening and closing must be the same to the minute; both shut is agreement.

    Parameters
    ----------
    day : date
        The session's date.
    own : Session or None
        One trading day of the exchange, named by its date; None for none.
    broker : Session or None
        One trading day of the exchange, named by its date; None for none.

    Examples
    --------
    >>> calendars_agree(date(2025, 1, 9), None, None) is None
    True
    """
    if own is None or broker is None:
        if own is broker:
            return None
        said, other = ("our", "the broker's") if broker is None else ("the broker's", "our")
        return f"{day}: open by {said} calendar, shut by {other} one; state it in market.calendar_overrides"
    apart = [
        f"{name} {_new_york(ours)} by our calendar, {_new_york(theirs)} by the broker's"
        for name, ours, theirs in (("opens", own.open, broker.open), ("closes", own.close, broker.close))
        if abs(ours - theirs) > _SLACK
    ]
    return f"{day}: {'; '.join(apart)}; correct market.calendar_overrides" if apart else None


def _closing_early(session: Session, close: time | None) -> Session:
    if close is None:
        return session
    instant = session.close.astimezone(NEW_YORK)
    moved = instant.replace(hour=close.hour, minute=close.minute, second=close.second)
    return replace(session, close=moved.astimezone(session.close.tzinfo))


def _new_york(instant: datetime) -> str:
    return f"{instant.astimezone(NEW_YORK):%H:%M}"
