"""Option intents and their attempts: planned with the decision, and claimed durably before anything is sent."""

import sqlite3
from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import Any

from msgspec.structs import replace

from mtum.adapters.store.options.books import SqliteOptionBooks
from mtum.adapters.store.options.rows import contracts_of, fill_of, insert_intent, intent_of_row, legs_of
from mtum.adapters.store.options.status import filled_units, settle_intent, units_of
from mtum.adapters.store.orders.halting import restriction_in_force
from mtum.adapters.store.orders.intents import TERMINAL
from mtum.adapters.store.texts import Cell, insert, instant_text, maybe_instant, money, plain
from mtum.core.options.ladder import NetPrice
from mtum.core.options.legs import OptionPurpose
from mtum.core.portfolio.limits import Restriction
from mtum.core.portfolio.options.lots import LegFill
from mtum.core.portfolio.options.managing import forbids
from mtum.core.portfolio.options.orders import Attempt, OptionIntent
from mtum.core.portfolio.orders import OrderStatus, may_move
from mtum.errors import StoreError
from mtum.ports.options import AttemptState, OptionState
from mtum.ports.records import Observed

_LIVE = f"SELECT ref, status FROM option_attempts WHERE intent_id = ? AND status NOT IN ({TERMINAL})"
_CHANGEABLE = frozenset({OrderStatus.ACCEPTED, OrderStatus.PARTIALLY_FILLED})
_ENDS = frozenset({OrderStatus.LAPSED, OrderStatus.DENIED, OrderStatus.CANCELED})


