"""Minutes, hours, days, weeks and months: what one bar stands for, which period a session is in, and its name."""

from datetime import date, timedelta
from enum import StrEnum

CALENDAR_SESSIONS = 25
"""Sessions of the calendar before those of the history, so that what began a while ago can be counted."""
_MONDAY = date(1970, 1, 5).toordinal()


class Timeframe(StrEnum):
    """What one bar stands for; weeks run from Monday to Sunday, months are calendar months.

    Periods have numbers and names from days on; those within a session are counted from its open.
    """

    MINUTE = "1m"
    FIVE_MINUTES = "5m"
    QUARTER_HOUR = "15m"
    HALF_HOUR = "30m"
    HOUR = "1h"
    FOUR_HOURS = "4h"
    DAY = "1d"
    WEEK = "1w"
    MONTH = "1mo"

    @property
    def minutes(self) -> int:
        """Length of a bar within a session; 0 from days on."""
        number, unit = int(self.value.rstrip("mhdwo")), self.value.lstrip("0123456789")
        return number * {"m": 1, "h": 60}.get(unit, 0)

    def period(self, day: date) -> int:
        """Return the number of the period of a date; the next period has the next number."""
        if self is Timeframe.MONTH:
            return day.year * 12 + day.month - 1
        return (day.toordinal() - _MONDAY) // 7 if self is Timeframe.WEEK else day.toordinal()

    def begins(self, period: int) -> date:
        """Return the first date of a period."""
        if self is Timeframe.MONTH:
            return date(period // 12, period % 12 + 1, 1)
        return date.fromordinal(period * 7 + _MONDAY if self is Timeframe.WEEK else period)

    def name_of(self, day: date) -> str:
        """Return the name of a date's period: 2024-03, 2024-W09 or the date; later periods sort later."""
        if self is Timeframe.MONTH:
            return f"{day.year:04}-{day.month:02}"
        if self is not Timeframe.WEEK:
            return day.isoformat()
        year, week, _ = day.isocalendar()
        return f"{year:04}-W{week:02}"

    def before(self, day: date) -> date:
        """Return the last date of the period before that of a date."""
        return self.begins(self.period(day)) - timedelta(days=1)

    def named(self, name: str) -> int:
        """Return the number of the period of that name.

        Raises
        ------
        ValueError
            If it names none.
        """
        if self is Timeframe.WEEK:
            year, week = name.split("-W")
            return self.period(date.fromisocalendar(int(year), int(week), 1))
        return self.period(date.fromisoformat(f"{name}-01" if self is Timeframe.MONTH else name))


DAILY = (Timeframe.DAY, Timeframe.WEEK, Timeframe.MONTH)
"""Made of the daily bars."""
INTRADAY = tuple(one for one in Timeframe if one not in DAILY)
"""Made of bars within the sessions."""
