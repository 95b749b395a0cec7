"""Executions and events of options with the cash, the shares and the lots that follow, written in one transaction."""

import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from itertools import groupby

from msgspec import Struct

from mtum.adapters.store.database import Database
from mtum.adapters.store.options.cash import event_cash, fill_cash, write_cash
from mtum.adapters.store.options.deliveries import deliver
from mtum.adapters.store.options.rows import (
    contracts_of,
    event_of,
    event_values,
    fill_of,
    fill_values,
    insert_contract,
    usd,
)
from mtum.adapters.store.options.status import settle_intent
from mtum.adapters.store.texts import Cell, cells, insert, instant_text, money, or_update
from mtum.core.options.contracts import OptionContract
from mtum.core.options.legs import OptionLot
from mtum.core.portfolio.fills import stem_of
from mtum.core.portfolio.options.lots import Book, LedgerEvent, LegFill, filled, happened
from mtum.errors import StoreError


class SqliteOptionBooks(Struct, frozen=True):
    """The port `OptionBooks` on SQLite."""

    database: Database

    def record_fills(self, fills: Iterable[LegFill]) -> int:
        """Record executions of legs by their id with their cash; return how many were new.

        Known ones only gain a fee. A correction takes the place of what it corrects.

        Raises
        ------
        StoreError
            If an execution belongs to no intent, or to none of its legs.
        """
        new = 0
        with self.database.write() as connection:
            before = connection.total_changes
            touched = dict[str, None]()
            for fill in fills:
                new += _insert_fill(connection, fill)
                touched[fill.intent_id] = None
            if connection.total_changes > before:
                write_option_lots(connection)
                for intent_id in touched:
                    settle_intent(connection, intent_id)
        return new

    def record_events(self, events: Iterable[LedgerEvent], at: datetime) -> tuple[LedgerEvent, ...]:
        """Record what ended contracts without a trade, with the cash and the shares of it; return the new ones.

        Raises
        ------
        StoreError
            If an event ends more contracts than the lots have.
        """
        with self.database.write() as connection:
            new = [one for one in {one.key: one for one in events}.values() if not _confirmed(connection, one)]
            if not new:
                return ()
            book = book_of(connection)
            try:
                after = happened(book, new)
            except ValueError as error:
                raise StoreError(f"{error}; nothing is recorded") from error
            batch = _next_place(connection)
            for place, event in enumerate(new, batch):
                insert_contract(connection, event.contract, instant_text(at))
                insert(connection, "option_events", event_values(event, place, batch, at))
            write_cash(connection, event_cash(after.closed[len(book.closed) :]))
            known = {one.key: one for one in read_events(connection)}
            deliver(connection, after.delivered, len(book.delivered), known, at)
            write_option_lots(connection)
        return tuple(new)

    def events(self) -> Sequence[LedgerEvent]:
        """Return what ended contracts without a trade, oldest first."""
        return read_events(self.database.connection)

    def contracts(self) -> Sequence[OptionContract]:
        """Return every contract that intents or lots ever named, with all its facts."""
        return tuple(contracts_of(self.database.connection).values())

    def fills(self, strategy: str | None = None) -> Sequence[LegFill]:
        """Return executions in the order in which they were recorded, last corrections only."""
        found = [fill for _, fill in read_fills(self.database.connection)]
        return tuple(fill for fill in found if strategy in (None, fill.strategy))

    def external(self) -> Mapping[OptionContract, int]:
        """Return contracts of the account that are not ours, negative for those sold; none of 0."""
        contracts = contracts_of(self.database.connection)
        newest = "SELECT max(id) FROM option_external GROUP BY con_id"
        rows = self.database.rows(
            f"SELECT con_id, quantity FROM option_external WHERE id IN ({newest}) ORDER BY con_id"
        )
        return {contracts[con_id]: quantity for con_id, quantity in rows if quantity}

    def state_external(self, contract: OptionContract, quantity: int, at: datetime, why: str) -> None:
        """Record how many contracts of the account are not ours; 0 takes an earlier statement back."""
        with self.database.write() as connection:
            insert_contract(connection, contract, instant_text(at))
            sql = "INSERT INTO option_external (con_id, quantity, stated_at, why) VALUES (?, ?, ?, ?)"
            connection.execute(sql, (contract.con_id, quantity, instant_text(at), why))

    def record_marks(self, day: date, marks: Mapping[OptionContract, Decimal], source: str, at: datetime) -> None:
        """Record what contracts are worth at the end of a session, USD per share; the newest of a session counts."""
        with self.database.write() as connection:
            for contract, price in marks.items():
                insert_contract(connection, contract, instant_text(at))
                values: dict[str, Cell] = {
                    "session": day.isoformat(),
                    "con_id": contract.con_id,
                    "price": float(price),
                    "source": source,
                    "at": instant_text(at),
                }
                insert(connection, "option_marks", values, or_update(values, "con_id", "session"))

    def marks(self, day: date) -> Mapping[OptionContract, tuple[Decimal, date]]:
        """Return the newest mark of each contract up to a session, and its session; USD per share."""
        return read_marks(self.database.connection, day)

    def book(self, strategy: str | None = None, day: date | None = None) -> Book:
        """Return lots, cash and deliveries of everybody, or of one strategy; as of the end of a session, or of now."""
        connection = self.database.connection
        whole = book_of(connection, day)
        if strategy is None:
            return whole
        return whole.of(strategy, [fill for _, fill in read_fills(connection, day)])


