"""What time is it on the practice gateway's market? Settable, freezable, faster or slower than real time."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Protocol

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from mtum.core.market.bars import PRICE_COLUMNS, Bar, Bars, bars_of_closes
from mtum.core.market.calendars import NEW_YORK
from mtum.core.market.sessions import Session, Sessions
from mtum.core.portfolio.money import exact
from mtum.core.simulation.account_book import CorporateAction
from mtum.core.simulation.admission import Moment
from mtum.core.simulation.provisional import volume_so_far
from mtum.errors import CalendarMismatchError
from mtum.gateway.contracts import VIX, Listing, listing_of
from mtum.ports.market_data import BarSource
from mtum.ports.time import Calendar

_EARLIEST, _LATEST = date(1990, 1, 1), date(2200, 1, 1)
_DAYS_BEYOND = timedelta(days=10)
_DAYS_OF_OPTIONS = timedelta(days=280)


class MarketClock:
    """Market time under control.

    Parameters
    ----------
    start : datetime or None
        Aware instant to begin at; None = the present.
    speed : float
        Market seconds per real second; 0 = frozen.
    elapsed : callable
        Seconds of real time from any fixed point (replaced in tests).
    """

    def __init__(
        self, start: datetime | None = None, speed: float = 1.0, elapsed: Callable[[], float] = time.monotonic
    ) -> None:
        self._elapsed = elapsed
        self._base = (start or datetime.now(UTC)).astimezone(UTC)
        self._since = elapsed()
        self._speed = speed

    @property
    def speed(self) -> float:
        """Market seconds per real second."""
        return self._speed

    def now(self) -> datetime:
        """Return the market's instant, aware UTC."""
        return self._base + timedelta(seconds=(self._elapsed() - self._since) * self._speed)

    def set(self, instant: datetime) -> None:
        """Jump to an instant; the speed stays."""
        self._base, self._since = instant.astimezone(UTC), self._elapsed()

    def run(self, speed: float) -> None:
        """Go on from here at this speed; 0 freezes.

        Raises
        ------
        ValueError
            If the speed is negative.
        """
        if speed < 0:
            raise ValueError(f"market time cannot run backwards (speed {speed})")
        self.set(self.now())
        self._speed = speed


class MarketSource(Protocol):
    """Where the gateway's market comes from; handed in by the wiring."""

    @property
    def sessions(self) -> Sessions:
        """Sessions the market knows, a few beyond the last bar."""

    @property
    def symbols(self) -> tuple[str, ...]:
        """Shares that can be traded; VIX is apart."""

    def bar(self, symbol: str, day: date) -> Bar | None:
        """Finished bar of a session, None if there is none; `VIX` too."""

    def history(self, symbol: str, first: date, last: date) -> Bars:
        """Finished bars of the closed interval, in the shares of its last session; `VIX` too."""

    def split(self, symbol: str, session: Session) -> float:
        """New shares per old one from that session's morning on; 0 for none."""

    def traded_share(self, symbol: str, session: Session, minutes_to_close: float) -> float:
        """Share of the session's volume traded so many minutes before its close.

        Parameters
        ----------
        symbol : str
            Ticker.
        session : Session
            The session, with its open and close.
        minutes_to_close : float
            Minutes before the close.
        """

    def sessions_around(self, day: date) -> Sessions:
        """Sessions from ten days before a day to the last expiry of its options, as far as they are known."""


