"""A made-up market of many symbols."""

from collections.abc import Mapping
from datetime import date

from mtum.core.market.bars import Bar
from mtum.core.market.sessions import Sessions
from support.bars import weekday_sessions
from support.gateway import SHARE, BarTable

DAY = date(2017, 10, 4)
FIRST = date(2015, 1, 2)
SESSIONS = weekday_sessions(FIRST, 730)
EX_DATES = (date(2017, 3, 17), date(2017, 6, 16), date(2017, 9, 15))
DIVIDEND = 0.34


def names(count: int) -> tuple[str, ...]:
    """So many symbols."""
    return tuple(f"S{number:03}" for number in range(count))


def many(
    symbols: tuple[str, ...], sessions: Sessions | None = None, dividends: Mapping[date, float] | None = None
) -> BarTable:
    """Each symbol rises by two cents a session from 20 USD and its number; VIX 15; all pay on three days."""
    paid = dict.fromkeys(EX_DATES, DIVIDEND) if dividends is None else dividends
    sessions = sessions or SESSIONS
    bars: dict[str, dict[date, Bar]] = {"VIX": {}}
    for at, session in enumerate(sessions):
        bars["VIX"][session.day] = Bar(session.day, 15.0, 15.5, 14.5, 15.25, 0.0)
        for number, symbol in enumerate(symbols):
            close = round(20 + number + 0.02 * at, 2)
            span = (close, round(close + 0.1, 2), round(close - 0.1, 2), close)
            bar = Bar(session.day, *span, 1e6 + 1000.0 * at, dividend=paid.get(session.day, 0.0))
            bars.setdefault(symbol, {})[session.day] = bar
    return BarTable(sessions, bars, lambda symbol, session, minutes: SHARE if minutes > 0 else 1.0)