def read_fills(connection: sqlite3.Connection, until: date | None = None) -> list[tuple[int, LegFill]]:
    """Return executions, last corrections only, in the order in which they were recorded, each with its place."""
    contracts = contracts_of(connection)
    sql = "SELECT * FROM option_fills WHERE current = 1 AND session <= ? ORDER BY place"
    rows = connection.execute(sql, ("9999" if until is None else until.isoformat(),))
    return [(row["place"], fill_of(row, contracts)) for row in rows]


def read_marks(connection: sqlite3.Connection, day: date) -> dict[OptionContract, tuple[Decimal, date]]:
    """Return the newest mark of each contract up to a session, and its session; USD per share."""
    contracts = contracts_of(connection)
    sql = "SELECT con_id, price, max(session) AS session FROM option_marks WHERE session <= ? GROUP BY con_id"
    rows = connection.execute(sql, (day.isoformat(),))
    return {contracts[one]: (money(price), date.fromisoformat(of)) for one, price, of in rows}


def read_events(connection: sqlite3.Connection) -> tuple[LedgerEvent, ...]:
    """Return what ended contracts without a trade, oldest first."""
    contracts = contracts_of(connection)
    return tuple(event_of(row, contracts) for row in connection.execute("SELECT * FROM option_events ORDER BY place"))


def book_of(connection: sqlite3.Connection, until: date | None = None) -> Book:
    """Return the book that executions and events make, each in the order in which they were recorded.

    Raises
    ------
    StoreError
        If an event ends more contracts than the executions opened.
    """
    contracts = contracts_of(connection)
    sql = "SELECT * FROM option_events WHERE effective <= ? ORDER BY place"
    rows = connection.execute(sql, ("9999" if until is None else until.isoformat(),)).fetchall()
    mornings = {batch: [*of] for batch, of in groupby(rows, key=lambda row: int(row["batch"]))}
    book, fills = Book(), read_fills(connection, until)
    for batch in sorted(mornings):
        early = [fill for place, fill in fills if place < batch]
        try:
            book = happened(filled(book, early), [event_of(row, contracts) for row in mornings[batch]])
        except ValueError as error:
            raise StoreError(f"the books of options do not hang together: {error}; `mtum verify` tells more") from error
    return filled(book, [fill for _, fill in fills])


def write_option_lots(connection: sqlite3.Connection) -> None:
    """Write what is open and what ended anew."""
    for table, rows in lot_rows(book_of(connection)).items():
        connection.execute(f"DELETE FROM {table}")
        for row in rows:
            insert(connection, table, row)


