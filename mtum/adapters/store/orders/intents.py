"""Rows of intents and orders: how one is planned, read and moved on."""

import json
import sqlite3
from datetime import datetime
from operator import itemgetter

from msgspec.structs import replace

from mtum.adapters.store.texts import cells, insert, instant_text, of_row
from mtum.core.canonical import parsed
from mtum.core.market.instruments import instrument
from mtum.core.portfolio.orders import OrderIntent, OrderStatus, may_move
from mtum.errors import StoreError
from mtum.ports.records import IntentState, Observed

SELECT = """
SELECT i.*, o.ref, o.status, o.filled, o.broker_id, o.code, o.text, o.submitted_at, o.updated_at,
  o.client_id, o.order_id,
  CASE WHEN EXISTS (SELECT 1 FROM order_legs WHERE intent_id = i.id AND number = 2) THEN
    (SELECT json_group_array(json_object('number', number, 'instrument', instrument, 'side', side, 'ratio', ratio))
      FROM order_legs WHERE intent_id = i.id)
  ELSE '[]' END AS legs
FROM order_intents AS i JOIN orders AS o ON o.intent_id = i.id AND o.attempt = i.attempt"""

TERMINAL = ", ".join(f"'{status.value}'" for status in OrderStatus if status.terminal)


def insert_intent(
    connection: sqlite3.Connection, intent: OrderIntent, at: datetime, decision_id: int | None = None
) -> None:
    """Record an intent with its order as PLANNED; the same id again changes nothing.

    Parameters
    ----------
    connection : Connection
        The database, in a transaction where it is written.
    intent : OrderIntent
        What we want to trade, recorded before it is sent.
    at : datetime
        Instant that is recorded, UTC.
    decision_id : int or None
        Number of the decision it belongs to; None where a person asked.
    """
    values = {**cells(intent, "combination"), "planned_at": instant_text(at), "decision_id": decision_id}
    if insert(connection, "order_intents", values, "ON CONFLICT (id) DO NOTHING").rowcount:
        _insert_legs(connection, intent)
        insert_attempt(connection, intent.id, intent.ref, intent.attempt, at)


def _insert_legs(connection: sqlite3.Connection, intent: OrderIntent) -> None:
    for number, leg in enumerate(intent.legs, 1):
        insert_instrument(connection, leg.instrument)
        values = (intent.id, number, leg.instrument, leg.side.value, leg.ratio)
        connection.execute("INSERT INTO order_legs VALUES (?, ?, ?, ?, ?)", values)


def insert_instrument(connection: sqlite3.Connection, identity: str) -> None:
    """Record what is known of an instrument when it is first used."""
    known = cells(instrument(identity), "primary_exchange")
    insert(connection, "instruments", {**known, "id": identity}, "ON CONFLICT DO NOTHING")


def insert_attempt(connection: sqlite3.Connection, intent_id: str, ref: str, attempt: int, at: datetime) -> None:
    """Record an attempt at an intent as PLANNED.

    Parameters
    ----------
    connection : Connection
        The database, in a transaction where it is written.
    intent_id : str
        Id of the intent.
    ref : str
        Our reference of the order.
    attempt : int
        Number of the attempt, from 1.
    at : datetime
        Instant that is recorded, UTC.
    """
    connection.execute(
        "INSERT INTO orders (ref, intent_id, attempt, status, updated_at) VALUES (?, ?, ?, 'PLANNED', ?)",
        (ref, intent_id, attempt, instant_text(at)),
    )
    add_event(connection, intent_id, ref, at, OrderStatus.PLANNED)


def add_event(
    connection: sqlite3.Connection,
    intent_id: str,
    ref: str,
    at: datetime,
    status: OrderStatus,
    seen: Observed | None = None,
) -> None:
    """Append a change of status.

    Parameters
    ----------
    connection : Connection
        The database, in a transaction where it is written.
    intent_id : str
        Id of the intent.
    ref : str
        Our reference of the order.
    at : datetime
        Instant that is recorded, UTC.
    status : OrderStatus
        Life of an order intent.
    seen : Observed or None
        What the broker told of the order; None leaves what was known.
    """
    told = seen or Observed()
    connection.execute(
        "INSERT INTO order_events (at, intent_id, ref, kind, status, code, text) VALUES (?, ?, ?, 'status', ?, ?, ?)",
        (instant_text(at), intent_id, ref, status.value, told.code, told.text),
    )


