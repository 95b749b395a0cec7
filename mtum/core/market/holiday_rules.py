"""The exchange's own holiday rules: a second source for the calendar of the coming quarter.

Written from NYSE Rule 7.2 and its published early closings; closures by proclamation are not in it.
"""

from datetime import date, timedelta

JUNETEENTH_SINCE = 2022
_MON, _THU, _FRI, _SAT, _SUN = 0, 3, 4, 5, 6


def expected_sessions(first: date, last: date) -> tuple[tuple[date, ...], frozenset[date]]:
    """Return the trading days of the closed interval and which of them close at 13:00 New York time."""
    every = (first + timedelta(days=step) for step in range((last - first).days + 1))
    days = tuple(day for day in every if day.weekday() < _SAT and day not in closures(day.year))
    early = frozenset(day for day in days if day in early_closes(day.year))
    return days, early


def closures(year: int) -> frozenset[date]:
    """Return the full holidays of a year as they are observed."""
    fixed = [_observed(date(year, 7, 4)), _observed(date(year, 12, 25))]
    if year >= JUNETEENTH_SINCE:
        fixed.append(_observed(date(year, 6, 19)))
    new_year = date(year, 1, 1)
    if new_year.weekday() != _SAT:  # on a Saturday it is not observed on the Friday of the old year
        fixed.append(_observed(new_year))
    moving = [
        _nth(year, 1, _MON, 3),
        _nth(year, 2, _MON, 3),
        easter(year) - timedelta(days=2),
        _nth(year, 6, _MON, 1) - timedelta(days=7),
        _nth(year, 9, _MON, 1),
        _nth(year, 11, _THU, 4),
    ]
    return frozenset(fixed + moving)


def early_closes(year: int) -> frozenset[date]:
    """Return the days of a year on which the exchange closes at 13:00."""
    found = [_nth(year, 11, _THU, 4) + timedelta(days=1)]
    if date(year, 12, 24).weekday() < _FRI:
        found.append(date(year, 12, 24))
    if date(year, 7, 4).weekday() in (1, 2, 3, 4):  # the third is then a session before the holiday
        found.append(date(year, 7, 3))
    return frozenset(found) - closures(year)


def columbus_day(year: int) -> date:
    """Return the second Monday of October: the exchange is open, the banks are shut."""
    return _nth(year, 10, _MON, 2)


def veterans_day(year: int) -> date:
    """Return 11 November, on a Sunday the Monday after: the exchange is open, the banks are shut.

    On a Saturday the banks work on the Friday.
    """
    day = date(year, 11, 11)
    return day + timedelta(days=1) if day.weekday() == _SUN else day


def easter(year: int) -> date:
    """Return Easter Sunday.

    References
    ----------
    Meeus (1991), "Astronomical Algorithms", chapter 8 (the anonymous Gregorian computus).
    """
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    f = (b + 8) // 25
    g = (b - f + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return date(year, month, day + 1)


def _observed(day: date) -> date:
    if day.weekday() == _SAT:
        return day - timedelta(days=1)
    return day + timedelta(days=1) if day.weekday() == _SUN else day


def _nth(year: int, month: int, weekday: int, which: int) -> date:
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (which - 1))
