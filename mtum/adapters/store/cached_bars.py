"""What the cache holds of a source, as a source of history: for backtests without a line to the broker."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

from msgspec import Struct

from mtum.adapters.store.database import Database
from mtum.adapters.store.market.bars import SqliteBars
from mtum.adapters.store.market.quarantine import SqliteQuarantine
from mtum.adapters.store.reading import meta, open_read_only
from mtum.core.market.bars import Bars
from mtum.core.market.coverage import Coverage, Dividends
from mtum.core.market.sessions import Session
from mtum.core.market.volume import UsualShare
from mtum.errors import BarsMissingError, SourceUnavailableError
from mtum.ports.market_data import Quote, SeriesValue, told_dividends


class CachedBars(Struct):
    """The finished sessions of one source in a database (ports.market_data.BarSource); nothing is written.

    Parameters
    ----------
    name : str
        Source whose bars are read.
    """

    name: str
    path: Path

    def coverage(self, symbol: str) -> Coverage:
        """Return what its source knows: Yahoo tells dividends, and the database knows who told the broker's."""
        if self.name == "yahoo":
            return Coverage(Dividends.KNOWN)
        with self._bars(symbol) as cached:
            told_by = meta(cached.database.connection).get(told_dividends(symbol, self.name))
        return Coverage(Dividends.KNOWN if told_by else Dividends.UNKNOWN)

    def history(self, symbol: str, first: date, last: date) -> Bars:
        """Return the cached bars in the closed interval.

        Raises
        ------
        BarsMissingError
            If nothing of the symbol is cached.
        """
        with self._bars(symbol) as cached:
            found = cached.bars(symbol, self.name, first)
        if not len(found):
            raise self._missing(symbol)
        return found.until(last)

    def released(self, symbol: str) -> frozenset[date]:
        """Return the sessions of a symbol whose bar stands although it breaks a rule."""
        with self._bars(symbol) as cached:
            return SqliteQuarantine(cached.database).released_days(symbol, self.name)

    def quote(self, symbol: str, session: Session, at: datetime) -> Quote:
        """Refuse: a cache holds no unfinished bar."""
        raise SourceUnavailableError(f"{symbol}: the cache of {self.name} holds no unfinished bar")

    def series(self, name: str, session: Session, at: datetime) -> SeriesValue | None:
        """Return None: a cache knows no value of now."""
        return None

    def series_history(self, name: str, first: date, last: date) -> Mapping[date, float]:
        """Return the cached closes of an extra series."""
        with self._bars(name) as cached:
            return {day: close for day, close in cached.series(name, self.name, first).items() if day <= last}

    def volume_share(self, symbol: str, session: Session, minutes: float) -> UsualShare | None:
        """Return None: finished sessions do not tell it."""
        return None

    @contextmanager
    def _bars(self, symbol: str) -> Iterator[SqliteBars]:
        if not self.path.is_file():
            raise self._missing(symbol)
        connection = open_read_only(self.path)
        try:
            yield SqliteBars(Database(self.path, connection, account=""))
        finally:
            connection.close()

    def _missing(self, symbol: str) -> BarsMissingError:
        return BarsMissingError(
            f"{symbol}: no bars from {self.name} are cached in {self.path}; `mtum bars sync` reads them, with "
            f'market.source = "{self.name}" in paper or live mode'
        )
