"""Yahoo as a source of bars: history, today's running bar, the VIX, and shares of volume."""

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, timedelta
from math import isnan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from mtum.adapters.sources.vendor import Slices, VendorSource
from mtum.adapters.sources.yahoo.client import Answer, YahooClient
from mtum.core.market.bars import PRICE_COLUMNS, Bar, Bars
from mtum.core.market.coverage import Coverage, Dividends
from mtum.core.market.intraday import VALUES, Rows
from mtum.core.market.sessions import Session
from mtum.core.market.timeframes import Timeframe
from mtum.errors import BarsInvalidError, BarsStaleError
from mtum.ports.market_data import Quote, SeriesValue
from mtum.ports.time import Calendar

if TYPE_CHECKING:
    import pandas as pd

NAME = "yahoo"
SERIES = {name: (f"^{name}", "America/Chicago") for name in ("VIX", "VXN", "RVX")}
"""Extra series: Yahoo's ticker and the zone in which it dates them."""
PRIOR_SHARES = {"MTUM": 0.87, "IWM": 0.86, "QQQ": 0.80, "SPY": 0.70}
"""Share of a session's volume on Yahoo's daily bar 20 minutes before the close, measured on 2019 to 2026."""
BUDGET_SECONDS = 30.0
"""For one question; a decision asks four between its snapshot and its data deadline 150 seconds later."""
_NEW_YORK = "America/New_York"
_BARS_FOR = {"1m": 1, "5m": 5, "15m": 5, "30m": 5, "1h": 60, "4h": 60}
_KEPT_DAYS = {1: 7, 5: 59, 60: 729}
"""Minutes of a bar -> days back for which Yahoo has it; further back it answers with an error."""
_INTRADAY_DAYS = 40  # holds 20 full sessions, holidays and half days included; Yahoo keeps 60


_COLUMNS = {
    "open": "Open",
    "high": "High",
    "low": "Low",
    "close": "Close",
    "volume": "Volume",
    "dividend": "Dividends",
    "split": "Stock Splits",
}
_PRICES = ("open", "high", "low", "close")
_DIGITS = 7


def yahoo_source(
    calendar: Calendar,
    cache_dir: Path,
    base_url: str = "",
    timeout_seconds: float = 10.0,
    budget_seconds: float = BUDGET_SECONDS,
) -> VendorSource:
    """Return Yahoo Finance as a source of bars.

    Prices are adjusted for splits and not for dividends. There is no bid and ask, so that a big newest
    move needs a second source or a person.

    Parameters
    ----------
    calendar : Calendar
        Tells which days of the intraday bars were full sessions.
    cache_dir, base_url, timeout_seconds, budget_seconds
        As `YahooClient`.
    """
    client = YahooClient(cache_dir, base_url, timeout_seconds, budget_seconds)
    return VendorSource(YahooRequests(client, calendar), lambda ask: ask(), client.side_by_side)


