"""Bars, today's running bar and the VIX over the broker's own connection."""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import partial
from itertools import groupby
from typing import Any

import numpy as np
from numpy.typing import NDArray

from mtum.adapters.ib.codes import NO_PERMISSION
from mtum.adapters.ib.contracts import Contracts
from mtum.adapters.ib.messages import (
    DataType,
    HistoricalBar,
    Message,
    PriceTick,
    Question,
    RequestRefusedError,
    SilenceError,
    Talk,
    TextTick,
    history,
    snapshot,
)
from mtum.adapters.sources.ahead import Ahead
from mtum.core.market.bars import PRICE_COLUMNS, Bar, Bars
from mtum.core.market.coverage import Coverage, Dividends
from mtum.core.market.sessions import Session
from mtum.core.market.volume import UsualShare, intraday_share, learned_share
from mtum.core.simulation.provisional import documented_share
from mtum.errors import BarsInvalidError, BarsStaleError, BrokerError, DataError, SourceUnavailableError
from mtum.ports.market_data import Call, Method, Quote, SeriesValue

NAME = "ib"
SERIES = ("VIX",)
PRIOR_SHARES = {"SPY": 0.84}
"""Share of a session's volume on the broker's daily bar 20 minutes before the close; no others are documented."""
BID, ASK, LAST = (1, 66), (2, 67), (4, 68)
LAST_TIME = (45, 88)
DELAYED_TYPES = (3, 4)
NO_VOLUME = -1.0
"""The broker's word for a volume it does not know."""
_LEARNING_DAYS = 40  # calendar days that hold 20 full sessions

type Ticks = Sequence[PriceTick | TextTick | DataType]
type Slices = Sequence[tuple[NDArray[np.datetime64], NDArray[np.float64], datetime, float]]
"""Of each full session: begin and volume of its slices, its close and its final volume."""


