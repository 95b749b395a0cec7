"""A practice gateway in a thread of its own, and a market of made-up bars."""

import asyncio
import json
import socket
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from decimal import Decimal
from time import monotonic
from typing import Any

from mtum.core.market.bars import Bar, Bars
from mtum.core.market.sessions import Session, Sessions
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.money import AccountKind
from mtum.core.simulation.admission import ExchangeRules
from mtum.core.simulation.exchange_state import ExchangeAccount
from mtum.gateway.contracts import VIX
from mtum.gateway.market import MarketClock
from mtum.gateway.server import GatewaySetup, PracticeGateway
from support.values import replace

ACCOUNT = "DUP100001"
FIRST, TODAY, HALF_DAY = date(2015, 4, 1), date(2015, 6, 10), date(2015, 6, 12)
SHARE = 0.8
PATIENCE_SECONDS = 60.0
"""How long a test waits for what must come: only a fault, and never a busy machine, lets it pass."""


@dataclass(frozen=True, slots=True)
class BarTable:
    """A market source from plain tables.

    Parameters
    ----------
    bars : mapping of symbol to mapping of date to Bar
        `VIX` among them if VIX can be asked.
    share : callable of (symbol, session, minutes to the close)
        Share of the day's volume traded.
    """

    sessions: Sessions
    bars: Mapping[str, Mapping[date, Bar]]
    share: Callable[[str, Session, float], float]

    @property
    def symbols(self) -> tuple[str, ...]:
        """Shares that can be traded."""
        return tuple(symbol for symbol in self.bars if symbol != VIX)

    def bar(self, symbol: str, day: date) -> Bar | None:
        """Finished bar of a session."""
        return self.bars.get(symbol, {}).get(day)

    def history(self, symbol: str, first: date, last: date) -> Bars:
        """Finished bars of the closed interval."""
        known = self.bars.get(symbol, {})
        return Bars.of(symbol, "table", [known[day] for day in sorted(known) if first <= day <= last])

    def split(self, symbol: str, session: Session) -> float:
        """None: these bars are told in new shares."""
        return 0.0

    def traded_share(self, symbol: str, session: Session, minutes_to_close: float) -> float:
        """Share of the session's volume traded."""
        return self.share(symbol, session, minutes_to_close)

    def sessions_around(self, day: date) -> Sessions:
        """All of them."""
        return self.sessions


def weekday_sessions() -> Sessions:
    """Every weekday of spring and early summer 2015; one half day. New York is at UTC - 4."""
    days = [FIRST + timedelta(days=i) for i in range(100)]
    return Sessions(tuple(_session(day) for day in days if day.weekday() < 5))


def _session(day: date) -> Session:
    opening = datetime.combine(day, time(13, 30), UTC)
    return Session(day, opening, opening + timedelta(minutes=210 if day == HALF_DAY else 390))


def market() -> BarTable:
    """MTUM rises by 0.10 a session from 70.00; volume 100,000 and 1,000 more each session; VIX 15."""
    sessions = weekday_sessions()
    shares, vix = {}, {}
    for i, session in enumerate(sessions):
        close = round(70 + 0.1 * i, 2)
        low, high = round(close - 0.5, 2), round(close + 0.5, 2)
        shares[session.day] = Bar(session.day, round(close - 0.2, 2), high, low, close, 100_000.0 + 1000 * i)
        vix[session.day] = Bar(session.day, 15.0, 15.5, 14.5, 15.25, 0.0)
    return BarTable(
        sessions, {"MTUM": shares, "VIX": vix}, lambda symbol, session, minutes: SHARE if minutes > 0 else 1.0
    )


def setup(**changes: Any) -> GatewaySetup:
    """A frozen market 22 minutes before the close, one cash account with USD 5,000."""
    source = market()
    session = source.sessions.get(TODAY)
    assert session is not None
    saved: list[bytes] = []
    plain = GatewaySetup(
        source=source,
        save=saved.append,
        write_journal=lambda line: None,
        accounts=(ExchangeAccount(ACCOUNT, AccountKind.CASH, Decimal(5000)),),
        clock=MarketClock(session.before_close(22), speed=0.0),
        rules=ExchangeRules(costs=PercentCosts(Decimal("0.001"))),
        port=0,
        control_port=0,
    )
    return replace(plain, **changes)


@dataclass
class Running:
    """A running gateway: its ports, what it saved, its journal, and a way to tell it things."""

    port: int
    control_port: int
    saved: list[bytes] = field(default_factory=list)
    journal: list[dict[str, Any]] = field(default_factory=list)

    def tell(self, do: str, **order: Any) -> dict[str, Any]:
        """Send one control command; it must succeed."""
        with socket.create_connection(("127.0.0.1", self.control_port), timeout=PATIENCE_SECONDS) as line:
            line.sendall(json.dumps({"do": do, **order}).encode() + b"\n")
            answer: dict[str, Any] = json.loads(line.makefile().readline())
        assert answer.pop("ok"), answer
        return answer

    def fault(self, on: str, do: str, **rule: Any) -> None:
        """Arm a fault rule."""
        self.tell("fault", rule={"on": on, "do": do, **rule})

    def close_session(self, session: str = TODAY.isoformat()) -> None:
        """Let the closing auction happen."""
        self.tell("clock", session=session, minutes_to_close=0)

    def wait_for(self, kind: str) -> None:
        """Return when the journal has an entry of a kind."""
        limit = monotonic() + PATIENCE_SECONDS
        while not self.entries(kind):
            assert monotonic() < limit, f"no {kind!r} in the journal"
            self.tell("state")

    def entries(self, kind: str) -> list[dict[str, Any]]:
        """Journal entries of a kind."""
        return [entry for entry in self.journal if entry["kind"] == kind]


@contextmanager
def running_gateway(**changes: Any) -> Iterator[Running]:
    """Run a gateway until the block ends."""
    saved: list[bytes] = []
    journal: list[dict[str, Any]] = []
    given = {"save": saved.append, "write_journal": lambda line: journal.append(json.loads(line)), **changes}
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    gateway = PracticeGateway(setup(**given))
    asyncio.run_coroutine_threadsafe(gateway.start(), loop).result(5)
    try:
        yield Running(gateway.port, gateway.control_port, saved, journal)
    finally:
        asyncio.run_coroutine_threadsafe(gateway.close(), loop).result(5)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(5)
        loop.close()
