"""A database that has seen so many sessions: bars, decisions, equity and round trips, the last one open."""

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

from mtum.adapters.store.opening import SqliteStore
from mtum.core.portfolio.lots import lots_of
from mtum.core.portfolio.orders import OrderStatus, Side
from mtum.ports.records import EquityPoint, Observed
from support.markets import made_up_bars
from support.store import STRATEGY, decision, fill, intent, later, opened
from support.values import replace

ROUND_TRIP = 10
"""Sessions between two entries; the exit follows half way."""
READ_AT = datetime(2045, 1, 2, 12, tzinfo=UTC)
DOCUMENT = {
    "action": "hold",
    "indicators": {"close": 100.0, "vix": 15.0, "rsi": 55.0, "ma": 99.0, "atr": 1.5},
    "symbols": {
        "MTUM": {"conditions": [{"name": "vix_calm", "value": 15.0, "threshold": 25.0, "margin": 10.0, "passed": True}]}
    },
}


def grown(folder: Path, sessions: int) -> SqliteStore:
    """Return the open store with so many sessions written straight into it."""
    store = opened(folder)
    store.database.connection.execute("PRAGMA synchronous = OFF")
    for symbol in ("MTUM", "VIX") if sessions else ():
        bars = made_up_bars(sessions, seed=3, symbol=symbol)
        store.bars.accept(bars, READ_AT, bars.last_day)
    money = Decimal(1000)
    for index in range(sessions):
        day = bars.day(index)
        store.decisions.commit_decisions([replace(decision(day, document=DOCUMENT), decided_at=later(index))], ())
        store.ledger.write_equity(
            EquityPoint(day, STRATEGY, money, Decimal(0), money, money * 2, Decimal(0), None, None, 10)
        )
        if index % (ROUND_TRIP // 2) == 0:
            order = intent(day, Side.SELL if index % ROUND_TRIP else Side.BUY, 10)
            store.orders.add_intent(order, later(index))
            store.orders.add_fills([fill(order, f"{order.id}.01", 10, "100", "1")])
            store.orders.move_order(order.id, OrderStatus.FILLED, later(index), Observed(filled=10))
    store.ledger.write_lots(STRATEGY, lots_of(store.orders.fills(STRATEGY)), {})
    return store
