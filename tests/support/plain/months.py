"""Total-return closes, weeks and months for the plain rules."""

from bisect import bisect_left
from collections.abc import Callable
from datetime import date
from typing import Any

from support.plain.account import Bar, Market


def month(day: date) -> str:
    return f"{day:%Y-%m}"


def week(day: date) -> str:
    return f"{day:%G-W%V}"


def total_return_closes(bars: list[Bar], t: int, count: int) -> list[float]:
    """The last closes up to t with dividends put back, oldest first, as they are seen from t."""
    found = [bars[t].close]
    for i in range(t - 1, max(-1, t - count), -1):
        later = bars[i + 1]
        found.append(found[-1] * bars[i].close / later.close * (1.0 - later.dividend / bars[i].close))
    return found[::-1]


def due(market: Market, t: int, period: Callable[[date], str], decided: Any) -> tuple[bool, str]:
    """Whether a period is to be decided at t, and the one to remember."""
    day = next(iter(market.bars.values()))[t].day
    at = bisect_left(market.calendar, day)
    if period(market.calendar[at + 1]) != period(day):
        return decided != period(day), period(day)
    while period(market.calendar[at]) == period(day):
        at -= 1
    missed = period(market.calendar[at])
    return decided is not None and decided < missed, missed


def closes_ago(
    bars: list[Bar], t: int, period: Callable[[date], str], most: int, since: str | None = None
) -> list[float]:
    """Total-return closes 0, 1, ... `most` period ends ago, counted from a missed period where one is decided late."""
    closes = total_return_closes(bars, t, (most + 2) * (24 if period is month else 6))
    found, last = [closes[-1]], since or period(bars[t].day)
    for back in range(1, len(closes)):
        name = period(bars[t - back].day)
        if name < last:
            found.append(closes[-1 - back])
            last = name
    return found[: most + 1]
