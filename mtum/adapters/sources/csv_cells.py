"""What the cells of a CSV file say: dates and numbers in the ways in which vendors write them."""

import re
from collections.abc import Sequence
from contextlib import suppress
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

# Compiled where they are first used: most files are read without looking at their cells.
_SLASHED = r"(\d{1,2})/(\d{1,2})/(\d{4})"
_UNIX = r"\d{9,10}|\d{12,13}"
_THOUSANDS = r"\d{1,3}(,\d{3})+(\.\d+)?"
_NEW_YORK = ZoneInfo("America/New_York")
_SUFFIX = {"K": 1e3, "M": 1e6, "B": 1e9}
_WRITTEN = "is not written YYYY-MM-DD"


def month_first(texts: Sequence[str], *, usual: bool) -> bool | None:
    """Whether dates such as 01/02/2024 begin with the month, by what the whole column allows.

    Parameters
    ----------
    usual : bool
        What the vendor is known to write, where the column allows both.

    Returns
    -------
    bool or None
        None where that cannot be told: both ways are possible, or none.
    """
    found = [match for text in texts if (match := re.fullmatch(_SLASHED, text))]
    if not found:
        return usual
    as_month, as_day = (all(int(one[place]) <= 12 for one in found) for place in (1, 2))
    if as_month and as_day:
        return True if usual else None
    return as_month if as_month or as_day else None


def day_of(text: str, first: bool | None) -> date:
    """Return the session that a date or an instant names.

    An instant is the session of its day in New York; midnight, wherever, is the day as it is written.

    Parameters
    ----------
    first : bool or None
        Whether the month comes first in 01/02/2024.

    Raises
    ------
    ValueError
        Saying why it is none.
    """
    if slashed := re.fullmatch(_SLASHED, text):
        if first is None:
            raise ValueError(f"{_WRITTEN}, and whether the month or the day comes first cannot be told")
        one, two, year = map(int, slashed.groups())
        month, day = (one, two) if first else (two, one)
        text = f"{year}-{month:02}-{day:02}"
    if re.fullmatch(_UNIX, text):
        seconds = int(text) / (1000 if len(text) > 10 else 1)
        return _session(datetime.fromtimestamp(seconds, UTC))
    for form in ("%Y/%m/%d", "%b %d, %Y"):
        with suppress(ValueError):
            return datetime.strptime(text, form).replace(tzinfo=_NEW_YORK).date()
    try:
        return _session(datetime.fromisoformat(text))
    except ValueError as error:
        raise ValueError(_WRITTEN) from error


def _session(at: datetime) -> date:
    whole_day = at.tzinfo is None or at.time() == time()
    return at.date() if whole_day else at.astimezone(_NEW_YORK).date()


def number_of(text: str, name: str) -> float:
    """Return the number in a cell: with a dollar sign, thousands, 1.5M as a volume, 4:1 as a split.

    Raises
    ------
    ValueError
        If there is none.
    """
    text = text.removeprefix("$")
    if name in ("dividend", "split") and not text:
        return 0.0
    if name == "split" and ":" in text:
        new, old = text.split(":", 1)
        return float(new) / float(old) if float(old) else float("nan")
    scale = _SUFFIX.get(text[-1:].upper()) if name == "volume" else None
    text = text[:-1] if scale else text
    return float(text.replace(",", "") if re.fullmatch(_THOUSANDS, text) else text) * (scale or 1.0)
