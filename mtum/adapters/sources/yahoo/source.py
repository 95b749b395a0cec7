"""Yahoo as a source of bars: history, today's running bar, the VIX, and shares of volume."""

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime, timedelta
from functools import partial
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mtum.adapters.sources.ahead import Ahead
from mtum.adapters.sources.yahoo.client import Answer, YahooClient
from mtum.adapters.sources.yahoo.frames import bars_of, instant_of, starts_of
from mtum.core.market.bars import PRICE_COLUMNS, Bar, Bars
from mtum.core.market.coverage import Coverage, Dividends
from mtum.core.market.sessions import Session
from mtum.core.market.volume import UsualShare, intraday_share, learned_share
from mtum.core.simulation.provisional import documented_share
from mtum.errors import BarsInvalidError, BarsStaleError, DataError
from mtum.ports.market_data import Call, Method, Quote, SeriesValue
from mtum.ports.time import Calendar

if TYPE_CHECKING:
    import pandas as pd

NAME = "yahoo"
SERIES = {"VIX": ("^VIX", "America/Chicago")}
"""Extra series: Yahoo's ticker and the zone in which it dates them."""
PRIOR_SHARES = {"MTUM": 0.87, "IWM": 0.86, "QQQ": 0.80, "SPY": 0.70}
"""Share of a session's volume on Yahoo's daily bar 20 minutes before the close, measured on 2019 to 2026."""
BUDGET_SECONDS = 30.0
"""For one question; a decision asks four between its snapshot and its data deadline 150 seconds later."""
_NEW_YORK = "America/New_York"
_INTRADAY_DAYS = 40  # holds 20 full sessions, holidays and half days included; Yahoo keeps 60

type _Slices = tuple[NDArray[np.datetime64], NDArray[np.float64], datetime, float]