def state_of(connection: sqlite3.Connection, intent_id: str) -> IntentState:
    """Return one intent with its present status.

    Raises
    ------
    StoreError
        If it was never recorded.
    """
    row = connection.execute(f"{SELECT} WHERE i.id = ?", (intent_id,)).fetchone()
    if row is None:
        raise StoreError(f"order intent {intent_id} was never recorded")
    return state(row)


def state(row: sqlite3.Row) -> IntentState:
    """Return the intent of a row of `SELECT`."""
    what = f"the order intent {row['id']}"
    legs = sorted(json.loads(row["legs"]), key=itemgetter("number"))
    reasons = parsed(list[str], row["reasons"], what)
    return of_row(IntentState, row, what, intent={**dict(row), "reasons": reasons, "combination": legs})


def check_move(known: IntentState, status: OrderStatus) -> None:
    """Refuse a status that may not follow the present one.

    Raises
    ------
    StoreError
        If the table of allowed moves forbids it.
    """
    if not may_move(known.status, status):
        raise StoreError(f"order {known.intent.ref} is {known.status.value} and cannot become {status.value}")


def write_status(
    connection: sqlite3.Connection, known: IntentState, status: OrderStatus, at: datetime, seen: Observed | None
) -> None:
    """Write a status with what was told; an event only when the status is new.

    Parameters
    ----------
    connection : Connection
        The database, in a transaction where it is written.
    known : IntentState
        An intent with its present status and what the broker told of it.
    status : OrderStatus
        Life of an order intent.
    at : datetime
        Instant that is recorded, UTC.
    seen : Observed or None
        What the broker told of the order; None leaves what was known.
    """
    told = seen or Observed()
    connection.execute(
        "UPDATE orders SET status = ?, updated_at = ?, filled = coalesce(?, filled), "
        "broker_id = coalesce(?, broker_id), code = coalesce(?, code), "
        "text = coalesce(nullif(?, ''), text), client_id = coalesce(?, client_id), order_id = coalesce(?, order_id) "
        "WHERE ref = ?",
        (
            status.value,
            instant_text(at),
            told.filled,
            told.broker_id,
            told.code,
            told.text,
            told.client_id,
            told.order_id,
            known.intent.ref,
        ),
    )
    if status is not known.status:
        add_event(connection, known.intent.id, known.intent.ref, at, status, seen)


def use_attempt(connection: sqlite3.Connection, intent: OrderIntent) -> None:
    """Make the intent's attempt the one that counts."""
    connection.execute("UPDATE order_intents SET attempt = ? WHERE id = ?", (intent.attempt, intent.id))


def switch_attempt(connection: sqlite3.Connection, known: IntentState, attempt: int, at: datetime) -> None:
    """End the present attempt as never sent and take up another, which the broker has.

    Parameters
    ----------
    connection : Connection
        The database, in a transaction where it is written.
    known : IntentState
        An intent with its present status and what the broker told of it.
    attempt : int
        Number of the attempt, from 1.
    at : datetime
        Instant that is recorded, UTC.
    """
    found = replace(known.intent, attempt=attempt)
    write_status(connection, known, OrderStatus.LAPSED, at, Observed(text=f"the broker has {found.ref} instead"))
    use_attempt(connection, found)
    if connection.execute("SELECT 1 FROM orders WHERE ref = ?", (found.ref,)).fetchone() is None:
        insert_attempt(connection, found.id, found.ref, found.attempt, at)
    else:
        again = state_of(connection, found.id)
        write_status(connection, again, OrderStatus.UNKNOWN, at, Observed(text="it is at the broker after all"))
