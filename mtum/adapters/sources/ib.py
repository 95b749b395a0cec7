"""Bars, today's running bar and the VIX over the broker's own connection."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from itertools import groupby

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from mtum.adapters.ib.codes import NO_PERMISSION
from mtum.adapters.ib.contracts import Contracts
from mtum.adapters.ib.messages import (
    DIVIDENDS,
    LAST,
    LAST_TIME,
    DataType,
    GenericTick,
    HistoricalBar,
    Message,
    PriceTick,
    TextTick,
)
from mtum.adapters.ib.requests import (
    Request,
    RequestChain,
    RequestRefusedError,
    SilenceError,
    dividends,
    history,
    next_dividend,
    snapshot,
)
from mtum.adapters.sources.vendor import Slices, VendorSource
from mtum.core.market.bars import PRICE_COLUMNS, Bar, Bars
from mtum.core.market.coverage import Coverage, Dividends
from mtum.core.market.dividends import dividends_of
from mtum.core.market.intraday import VALUES, Rows
from mtum.core.market.sessions import Session
from mtum.core.market.timeframes import Timeframe
from mtum.errors import BarsInvalidError, BarsStaleError, BrokerError, DataError, SourceUnavailableError
from mtum.ports.market_data import Quote, SeriesValue

NAME = "ib"
SERIES = ("VIX", "VXN", "RVX")
PRIOR_SHARES = {"SPY": 0.84}
"""Share of a session's volume on the broker's daily bar 20 minutes before the close; no others are documented."""
BID, ASK = (1, 66), (2, 67)
DELAYED_TYPES = (3, 4)
BARS_FOR = {"1m": 1, "5m": 5, "15m": 5, "30m": 30, "1h": 30, "4h": 30}
"""Hours of the broker begin with the clock's, not with the session: they are made of halves."""
_SIZES = {1: "1 min", 5: "5 mins", 30: "30 mins"}
MOST_POINTS = 1000.0
"""Implied volatility that nothing has; -1 and 0 are the wire's words for none."""
NO_VOLUME = -1.0
"""The broker's word for a volume it does not know."""
_LEARNING_DAYS = 40  # calendar days that hold 20 full sessions
_TOLD_SESSIONS = 15  # newest sessions of which a quote may have told more than their prices
_DAYS_BEFORE = 12  # calendar days that hold a week of sessions

type Ticks = Sequence[PriceTick | TextTick | GenericTick | DataType]


class Facts(Struct, frozen=True):
    """Where dividends that a quote told are remembered: `read` returns None for none."""

    read: Callable[[str], str | None]
    write: Callable[[str, str], None]


def ib_source(contracts: Contracts, facts: Facts | None = None) -> VendorSource:
    """Return the broker as a source of bars of regular hours.

    Prices are adjusted for splits and not for dividends. Volume is the history service's on both sides
    of every comparison; the live feed's is another unit and is never used. Dividends are read from the prices
    adjusted for them, and today's from the quote.

    Parameters
    ----------
    facts : Facts or None
        None where another tells the dividends: the broker is not asked then.
    """
    connector = contracts.connector
    return VendorSource(IbRequests(contracts, facts), lambda begin: connector.run(begin()), connector.run_all)


