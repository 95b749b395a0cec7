"""A practice installation that has been in use for so many sessions, written straight into its two files.

The first session really is played; every earlier one is a copy of its rows under another date. The round
trips, fills, cash and equity of the copies add up, and the exchange's own file holds the same orders.
"""

import sqlite3
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

from mtum.core.portfolio.orders import OrderType, Purpose, Side, intent_id
from mtum.core.simulation.exchange_codec import finished_apart, from_bytes, to_bytes
from mtum.core.simulation.exchange_state import ExchangeOrder, ExchangeStatus, ExchangeTicket, Execution
from mtum.wiring import resources
from support.practice import play_next
from support.values import replace

ROUND_TRIP = 40
"""Sessions between two entries; the exit follows half way. The rules trade about as often."""
SYMBOL, STRATEGY, SHARES, PRICE = "MTUM", "mtum_confluence", 10, 100.0


def grow(folder: Path, sessions: int) -> None:
    """Play the first session of a new installation and put so many before it."""
    play_next(folder)
    connection = sqlite3.connect(folder / "mtum.db", isolation_level=None)
    connection.row_factory = sqlite3.Row
    connection.execute("PRAGMA synchronous = OFF")
    connection.execute("BEGIN")
    first = date.fromisoformat(connection.execute("SELECT min(session) FROM bars").fetchone()[0])
    days = _weekdays_before(first, sessions)
    for table in ("decisions", "runs", "equity", "volume_snapshots", "account_snapshots"):
        _copied(connection, table, days)
    _copied(connection, "bars", days, "WHERE session = (SELECT max(session) FROM bars WHERE symbol = 'MTUM')")
    _orders(connection, days)
    if days:
        connection.execute("UPDATE cash_movements SET session = ? WHERE kind = 'capital'", (days[0].isoformat(),))
    connection.execute("COMMIT")
    connection.close()
    _exchange_file(folder / resources.EXCHANGE_NAME, days)


def _weekdays_before(first: date, count: int) -> list[date]:
    found: list[date] = []
    day = first
    while len(found) < count:
        day -= timedelta(days=1)
        if day.weekday() < 5:
            found.append(day)
    return found[::-1]


def _copied(connection: sqlite3.Connection, table: str, days: list[date], which: str = "") -> None:
    patterns = [dict(row) for row in connection.execute(f"SELECT * FROM {table} {which}")]
    for pattern in patterns:
        pattern.pop("id", None)
        names = list(pattern)
        sql = f"INSERT OR IGNORE INTO {table} ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"
        values = [tuple({**pattern, **_moved(pattern, day)}.values()) for day in days]
        connection.executemany(sql, values)


def _moved(pattern: dict[str, object], day: date) -> dict[str, object]:
    # A frame of its own for each decision would only make the file larger.
    at = datetime(day.year, day.month, day.day, 21, tzinfo=UTC).isoformat()
    moved: dict[str, object] = {"session": day.isoformat()}
    return moved | ({"at": at} if "at" in pattern else {})


def _trades(days: list[date]) -> list[tuple[date, Side]]:
    half = ROUND_TRIP // 2
    whole = days[: len(days) // ROUND_TRIP * ROUND_TRIP]
    return [(day, Side.SELL if index % ROUND_TRIP else Side.BUY) for index, day in enumerate(whole) if not index % half]


def _orders(connection: sqlite3.Connection, days: list[date]) -> None:
    account = resources.PRACTICE_ACCOUNT
    for day, side in _trades(days):
        purpose = Purpose.ENTER if side is Side.BUY else Purpose.EXIT
        key = intent_id(account, day, STRATEGY, SYMBOL, purpose)
        at, text = f"{day}T21:00:00.000000Z", day.isoformat()
        common = {"account": account, "session": text, "strategy": STRATEGY, "symbol": SYMBOL, "side": side.value}
        planned = {"purpose": purpose.value, "order_type": "MOC", "reference_price": PRICE, "reasons": "[]"}
        _put(connection, "order_intents", {**common, **planned, "id": key, "shares": SHARES, "planned_at": at})
        stands = {"status": "FILLED", "filled": SHARES, "broker_id": f"9{text.replace('-', '')}", "updated_at": at}
        _put(connection, "orders", {**stands, "ref": f"{key}-1", "intent_id": key, "attempt": 1, "order_id": 1})
        done = {"exec_id": f"{key}.01", "stem": key, "current": 1, "intent_id": key, "instant": at}
        _put(connection, "fills", {**common, **done, "shares": SHARES, "price": PRICE, "commission_usd": 1.0})
        moved = PRICE * SHARES * (1 if side is Side.SELL else -1)
        for name, kind, amount in (("fill", side.value.lower(), moved), ("commission", "commission", -1.0)):
            cash = {"key": f"{name}:{key}", "strategy": STRATEGY, "session": text, "symbol": SYMBOL}
            _put(connection, "cash_movements", {**cash, "kind": kind, "amount_usd": amount})


def _put(connection: sqlite3.Connection, table: str, row: Mapping[str, object]) -> None:
    sql = f"INSERT INTO {table} ({', '.join(row)}) VALUES ({', '.join('?' * len(row))})"
    connection.execute(sql, tuple(row.values()))


def _exchange_file(path: Path, days: list[date]) -> None:
    state = from_bytes(path.read_bytes())
    orders: list[ExchangeOrder] = []
    executions: list[Execution] = []
    for number, (day, side) in enumerate(_trades(days), 1):
        ticket = ExchangeTicket(
            resources.PRACTICE_ACCOUNT, SYMBOL, side, OrderType.MARKET_ON_CLOSE, SHARES, f"m-{number}", order_id=number
        )
        at, price, fee = datetime(day.year, day.month, day.day, 21, tzinfo=UTC), Decimal(100), Decimal(1)
        done = ExchangeOrder(ticket, number, at, day, day, ExchangeStatus.FILLED, SHARES, price * SHARES, fee, at)
        orders.append(done)
        executions.append(
            Execution(f"0.{number}.01.01", number, day, at, SHARES, price, fee, None, SHARES, price, ticket)
        )
    whole = replace(state, orders=(*orders, *state.orders), executions=(*executions, *state.executions))
    # As the exchange keeps it: what earlier sessions finished apart, each in a line that nobody reads.
    path.write_bytes(to_bytes(*finished_apart(whole, state.session or date.max, b"")))
