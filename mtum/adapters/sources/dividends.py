"""Dividends that another tells than the source of the bars: Yahoo, or a person's file."""

import csv
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from hashlib import sha256
from math import isfinite
from pathlib import Path
from typing import Protocol

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from mtum.adapters.clock import monotonic_seconds
from mtum.core.market.bars import COLUMNS, Bars
from mtum.core.market.coverage import Coverage, Dividends
from mtum.core.market.intraday import Rows
from mtum.core.market.sessions import Session
from mtum.core.market.timeframes import Timeframe
from mtum.errors import BarsInvalidError, BarsMissingError, ConfigError, DataError
from mtum.ports.market_data import AsksAhead, BarSource, Quote, SourceCall, TellsIntraday, TellsVolatility

FILE_NAME = "dividends.csv"
_COLUMNS = ("symbol", "ex_date", "usd")
_BACK = timedelta(days=7)


class Teller(Protocol):
    """Tells dividends; `told_by` names it, and changes with everything it says of the past."""

    @property
    def told_by(self) -> str:
        """Return its name."""
        ...

    def dividends(self, symbol: str, first: date, last: date) -> Mapping[date, float]:
        """Return USD per share by ex-date, days without any left out.

        Parameters
        ----------
        symbol : str
            Ticker.
        first : date
            First day of the closed interval.
        last : date
            Last day of the closed interval.

        Raises
        ------
        DataError
            If that is not known up to the last day.
        """
        ...


@dataclass
class ToldApart:
    """A source whose dividends another tells (ports.market_data.BarSource, AsksAhead, TellsIntraday)."""

    source: BarSource
    teller: Teller
    name: str = field(init=False)
    _untold: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        source = self.source
        self.name = source.name
        self.series, self.series_history, self.volume_share = source.series, source.series_history, source.volume_share

    def coverage(self, symbol: str) -> Coverage:
        """Return that dividends are known, unless they could not be read."""
        known = self.source.coverage(symbol)
        if symbol in self._untold:
            return replace(known, dividends=Dividends.UNKNOWN, told_by="")
        return replace(known, dividends=Dividends.KNOWN, told_by=self.teller.told_by)

    def ask_ahead(self, calls: Sequence[SourceCall], seconds: float) -> None:
        """Ask the source and then, with the time that is left, the one who tells dividends."""
        spent = monotonic_seconds()
        if isinstance(self.source, AsksAhead):
            self.source.ask_ahead(calls, seconds)
        if isinstance(self.teller, YahooTeller):
            self.teller.ask_ahead(calls, max(1.0, seconds - spent()))

    def minutes_for(self, symbol: str, timeframe: Timeframe) -> int:
        """Return what the source says; bars within the session carry no dividends."""
        return self.source.minutes_for(symbol, timeframe) if isinstance(self.source, TellsIntraday) else 0

    def intraday(self, symbol: str, minutes: int, first: date, last: date) -> Rows:
        """Return the source's own."""
        if not isinstance(self.source, TellsIntraday):
            raise BarsMissingError(f"{symbol}: {self.name} has no bars within the session")
        return self.source.intraday(symbol, minutes, first, last)

    def volatility(self, symbol: str, first: date, last: date) -> Mapping[date, float]:
        """Return the source's own, empty where it has none."""
        return self.source.volatility(symbol, first, last) if isinstance(self.source, TellsVolatility) else {}

    def history(self, symbol: str, first: date, last: date) -> Bars:
        """Return the source's bars with the dividends told."""
        bars = self.source.history(symbol, first, last)
        try:
            told = self.teller.dividends(symbol, first, last)
        except DataError:
            self._untold.add(symbol)
            return bars
        self._untold.discard(symbol)
        columns = {name: getattr(bars, name) for name in COLUMNS}
        columns["dividend"] = np.array([told.get(bars.day(at), 0.0) for at in range(len(bars))])
        return Bars.from_columns(symbol, bars.source, bars.days, columns)

    def quote(self, symbol: str, session: Session, at: datetime) -> Quote:
        """Return the source's running bar with what goes ex today."""
        quote = self.source.quote(symbol, session, at)
        try:
            told = self.teller.dividends(symbol, session.day - _BACK, session.day)
        except DataError:
            return replace(quote, dividend=0.0, dividend_told=False)
        return replace(quote, dividend=told.get(session.day, 0.0), dividend_told=True)


