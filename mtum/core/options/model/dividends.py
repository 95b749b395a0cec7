"""Which dividends does a model market expect?"""

from collections.abc import Iterable
from datetime import date, timedelta

YEAR_OF_WEEKS = timedelta(days=364)
"""After a year of weeks a dividend comes again: on the same day of the week, near the same date."""
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
