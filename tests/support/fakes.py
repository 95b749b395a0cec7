"""Hand-written ports for tests of use cases: a broker that follows a script, and a desk around it."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from mtum import config
from mtum.adapters.clock import ReplayClock
from mtum.app.desk import Desk, Provenance
from mtum.core.market.bars import Bars
from mtum.core.market.sessions import Session
from mtum.core.portfolio.money import AccountKind
from mtum.core.portfolio.orders import OrderIntent, OrderStatus, Ticket
from mtum.errors import BrokerError
from mtum.ports.broker import Accepted, BrokerAccount, BrokerFill, BrokerLists, BrokerOrder, NoAnswer, SubmitOutcome
from mtum.ports.market_data import BarSource
from support.bars import bars_of, full_session, weekday_sessions
from support.desks import ShelfSource, WeekdayCalendar
from support.practice import Steps
from support.store import ACCOUNT, MONDAY, opened
from support.values import replace

SESSION = full_session(MONDAY)
"""Monday 3 December 2018, 14:30 to 21:00 UTC."""
CALENDAR = WeekdayCalendar(weekday_sessions(date(2018, 1, 1), 300))
SENT_AT = SESSION.before_close(17)


def listed(order: OrderIntent, status: OrderStatus = OrderStatus.ACCEPTED, filled: int = 0, **more: Any) -> BrokerOrder:
    """The broker's line for an order of ours."""
    told = BrokerOrder(
        ref=order.ref,
        broker_id="9001",
        account=order.account,
        symbol=order.symbol,
        side=order.side,
        order_type=order.order_type,
        shares=order.shares,
        filled=filled,
        status=status,
    )
    return replace(told, **more)


def executed(
    order: OrderIntent, exec_id: str, shares: int, price: str, commission: str | None = None, **more: Any
) -> BrokerFill:
    """The broker's line for an execution at the close of the order's session."""
    told = BrokerFill(
        exec_id=exec_id,
        ref=order.ref,
        broker_id="9001",
        account=order.account,
        symbol=order.symbol,
        side=order.side,
        shares=Decimal(shares),
        price=Decimal(price),
        instant=full_session(order.session).close,
        commission_usd=None if commission is None else Decimal(commission),
    )
    return replace(told, **more)


def shown(
    *orders: BrokerOrder,
    fills: Sequence[BrokerFill] = (),
    held: str = "0",
    cash: str = "5000",
    settled: str | None = None,
    kind: AccountKind = AccountKind.CASH,
) -> BrokerLists:
    """What the broker shows: orders, executions, shares of MTUM and cash."""
    account = BrokerAccount(ACCOUNT, kind, Decimal(cash), Decimal(settled or cash), Decimal(cash))
    positions = {"MTUM": Decimal(held)} if Decimal(held) else {}
    return BrokerLists(SENT_AT, account, positions, orders, tuple(fills))


@dataclass
class FakeBroker:
    """Answers `lists` and `submit` by script, the last list again and again; remembers what it was given."""

    script: list[BrokerLists | BrokerError] = field(default_factory=lambda: [shown()])
    outcomes: list[SubmitOutcome | BrokerError] = field(default_factory=list)
    proves_absence: bool = False
    cancels: bool = True
    hours: Session | None = SESSION
    name: str = "fake"
    sent: list[Ticket] = field(default_factory=list)
    canceled: list[str] = field(default_factory=list)
    asked: int = 0
    connected: bool = False

    def connect(self) -> None:
        self.connected = True

    def close(self) -> None:
        self.connected = False

    def server_time(self) -> datetime:
        return SENT_AT

    def lists(self) -> BrokerLists:
        self.asked += 1
        told = self.script.pop(0) if len(self.script) > 1 else self.script[0]
        if isinstance(told, BrokerError):
            raise told
        return told

    def session_hours(self, symbol: str, day: date) -> Session | None:
        return self.hours

    def contract(self, symbol: str) -> str:
        return "4711"

    def price(self, symbol: str) -> Decimal:
        return Decimal(100)

    def submit(self, ticket: Ticket, last_moment: datetime | None = None) -> SubmitOutcome:
        self.sent.append(ticket)
        told = self.outcomes.pop(0) if self.outcomes else NoAnswer("no script")
        if isinstance(told, BrokerError):
            raise told
        return told

    def cancel(self, ref: str) -> bool:
        self.canceled.append(ref)
        return self.cancels


def accepted(order: OrderIntent, **more: Any) -> Accepted:
    """The broker's answer to an order it took."""
    return Accepted(listed(order, **more))


def market(**closes: float) -> Bars:
    """Closes of MTUM from August on that swing between 100 and 100.5; named December days as told (``d3=104``)."""
    calm = bars_of([100.0 + 0.5 * (at % 2) for at in range(95)], first=date(2018, 8, 1), source="yahoo")
    bars = [calm.bar(at) for at in range(len(calm))]
    told = {date(2018, 12, int(name[1:])): close for name, close in closes.items()}
    changed = [
        replace(bar, open=close, high=close, low=close, close=close) if (close := told.get(bar.day)) else bar
        for bar in bars
    ]
    return Bars.of("MTUM", "yahoo", changed)


@contextmanager
def fake_desk(
    folder: Path,
    broker: FakeBroker,
    at: datetime = SENT_AT,
    source: BarSource | None = None,
    **changes: Any,
) -> Iterator[Desk]:
    """A desk with a real store, a scripted broker and a clock that jumps when it is to wait."""
    store = opened(folder)
    try:
        yield Desk(
            settings=config.load(None, {}, {name.replace("__", "."): value for name, value in changes.items()}),
            account=ACCOUNT,
            data_dir=folder,
            store=store,
            broker=broker,
            source=source or ShelfSource({"MTUM": market()}),
            calendar=CALENDAR,
            clock=ReplayClock(at),
            journal=Steps(),
            provenance=Provenance("test", "test", {}),
        )
    finally:
        store.close()