class SqliteOptions(SqliteOptionBooks, frozen=True):
    """The port `OptionStore` on SQLite."""

    def commit_intents(self, intents: Iterable[OptionIntent], at: datetime) -> None:
        """Record intents as PLANNED; the same id again changes nothing."""
        with self.database.write() as connection:
            for intent in intents:
                if insert_intent(connection, intent, at):
                    _add_event(connection, intent.id, None, at, OrderStatus.PLANNED)

    def states(self, day: date | None = None, *, unresolved: bool = False) -> Sequence[OptionState]:
        """Return intents in the order in which they were committed: of one session, and/or those not terminal."""
        connection = self.database.connection
        of_day = "session = ?" if day else "1"
        wanted = f"{of_day} AND status NOT IN ({TERMINAL})" if unresolved else of_day
        values = (day.isoformat(),) if day else ()
        rows = self.database.rows(f"SELECT * FROM option_intents WHERE {wanted} ORDER BY session, rowid", values)
        contracts = contracts_of(connection) if rows else {}
        legs = legs_of(connection, contracts) if rows else {}
        intents = {row["id"]: intent_of_row(row, legs[row["id"]]) for row in rows}
        known = plain([*intents])
        named = "intent_id IN (SELECT value FROM json_each(?))"
        fills: dict[str, list[LegFill]] = {}
        for row in self.database.rows(f"SELECT * FROM option_fills WHERE current = 1 AND {named}", (known,)):
            fills.setdefault(row["intent_id"], []).append(fill_of(row, contracts))
        prices: dict[str, list[NetPrice]] = {}
        sql = (
            f"SELECT * FROM option_prices WHERE ref IN (SELECT ref FROM option_attempts WHERE {named}) ORDER BY number"
        )
        for row in self.database.rows(sql, (known,)):
            prices.setdefault(row["ref"], []).append(NetPrice(money(row["price"])))
        attempts: dict[str, list[AttemptState]] = {}
        for row in self.database.rows(f"SELECT * FROM option_attempts WHERE {named} ORDER BY number", (known,)):
            attempts.setdefault(row["intent_id"], []).append(
                _attempt_state(row, intents[row["intent_id"]], prices[row["ref"]])
            )
        return tuple(
            OptionState(
                intent=intents[row["id"]],
                status=OrderStatus(row["status"]),
                filled=units_of(
                    {leg.contract: leg.signed for leg in intents[row["id"]].legs}, fills.get(row["id"], ())
                ),
                attempts=tuple(attempts.get(row["id"], ())),
            )
            for row in rows
        )

    def claim_attempt(self, attempt: Attempt, at: datetime) -> Restriction:
        """Record an offer, or a change of its price, before it is sent, unless a halt in force forbids it.

        The halt is read in the transaction that writes, and what is written is durable when it returns.

        Raises
        ------
        StoreError
            If another offer of the intent lives, more than is left would be offered, or, for a change, this one is
            not known to work.
        """
        intent = attempt.intent
        with self.database.write() as connection:
            row = connection.execute("SELECT * FROM option_intents WHERE id = ?", (intent.id,)).fetchone()
            if row is None:
                raise StoreError(f"option intent {intent.id} was never recorded")
            found = restriction_in_force(connection, row["strategy"])
            if forbids(found, OptionPurpose(row["purpose"])):
                return found
            live = connection.execute(_LIVE, (intent.id,)).fetchone()
            if attempt.in_place:
                if live is None or live["ref"] != attempt.ref or OrderStatus(live["status"]) not in _CHANGEABLE:
                    status = "not known" if live is None else f"{live['ref']} {live['status']}"
                    raise StoreError(f"the price of {attempt.ref} cannot be changed: what works is {status}")
                _add_price(connection, attempt, at)
                return Restriction.NONE
            if live is not None:
                raise StoreError(f"{live['ref']} is {live['status']}: {attempt.ref} may not be sent beside it")
            _check_left(connection, attempt, row)
            values: dict[str, Cell] = {
                "ref": attempt.ref,
                "intent_id": intent.id,
                "number": attempt.number,
                "quantity": intent.quantity,
                "price": float(attempt.price),
                "status": OrderStatus.SUBMITTING.value,
                "submitted_at": instant_text(at),
                "updated_at": instant_text(at),
            }
            insert(connection, "option_attempts", values)
            _add_price(connection, attempt, at)
            _add_event(connection, intent.id, attempt.ref, at, OrderStatus.SUBMITTING)
            settle_intent(connection, intent.id)
            return Restriction.NONE

    def move_attempt(self, ref: str, status: OrderStatus, at: datetime, seen: Observed | None = None) -> None:
        """Record a status of an offer; the same status again only updates the facts.

        PLANNED says that nothing of it was sent: it ends as LAPSED, and the next offer has a number of its own.

        Raises
        ------
        StoreError
            If the table of allowed moves forbids it, or it comes back to life beside another one.
        """
        told = seen or Observed()
        with self.database.write() as connection:
            row = connection.execute("SELECT * FROM option_attempts WHERE ref = ?", (ref,)).fetchone()
            if row is None:
                raise StoreError(f"option order {ref} was never recorded")
            before = OrderStatus(row["status"])
            if not may_move(before, status) or (status is OrderStatus.SUBMITTING and before is not status):
                raise StoreError(f"option order {ref} is {before.value} and cannot become {status.value}")
            now = OrderStatus.LAPSED if status is OrderStatus.PLANNED else status
            live = connection.execute(_LIVE, (row["intent_id"],)).fetchone()
            if not now.terminal and live is not None and live["ref"] != ref:
                raise StoreError(f"option order {ref} works after all, and {live['ref']} beside it: look at the broker")
            connection.execute(
                "UPDATE option_attempts SET status = ?, updated_at = ?, filled = coalesce(?, filled), "
                "broker_id = coalesce(?, broker_id), code = coalesce(?, code), text = coalesce(nullif(?, ''), text), "
                "client_id = coalesce(?, client_id), order_id = coalesce(?, order_id) WHERE ref = ?",
                (
                    now.value,
                    instant_text(at),
                    told.filled,
                    told.broker_id,
                    told.code,
                    told.text,
                    told.client_id,
                    told.order_id,
                    ref,
                ),
            )
            if now is not before:
                _add_event(connection, row["intent_id"], ref, at, now, told)
            settle_intent(connection, row["intent_id"])

    def end_intent(self, intent_id: str, status: OrderStatus, at: datetime, text: str = "") -> None:
        """Record that no further offer of an intent is made: LAPSED, DENIED or CANCELED; a filled one stays FILLED.

        Raises
        ------
        StoreError
            If one of its offers lives, or the status is another one.
        """
        if status not in _ENDS:
            raise StoreError(f"an option intent does not end as {status.value}")
        with self.database.write() as connection:
            row = connection.execute("SELECT status FROM option_intents WHERE id = ?", (intent_id,)).fetchone()
            live = connection.execute(_LIVE, (intent_id,)).fetchone()
            if row is None or live is not None:
                why = "was never recorded" if row is None else f"has a living order, {live['ref']}"
                raise StoreError(f"option intent {intent_id} {why}")
            sql = "UPDATE option_intents SET ended_at = ?, status = iif(status = 'FILLED', status, ?) WHERE id = ?"
            connection.execute(sql, (instant_text(at), status.value, intent_id))
            if row["status"] not in (status.value, OrderStatus.FILLED.value):
                _add_event(connection, intent_id, None, at, status, Observed(text=text))


