"""Real XNYS sessions for tests, straight from the calendar library."""

from datetime import date
from functools import cache

from mtum.core.market.sessions import Session, Sessions


@cache
def xnys(first: str, last: str, closed: tuple[str, ...] = ()) -> Sessions:
    """Sessions of the closed interval, without the days given as closed on top."""
    import exchange_calendars

    calendar = exchange_calendars.get_calendar("XNYS", start=first, end=last)
    known = [
        Session(label.date(), row.open.to_pydatetime(warn=False), row.close.to_pydatetime(warn=False))
        for label, row in zip(calendar.schedule.index, calendar.schedule.itertuples(), strict=True)
    ]
    return Sessions(tuple(session for session in known if session.day.isoformat() not in closed))


def day(text: str) -> date:
    return date.fromisoformat(text)