class YahooTeller(Struct):
    """Yahoo's charts, for their dividends alone; a chart must reach the last day that is asked for.

    Parameters
    ----------
    yahoo : BarSource
        Yahoo, which can be asked ahead.
    """

    yahoo: BarSource
    told_by: str = "yahoo"

    def ask_ahead(self, calls: Sequence[SourceCall], seconds: float) -> None:
        """Ask for the charts that these calls of the source of bars will need."""
        needed = [_chart_for(call) for call in calls if call.method in ("history", "quote")]
        if needed and isinstance(self.yahoo, AsksAhead):
            self.yahoo.ask_ahead(needed, seconds)

    def dividends(self, symbol: str, first: date, last: date) -> Mapping[date, float]:
        """Return USD per share by ex-date.

        Parameters
        ----------
        symbol : str
            Ticker.
        first : date
            First day of the closed interval.
        last : date
            Last day of the closed interval.
        """
        bars = self.yahoo.history(symbol, first, last)
        if not len(bars) or bars.last_day < last:
            raise BarsInvalidError(f"{symbol}: Yahoo's chart does not reach {last}")
        return {bars.day(int(at)): float(bars.dividend[at]) for at in np.flatnonzero(bars.dividend > 0)}


def _chart_for(call: SourceCall) -> SourceCall:
    if call.method == "history":
        return call
    symbol, session, _ = call.arguments
    return SourceCall("history", (symbol, session.day - _BACK, session.day))


class FileTeller(Struct, frozen=True):
    """A person's list; a symbol that is not in it is not known.

    Parameters
    ----------
    rows : mapping of symbol to mapping of date to float
        USD per share by ex-date.
    """

    rows: Mapping[str, Mapping[date, float]]
    told_by: str

    def dividends(self, symbol: str, first: date, last: date) -> Mapping[date, float]:
        """Return USD per share by ex-date.

        Parameters
        ----------
        symbol : str
            Ticker.
        first : date
            First day of the closed interval.
        last : date
            Last day of the closed interval.
        """
        if symbol not in self.rows:
            raise BarsInvalidError(f"{FILE_NAME} has no row of {symbol}; one with usd 0 says that it pays none")
        return {day: usd for day, usd in self.rows[symbol].items() if first <= day <= last and usd > 0}


def file_teller(path: Path) -> FileTeller:
    """Read the file: columns symbol, ex_date, usd.

    Raises
    ------
    ConfigError
        Naming every line that cannot be used.
    """
    try:
        content = path.read_bytes()
        lines = list(csv.DictReader(content.decode("utf-8-sig").splitlines()))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise ConfigError([f'market.dividend_source is "file", and {path} cannot be read: {error}']) from error
    wrong: list[str] = []
    rows: dict[str, dict[date, float]] = {}
    for number, line in enumerate(lines, start=2):
        symbol = (line.get("symbol") or "").strip()
        try:
            day, usd = date.fromisoformat((line.get("ex_date") or "").strip()), float(line.get("usd") or "")
        except ValueError:
            day, usd = date.min, -1.0
        if not symbol or usd < 0 or not isfinite(usd):
            wrong.append(f"{path}:{number}: {', '.join(map(str, line.values()))}: {', '.join(_COLUMNS)} are needed, ")
            wrong[-1] += 'such as "SPY,2026-03-20,1.76", with 0 for a symbol that pays none'
        elif day in rows.setdefault(symbol, {}) and rows[symbol][day] != usd:
            wrong.append(f"{path}:{number}: {symbol} {day} is there twice, {rows[symbol][day]:g} and {usd:g} USD")
        else:
            rows[symbol][day] = usd
    if wrong:
        raise ConfigError(wrong)
    return FileTeller(rows, f"{FILE_NAME} {sha256(content).hexdigest()[:16]}")