def _check_left(connection: sqlite3.Connection, attempt: Attempt, row: sqlite3.Row) -> None:
    filled = filled_units(connection, attempt.intent.id)
    if row["ended_at"] is not None:
        raise StoreError(f"option intent {attempt.intent.id} has ended as {row['status']}: {attempt.ref} is not sent")
    if filled is None:
        raise StoreError(f"the executions of {attempt.intent.id} make no whole number of units: a person has to look")
    if attempt.intent.quantity > row["quantity"] - filled:
        words = f"{attempt.intent.quantity} of {attempt.intent.id} are to be sent"
        raise StoreError(f"{words}, {row['quantity']} were wanted and {filled} have filled")
    if connection.execute("SELECT 1 FROM option_attempts WHERE ref = ?", (attempt.ref,)).fetchone() is not None:
        raise StoreError(f"option order {attempt.ref} was sent before; the next one has a number of its own")


def _add_price(connection: sqlite3.Connection, attempt: Attempt, at: datetime) -> None:
    sql = (
        "INSERT INTO option_prices (ref, number, price, at) "
        "VALUES (?, (SELECT count(*) + 1 FROM option_prices WHERE ref = ?), ?, ?)"
    )
    connection.execute(sql, (attempt.ref, attempt.ref, float(attempt.price), instant_text(at)))
    if attempt.in_place:
        sql = "UPDATE option_attempts SET price = ?, updated_at = ? WHERE ref = ?"
        connection.execute(sql, (float(attempt.price), instant_text(at), attempt.ref))
    words = f"{'changed to' if attempt.in_place else 'offered at'} {attempt.price}"
    _add_event(connection, attempt.intent.id, attempt.ref, at, None, Observed(text=words))


def _add_event(
    connection: sqlite3.Connection,
    intent_id: str,
    ref: str | None,
    at: datetime,
    status: OrderStatus | None,
    seen: Observed | None = None,
) -> None:
    told = seen or Observed()
    values: dict[str, Any] = {
        "at": instant_text(at),
        "intent_id": intent_id,
        "ref": ref,
        "kind": "price" if status is None else "status",
        "status": None if status is None else status.value,
        "code": told.code,
        "text": told.text,
    }
    insert(connection, "option_order_events", values)


def _attempt_state(row: sqlite3.Row, intent: OptionIntent, prices: Sequence[NetPrice]) -> AttemptState:
    offered = Attempt(replace(intent, quantity=row["quantity"]), row["number"], NetPrice(money(row["price"])))
    return AttemptState(
        attempt=offered,
        status=OrderStatus(row["status"]),
        filled=row["filled"],
        prices=tuple(prices),
        broker_id=row["broker_id"],
        code=row["code"],
        text=row["text"],
        submitted_at=maybe_instant(row["submitted_at"]),
        updated_at=maybe_instant(row["updated_at"]),
        client_id=row["client_id"],
        order_id=row["order_id"],
    )
