"""Which dividends does a model market expect, and when is the next one where nobody tells them?"""

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from msgspec import Struct

from mtum.core.market.coverage import Dividends
from mtum.core.market.sessions import Sessions

YEAR_OF_WEEKS = timedelta(days=364)
"""After a year of weeks a dividend comes again: on the same day of the week, near the same date."""
DIVIDENDS_BEFORE, NEAR_SESSIONS = timedelta(days=380), 10
"""How far back dividends are looked at, and sessions within which the next one is near."""
EXPECTED_DAYS = 270
"""How far ahead they are expected: beyond the last expiry."""
QUARTER_MONTHS = (3, 6, 9, 12)
"""Months in which a dividend that nobody tells may go ex on any session."""


class NextExDate(Struct, frozen=True):
    """How near an underlying's next dividend is.

    Parameters
    ----------
    sessions : int or None
        Until its ex-date, 0 on the day itself; None where none is near: it pays none, or not soon.
    told : bool
        False where nobody tells its dividends, and `sessions` lead to the first on which one is possible.
    """

    sessions: int | None
    told: bool = True


def expected(paid: Iterable[tuple[date, float]], day: date) -> tuple[tuple[date, float], ...]:
    """Return the dividends that are expected after a session: those of the year before, once more.

    Parameters
    ----------
    paid : iterable of (date, float)
        Ex-date and USD per share of what is known on that day, in any order.

    Examples
    --------
    >>> expected([(date(2023, 6, 16), 1.63), (date(2022, 6, 17), 1.57)], date(2024, 1, 2))
    ((datetime.date(2024, 6, 14), 1.63),)
    """
    last = day + timedelta(days=EXPECTED_DAYS)
    again = ((ex_day + YEAR_OF_WEEKS, usd) for ex_day, usd in paid if ex_day <= day and usd > 0)
    return tuple(sorted((ex_day, usd) for ex_day, usd in again if day < ex_day <= last))


def sessions_to_next(paid: Iterable[tuple[date, float]], day: date, sessions: Sessions) -> int | None:
    """Return how many sessions the next expected ex-date is away; None where none is expected, or it is far.

    Parameters
    ----------
    paid : iterable of (date, float)
        As for `expected`.
    day : date
        Session on which it is listed or quoted.
    sessions : Sessions
        The exchange's; what lies beyond them is far.
    """
    coming = next((ex_day for ex_day, _ in expected(paid, day)), None)
    ahead = [] if coming is None else [one.day for one in sessions if one.day > day]
    if coming is None or not ahead or coming > ahead[-1]:
        return None
    return sum(one <= coming for one in ahead)


def untold(day: date, ahead: Sequence[date]) -> NextExDate:
    """Return how near a dividend may be that nobody tells: any session of a quarter's last month may be its ex-date.

    Parameters
    ----------
    ahead : sequence of date
        Sessions after the day that count as near.

    Examples
    --------
    >>> untold(date(2026, 6, 10), ()).sessions, untold(date(2026, 5, 29), (date(2026, 6, 1),)).sessions
    (0, 1)
    """
    days = enumerate((day, *ahead))
    return NextExDate(next((at for at, one in days if one.month in QUARTER_MONTHS), None), told=False)


def next_ex_date(kind: Dividends, bars: Iterable[tuple[date, float]], day: date, sessions: Sessions) -> NextExDate:
    """Return how near the next ex-date of an underlying is, from what its source tells.

    Parameters
    ----------
    kind : Dividends
        What the source tells of its dividends.
    bars : iterable of (date, float)
        Sessions of its history and what went ex on them, USD per share, rising. One that begins less than a year
        before the day, and has none that comes again, tells nothing of what it pays.
    day : date
        Session on which it is listed or quoted.
    sessions : Sessions
        As for `sessions_to_next`.
    """
    known = tuple(bars)
    if kind is Dividends.NONE:
        return NextExDate(None)
    whole = bool(known) and known[0][0] <= day - YEAR_OF_WEEKS
    if kind is Dividends.KNOWN and (whole or expected(known, day)):
        return NextExDate(sessions_to_next(known, day, sessions))
    return untold(day, [one.day for one in sessions if one.day > day])