class IbRequests:
    """What the broker is asked; each request a chain over the run's connection."""

    name = NAME
    prior_shares: Mapping[str, float] = PRIOR_SHARES

    def __init__(self, contracts: Contracts, facts: Facts | None) -> None:
        self._connector = contracts.connector
        self._contracts = contracts
        self._facts = facts
        self._untold: set[str] = set()
        self._ex: dict[tuple[str, date], float | None] = {}

    def coverage(self, symbol: str) -> Coverage:
        """Return whether dividends are told: by prices adjusted for them, beside the prices of trades."""
        if self._facts is None or symbol in self._untold:
            return Coverage(Dividends.UNKNOWN)
        return Coverage(Dividends.KNOWN, told_by=NAME)

    def series_history(self, name: str, first: date, last: date) -> Mapping[date, float]:
        """Return official closes of the closed interval; empty without permission."""
        if name not in SERIES:
            return {}
        try:
            bars = self._connector.run(self._daily(name, first))
        except (BrokerError, DataError):
            return {}
        return {bar.day: bar.close for bar in bars if first <= bar.day <= last}

    def history(self, symbol: str, first: date, last: date) -> RequestChain[Bars]:
        """Ask for daily bars, and for the adjusted ones that tell dividends."""
        # A dividend shows against the close before it.
        since = first - timedelta(days=_DAYS_BEFORE)
        bars = yield from self._daily(symbol, since)
        if self._facts is not None:
            bars = yield from self._with_dividends(symbol, since, bars, self._facts)
        return Bars.of(symbol, NAME, [bar for bar in bars if first <= bar.day <= last])

    def _with_dividends(self, symbol: str, since: date, bars: list[Bar], facts: Facts) -> RequestChain[list[Bar]]:
        self._untold.add(symbol)
        try:
            adjusted = yield from self._daily(symbol, since, "ADJUSTED_LAST")
        except (SourceUnavailableError, BarsInvalidError):
            return bars
        if [bar.day for bar in adjusted] != [bar.day for bar in bars]:
            return bars
        self._untold.discard(symbol)
        closes, below = (np.array([bar.close for bar in some]) for some in (bars, adjusted))
        found = dividends_of(closes, below)
        told = []
        for at, (bar, read) in enumerate(zip(bars, found.tolist(), strict=True)):
            # What a quote has told of a day is exact, and as little as the prices cannot show.
            exact = facts.read(_fact(symbol, bar.day)) if read or at >= len(bars) - _TOLD_SESSIONS else None
            told.append(replace(bar, dividend=read if exact is None else float(exact)))
        return told

    def quote(self, symbol: str, session: Session, _: datetime) -> RequestChain[Quote]:
        """Ask for the running bar of the history service, dated by the live quote.

        Parameters
        ----------
        symbol : str
            Ticker.
        session : Session
            The session, with its open and close.
        _ : datetime
            Not needed.
        """
        bars = yield from self._daily(symbol, session.day)
        bar = next((one for one in reversed(bars) if one.day == session.day), None)
        if bar is None:
            raise BarsStaleError(f"{symbol}: the broker has no bar of {session.day} yet")
        contract = yield from self._contracts.asking(symbol)
        ticks = yield from asked(snapshot(contract))
        prices = prices_of(ticks)
        bid, ask = either(prices, BID), either(prices, ASK)
        seen = traded_at(ticks) or (yield from self._newest_minute(symbol))
        if seen is None:
            raise BarsStaleError(f"{symbol}: the broker does not say when the price was formed")
        dividend = (yield from self._dividend(symbol, session.day)) if self._facts is not None else None
        return Quote(
            symbol=symbol,
            source=NAME,
            session=session.day,
            open=bar.open,
            high=bar.high,
            low=bar.low,
            close=bar.close,
            volume=bar.volume,
            seen_at=seen,
            midpoint=round((bid + ask) / 2, 6) if bid and ask else None,
            delayed=is_delayed(ticks),
            dividend=dividend or 0.0,
            dividend_told=dividend is not None,
        )

    def _dividend(self, symbol: str, day: date) -> RequestChain[float | None]:
        """Find what goes ex on a day, USD per share; None where the broker does not tell."""
        if (symbol, day) not in self._ex:
            contract = yield from self._contracts.asking(symbol)
            self._ex[symbol, day] = None
            try:
                ticks = yield dividends(contract)
            except (RequestRefusedError, SilenceError):
                return None
            told = next_dividend(next(str(tick.text) for tick in reversed(ticks) if tick.kind == DIVIDENDS))
            if told is not None:
                ex_date, amount = told
                self._ex[symbol, day] = amount if ex_date == day else 0.0
                if self._facts is not None and ex_date >= day:
                    self._facts.write(_fact(symbol, ex_date), repr(amount))
        return self._ex[symbol, day]

    def series(self, name: str, _: Session, __: datetime) -> RequestChain[SeriesValue | None]:
        """Ask for the index as it stands; one that is no longer the pinned contract is not told.

        Parameters
        ----------
        name : str
            Name of the series.
        _ : Session
            One trading day of the exchange, named by its date.
        __ : datetime
            Not needed.
        """
        if name not in SERIES:
            return None
        try:
            contract = yield from self._contracts.asking(name)
            ticks = yield from asked(snapshot(contract))
            points = either(prices_of(ticks), LAST)
            seen = traded_at(ticks) or (yield from self._newest_minute(name))
        except BrokerError as error:
            # A changed or unknown contract, silence, a lost line: the series is an input, and its absence is told.
            raise SourceUnavailableError(f"{name}: {error}") from error
        if points is None or seen is None:
            return None
        return SeriesValue(name, NAME, points, seen, is_delayed(ticks))

    def slices(self, symbol: str, session: Session) -> RequestChain[Slices]:
        """Ask for 5-minute bars, and the daily bars with the final volumes."""
        bars = yield from self._daily(symbol, session.day - timedelta(days=_LEARNING_DAYS))
        contract = yield from self._contracts.asking(symbol)
        told = yield from asked(history(contract, "22 D", "5 mins", epoch=True))
        return _full_sessions(told, bars, session.day)

    def minutes_for(self, symbol: str, timeframe: Timeframe) -> int:
        """Return 1, 5 or 30."""
        return BARS_FOR[timeframe]

    def intraday(self, symbol: str, minutes: int, first: date, last: date) -> RequestChain[Rows]:
        """Ask for bars within regular hours."""
        contract = yield from self._contracts.asking(symbol)
        today = self._connector.today or last
        told = yield from asked(history(contract, duration(first, today), _SIZES[minutes], epoch=True))
        found = {_instant(one.bar.date): one.bar for one in told}
        begins = [at for at in sorted(found) if first <= at.date() <= last]
        columns = {name: [_amount(symbol, getattr(found[at], name)) for at in begins] for name in VALUES}
        columns["volume"] = [math.nan if one == NO_VOLUME else one for one in columns["volume"]]
        return {"begins": [at.replace(tzinfo=None) for at in begins], **columns}

    def volatility(self, symbol: str, first: date, last: date) -> RequestChain[Mapping[date, float]]:
        """Ask for the daily implied volatility of an underlying; none without permission, or where it is unreadable."""
        try:
            told = yield from self._daily(symbol, first, "OPTION_IMPLIED_VOLATILITY")
        except (SourceUnavailableError, BarsInvalidError):
            return {}
        # The wire has fractions a year, the indexes of volatility have points.
        known = ((bar.day, round(100.0 * bar.close, 6)) for bar in told if first <= bar.day <= last)
        return {day: points for day, points in known if 0.0 < points < MOST_POINTS}

    def _daily(self, symbol: str, first: date, what: str = "TRADES") -> RequestChain[list[Bar]]:
        contract = yield from self._contracts.asking(symbol)
        # Known since the connection was made, which finding the contract took at the latest.
        today = self._connector.today or first
        told = yield from asked(history(contract, duration(first, today), "1 day", what=what))
        return bars_of(symbol, told)

    def _newest_minute(self, symbol: str) -> RequestChain[datetime | None]:
        contract = yield from self._contracts.asking(symbol)
        found = yield from asked(history(contract, "1800 S", "1 min", epoch=True))
        return max(_instant(told.bar.date) for told in found) + timedelta(minutes=1) if found else None


