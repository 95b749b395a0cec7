"""Which dividends does a model market expect?"""

from collections.abc import Iterable
from datetime import date, timedelta

from mtum.core.market.sessions import Sessions

YEAR_OF_WEEKS = timedelta(days=364)
"""After a year of weeks a dividend comes again: on the same day of the week, near the same date."""
DIVIDENDS_BEFORE, NEAR_SESSIONS = timedelta(days=380), 10
"""How far back dividends are looked at, and sessions within which the next one is near."""
EXPECTED_DAYS = 270
"""How far ahead they are expected: beyond the last expiry."""


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
