"""Real XNYS sessions for tests, straight from the calendar library."""

from datetime import date
from functools import cache

from mtum.core.market.sessions import Session, Sessions

FIRST, LAST = date(2014, 1, 2), date(2027, 3, 31)


@cache
def xnys(first: str, last: str, closed: tuple[str, ...] = ()) -> Sessions:
    """Sessions of the closed interval, without the days given as closed on top."""
    days = [day(text) for text in (first, last)]
    assert FIRST <= days[0] <= days[1] <= LAST
    return Sessions(tuple(one for one in _all() if days[0] <= one.day <= days[1] and one.day.isoformat() not in closed))


@cache
def _all() -> tuple[Session, ...]:
    # Built once: what a calendar costs hardly depends on its length.
    import exchange_calendars

    schedule = exchange_calendars.get_calendar("XNYS", start=FIRST, end=LAST).schedule
    return tuple(
        Session(label.date(), row.open.to_pydatetime(warn=False), row.close.to_pydatetime(warn=False))
        for label, row in zip(schedule.index, schedule.itertuples(), strict=True)
    )


def day(text: str) -> date:
    return date.fromisoformat(text)