class YahooSource:
    """Bars from Yahoo Finance (ports.market_data.BarSource).

    Prices are adjusted for splits and not for dividends. There is no bid and ask, so that a big newest
    move needs a second source or a person.

    Parameters
    ----------
    calendar : Calendar
        Tells which days of the intraday bars were full sessions.
    cache_dir, base_url, timeout_seconds, budget_seconds
        As `YahooClient`.
    """

    name = NAME

    def __init__(
        self,
        calendar: Calendar,
        cache_dir: Path,
        base_url: str = "",
        timeout_seconds: float = 10.0,
        budget_seconds: float = BUDGET_SECONDS,
    ) -> None:
        self._calendar = calendar
        self._client = YahooClient(cache_dir, base_url, timeout_seconds, budget_seconds)
        self._learned: dict[tuple[str, date], Sequence[_Slices]] = {}
        self._ahead = Ahead()

    def coverage(self, symbol: str) -> Coverage:
        """Return that dividends are told: they come with every chart."""
        return Coverage(Dividends.KNOWN)

    def ask_ahead(self, calls: Sequence[Call], seconds: float) -> None:
        """Ask for many symbols at once, no faster than Yahoo allows."""
        asks: Mapping[Method, Callable[..., Any]] = {
            "history": self._history,
            "quote": self._quote,
            "series": self._series,
            "volume_share": self._share,
        }
        came = self._client.side_by_side([partial(asks[call.method], *call.arguments) for call in calls], seconds)
        self._ahead.keep(NAME, calls, came, seconds)

    def history(self, symbol: str, first: date, last: date) -> Bars:
        """Return the daily bars of the closed interval."""
        return self._answer("history", self._history, symbol, first, last)

    def quote(self, symbol: str, session: Session, at: datetime) -> Quote:
        """Return today's running bar.

        Raises
        ------
        BarsStaleError
            If Yahoo has no bar of today, or does not say when it last traded.
        BarsInvalidError
            If a price is missing in it.
        """
        return self._answer("quote", self._quote, symbol, session, at)

    def series(self, name: str, session: Session, at: datetime) -> SeriesValue | None:
        """Return the index as it stands, or None for a series Yahoo does not have."""
        return self._answer("series", self._series, name, session, at)

    def series_history(self, name: str, first: date, last: date) -> Mapping[date, float]:
        """Return official closes by session as Yahoo dates them, days the exchange was shut included."""
        if name not in SERIES:
            return {}
        bars = bars_of(self._client.chart(*SERIES[name], first, last).frame, name, NAME)
        return {bars.day(index): float(close) for index, close in enumerate(bars.close) if not isnan(close)}

    def volume_share(self, symbol: str, session: Session, minutes: float) -> UsualShare | None:
        """Return the median share of the last 20 full sessions' 5-minute bars, or the documented prior."""
        try:
            measured = self._answer("volume_share", self._share, symbol, session, minutes)
        except DataError:
            # The prior is a fair answer; a source that is down says so where bars are asked for.
            self._learned[symbol, session.day] = ()
            measured = None
        return measured or documented_share(PRIOR_SHARES.get(symbol), session, minutes)

    def _answer[T](self, method: Method, ask: Callable[..., T], *arguments: Any) -> T:
        return self._ahead.answer(Call(method, arguments), lambda: ask(*arguments))

    def _history(self, symbol: str, first: date, last: date) -> Bars:
        frame = self._client.chart(ticker_of(symbol), _NEW_YORK, first, last).frame
        return bars_of(frame, symbol, NAME).since(first).until(last)

    def _quote(self, symbol: str, session: Session, _: datetime) -> Quote:
        bar, answer = self._running(symbol, ticker_of(symbol), _NEW_YORK, session)
        empty = [name for name in PRICE_COLUMNS if isnan(getattr(bar, name))]
        if empty:
            raise BarsInvalidError(f"{symbol} {session.day}: Yahoo's bar of today has no {' and no '.join(empty)}")
        return Quote(
            symbol=symbol,
            source=NAME,
            session=session.day,
            open=bar.open,
            high=bar.high,
            low=bar.low,
            close=bar.close,
            volume=bar.volume,
            seen_at=_seen_at(symbol, answer),
            delayed=bool(answer.about.get("exchangeDataDelayedBy")),
            dividend=bar.dividend,
            split=bar.split,
        )

    def _series(self, name: str, session: Session, _: datetime) -> SeriesValue | None:
        if name not in SERIES:
            return None
        bar, answer = self._running(name, *SERIES[name], session)
        delayed = bool(answer.about.get("exchangeDataDelayedBy"))
        return SeriesValue(name, NAME, bar.close, _seen_at(name, answer), delayed)

    def _running(self, name: str, ticker: str, zone: str, session: Session) -> tuple[Bar, Answer]:
        answer = self._client.chart(ticker, zone, session.day - timedelta(days=7), session.day)
        bars = bars_of(answer.frame, name, NAME)
        bar = bars.find(session.day)
        if bar is None:
            newest = bars.last_day if len(bars) else "nothing"
            raise BarsStaleError(f"{name}: Yahoo has no bar of {session.day} yet; its newest is {newest}")
        return bar, answer

    def _share(self, symbol: str, session: Session, minutes: float) -> UsualShare | None:
        # The bars are asked for once a day; the share of any minute is read from them.
        if (symbol, session.day) not in self._learned:
            first, last = session.day - timedelta(days=_INTRADAY_DAYS), session.day - timedelta(days=1)
            intraday = self._client.chart(ticker_of(symbol), _NEW_YORK, first, last, "5m").frame
            daily = self._history(symbol, first, last)
            full = [one for one in self._calendar.sessions(first, last) if not one.half_day]
            slices = (_slices(intraday, daily, one) for one in full)
            self._learned[symbol, session.day] = [one for one in slices if one is not None]
        shares = (
            intraday_share(starts, volumes, close, minutes, final)
            for starts, volumes, close, final in self._learned[symbol, session.day]
        )
        return learned_share([share for share in shares if share is not None])


def ticker_of(symbol: str) -> str:
    """Return Yahoo's spelling of a symbol: share classes are set off by a hyphen.

    Examples
    --------
    >>> ticker_of("BRK B"), ticker_of("MTUM")
    ('BRK-B', 'MTUM')
    """
    return symbol.replace(" ", "-").replace(".", "-")


def _seen_at(name: str, answer: Answer) -> datetime:
    seen = instant_of(answer.about.get("regularMarketTime"))
    if seen is None:
        raise BarsStaleError(f"{name}: Yahoo does not say when the price was formed")
    return seen


def _slices(intraday: "pd.DataFrame", daily: Bars, session: Session) -> _Slices | None:
    bar = daily.find(session.day)
    part = intraday[[stamp.date() == session.day for stamp in intraday.index]]
    if bar is None or not len(part):
        return None
    return starts_of(part.index), part["Volume"].to_numpy(dtype="float64"), session.close, bar.volume
