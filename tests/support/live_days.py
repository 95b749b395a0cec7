"""An installation in paper mode on a practice gateway of the embedded market, day by day in one process."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

from mtum import config
from mtum.adapters.calendar import ExchangeCalendar
from mtum.adapters.sources.embedded import sample_source
from mtum.app.desk import Desk, RunResult
from mtum.app.session.confirm_fills import confirm_fills
from mtum.app.session.run_today import run_today
from mtum.app.session.watch_orders import watch_orders
from mtum.core.market.sessions import Session
from mtum.core.portfolio.money import AccountKind
from mtum.core.simulation.exchange_state import ExchangeAccount, Unsettled
from mtum.gateway.market import MarketClock, PortMarket, port_market
from mtum.wiring import desks
from support.gateway import ACCOUNT, Running, running_gateway
from support.practice import ENTRY_DAY

DECISION_MINUTES = 20.0


@cache
def market(symbols: tuple[str, ...] = ("MTUM",)) -> PortMarket:
    """The embedded market as the gateway shows it, the same bars for every symbol; read once."""
    return port_market(sample_source(exact=True), ExchangeCalendar(), symbols)


@dataclass(frozen=True, slots=True)
class Installation:
    """A folder, the settings in force and the gateway they name."""

    folder: Path
    gateway: Running
    settings: config.Settings

    def session(self, day: date = ENTRY_DAY) -> Session:
        """One session of the market."""
        found = market().sessions.get(day)
        assert found is not None
        return found

    def at(self, minutes: float, day: date = ENTRY_DAY) -> None:
        """Set the market's clock so many minutes before a close."""
        self.gateway.tell("clock", session=day.isoformat(), minutes_to_close=minutes)

    @contextmanager
    def desk(self, *, dry_run: bool = False) -> Iterator[Desk]:
        """The desk as the commands build it."""
        with desks.live_desk(self.settings, self.folder, None, dry_run=dry_run) as desk:
            yield desk

    def run(self, day: date = ENTRY_DAY, *, minutes: float = DECISION_MINUTES, dry_run: bool = False) -> RunResult:
        """`mtum run` at that moment."""
        self.at(minutes, day)
        with self.desk(dry_run=dry_run) as desk:
            return run_today(desk, None, dry_run=dry_run)

    def watch(self, minutes: float, day: date = ENTRY_DAY) -> RunResult:
        """The look at the orders at that moment."""
        self.at(minutes, day)
        with self.desk() as desk:
            return watch_orders(desk, self.session(day))

    def settle(self, day: date = ENTRY_DAY, *, minutes: float = -125.0) -> RunResult:
        """`mtum settle` so long after the close."""
        self.at(0, day)
        self.at(minutes, day)
        with self.desk() as desk:
            return confirm_fills(desk, self.session(day))

    def accepted(self) -> list[str]:
        """References of the orders the broker took."""
        return [entry["ref"] for entry in self.gateway.entries("accepted")]


@contextmanager
def installation(
    folder: Path,
    *,
    kind: AccountKind = AccountKind.CASH,
    cash: Decimal = Decimal(5000),
    accounts: tuple[str, ...] = (ACCOUNT,),
    unsettled: Decimal = Decimal(0),
    symbols: tuple[str, ...] = ("MTUM",),
    stored: tuple[date, bytes | None] = (ENTRY_DAY, None),
    **changes: Any,
) -> Iterator[Installation]:
    """A fresh installation, 20 minutes before the close of the first entry.

    `stored` is another session, and what the exchange saved before it.
    """
    day, exchange = stored
    session = market().sessions.get(day)
    assert session is not None
    proceeds = (Unsettled(ENTRY_DAY, unsettled),) if unsettled else ()
    opened = tuple(ExchangeAccount(code, kind, cash, proceeds) for code in accounts)
    clock = MarketClock(session.before_close(DECISION_MINUTES), speed=0.0)
    with running_gateway(source=market(symbols), accounts=opened, clock=clock, stored=exchange) as gateway:
        folder.mkdir(parents=True, exist_ok=True)
        yield Installation(folder, gateway, paper_settings(gateway.port, **changes))


def paper_settings(port: int, **changes: Any) -> config.Settings:
    """Settings of paper mode with short limits; two underscores stand for the dot."""
    plain: dict[str, Any] = {
        "mode": "paper",
        "market__source": "ib",
        "market__volume_mode": "raw",
        "broker__account": ACCOUNT,
        "broker__port": port,
        "broker__connect_seconds": 5.0,
        "broker__request_seconds": 5.0,
        "broker__acknowledge_seconds": 0.3,
        "broker__resolve_seconds": 0.4,
    }
    return config.load(None, {}, {name.replace("__", "."): value for name, value in {**plain, **changes}.items()})
