"""A desk for tests of market data: real store and calendar, any source, a clock that stands still."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import Any, cast

from mtum import config
from mtum.adapters.calendar import ExchangeCalendar
from mtum.adapters.clock import ReplayClock
from mtum.adapters.store.opening import open_store
from mtum.app.desk import Desk, Provenance
from mtum.core.market.bars import Bars
from mtum.core.market.coverage import Coverage, Dividends
from mtum.core.market.sessions import Session, Sessions
from mtum.core.market.volume import UsualShare
from mtum.errors import SourceUnavailableError
from mtum.ports.broker import Broker
from mtum.ports.market_data import BarSource, Quote, SeriesValue
from mtum.ports.time import Calendar


class NoJournal:
    """Nobody is told."""

    def begin(self, run_id: int) -> None:
        """Forget it."""

    def reached(self, step: str) -> None:
        """Forget it."""


@dataclass
class ShelfSource:
    """A source that gives what the test puts on its shelf, and remembers what was asked."""

    shelf: dict[str, Bars]
    name: str = "yahoo"
    quotes: dict[str, Quote] = field(default_factory=dict)
    closes: dict[date, float] = field(default_factory=dict)
    asked: list[tuple[str, date, date]] = field(default_factory=list)
    down: bool = False

    def history(self, symbol: str, first: date, last: date) -> Bars:
        self.asked.append((symbol, first, last))
        if self.down:
            raise SourceUnavailableError(f"{symbol}: the test's source is down")
        return self.shelf[symbol].since(first).until(last)

    def quote(self, symbol: str, session: Session, at: datetime) -> Quote:
        if symbol not in self.quotes:
            raise SourceUnavailableError(f"{symbol}: no quote")
        return self.quotes[symbol]

    def series(self, name: str, session: Session, at: datetime) -> SeriesValue | None:
        return None

    def series_history(self, name: str, first: date, last: date) -> Mapping[date, float]:
        return {day: points for day, points in self.closes.items() if first <= day <= last}

    def coverage(self, symbol: str) -> Coverage:
        return Coverage(Dividends.KNOWN)

    def volume_share(self, symbol: str, session: Session, minutes: float) -> UsualShare | None:
        return None


@dataclass(frozen=True)
class WeekdayCalendar:
    """A calendar of given sessions."""

    known: Sessions

    def sessions(self, first: date, last: date) -> Sessions:
        return Sessions(self.known.between(first, last))


@contextmanager
def market_desk(
    folder: Path,
    source: BarSource,
    at: datetime,
    *,
    second: BarSource | None = None,
    calendar: Calendar | None = None,
    **changes: Any,
) -> Iterator[Desk]:
    """A desk that can refresh bars; it has no broker."""
    store = open_store(folder / "mtum.db", "practice", "PRACTICE")
    settings = config.load(None, {}, {name.replace("__", "."): value for name, value in changes.items()})
    try:
        yield Desk(
            settings=settings,
            account="PRACTICE",
            data_dir=folder,
            store=store,
            broker=cast("Broker", None),
            source=source,
            calendar=calendar or ExchangeCalendar(),
            clock=ReplayClock(at),
            journal=NoJournal(),
            provenance=Provenance("test", "test", {}),
            second=second,
        )
    finally:
        store.close()
