"""A practice gateway whose shares have options, on a market that stands still."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from typing import Any

from mtum.core.market.bars import Bar
from mtum.core.market.sessions import Session, Sessions
from mtum.core.portfolio.money import AccountKind
from mtum.core.simulation.exchange_state import ExchangeAccount
from mtum.gateway.market import MarketClock
from support.gateway import ACCOUNT, FIRST, BarTable, Running, running_gateway
from support.values import replace

DAY = date(2015, 6, 10)
"""A Wednesday; June's third Friday is the 19th, the VIX's Wednesday the 17th."""
LAST_BAR = date(2015, 9, 30)


def year_of_sessions() -> Sessions:
    """Every weekday from April 2015 to August 2016."""
    days = (FIRST + timedelta(days=i) for i in range(510))
    return Sessions(tuple(_session(day) for day in days if day.weekday() < 5))


def _session(day: date) -> Session:
    opening = datetime.combine(day, time(13, 30), UTC)
    return Session(day, opening, opening + timedelta(minutes=390))


def option_market(closes: dict[date, float] | None = None, dividends: dict[date, float] | None = None) -> BarTable:
    """SPY at 200, MTUM at 70 and the VIX at 15 on every session, but for the closes of SPY given apart."""
    sessions = year_of_sessions()
    spy, mtum, vix = {}, {}, {}
    for session in sessions:
        day = session.day
        if day > LAST_BAR:
            break
        close = (closes or {}).get(day, 200.0)
        paid = (dividends or {}).get(day, 0.0)
        spy[day] = Bar(day, close, close + 1, close - 1, close, 1e6, paid)
        mtum[day] = Bar(day, 70.0, 70.5, 69.5, 70.0, 1e5)
        vix[day] = Bar(day, 15.0, 15.5, 14.5, 15.0, 0.0)
    shares = {"SPY": spy, "MTUM": mtum, "VIX": vix}
    return BarTable(sessions, shares, lambda symbol, session, minutes: 0.8 if minutes > 0 else 1.0)


def index_market(closes: dict[date, float] | None = None) -> BarTable:
    """The same market with the SPX at ten times SPY and the XSP at a tenth of the SPX."""
    market = option_market(closes)
    by_ten = {
        day: Bar(day, 10 * bar.close, 10 * bar.high, 10 * bar.low, 10 * bar.close, 0.0)
        for day, bar in market.bars["SPY"].items()
    }
    tenth = {day: replace(bar, volume=0.0) for day, bar in market.bars["SPY"].items()}
    return replace(market, bars={**market.bars, "SPX": by_ten, "XSP": tenth})


@contextmanager
def option_gateway(
    cash: int = 100_000, kind: AccountKind = AccountKind.MARGIN, minutes: float = 22, **changes: Any
) -> Iterator[Running]:
    """Run a gateway on this market, frozen so many minutes before the close of `DAY`."""
    source = changes.pop("source", None) or option_market()
    session = source.sessions.get(DAY)
    assert session is not None
    given = {
        "source": source,
        "accounts": (ExchangeAccount(ACCOUNT, kind, Decimal(cash)),),
        "clock": MarketClock(session.before_close(minutes), speed=0.0),
    }
    with running_gateway(**{**given, **changes}) as running:
        yield running