class Market:
    """The market at the clock's instant."""

    def __init__(self, source: MarketSource, clock: MarketClock) -> None:
        self.source = source
        self.clock = clock
        self._spun_off: set[tuple[str, date]] = set()
        self.listings: dict[str, Listing] = {s: listing_of(s) for s in (*source.symbols, VIX)}

    @property
    def today(self) -> date:
        """The exchange's date at the clock's instant."""
        return self.clock.now().astimezone(NEW_YORK).date()

    @property
    def session(self) -> Session:
        """Today's session, or the last one before today.

        Raises
        ------
        ValueError
            If the clock stands outside the known sessions.
        """
        found = self.source.sessions.get(self.today) or self.source.sessions.before(self.today)
        if found is None:
            raise ValueError(f"market time {self.today} lies before the first known session")
        return found

    def minutes_to_close(self) -> float:
        """Minutes until the session's close; 0 or less after it."""
        return (self.session.close - self.clock.now()).total_seconds() / 60.0

    def running_bar(self, symbol: str) -> Bar | None:
        """Bar of the session so far; None before it opens or without a bar."""
        session = self.session
        final = self.source.bar(symbol, session.day)
        if final is None or self.clock.now() < session.open:
            return None
        share = self.source.traded_share(symbol, session, self.minutes_to_close())
        return replace(final, volume=volume_so_far(final.volume, share))

    def previous_close(self, symbol: str) -> Decimal | None:
        """Close of the session before the current one."""
        before = self.source.sessions.before(self.session.day)
        bar = self.source.history(symbol, before.day, self.session.day).find(before.day) if before else None
        return exact(bar.close) if bar else None

    def price(self, symbol: str) -> Decimal | None:
        """Last price: today's close from the opening on, the previous close before."""
        bar = self.running_bar(symbol)
        return exact(bar.close) if bar else self.previous_close(symbol)

    def history(self, symbol: str, first: date) -> Iterator[Bar]:
        """Bars from a date on, oldest first; the running one last."""
        session = self.session
        past = self.source.history(symbol, first, session.day)
        yield from (past.bar(index) for index in range(len(past)) if past.day(index) < session.day)
        running = self.running_bar(symbol)
        if running and session.day >= first:
            yield running

    def spin_off(self, parent: str, child: str, ratio: Decimal) -> None:
        """Take what the child is worth off the parent's price, from today on; once, whoever holds it.

        Parameters
        ----------
        parent : str
            Symbol of the parent.
        child : str
            Symbol of the child.
        ratio : Decimal
            Shares of the child per share of the parent.
        """
        day, prices = self.session.day, (self.previous_close(parent), self.previous_close(child))
        if prices[0] and prices[1] and (parent, day) not in self._spun_off:
            self._spun_off.add((parent, day))
            self.source = SpunOff(self.source, parent, day, float(ratio * prices[1] / prices[0]))

    def moment(self) -> Moment:
        """The exchange's view of this instant."""
        return self._moment(self.clock.now(), self.session)

    def closings_since(self, day: date) -> list[Moment]:
        """Moments of the closes that have passed since (and including) a session."""
        passed = self.source.sessions.between(day, self.session.day)
        return [self._moment(s.close, s) for s in passed if s.close <= self.clock.now()]

    def _moment(self, now: datetime, session: Session) -> Moment:
        volumes: dict[str, float] = {}
        if session == self.session and now < session.close:
            found = {symbol: self.price(symbol) for symbol in self.source.symbols}
            prices = {symbol: price for symbol, price in found.items() if price is not None}
        else:
            closes = {s: bar for s in self.source.symbols if (bar := self.source.bar(s, session.day))}
            prices = {symbol: exact(bar.close) for symbol, bar in closes.items()}
            volumes = {symbol: bar.volume for symbol, bar in closes.items()}
        return Moment(now, session, prices, self._actions(session), volumes)

    def _actions(self, session: Session) -> tuple[CorporateAction, ...]:
        bars = ((symbol, self.source.bar(symbol, session.day)) for symbol in self.source.symbols)
        return tuple(
            CorporateAction(symbol, exact(bar.dividend), exact(self.source.split(symbol, session) or 1.0))
            for symbol, bar in bars
            if bar and (bar.dividend or bar.split)
        )


