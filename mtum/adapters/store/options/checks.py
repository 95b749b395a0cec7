"""Do the books of options hang together? Lots, cash and shares are worked out again from executions and events."""

import sqlite3
from collections.abc import Iterator
from decimal import Decimal

from mtum.adapters.store.options.books import book_of, lot_rows, read_events, read_fills
from mtum.adapters.store.options.cash import PREFIXES, event_cash, fill_cash
from mtum.adapters.store.options.deliveries import delivery_fills
from mtum.adapters.store.orders.executions import fill_of
from mtum.adapters.store.texts import instant, money
from mtum.core.portfolio.fills import Fill
from mtum.core.portfolio.options.lots import Book
from mtum.errors import StoreError

_EPOCH = "1970-01-01T00:00:00.000000Z"
_CENT = Decimal("0.000001")


def option_problems(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return what in the books of options is not what executions and events make, one line each."""
    uncounted = [*_uncounted(connection)]
    try:
        book = book_of(connection)
    except StoreError as error:
        return (*uncounted, str(error))
    return (
        *uncounted,
        *_lots(connection, book),
        *_cash(connection, book),
        *_deliveries(connection, book),
    )


def _uncounted(connection: sqlite3.Connection) -> Iterator[str]:
    for (stem,) in connection.execute("SELECT stem FROM option_fills GROUP BY stem HAVING sum(current) <> 1"):
        yield f"option execution {stem} does not count exactly once"


def _lots(connection: sqlite3.Connection, book: Book) -> Iterator[str]:
    for table, rows in lot_rows(book).items():
        made = [tuple(row.values()) for row in rows]
        names = ", ".join(rows[0]) if rows else "*"
        stored = [tuple(row) for row in connection.execute(f"SELECT {names} FROM {table} ORDER BY number")]
        if made != stored:
            at = next((n for n, pair in enumerate(zip(made, stored, strict=False), 1) if pair[0] != pair[1]), None)
            place = at or min(len(made), len(stored)) + 1
            yield f"row {place} of {table} is not what executions and events make: they make {len(made)} rows"


def _cash(connection: sqlite3.Connection, book: Book) -> Iterator[str]:
    due = {one.key: one for _, fill in read_fills(connection) for one in fill_cash(fill)}
    due |= {one.key: one for one in event_cash(book.closed)}
    begins = " OR ".join(f"key GLOB '{prefix}*'" for prefix in PREFIXES)
    for row in connection.execute(f"SELECT * FROM cash_movements WHERE {begins}"):
        one = due.pop(row["key"], None)
        if one is None:
            yield f"the option execution or event of cash movement {row['key']} is missing"
        elif (row["strategy"], row["session"]) != (one.strategy, one.session.isoformat()) or abs(
            money(row["amount_usd"]) - one.amount_usd
        ) > _CENT:
            yield f"cash movement {row['key']} is {row['amount_usd']:.2f} USD, {one.amount_usd:.2f} are due"
    for key, one in due.items():
        if one.amount_usd:  # a fee of nothing moves nothing
            yield f"no cash movement {key} of {one.amount_usd:.2f} USD"


def _deliveries(connection: sqlite3.Connection, book: Book) -> Iterator[str]:
    events = {one.key: one for one in read_events(connection)}
    due = {one.exec_id: one for one in delivery_fills(book.delivered, events, instant(_EPOCH))}
    for row in connection.execute("SELECT * FROM fills WHERE exec_id GLOB 'option:*'"):
        one, found = due.pop(row["exec_id"], None), fill_of(row)
        if one is None or _told(one) != _told(found):
            wanted = "no option brought or took them" if one is None else f"{one.signed_shares} at {one.price} are due"
            yield f"{found.signed_shares} {found.symbol} at {found.price} ({found.exec_id}): {wanted}"
    for one in due.values():
        yield f"{one.signed_shares} {one.symbol} at {one.price} by {one.exec_id} are missing in the fills"


def _told(fill: Fill) -> tuple[object, ...]:
    return fill.intent_id, fill.strategy, fill.symbol, fill.session, fill.signed_shares, fill.price