class YahooRequests:
    """What Yahoo is asked."""

    name = NAME
    prior_shares: Mapping[str, float] = PRIOR_SHARES

    def __init__(self, client: YahooClient, calendar: Calendar) -> None:
        self._client = client
        self._calendar = calendar

    def coverage(self, symbol: str) -> Coverage:
        """Return that dividends are told: they come with every chart."""
        return Coverage(Dividends.KNOWN)

    def series_history(self, name: str, first: date, last: date) -> Mapping[date, float]:
        """Return official closes by session as Yahoo dates them, days the exchange was shut included."""
        if name not in SERIES:
            return {}
        bars = bars_of(self._client.chart(*SERIES[name], first, last).frame, name, NAME)
        return {bars.day(index): float(close) for index, close in enumerate(bars.close) if not isnan(close)}

    def history(self, symbol: str, first: date, last: date) -> Bars:
        """Return the daily bars of the closed interval."""
        frame = self._client.chart(ticker_of(symbol), _NEW_YORK, first, last).frame
        return bars_of(frame, symbol, NAME).since(first).until(last)

    def quote(self, symbol: str, session: Session, _: datetime) -> Quote:
        """Return the running bar; one in which a price is missing is invalid.

        Parameters
        ----------
        symbol : str
            Ticker.
        session : Session
            The session, with its open and close.
        _ : datetime
            Not needed.
        """
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

    def series(self, name: str, session: Session, _: datetime) -> SeriesValue | None:
        """Return the index as it stands; None for a series Yahoo does not have.

        Parameters
        ----------
        name : str
            Name of the series.
        session : Session
            The session, with its open and close.
        _ : datetime
            Not needed.
        """
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

    def slices(self, symbol: str, session: Session) -> Slices:
        """Return the 5-minute bars of the full sessions before this one."""
        first, last = session.day - timedelta(days=_INTRADAY_DAYS), session.day - timedelta(days=1)
        intraday = self._client.chart(ticker_of(symbol), _NEW_YORK, first, last, "5m").frame
        daily, found = self.history(symbol, first, last), []
        for one in self._calendar.sessions(first, last):
            bar, part = daily.find(one.day), intraday[[stamp.date() == one.day for stamp in intraday.index]]
            if not one.half_day and bar is not None and len(part):
                found.append((starts_of(part.index), part["Volume"].to_numpy(dtype="float64"), one.close, bar.volume))
        return found

    def minutes_for(self, symbol: str, timeframe: Timeframe) -> int:
        """Return 5 or 60, and 1 for minutes."""
        return _BARS_FOR[timeframe]

    def volatility(self, symbol: str, first: date, last: date) -> Mapping[date, float]:
        """Return nothing: Yahoo has no history of it."""
        return {}

    def intraday(self, symbol: str, minutes: int, first: date, last: date) -> Rows:
        """Return the bars of the closed interval of days that Yahoo still has, without the one that is its quote."""
        since = max(first, last - timedelta(days=_KEPT_DAYS[minutes]))
        frame = self._client.chart(ticker_of(symbol), _NEW_YORK, since, last, f"{minutes}m").frame
        begins = starts_of(frame.index)
        # The last row of a running session is the quote, at the instant of its trade.
        kept = slice(None, -1) if len(begins) and begins[-1].astype(int) % 60 else slice(None)
        columns = {name: _column(frame, _COLUMNS[name])[kept] for name in VALUES}
        return {"begins": begins[kept], **columns, **{name: as_printed(columns[name]) for name in PRICE_COLUMNS}}


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


def bars_of(frame: "pd.DataFrame", symbol: str, source: str) -> Bars:
    """Return a daily table as bars, each named by its date at the exchange.

    Rows without any price are left out, so that their session is missing; a row with some prices
    missing stays, with NaN in their place. Prices are split-adjusted, not dividend-adjusted.

    Parameters
    ----------
    frame : DataFrame
        The table as the library returns it; prices in USD.
    symbol : str
        Ticker.
    source : str
        Name of the source.
    """
    columns = {name: _column(frame, title) for name, title in _COLUMNS.items()}
    for name in _PRICES:
        columns[name] = as_printed(columns[name])
    some = ~np.isnan(np.vstack([columns[name] for name in _PRICES])).all(axis=0)
    days = np.array([stamp.date() for stamp in frame.index], dtype="datetime64[D]")
    return Bars.from_columns(symbol, source, days[some], {name: column[some] for name, column in columns.items()})


def as_printed(prices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return prices as the exchange printed them: Yahoo sends single-precision floats.

    Examples
    --------
    >>> as_printed(np.array([50.91999816894531, 213.97999572753906, 0.12834799289703])).tolist()
    [50.92, 213.98, 0.128348]
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        decimals = _DIGITS - 1 - np.floor(np.log10(np.abs(prices)))
        scale = 10.0**decimals
        rounded = np.rint(prices * scale) / scale
    return np.where(np.isfinite(rounded), rounded, prices)


def starts_of(index: Iterable[Any]) -> NDArray[np.datetime64]:
    """Return the aware instants of a table as UTC seconds."""
    return np.array([stamp.astimezone(UTC).replace(tzinfo=None) for stamp in index], dtype="datetime64[s]")


def instant_of(found: Any) -> datetime | None:
    """Return an instant that Yahoo tells as epoch seconds or the client as a stamp; None when there is none."""
    if found is None:
        return None
    if isinstance(found, int | float):
        return datetime.fromtimestamp(found, UTC)
    instant: datetime = found.to_pydatetime()
    return instant.astimezone(UTC)


def _column(frame: "pd.DataFrame", title: str) -> NDArray[np.float64]:
    if title not in frame.columns:
        return np.zeros(len(frame))
    return frame[title].to_numpy(dtype=np.float64)
