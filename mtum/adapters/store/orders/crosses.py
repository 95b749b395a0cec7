"""Shares that change sleeves inside the account, from the decision to the official close."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from msgspec import Struct

from mtum.adapters.store.database import Database
from mtum.adapters.store.orders.executions import insert_fill
from mtum.adapters.store.orders.intents import insert_intent, state_of, write_status
from mtum.adapters.store.orders.trades import write_trades
from mtum.adapters.store.texts import cells, insert, instant_text, of_row
from mtum.core.market.instruments import instrument
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.orders import OrderIntent, OrderStatus, OrderType, Purpose, Side
from mtum.errors import StoreError
from mtum.ports.records import Cross, Observed

_SELECT = "SELECT * FROM crosses"
ENDED = (
    "SELECT crosses.strategy, crosses.symbol, lower(status), coalesce(price, reference_price) FROM crosses "
    "LEFT JOIN fills ON fills.intent_id = crosses.id AND current = 1 WHERE crosses.session = ?"
)
"""What became of the crosses of a session, and the price: the official close, before it that of the decision."""


def insert_cross(connection: sqlite3.Connection, cross: Cross, at: datetime, decision_id: int) -> None:
    """Record a cross as PLANNED.

    Parameters
    ----------
    connection : Connection
        The database, in a transaction where it is written.
    cross : Cross
        Shares that one sleeve gives to, or takes from, others at the official close of a session.
    at : datetime
        Instant that is recorded, UTC.
    decision_id : int
        Number of the decision it belongs to.
    """
    values = {**cells(cross), "status": OrderStatus.PLANNED.value, "planned_at": instant_text(at)}
    insert(connection, "crosses", {**values, "decision_id": decision_id})


def ended(rows: Iterable[Iterable[Any]]) -> dict[tuple[str, str], Mapping[str, object]]:
    """Return the rows of `ENDED` by sleeve and symbol."""
    return {(sleeve, symbol): {"status": status, "price_usd": usd} for sleeve, symbol, status, usd in rows}


class SqliteCrosses(Struct, frozen=True):
    """The port `CrossStore` on SQLite."""

    database: Database

    def planned_crosses(self) -> Sequence[Cross]:
        """Return those whose official close is still awaited, oldest first."""
        rows = self.database.rows(f"{_SELECT} WHERE status = 'PLANNED' ORDER BY session, rowid")
        return tuple(_cross(row) for row in rows)

    def crosses_of(self, day: date) -> Sequence[Cross]:
        """Return those of one session, in the order they were planned."""
        rows = self.database.rows(f"{_SELECT} WHERE session = ? ORDER BY rowid", (day.isoformat(),))
        return tuple(_cross(row) for row in rows)

    def ended_crosses(self, day: date) -> Mapping[tuple[str, str], Mapping[str, object]]:
        """Return `status` and `price_usd` of a session's crosses by sleeve and symbol."""
        return ended(self.database.rows(ENDED, (day.isoformat(),)))

    def fill_crosses(self, crosses: Sequence[Cross], price: Decimal, at: datetime, now: datetime) -> None:
        """Fill both sides of a symbol at a price, commission 0, in one durable transaction.

        Raises
        ------
        StoreError
            If one of them has ended already, or the two sides are not equal.
        """
        change = sum(one.shares if one.side is Side.BUY else -one.shares for one in crosses)
        if change or len({one.symbol for one in crosses}) != 1:
            raise StoreError(f"the two sides of a cross differ by {change} shares")
        with self.database.write() as connection:
            for cross in crosses:
                _end(connection, cross, OrderStatus.FILLED, now)
                bought = cross.side is Side.BUY
                intent = OrderIntent(
                    id=cross.id,
                    account=cross.account,
                    session=cross.session,
                    strategy=cross.strategy,
                    symbol=cross.symbol,
                    purpose=Purpose.CROSSED_IN if bought else Purpose.CROSSED_OUT,
                    side=cross.side,
                    order_type=OrderType.MARKET_ON_CLOSE,
                    shares=cross.shares,
                    reference_price=cross.reference_price,
                    reasons=cross.reasons,
                )
                insert_intent(connection, intent, now)
                insert_fill(connection, _fill(cross, price, at))
                seen = Observed(filled=cross.shares, text="crossed between sleeves at the official close")
                write_status(connection, state_of(connection, cross.id), OrderStatus.FILLED, now, seen)
            write_trades(connection, {cross.symbol for cross in crosses})

    def lapse_crosses(self, crosses: Sequence[Cross], now: datetime) -> None:
        """Record that there was no official close."""
        with self.database.write() as connection:
            for cross in crosses:
                _end(connection, cross, OrderStatus.LAPSED, now)


def _end(connection: sqlite3.Connection, cross: Cross, status: OrderStatus, now: datetime) -> None:
    sql = "UPDATE crosses SET status = ?, ended_at = ? WHERE id = ? AND status = 'PLANNED'"
    if not connection.execute(sql, (status.value, instant_text(now), cross.id)).rowcount:
        raise StoreError(f"the cross {cross.id} of {cross.shares} {cross.symbol} has ended already")


def _fill(cross: Cross, price: Decimal, at: datetime) -> Fill:
    return Fill(
        exec_id=f"cross:{cross.id}.01",
        intent_id=cross.id,
        account=cross.account,
        strategy=cross.strategy,
        symbol=cross.symbol,
        side=cross.side,
        session=cross.session,
        instant=at,
        shares=cross.shares,
        price=price,
        commission_usd=Decimal(0),
        multiplier=instrument(cross.symbol).multiplier,
    )


def _cross(row: sqlite3.Row) -> Cross:
    return of_row(Cross, row, f"the cross {row['id']}")
