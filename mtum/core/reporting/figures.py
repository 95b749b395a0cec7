"""How numbers look: fixed decimals, thousands separators, a sign where it says something."""

import re
from datetime import date, datetime
from zoneinfo import ZoneInfo

from mtum.core.reporting.stated import State, Stated

LATE = "not known yet"
NOT_SIMULATED = "not simulated"
REPLAYED = (
    "A replayed session is decided on its official closes, as daily bars hold nothing earlier: only the volume is "
    "partial, and what the last minutes change is not simulated."
)
_NEGATIVE = re.compile(r"(?<![\w%-])-(?=\d)")
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
WEEKDAYS = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def number(amount: float | None, decimals: int = 2, *, sign: bool = False) -> str:
    """Return a number with thousands separators; None is a dash, and a rounded zero has no sign.

    Parameters
    ----------
    amount : float or None
        Number to show; None is unknown.
    decimals : int
        Digits behind the point.
    sign : bool
        Whether a plus sign is shown.
    """
    if amount is None:
        return "-"
    rounded = round(amount, decimals)
    if rounded == 0:
        return f"{0:.{decimals}f}"
    return f"{rounded:+,.{decimals}f}" if sign else f"{rounded:,.{decimals}f}"


def decimals(value: float, *, full: bool = False) -> str:
    """Return a number as a trader reads it: whole ones whole, none from 100,000 on, else two decimals.

    In full it has up to the six that it is compared with; so has one below one, as a small margin is not none.

    Examples
    --------
    >>> [decimals(value) for value in (25.0, 4679.4, 271.3064, 0.1, 0.003125, 336165.517241)]
    ['25', '4,679.40', '271.31', '0.10', '0.003125', '336,166']
    >>> decimals(53.125001, full=True)
    '53.125001'
    """
    if abs(value) >= 1e5 or value == int(value):
        return f"{value:,.0f}"
    if abs(value) >= 1 and not full:
        return number(value)
    whole, _, rest = f"{value:,.6f}".partition(".")
    return f"{whole}.{rest[:2]}{rest[2:].rstrip('0')}"


def percent(frac: float | None, decimals: int = 2, *, sign: bool = True) -> str:
    """Return a fraction as a percentage.

    Parameters
    ----------
    frac : float or None
        Fraction to show; None is unknown.
    decimals : int
        Digits behind the point.
    sign : bool
        Whether a plus sign is shown.
    """
    return "-" if frac is None else f"{number(frac * 100, decimals, sign=sign)}%"


def whole(frac: float | None) -> str:
    """Return a fraction as a percentage without decimals and sign."""
    return percent(frac, 0, sign=False)


def paid(amount_usd: float | None, *, sign: bool = False) -> str:
    """Return an amount that commissions are in; None while one of them is not known."""
    return LATE if amount_usd is None else number(amount_usd, sign=sign)


def shares(count: float | None, *, sign: bool = False) -> str:
    """Return a number of shares; a market's volume in millions (M)."""
    if count is not None and abs(count) >= 1e7:
        return f"{number(count / 1e6, 1, sign=sign)} M"
    return number(count, 0, sign=sign)


def position(count: float) -> str:
    """Return the shares of a position; one below zero is short."""
    return f"SHORT {shares(-count)}" if count < 0 else shares(count)


def in_unit(amount: float | None, unit: str, *, sign: bool = False) -> str:
    """Return a number with the decimals its unit is read in.

    Parameters
    ----------
    amount : float or None
        Number to show; None is unknown.
    unit : str
        Unit of the number.
    sign : bool
        Whether a plus sign is shown.
    """
    return shares(amount, sign=sign) if unit == "shares" else number(amount, sign=sign)


def late(given: Stated, text: str) -> str:
    """Return the text with its state: a mark when provisional, words when unknown."""
    if given.state is State.UNKNOWN:
        return LATE
    if given.state is State.NOT_SIMULATED:
        return NOT_SIMULATED
    return f"{text} ~" if given.state is State.PROVISIONAL else text


def money(given: Stated, *, sign: bool = False) -> str:
    """Return a stated amount in USD."""
    return late(given, number(given.amount, sign=sign))


def fraction(given: Stated, *, sign: bool = True) -> str:
    """Return a stated fraction as a percentage."""
    return late(given, percent(given.amount, sign=sign))


def basis_points(given: Stated) -> str:
    """Return stated basis points, signed."""
    return late(given, number(given.amount, 1, sign=True))


def day(on: date, *, weekday: bool = False, year: bool = True) -> str:
    """Return a session as 20 Nov 2026, the same in every locale.

    Parameters
    ----------
    on : date
        The session.
    weekday : bool
        Whether the day of the week is shown.
    year : bool
        Whether the year is shown.
    """
    text = f"{on.day} {MONTHS[on.month - 1]}" + (f" {on.year}" if year else "")
    return f"{WEEKDAYS[on.weekday()]} {text}" if weekday else text


def clock(instant: datetime, *, seconds: bool = True) -> str:
    """Return an instant as New York time of day."""
    local = instant.astimezone(ZoneInfo("America/New_York"))
    return f"{local:%H:%M:%S} New York" if seconds else f"{local:%H:%M} New York"


def minus(words: str) -> str:
    """Return the words with a true minus sign (U+2212) before negative numbers."""
    return _NEGATIVE.sub("\u2212", words)
