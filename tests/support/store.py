"""Builders for tests of the store: a database on disk, and the values that go into it."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from mtum.adapters.store.opening import SqliteStore, open_store
from mtum.core.market.bars import Bar, Bars
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.money import AccountKind
from mtum.core.portfolio.orders import OrderIntent, OrderType, Purpose, Side, intent_id
from mtum.ports.broker import BrokerAccount, BrokerLists
from mtum.ports.records import DecisionRecord

ACCOUNT = "DUP100001"
STRATEGY = "mtum_confluence"
MONDAY, TUESDAY, THURSDAY, FRIDAY = (date(2018, 12, day) for day in (3, 4, 6, 7))
NOON = datetime(2018, 12, 3, 17, 0, tzinfo=UTC)


def opened(folder: Path) -> SqliteStore:
    """The practice database of the folder, created when there is none."""
    return open_store(folder / "mtum.db", "practice", ACCOUNT)


def later(minutes: float) -> datetime:
    """The instant that many minutes after noon of the Monday."""
    return NOON + timedelta(minutes=minutes)


def intent(
    session: date = MONDAY,
    side: Side = Side.BUY,
    shares: int = 19,
    symbol: str = "MTUM",
    reasons: tuple[str, ...] = (),
    strategy: str = STRATEGY,
) -> OrderIntent:
    purpose = Purpose.ENTER if side is Side.BUY else Purpose.EXIT
    words = reasons or (("close_above_ma",) if side is Side.BUY else ("close_below_ma",))
    identity = intent_id(ACCOUNT, session, strategy, symbol, purpose)
    price = Decimal("105.25")
    return OrderIntent(
        identity, ACCOUNT, session, strategy, symbol, purpose, side, OrderType.MARKET_ON_CLOSE, shares, price, words
    )


def fill(
    order: OrderIntent, exec_id: str, shares: int, price: str, commission: str | None = None, minutes: float = 240
) -> Fill:
    """An execution of an order, that many minutes after its session's noon."""
    at = datetime(order.session.year, order.session.month, order.session.day, 17, tzinfo=UTC)
    return Fill(
        exec_id=exec_id,
        intent_id=order.id,
        account=ACCOUNT,
        strategy=order.strategy,
        symbol=order.symbol,
        side=order.side,
        session=order.session,
        instant=at + timedelta(minutes=minutes),
        shares=shares,
        price=Decimal(price),
        commission_usd=None if commission is None else Decimal(commission),
    )


def traded(store: SqliteStore, order: OrderIntent, *fills: Fill) -> None:
    """Record an intent and its fills."""
    store.orders.add_intent(order, later(0))
    store.orders.add_fills(fills)


def decision(
    session: date = MONDAY,
    *,
    preview: bool = False,
    document: Mapping[str, Any] | None = None,
    frame: Mapping[str, Any] | None = None,
    action: str = "enter",
    reasons: tuple[str, ...] = ("close_above_ma", "vix_calm"),
) -> DecisionRecord:
    return DecisionRecord(
        account=ACCOUNT,
        session=session,
        strategy=STRATEGY,
        decided_at=datetime(session.year, session.month, session.day, 20, 43, tzinfo=UTC),
        action=action,
        reasons=reasons,
        document=document or {"action": action, "indicators": {"close": 105.25}, "conditions": []},
        frame=frame or {"bars": {"MTUM": {"close": [105.1, 105.25]}}, "vix": 16.44},
        settings={"mode": "practice", "portfolio": {"capital_usd": 5000.0}},
        settings_hash="5" * 8,
        code_version="0.1.0",
        code_hash="c" * 8,
        libraries={"pandas": "3.1.0", "numpy": "2.2.6"},
        remembered={"MTUM": {"atr": 1.5}},
        preview=preview,
    )


def bars_of(closes: Mapping[date, float], symbol: str = "MTUM", source: str = "csv") -> Bars:
    """Bars whose open, high and low are their close, with 1,000 shares traded."""
    return Bars.of(symbol, source, [Bar(day, close, close, close, close, 1000.0) for day, close in closes.items()])


def lists(cash: str = "3000.5", positions: Mapping[str, str] | None = None) -> BrokerLists:
    account = BrokerAccount(ACCOUNT, AccountKind.CASH, Decimal(cash), Decimal("1000"), Decimal("5000.25"))
    held = {symbol: Decimal(shares) for symbol, shares in (positions or {}).items()}
    return BrokerLists(NOON, account, held, (), ())
