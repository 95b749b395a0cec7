"""Bars and sessions for tests, from a few numbers."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta

import numpy as np

from mtum.core.market.bars import Bars
from mtum.core.market.sessions import Session, Sessions


def weekdays(first: date, count: int) -> list[date]:
    """Return that many weekdays from a date on."""
    found: list[date] = []
    day = first
    while len(found) < count:
        if day.weekday() < 5:
            found.append(day)
        day += timedelta(days=1)
    return found


def bars_of(
    closes: Sequence[float],
    *,
    first: date = date(2024, 1, 1),
    symbol: str = "MTUM",
    source: str = "yahoo",
    volume: float = 1000.0,
) -> Bars:
    """Return bars on weekdays: open = low = high = close, one volume."""
    column = np.array(closes, dtype=np.float64)
    columns = dict.fromkeys(("open", "high", "low", "close"), column)
    return Bars.from_columns(
        symbol, source, weekdays(first, len(closes)), {**columns, "volume": np.full(len(closes), volume)}
    )


def changed(bars: Bars, **cells: dict[int, float]) -> Bars:
    """Return bars with single cells replaced: ``changed(bars, close={3: 99.0})``."""
    columns = {
        name: np.array(getattr(bars, name)) for name in ("open", "high", "low", "close", "volume", "dividend", "split")
    }
    for name, new in cells.items():
        for index, number in new.items():
            columns[name][index] = number
    return Bars.from_columns(bars.symbol, bars.source, bars.days, columns)


def moved(bars: Bars, cells: dict[int, float]) -> Bars:
    """Return bars with all four prices of single sessions replaced."""
    return changed(bars, open=cells, high=cells, low=cells, close=cells)


def without(bars: Bars, *indexes: int) -> Bars:
    """Return bars without those rows."""
    keep = [index for index in range(len(bars)) if index not in indexes]
    return Bars.of(bars.symbol, bars.source, [bars.bar(index) for index in keep])


def full_session(day: date) -> Session:
    """Return a session from 14:30 to 21:00 UTC (New York in winter)."""
    return Session(day, datetime.combine(day, time(14, 30), tzinfo=UTC), datetime.combine(day, time(21, 0), tzinfo=UTC))


def weekday_sessions(first: date, count: int) -> Sessions:
    """Return full sessions on weekdays."""
    return Sessions(tuple(full_session(day) for day in weekdays(first, count)))