@dataclass(frozen=True, slots=True)
class PortMarket:
    """A market source (gateway.market.MarketSource) over a source port.

    The running bar's volume is that of the source's own quote at the instant, to the share.
    """

    source: BarSource
    sessions: Sessions
    bars: Mapping[str, Bars]
    vix: Mapping[date, float] = field(repr=False)
    calendar: Calendar

    @property
    def symbols(self) -> tuple[str, ...]:
        """Shares that can be traded."""
        return tuple(self.bars)

    @property
    def last_day(self) -> date:
        """The last session that has bars."""
        return max(bars.last_day for bars in self.bars.values())

    def bar(self, symbol: str, day: date) -> Bar | None:
        """Finished bar of a session; of VIX only the close is known."""
        if symbol == VIX:
            close = self.vix.get(day)
            return None if close is None else Bar(day, close, close, close, close, 0.0)
        # Of the day itself: a source that tells splits has the prices as they were traded.
        return self.source.history(symbol, day, day).find(day) if symbol in self.bars else None

    def history(self, symbol: str, first: date, last: date) -> Bars:
        """Finished bars of the closed interval in the shares of its last session; `VIX` too."""
        if symbol == VIX:
            closes = {day: close for day, close in self.vix.items() if first <= day <= last}
            return bars_of_closes(VIX, self.source.name, closes)
        return self.source.history(symbol, first, last) if symbol in self.bars else Bars.of(symbol, "", ())

    def split(self, symbol: str, session: Session) -> float:
        """New shares per old one from that session's morning on; 0 for none."""
        return self.source.quote(symbol, session, session.close).split

    def traded_share(self, symbol: str, session: Session, minutes_to_close: float) -> float:
        """Share of the session's volume traded, from the source's quote.

        Parameters
        ----------
        symbol : str
            Ticker.
        session : Session
            The session, with its open and close.
        minutes_to_close : float
            Minutes before the close.
        """
        final = self.bar(symbol, session.day)
        if symbol == VIX or final is None or not final.volume > 0:
            return 1.0
        seen = self.source.quote(symbol, session, session.close - timedelta(minutes=max(0.0, minutes_to_close)))
        return seen.volume / final.volume

    def sessions_around(self, day: date) -> Sessions:
        """Sessions around a day, as far as the options listed on it need them and the calendar knows them."""
        try:
            return self.calendar.sessions(day - _DAYS_BEYOND, day + _DAYS_OF_OPTIONS)
        except CalendarMismatchError:
            return self.sessions


class SpunOff(Struct, frozen=True):
    """A market source whose parent of a spin-off is cheaper from a session on (gateway.market.MarketSource).

    Parameters
    ----------
    part : float
        What the child is worth of the parent's price before.
    """

    source: MarketSource
    symbol: str
    day: date
    part: float

    @property
    def sessions(self) -> Sessions:
        """Sessions the market knows."""
        return self.source.sessions

    @property
    def symbols(self) -> tuple[str, ...]:
        """Shares that can be traded."""
        return self.source.symbols

    def bar(self, symbol: str, day: date) -> Bar | None:
        """Finished bar of a session."""
        return self.history(symbol, day, day).find(day)

    def history(self, symbol: str, first: date, last: date) -> Bars:
        """Finished bars of the closed interval."""
        bars = self.source.history(symbol, first, last)
        if symbol != self.symbol:
            return bars
        left = np.where(bars.days >= np.datetime64(self.day), 1.0 - self.part, 1.0)
        return replace(bars, **{name: np.round(getattr(bars, name) * left, 3) for name in PRICE_COLUMNS})

    def split(self, symbol: str, session: Session) -> float:
        """New shares per old one from that session's morning on."""
        return self.source.split(symbol, session)

    def traded_share(self, symbol: str, session: Session, minutes_to_close: float) -> float:
        """Share of the session's volume traded.

        Parameters
        ----------
        symbol : str
            Ticker.
        session : Session
            The session, with its open and close.
        minutes_to_close : float
            Minutes before the close.
        """
        return self.source.traded_share(symbol, session, minutes_to_close)

    def sessions_around(self, day: date) -> Sessions:
        """Sessions around a day."""
        return self.source.sessions_around(day)


def port_market(source: BarSource, calendar: Calendar, symbols: tuple[str, ...]) -> PortMarket:
    """Read the symbols' whole history.

    Parameters
    ----------
    source : BarSource
        Daily bars, today's unfinished bar and the VIX from one vendor.
    calendar : Calendar
        The exchange's trading sessions.
    symbols : tuple of str
        Tickers.

    Raises
    ------
    DataError
        If the source cannot give it.
    ValueError
        If the source has no bars of a symbol.
    """
    bars = {symbol: source.history(symbol, _EARLIEST, _LATEST) for symbol in symbols}
    empty = [symbol for symbol, found in bars.items() if not len(found)]
    if empty:
        raise ValueError(f"the {source.name} source has no bars of {', '.join(empty)}")
    first = min(found.day(0) for found in bars.values())
    last = max(found.last_day for found in bars.values())
    sessions = calendar.sessions(first, last + _DAYS_BEYOND)
    return PortMarket(source, sessions, bars, source.series_history(VIX, first, last), calendar)
