"""The market around the simulated exchange, as a bar source shows it."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from mtum.core.market.instruments import InstrumentKind, instrument
from mtum.core.market.sessions import Session
from mtum.core.portfolio.money import exact
from mtum.core.simulation.account_book import CorporateAction
from mtum.errors import CalendarMismatchError, DataError
from mtum.ports.market_data import BarSource
from mtum.ports.time import Calendar

_LONGEST_BREAK = timedelta(days=14)


class SourceMarket:
    """Sessions from the calendar, prices and dividends from a source of bars."""

    def __init__(self, source: BarSource, calendar: Calendar) -> None:
        self._source = source
        self._calendar = calendar

    def session_at(self, now: datetime) -> Session:
        """Return the session of that instant, or the last one when the exchange is shut.

        Raises
        ------
        CalendarMismatchError
            If the calendar knows no session of the two weeks before.
        """
        near = self._calendar.sessions((now - _LONGEST_BREAK).date(), now.date())
        opened = [session for session in near if session.open <= now]
        if not opened:
            raise CalendarMismatchError(f"the calendar has no session in the two weeks before {now:%Y-%m-%d}")
        return opened[-1]

    def sessions_between(self, after: date, until: date) -> tuple[Session, ...]:
        """Return the sessions later than `after`, up to and including `until`."""
        return self._calendar.sessions(after + timedelta(days=1), until).known if after < until else ()

    def price(self, symbol: str, session: Session, now: datetime) -> Decimal | None:
        """Return the last price, from the close on the official close; None while the source has none.

        Parameters
        ----------
        symbol : str
            Ticker.
        session : Session
            The session, with its open and close.
        now : datetime
            The present instant, UTC.
        """
        try:
            if instrument(symbol).kind is InstrumentKind.INDEX:
                level = self._source.series(symbol, session, min(now, session.close))
                return exact(level.value) if level else None
            if now >= session.close:
                bar = self._source.history(symbol, session.day, session.day).find(session.day)
                return exact(bar.close) if bar else None
            return exact(self._source.quote(symbol, session, now).close)
        except DataError:
            return None  # no price is a fact of the market; who needs one refuses by itself

    def volume(self, symbol: str, session: Session) -> float:
        """Return the shares traded in a session that has closed; 0 when unknown."""
        try:
            bar = self._source.history(symbol, session.day, session.day).find(session.day)
        except DataError:
            return 0.0
        return bar.volume if bar and bar.volume > 0 else 0.0

    def actions(self, symbol: str, session: Session) -> tuple[CorporateAction, ...]:
        """Return the dividend and split that take effect in the session."""
        try:
            seen = self._source.quote(symbol, session, session.close)
        except DataError:
            return ()
        if not seen.dividend and not seen.split:
            return ()
        return (CorporateAction(symbol, exact(seen.dividend), exact(seen.split or 1.0)),)
