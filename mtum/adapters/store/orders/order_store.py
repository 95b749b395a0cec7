"""Order intents, their attempts, events and fills."""

import sqlite3
from collections.abc import Collection, Sequence
from datetime import date, datetime

from msgspec import Struct
from msgspec.structs import replace

from mtum.adapters.store.database import Database
from mtum.adapters.store.orders.executions import insert_fill, read_fills
from mtum.adapters.store.orders.halting import restriction_in_force
from mtum.adapters.store.orders.intents import (
    SELECT,
    TERMINAL,
    check_move,
    insert_attempt,
    insert_intent,
    state,
    state_of,
    switch_attempt,
    use_attempt,
    write_status,
)
from mtum.adapters.store.orders.trades import trade_problems, write_trades
from mtum.adapters.store.texts import instant_text
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.orders import OrderIntent, OrderStatus, Purpose
from mtum.errors import StoreError
from mtum.ports.records import IntentState, Observed


class SqliteOrders(Struct, frozen=True):
    """The port `OrderStore` on SQLite."""

    database: Database

    def states(self, day: date | None = None, *, unresolved: bool = False) -> Sequence[IntentState]:
        """Return intents oldest first: of one session, and/or only those not terminal."""
        of_day = "i.session = ?" if day else "1"
        wanted = f"{of_day} AND o.status NOT IN ({TERMINAL})" if unresolved else of_day
        values = (day.isoformat(),) if day else ()
        rows = self.database.rows(f"{SELECT} WHERE {wanted} ORDER BY i.session, i.rowid", values)
        return tuple(state(row) for row in rows)

    def state_of(self, intent_id: str) -> IntentState | None:
        """Return one intent."""
        row = self.database.row(f"{SELECT} WHERE i.id = ?", (intent_id,))
        return None if row is None else state(row)

    def claim_order(self, intent_id: str, at: datetime) -> Restriction:
        """Move PLANNED to SUBMITTING unless a halt in force forbids it; durable when it returns.

        Returns the restriction that prevented it, or Restriction.NONE when the intent may be
        sent now.

        Raises
        ------
        StoreError
            If the intent is not PLANNED: it was sent, or somebody else is sending it.
        """
        with self.database.write() as connection:
            known = state_of(connection, intent_id)
            if known.status is not OrderStatus.PLANNED:
                raise StoreError(f"order {known.intent.ref} is {known.status.value} and cannot be sent")
            found = restriction_in_force(connection, known.intent.strategy)
            if _forbids(found, known.intent.purpose):
                return found
            write_status(connection, known, OrderStatus.SUBMITTING, at, None)
            connection.execute("UPDATE orders SET submitted_at = ? WHERE ref = ?", (instant_text(at), known.intent.ref))
            return Restriction.NONE

    def move_order(self, intent_id: str, status: OrderStatus, at: datetime, seen: Observed | None = None) -> None:
        """Record a status and the event behind it; the same status again only updates the facts.

        Back to PLANNED (a person's word that nothing was sent) closes the attempt as LAPSED and
        plans the next one under its own reference.

        Raises
        ------
        StoreError
            If the table of allowed moves forbids it, or the move is `claim`'s.
        """
        with self.database.write() as connection:
            known = state_of(connection, intent_id)
            check_move(known, status)
            if status is known.status or status not in (OrderStatus.PLANNED, OrderStatus.SUBMITTING):
                write_status(connection, known, status, at, seen)
            elif status is OrderStatus.PLANNED:
                _plan_again(connection, known, at, seen)
            else:
                raise StoreError(f"order {known.intent.ref} becomes SUBMITTING only when it is claimed")

    def adopt_attempt(self, intent_id: str, attempt: int, at: datetime) -> None:
        """Make another attempt the one that counts: the broker has it, whatever was stated or restored.

        Raises
        ------
        StoreError
            If the present attempt is at the broker itself.
        """
        with self.database.write() as connection:
            known = state_of(connection, intent_id)
            if known.status not in (OrderStatus.PLANNED, OrderStatus.SUBMITTING, OrderStatus.UNKNOWN):
                raise StoreError(f"order {known.intent.ref} is {known.status.value}; no other attempt takes its place")
            switch_attempt(connection, known, attempt, at)

    def record_event(self, intent_id: str | None, at: datetime, kind: str, text: str) -> None:
        """Append something observed about an order, or about none of ours."""
        ref = "(SELECT ref FROM orders WHERE intent_id = ? ORDER BY attempt DESC LIMIT 1)"
        sql = f"INSERT INTO order_events (at, intent_id, ref, kind, text) VALUES (?, ?, {ref}, ?, ?)"
        with self.database.write() as connection:
            connection.execute(sql, (instant_text(at), intent_id, intent_id, kind, text))

    def add_intent(self, intent: OrderIntent, at: datetime) -> None:
        """Record a further intent (fallback, flatten) as PLANNED; the same id again changes nothing."""
        with self.database.write() as connection:
            insert_intent(connection, intent, at)

    def add_fills(self, fills: Sequence[Fill]) -> int:
        """Record fills by execution id with their cash movements; known ones only gain a commission.

        Returns how many were new. A correction replaces the cash of what it corrects.
        """
        if not fills:
            return 0
        with self.database.write() as connection:
            before = connection.total_changes
            new = sum(insert_fill(connection, fill) for fill in fills)
            if connection.total_changes > before:
                write_trades(connection, {fill.symbol for fill in fills})
        return new

    def altered_trades(self) -> Sequence[str]:
        """Return which round trips are stored otherwise than the fills make them, one line each."""
        return trade_problems(self.database.connection)

    def fills(self, strategy: str | None = None, intents: Collection[str] | None = None) -> Sequence[Fill]:
        """Return fills in time order, corrections included: of all, of one strategy, or of these intents."""
        return read_fills(self.database, strategy, intents)


def _forbids(restriction: Restriction, purpose: Purpose) -> bool:
    match restriction:
        case Restriction.NONE:
            return False
        case Restriction.REDUCE_ONLY:
            return purpose.opens
        case Restriction.FULL:
            return True


def _plan_again(connection: sqlite3.Connection, known: IntentState, at: datetime, seen: Observed | None) -> None:
    write_status(connection, known, OrderStatus.LAPSED, at, seen or Observed(text="stated as never sent"))
    used = "SELECT max(attempt) FROM orders WHERE intent_id = ?"
    again = replace(known.intent, attempt=connection.execute(used, (known.intent.id,)).fetchone()[0] + 1)
    use_attempt(connection, again)
    insert_attempt(connection, again.id, again.ref, again.attempt, at)
