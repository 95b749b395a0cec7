"""On which sessions do the options of a model market expire?"""

from collections.abc import Iterator
from datetime import date, timedelta

from msgspec import Struct

from mtum.core.market.sessions import Sessions
from mtum.core.options.contracts import CLASSES, Delivery, Style

WEEKLY_DAYS, MONTHLY_DAYS = 63, 200
"""Calendar days ahead in which every Friday is listed, and every third Friday: the skew was fitted up to 200."""
VIX_DAYS = 30
"""Calendar days from the settlement of a month of the VIX to the third Friday of the next month."""
_FRIDAY = 4
_WEEK = timedelta(days=7)
_LONGEST = timedelta(days=MONTHLY_DAYS + 70)
"""How far the calendar must reach: to the third Friday of the month after the last one."""


class Expiry(Struct, frozen=True, order=True):
    """The last session of some contracts.

    Parameters
    ----------
    day : date
        On which they trade for the last time.
    settles : date
        Session whose prices settle them: the next one for classes that settle in the morning.
    """

    day: date
    settles: date
    trading_class: str
    style: Style = Style.AMERICAN
    delivery: Delivery = Delivery.SHARES


def third_friday(year: int, month: int) -> date:
    """Return the third Friday of a month, whether the exchange is open or not."""
    middle = date(year, month, 15)
    return middle + timedelta(days=(_FRIDAY - middle.weekday()) % 7)


def expiries(underlying: str, day: date, sessions: Sessions) -> tuple[Expiry, ...]:
    """Return what is listed on a session, the nearest first; an expiry that was listed once stays until it is over.

    Shares and funds expire on every Friday of the next nine weeks and on third Fridays up to 200 days ahead. Where
    the exchange is shut on one, on its last session before. The S&P 500's monthly class settles on the morning
    after its last session, its weekly class at the close. The VIX has its monthly class alone.

    Parameters
    ----------
    underlying : str
        Ticker of the underlying.
    day : date
        The session; what expires on it is listed still.
    sessions : Sessions
        The exchange's, from a week before `day` to 270 days after it.

    Raises
    ------
    ValueError
        If the sessions do not reach as far.
    """
    known = tuple(sessions)
    if not known or known[0].day > day or known[-1].day < day + _LONGEST - _WEEK:
        ends = f"{known[0].day} to {known[-1].day}" if known else "no session"
        raise ValueError(f"expiries of {day} need the calendar up to {day + _LONGEST}; it holds {ends}")
    found = _vix(day, sessions) if underlying == "VIX" else _fridays(underlying, day, sessions)
    last = day + timedelta(days=MONTHLY_DAYS)
    return tuple(sorted({one for one in found if day <= one.day <= last}))


def _fridays(underlying: str, day: date, sessions: Sessions) -> Iterator[Expiry]:
    classes = CLASSES.get(underlying)
    friday = day + timedelta(days=(_FRIDAY - day.weekday()) % 7)
    while (friday - day).days <= MONTHLY_DAYS + 1:  # one that moves to Thursday is a day nearer
        monthly, near = friday == third_friday(friday.year, friday.month), (friday - day).days <= WEEKLY_DAYS
        open_day = _last_open(friday, sessions)
        if open_day is not None and (monthly or near):
            if classes is None:
                yield Expiry(open_day, open_day, underlying)
            for name, kind in (classes or {}).items():
                if kind.delivery is Delivery.CASH_PM:
                    yield Expiry(open_day, open_day, name, kind.style, kind.delivery)
                elif monthly and (before := sessions.before(open_day)) is not None:
                    yield Expiry(before.day, open_day, name, kind.style, kind.delivery)
        friday += _WEEK


def _vix(day: date, sessions: Sessions) -> Iterator[Expiry]:
    kind = CLASSES["VIX"]["VIX"]
    for later in range(1, 3 + MONTHLY_DAYS // 28):
        year, month = divmod(day.year * 12 + day.month - 1 + later, 12)
        friday = third_friday(year, month + 1)
        wednesday = friday - timedelta(days=VIX_DAYS)
        # A holiday on either of the two days brings the settlement forward by a session.
        shut = sessions.get(friday) is None or sessions.get(wednesday) is None
        settled = sessions.before(wednesday) if shut else sessions.get(wednesday)
        traded = sessions.before(settled.day) if settled is not None else None
        if settled is not None and traded is not None:
            yield Expiry(traded.day, settled.day, "VIX", kind.style, kind.delivery)


def _last_open(friday: date, sessions: Sessions) -> date | None:
    # None for a week in which the exchange opened on no day.
    week = sessions.between(friday - timedelta(days=_FRIDAY), friday)
    return week[-1].day if week else None