def asked[M: Message](request: Request[M]) -> RequestChain[list[M]]:
    """Ask, a second time where the first was not answered; what is refused is a source that is not there."""
    try:
        try:
            return (yield request)
        except SilenceError:
            # One lost answer must not cost the decision; two are a service that is down.
            return (yield request)
    except RequestRefusedError as refused:
        lacks = refused.code in NO_PERMISSION and "pacing" not in refused.words
        why = "; subscribe to its market data" if lacks else ""
        raise SourceUnavailableError(f"{refused}{why}") from refused
    except SilenceError as silence:
        raise SourceUnavailableError(str(silence)) from silence


def _fact(symbol: str, day: date) -> str:
    return f"dividend of {symbol} on {day}"


def duration(first: date, today: date) -> str:
    """Return the broker's words for a span that holds every session from `first` on.

    Examples
    --------
    >>> duration(date(2026, 1, 5), date(2026, 1, 9)), duration(date(2024, 1, 5), date(2026, 1, 9))
    ('5 D', '3 Y')
    """
    days = (today - first).days + 1
    return f"{max(1, days)} D" if days <= 365 else f"{-(-days // 365)} Y"


def bars_of(symbol: str, answer: Iterable[HistoricalBar]) -> list[Bar]:
    """Return daily bars in rising order; of one day told twice alike the later one.

    Raises
    ------
    BarsInvalidError
        If a bar cannot be read, or a day is told with two different prices.
    """
    found: dict[date, Bar] = {}
    for told in answer:
        bar = _bar(symbol, told.bar)
        before = found.get(bar.day, bar)
        if any(getattr(bar, name) != getattr(before, name) for name in PRICE_COLUMNS):
            raise BarsInvalidError(
                f"{symbol} {bar.day}: the broker tells two bars of this day, closing at {before.close:g} and "
                f"{bar.close:g}; neither is believed: ask again later, or compare them with another source"
            )
        found[bar.day] = bar
    return [found[day] for day in sorted(found)]


