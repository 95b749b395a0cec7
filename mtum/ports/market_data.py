"""Sources of bars, quotes and series."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any, Literal, NamedTuple, Protocol, runtime_checkable

from msgspec import Struct

from mtum.core.market.bars import Bars
from mtum.core.market.coverage import Coverage
from mtum.core.market.intraday import Rows
from mtum.core.market.sessions import Session
from mtum.core.market.timeframes import Timeframe
from mtum.core.market.volume import UsualShare


class Quote(Struct, frozen=True):
    """Today's unfinished bar of a symbol as a source shows it now.

    `volume` is shares so far; `seen_at` the instant of the last trade or newest minute;
    `delayed` whether the feed is not live; `dividend_told` whether it is known what goes ex today.
    """

    symbol: str
    source: str
    session: date
    open: float
    high: float
    low: float
    close: float
    volume: float
    seen_at: datetime
    midpoint: float | None = None
    delayed: bool = False
    dividend: float = 0.0
    split: float = 0.0
    dividend_told: bool = True


class LastPrice(Struct, frozen=True):
    """What a symbol traded at last, USD per share, and when; for eyes alone, nothing is decided on it."""

    symbol: str
    price: float
    seen_at: datetime
    delayed: bool = False
    halted: bool = False


class SeriesValue(Struct, frozen=True):
    """One value of an extra series (the VIX) now."""

    name: str
    source: str
    value: float
    seen_at: datetime
    delayed: bool = False


class BarSource(Protocol):
    """Daily bars, today's unfinished bar and the VIX from one vendor.

    Every method raises SourceUnavailableError when the vendor does not answer usefully, and
    BarsInvalidError when an answer cannot be what it claims to be.
    """

    name: str

    def coverage(self, symbol: str) -> Coverage:
        """Return what the source knows of a symbol beside its closes."""
        ...

    def history(self, symbol: str, first: date, last: date) -> Bars:
        """Return the daily bars of finished sessions in the closed interval.

        Parameters
        ----------
        symbol : str
            Ticker.
        first : date
            First day of the closed interval.
        last : date
            Last day of the closed interval.
        """
        ...

    def quote(self, symbol: str, session: Session, at: datetime) -> Quote:
        """Return today's unfinished bar as seen at that instant.

        Parameters
        ----------
        symbol : str
            Ticker.
        session : Session
            The session, with its open and close.
        at : datetime
            Instant up to which the market is seen, UTC.
        """
        ...

    def series(self, name: str, session: Session, at: datetime) -> SeriesValue | None:
        """Return the value of an extra series at that instant, or None if the source has none.

        Parameters
        ----------
        name : str
            Name of the series, such as VIX.
        session : Session
            The session, with its open and close.
        at : datetime
            Instant up to which the market is seen, UTC.
        """
        ...

    def series_history(self, name: str, first: date, last: date) -> Mapping[date, float]:
        """Return official closes of an extra series by session; empty if the source has none.

        Parameters
        ----------
        name : str
            Name of the series, such as VIX.
        first : date
            First day of the closed interval.
        last : date
            Last day of the closed interval.
        """
        ...

    def volume_share(self, symbol: str, session: Session, minutes: float) -> UsualShare | None:
        """Return the share of a session's volume usually traded `minutes` before the close.

        Learned from the source's own 5-minute bars, else a documented prior; None when neither exists.

        Parameters
        ----------
        symbol : str
            Ticker.
        session : Session
            The session, with its open and close.
        minutes : float
            Minutes before the close.
        """
        ...


@runtime_checkable
class TellsIntraday(Protocol):
    """A source that has bars within the sessions."""

    def minutes_for(self, symbol: str, timeframe: Timeframe) -> int:
        """Return the length of its own bars that those of a timeframe are to be made of; 0 if it has none."""
        ...

    def intraday(self, symbol: str, minutes: int, first: date, last: date) -> Rows:
        """Return its bars of that length from one day to another, as far back as it has them.

        Parameters
        ----------
        symbol : str
            Ticker.
        minutes : int
            Length of a bar, minutes.
        first : date
            First day of the closed interval.
        last : date
            Last day of the closed interval.
        """
        ...


@runtime_checkable
class TellsVolatility(Protocol):
    """A source that has daily implied volatilities of underlyings, as their own options tell them."""

    def volatility(self, symbol: str, first: date, last: date) -> Mapping[date, float]:
        """Return volatility points by session of the closed interval, today's so far included; empty if it has none.

        Parameters
        ----------
        symbol : str
            Ticker.
        first : date
            First day of the closed interval.
        last : date
            Last day of the closed interval.
        """
        ...


type Method = Literal["history", "quote", "series", "volume_share", "intraday", "volatility"]


class SourceCall(NamedTuple):
    """A call of a BarSource to be made: method and arguments, the symbol or series first."""

    method: Method
    arguments: tuple[Any, ...]


@runtime_checkable
class Releases(Protocol):
    """A source of stored bars, some of which a person may have declared to be real."""

    def released(self, symbol: str) -> frozenset[date]:
        """Return the sessions of a symbol whose bar stands although it breaks a rule."""
        ...


@runtime_checkable
class HidesPrices(Protocol):
    """A source that shows some symbols without a price before the close of some days."""

    def unquoted_days(self, symbol: str, first: date, last: date) -> frozenset[date]:
        """Return the sessions of the closed interval before whose close a symbol has no price.

        Parameters
        ----------
        symbol : str
            Ticker.
        first, last : date
            The interval.
        """
        ...


@runtime_checkable
class AsksAhead(Protocol):
    """A source that takes time to answer, and can be asked many things at once."""

    def ask_ahead(self, calls: Sequence[SourceCall], seconds: float) -> None:
        """Ask all of these now, side by side, as fast as the vendor allows and no longer than so many seconds.

        Each of these calls, when it is then made, is answered by what has come: once, and only until the next time.
        What has not come in time raises SourceUnavailableError.
        """
        ...


def told_dividends(symbol: str, source: str) -> str:
    """Return the name of a fact of the database: who told the dividends of the cached bars of a symbol."""
    return f"dividends of {symbol} from {source}"