def lot_rows(book: Book) -> dict[str, list[dict[str, Cell]]]:
    """Return the rows of `option_lots` and `option_ends` that a book makes."""
    lots = [{"number": number, **_lot_values(lot)} for number, lot in enumerate(book.lots, 1)]
    ends: list[dict[str, Cell]] = [
        {
            "number": number,
            **_lot_values(one.lot),
            "ended": one.session.isoformat(),
            "price": float(one.price),
            "end_fee_usd": usd(one.fee_usd),
            "kind": one.kind,
            "ended_by": one.by,
            "pnl_usd": usd(one.pnl_usd),
        }
        for number, one in enumerate(book.closed, 1)
    ]
    return {"option_lots": lots, "option_ends": ends}


def _lot_values(lot: OptionLot) -> dict[str, Cell]:
    values = cells(lot, "contract", "group", "session", "broken", "fees_usd")
    return {
        **values,
        "structure": lot.group,
        "con_id": lot.contract.con_id,
        "opened": lot.session.isoformat(),
        "broken": int(lot.broken),
        "fees_usd": usd(lot.fees_usd),
    }


def _next_place(connection: sqlite3.Connection) -> int:
    found = connection.execute(
        "SELECT 1 + max((SELECT coalesce(max(place), 0) FROM option_fills), "
        "(SELECT coalesce(max(place), 0) FROM option_events))"
    ).fetchone()
    return int(found[0])


def _insert_fill(connection: sqlite3.Connection, fill: LegFill) -> bool:
    stem = stem_of(fill.exec_id)
    known = connection.execute("SELECT fee_usd FROM option_fills WHERE exec_id = ?", (fill.exec_id,)).fetchone()
    if known is not None:
        # What was executed does not change under one id; only the fee comes later.
        if fill.fee_usd is None or known["fee_usd"] == float(fill.fee_usd):
            return False
        connection.execute("UPDATE option_fills SET fee_usd = ? WHERE exec_id = ?", (float(fill.fee_usd), fill.exec_id))
    else:
        leg = "SELECT 1 FROM option_legs WHERE intent_id = ? AND con_id = ?"
        if connection.execute(leg, (fill.intent_id, fill.contract.con_id)).fetchone() is None:
            words = f"the execution {fill.exec_id} of {fill.quantity} {fill.contract.words}"
            raise StoreError(f"{words} belongs to no leg of an intent {fill.intent_id}; nothing is recorded")
        first = connection.execute("SELECT min(place) FROM option_fills WHERE stem = ?", (stem,)).fetchone()[0]
        place = _next_place(connection) if first is None else first
        insert(connection, "option_fills", fill_values(fill, stem, place))
    rows = sorted(connection.execute("SELECT * FROM option_fills WHERE stem = ?", (stem,)).fetchall(), key=_revision)
    last, paid = rows[-1], [row["fee_usd"] for row in rows if row["fee_usd"] is not None]
    if last["fee_usd"] is None and paid:
        # Until a correction has a fee of its own, what was paid for the execution stays paid.
        connection.execute("UPDATE option_fills SET fee_usd = ? WHERE exec_id = ?", (paid[-1], last["exec_id"]))
        sql = "SELECT * FROM option_fills WHERE exec_id = ?"
        last = connection.execute(sql, (last["exec_id"],)).fetchone()
    connection.execute("UPDATE option_fills SET current = (exec_id = ?) WHERE stem = ?", (last["exec_id"], stem))
    write_cash(connection, fill_cash(fill_of(last, contracts_of(connection))))
    return known is None


def _revision(row: sqlite3.Row) -> tuple[int, str]:
    last = row["exec_id"].rpartition(".")[2]
    return (int(last) if last.isdigit() else 0, last)


def _confirmed(connection: sqlite3.Connection, event: LedgerEvent) -> bool:
    # Whether an event is known; the account's cash may have confirmed it since.
    if not event.provisional:
        connection.execute("UPDATE option_events SET provisional = 0 WHERE key = ? AND provisional = 1", (event.key,))
    return connection.execute("SELECT 1 FROM option_events WHERE key = ?", (event.key,)).fetchone() is not None
