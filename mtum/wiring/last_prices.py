"""Last prices from the settings' source while the market is open, for eyes: nothing is decided or recorded."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mtum.app.service.schedule import free_again
from mtum.config import Settings
from mtum.core.market.calendars import NEW_YORK
from mtum.errors import BrokerUnavailableError, MtumError, TooManyRequestsError
from mtum.ports.market_data import LastPrice
from mtum.ports.time import Calendar
from mtum.wiring.resources import calendar_of, opened_store, source_of, system_clock

if TYPE_CHECKING:
    # Only where the broker is the source is loaded what speaks to it.
    from mtum.adapters.ib.connector import Connector

CLIENT_IDS_ABOVE = 1000
"""Added to the jobs' client id. Those are 999 at most, so that no installation's jobs ever find theirs in use."""
DATA_LINES = 10
"""Of the 100 market data lines of a login; the jobs ask for what is left at most."""
CONNECT_SECONDS = REQUEST_SECONDS = 5.0
"""Nobody waits longer for a price: it is asked for again soon."""

type Told = tuple[str, LastPrice | MtumError]
type AskedFor = Callable[[Sequence[str]], Iterator[Told]]


@contextmanager
def last_prices_of(settings: Settings, folder: Path) -> Iterator[AskedFor]:
    """Open what tells the last prices of symbols, one after the other: each price, or why there is none.

    It raises BrokerUnavailableError where nothing can be asked at all. A connection to the broker is made when it is
    first asked, with a client id of its own; it cannot send orders.
    """
    calendar = calendar_of(settings, folder)
    if settings.market.source == "ib":
        with _broker(settings, folder, calendar) as ask:
            yield ask
    else:
        yield _vendor(settings, folder, calendar)


def _vendor(settings: Settings, folder: Path, calendar: Calendar) -> AskedFor:
    source, clock = source_of(settings, folder), system_clock()

    def ask(symbols: Sequence[str]) -> Iterator[Told]:
        now = clock.now()
        day = now.astimezone(NEW_YORK).date()
        session = calendar.sessions(day, day).get(day)
        if session is None:
            return
        for symbol in symbols:
            try:
                found = source.quote(symbol, session, now)
                yield symbol, LastPrice(symbol, found.close, found.seen_at, found.delayed)
            except TooManyRequestsError as error:
                yield symbol, error
                return  # it asks us to wait
            except MtumError as error:
                yield symbol, error

    return ask


@contextmanager
def _broker(settings: Settings, folder: Path, calendar: Calendar) -> Iterator[AskedFor]:
    from mtum.adapters.ib.connection import client_library
    from mtum.adapters.ib.connector import Connector, login_of
    from mtum.adapters.ib.contracts import ContractPins, Contracts
    from mtum.adapters.ib.wire_record import Unrecorded
    from mtum.adapters.sources.ib_last import last_prices

    broker = settings.broker
    login = replace(
        login_of(settings, read_only=True),
        client_id=broker.client_id + CLIENT_IDS_ABOVE,
        connect_seconds=min(broker.connect_seconds, CONNECT_SECONDS),
        request_seconds=min(broker.request_seconds, REQUEST_SECONDS),
        data_lines=max(1, min(DATA_LINES, 100 - broker.data_lines)),
    )

    def pinned(symbol: str) -> str:
        try:
            with opened_store(settings, folder, reading=True) as store:
                return store.approvals.pinned_contract(symbol)
        except MtumError:
            return ""  # there are no records yet

    connector = Connector(client_library(broker.library), login, Unrecorded())
    contracts = Contracts(connector, ContractPins(pinned, lambda _symbol, _identity: None))

    def ask(symbols: Sequence[str]) -> Iterator[Told]:
        now = _now(connector)
        # A practice gateway has a market time of its own, and its session's jobs go first as well.
        sessions = calendar.sessions((now - timedelta(days=1)).date(), (now + timedelta(days=1)).date())
        again = free_again(now, sessions, settings.schedule)
        if again is not None:
            connector.close()
            until = f"{again.astimezone(NEW_YORK):%H:%M} New York"
            raise BrokerUnavailableError(f"the line to the broker is the jobs' until {until}")
        behind = system_clock().now() - now
        for symbol, told in last_prices(contracts, symbols):
            if isinstance(told, LastPrice) and connector.practice:
                # So that its age is that in the market's time.
                yield symbol, replace(told, seen_at=told.seen_at + behind)
            else:
                yield symbol, told

    try:
        yield ask
    finally:
        connector.close()


def _now(connector: "Connector") -> datetime:
    try:
        connector.open()
        return connector.server_time()
    except BrokerUnavailableError:
        connector.close()
        raise
