"""What work on the cache of bars needs: a source, the store, a calendar and a clock; no broker, no strategy."""

from typing import Protocol

from msgspec import Struct

from mtum.ports.market_data import BarSource
from mtum.ports.store import Store
from mtum.ports.time import Calendar, Clock


class BarDesk(Protocol):
    """The part of a desk that reading bars touches; `second` is the source that must agree, if any."""

    @property
    def source(self) -> BarSource:
        """The source of bars."""
        ...

    @property
    def second(self) -> BarSource | None:
        """The source asked for a second opinion."""
        ...

    @property
    def store(self) -> Store:
        """The program's database."""
        ...

    @property
    def calendar(self) -> Calendar:
        """The exchange's sessions."""
        ...

    @property
    def clock(self) -> Clock:
        """What time it is."""
        ...


class CacheDesk(Struct, frozen=True):
    """A desk for the cache alone."""

    source: BarSource
    store: Store
    calendar: Calendar
    clock: Clock
    second: BarSource | None = None