class IbSource:
    """Bars of regular hours from the broker (ports.market_data.BarSource).

    Prices are adjusted for splits and not for dividends. Volume is the history service's on both sides
    of every comparison; the live feed's is another unit and is never used.
    """

    name = NAME

    def __init__(self, contracts: Contracts) -> None:
        self._connector = contracts.connector
        self._contracts = contracts
        self._learned: dict[tuple[str, date], Slices] = {}
        self._ahead = Ahead()

    def coverage(self, symbol: str) -> Coverage:
        """Return that dividends are not told: the bars of trades carry none."""
        return Coverage(Dividends.UNKNOWN)

    def ask_ahead(self, calls: Sequence[Call], seconds: float) -> None:
        """Ask for many symbols at once, within the broker's limits."""
        talks: Mapping[str, Callable[..., Talk[Any]]] = {
            "history": self._history,
            "quote": self._quote,
            "series": self._series,
            "volume_share": self._share,
        }
        came = self._connector.talk_all([partial(talks[call.method], *call.arguments) for call in calls], seconds)
        self._ahead.keep(NAME, calls, came, seconds)

    def history(self, symbol: str, first: date, last: date) -> Bars:
        """Return the daily bars of the closed interval."""
        return self._answer("history", self._history, symbol, first, last)

    def quote(self, symbol: str, session: Session, at: datetime) -> Quote:
        """Return today's running bar of the history service, dated by the live quote.

        Raises
        ------
        BarsStaleError
            If there is no bar of today, or nothing says when it last traded.
        """
        return self._answer("quote", self._quote, symbol, session, at)

    def series(self, name: str, session: Session, at: datetime) -> SeriesValue | None:
        """Return the index as it stands; None if nothing is known of it.

        Raises
        ------
        SourceUnavailableError
            If the broker shows none, or one that is no longer the pinned contract.
        """
        return self._answer("series", self._series, name, session, at)

    def series_history(self, name: str, first: date, last: date) -> Mapping[date, float]:
        """Return official closes of the closed interval; empty without permission."""
        if name not in SERIES:
            return {}
        try:
            bars = self._connector.talk(self._daily(name, first))
        except (BrokerError, DataError):
            return {}
        return {bar.day: bar.close for bar in bars if first <= bar.day <= last}

    def volume_share(self, symbol: str, session: Session, minutes: float) -> UsualShare | None:
        """Return the median share of the last 20 full sessions' 5-minute bars, or the documented prior."""
        try:
            measured = self._answer("volume_share", self._share, symbol, session, minutes)
        except DataError:
            # The prior is a fair answer; a service that is down says so where bars are asked for.
            self._learned[symbol, session.day] = ()
            measured = None
        return measured or documented_share(PRIOR_SHARES.get(symbol), session, minutes)

    def _answer[T](self, method: Method, talk: Callable[..., Talk[T]], *arguments: Any) -> T:
        return self._ahead.answer(Call(method, arguments), lambda: self._connector.talk(talk(*arguments)))

    def _history(self, symbol: str, first: date, last: date) -> Talk[Bars]:
        bars = yield from self._daily(symbol, first)
        return Bars.of(symbol, NAME, [bar for bar in bars if first <= bar.day <= last])

    def _quote(self, symbol: str, session: Session, _: datetime) -> Talk[Quote]:
        bars = yield from self._daily(symbol, session.day)
        bar = next((one for one in reversed(bars) if one.day == session.day), None)
        if bar is None:
            raise BarsStaleError(f"{symbol}: the broker has no bar of {session.day} yet")
        contract = yield from self._contracts.asking(symbol)
        ticks = yield from _asked(snapshot(contract))
        prices = _prices(ticks)
        bid, ask = _either(prices, BID), _either(prices, ASK)
        seen = _last_trade(ticks) or (yield from self._newest_minute(symbol))
        if seen is None:
            raise BarsStaleError(f"{symbol}: the broker does not say when the price was formed")
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
            delayed=_delayed(ticks),
        )

    def _series(self, name: str, _: Session, __: datetime) -> Talk[SeriesValue | None]:
        if name not in SERIES:
            return None
        try:
            contract = yield from self._contracts.asking(name)
            ticks = yield from _asked(snapshot(contract))
            points = _either(_prices(ticks), LAST)
            seen = _last_trade(ticks) or (yield from self._newest_minute(name))
        except BrokerError as error:
            # A changed or unknown contract, silence, a lost line: the series is an input, and its absence is told.
            raise SourceUnavailableError(f"{name}: {error}") from error
        if points is None or seen is None:
            return None
        return SeriesValue(name, NAME, points, seen, _delayed(ticks))

    def _share(self, symbol: str, session: Session, minutes: float) -> Talk[UsualShare | None]:
        # The bars are asked for once a day; the share of any minute is read from them.
        if (symbol, session.day) not in self._learned:
            bars = yield from self._daily(symbol, session.day - timedelta(days=_LEARNING_DAYS))
            contract = yield from self._contracts.asking(symbol)
            told = yield from _asked(history(contract, "30 D", "5 mins", epoch=True))
            self._learned[symbol, session.day] = _full_sessions(told, bars, session.day)
        shares = (
            intraday_share(starts, volumes, close, minutes, final)
            for starts, volumes, close, final in self._learned[symbol, session.day]
        )
        return learned_share([share for share in shares if share is not None])

    def _daily(self, symbol: str, first: date) -> Talk[list[Bar]]:
        contract = yield from self._contracts.asking(symbol)
        # Known since the connection was made, which finding the contract took at the latest.
        today = self._connector.today or first
        told = yield from _asked(history(contract, duration(first, today), "1 day"))
        return bars_of(symbol, told)

    def _newest_minute(self, symbol: str) -> Talk[datetime | None]:
        contract = yield from self._contracts.asking(symbol)
        found = yield from _asked(history(contract, "1800 S", "1 min", epoch=True))
        return max(_instant(told.bar.date) for told in found) + timedelta(minutes=1) if found else None


def _asked[M: Message](question: Question[M]) -> Talk[list[M]]:
    try:
        try:
            return (yield question)
        except SilenceError:
            # One lost answer must not cost the decision; two are a service that is down.
            return (yield question)
    except RequestRefusedError as refused:
        lacks = refused.code in NO_PERMISSION and "pacing" not in refused.words
        why = "; subscribe to its market data" if lacks else ""
        raise SourceUnavailableError(f"{refused}{why}") from refused
    except SilenceError as silence:
        raise SourceUnavailableError(str(silence)) from silence


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


def _prices(ticks: Ticks) -> dict[int, float]:
    return {int(tick.kind): float(tick.price) for tick in ticks if isinstance(tick, PriceTick)}


def _either(prices: Mapping[int, float], kinds: tuple[int, int]) -> float | None:
    # A live tick number or its delayed twin; -1 and 0 are the wire's words for no price.
    found = next((prices[kind] for kind in kinds if kind in prices), None)
    return found if found is not None and found > 0 else None


def _last_trade(ticks: Ticks) -> datetime | None:
    stamps = [tick.text for tick in ticks if isinstance(tick, TextTick) and tick.kind in LAST_TIME]
    return _instant(stamps[-1]) if stamps and str(stamps[-1]).isdigit() else None


def _delayed(ticks: Ticks) -> bool:
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