def _bar(symbol: str, told: object) -> Bar:
    stamp = str(getattr(told, "date", ""))
    try:
        day = datetime.strptime(stamp[:8], "%Y%m%d").replace(tzinfo=UTC).date()
        numbers = [float(getattr(told, name)) for name in (*PRICE_COLUMNS, "volume")]
    except (ValueError, TypeError, OverflowError) as error:
        raise BarsInvalidError(f"{symbol}: a bar of the broker cannot be read: {stamp!r}: {error}") from error
    if numbers[-1] == NO_VOLUME:
        numbers[-1] = math.nan
    return Bar(day, *numbers)


def _amount(symbol: str, told: object) -> float:
    try:
        return float(str(told))
    except ValueError as error:
        raise BarsInvalidError(f"{symbol}: a bar of the broker within the session says {told!r}") from error


def prices_of(ticks: Ticks) -> dict[int, float]:
    """Return the newest price of each kind."""
    return {int(tick.kind): float(tick.price) for tick in ticks if isinstance(tick, PriceTick)}


def either(prices: Mapping[int, float], kinds: tuple[int, int]) -> float | None:
    """Return the price of a live kind or its delayed twin; -1 and 0 are the wire's words for none."""
    found = next((prices[kind] for kind in kinds if kind in prices), None)
    return found if found is not None and found > 0 else None


def traded_at(ticks: Ticks) -> datetime | None:
    """Return when the last trade of a quote was made; None where it does not say."""
    stamps = [tick.text for tick in ticks if isinstance(tick, TextTick) and tick.kind in LAST_TIME]
    return _instant(stamps[-1]) if stamps and str(stamps[-1]).isdigit() else None


def is_delayed(ticks: Ticks) -> bool:
    """Return whether the prices of a quote are delayed ones."""
    kinds = [tick.kind for tick in ticks if isinstance(tick, DataType)]
    return bool(kinds) and kinds[-1] in DELAYED_TYPES


def _instant(epoch: object) -> datetime:
    try:
        return datetime.fromtimestamp(int(str(epoch)), UTC)
    except (ValueError, OverflowError, OSError) as error:
        raise BarsInvalidError(f"the broker dates a price {epoch!r}, which is no time") from error


def _full_sessions(told: Iterable[HistoricalBar], daily: Sequence[Bar], before: date) -> Slices:
    """Return begin and volume of the 5-minute bars of each full session before a day, its close and final volume."""
    finals = {bar.day: bar.volume for bar in daily}
    stamped = sorted({_instant(one.bar.date): float(one.bar.volume) for one in told}.items())
    found = []
    for day, part in groupby(stamped, key=lambda pair: pair[0].date()):
        begins, volumes = zip(*part, strict=True)
        # A full session of 5-minute bars has 78; a half day is not learned from.
        if day < before and begins[-1] - begins[0] >= timedelta(hours=5):
            starts = np.array([begin.replace(tzinfo=None) for begin in begins], dtype="datetime64[s]")
            close = begins[-1] + timedelta(minutes=5)
            found.append((starts, np.array(volumes), close, finals.get(day, 0.0)))
    return tuple(found)
