"""New names, mergers and spin-offs as a person states them, with all that follows from each."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from msgspec import Struct

from mtum.adapters.store.actions import CHANGES, change_of
from mtum.adapters.store.database import Database
from mtum.adapters.store.ledger import insert_movements
from mtum.adapters.store.market.checksums import COLUMNS, checksum
from mtum.adapters.store.orders.trades import write_trades
from mtum.adapters.store.statements import insert_external
from mtum.adapters.store.texts import cells, insert, instant, instant_text, plain
from mtum.core.canonical import parsed
from mtum.core.portfolio.fills import ChangeKind, SymbolChange
from mtum.ports.records import IN_LIEU, CashMovement, ChangeRecord, merger_key


class SqliteChanges(Struct, frozen=True):
    """The port `ChangeStore` on SQLite."""

    database: Database

    def stated_changes(self) -> Sequence[ChangeRecord]:
        """Return those that were not taken back, in the order they were stated."""
        return tuple(_record(row) for row in self.database.rows(CHANGES))

    def last_with(self, symbol: str) -> tuple[date, Mapping[str, Decimal]] | None:
        """Return the last session in which the broker showed shares of a symbol, and all positions of then."""
        sql = "SELECT session, positions FROM account_snapshots WHERE positions LIKE ? ORDER BY session DESC, at DESC"
        for row in self.database.rows(sql, (f'%"{symbol}"%',)):
            positions = parsed(dict[str, Decimal], row["positions"], f"the account of {row['session']}")
            if positions.get(symbol):
                return date.fromisoformat(row["session"]), positions
        return None

    def state_change(self, record: ChangeRecord, movements: Sequence[CashMovement]) -> None:
        """Record a change with all that it brings, in one durable transaction."""
        change, at = record.change, instant_text(record.stated_at)
        values = {
            **cells(change, "into", "in_lieu_usd"),
            "into_symbol": change.into,
            "positions_before": plain({symbol: float(shares) for symbol, shares in sorted(record.before.items())}),
            "positions_after": plain({symbol: float(shares) for symbol, shares in sorted(record.after.items())}),
            "external": plain({symbol: [*map(float, both)] for symbol, both in sorted(record.external.items())}),
            "stated_at": at,
        }
        with self.database.write() as connection:
            insert(connection, "symbol_changes", values)
            for symbol, (_, shares) in record.external.items():
                insert_external(connection, symbol, shares, at, f"{change.kind} {change.symbol} of {change.session}")
            insert_movements(connection, movements)
            if change.kind is ChangeKind.RENAMED:
                self.database.bars.clear()
                _inherit(connection, change)
            write_trades(connection)

    def undo_change(self, number: int, at: datetime) -> None:
        """Take a change back with all that it brought."""
        (record,) = (one for one in self.stated_changes() if one.id == number)
        old, new, day = record.change.symbol, record.change.into, record.change.session.isoformat()
        with self.database.write() as connection:
            connection.execute("UPDATE symbol_changes SET undone_at = ? WHERE id = ?", (instant_text(at), number))
            for symbol, (shares, _) in record.external.items():
                insert_external(connection, symbol, shares, instant_text(at), f"change {number} was taken back")
            paid = (
                "DELETE FROM cash_movements WHERE substr(key, 1, length(:begins)) = :begins OR key = :in_lieu "
                "OR key BETWEEN :in_lieu || ':' AND :in_lieu || ';'"
            )
            keys = {"begins": merger_key(record.change, ""), "in_lieu": f"{IN_LIEU}{new}:{day}"}
            connection.execute(paid, keys)
            if record.change.kind is ChangeKind.RENAMED:
                self.database.bars.clear()
                back = "UPDATE flatten_requests SET symbol = ? WHERE symbol = ? AND done_at IS NULL"
                connection.execute(back, (old, new))
                for table, key in (("bars", "first_read_at"), ("volume_snapshots", "volume_so_far")):
                    same = f"(source, session, {key}) IN (SELECT source, session, {key} FROM {table} WHERE symbol = ?)"
                    sql = f"DELETE FROM {table} WHERE symbol = ? AND session < ? AND {same}"
                    connection.execute(sql, (new, day, old))
            write_trades(connection)


def _inherit(connection: sqlite3.Connection, change: SymbolChange) -> None:
    # Both names keep the history: earlier decisions saw it under the old one.
    span = {"old": change.symbol, "new": change.into, "day": change.session.isoformat()}
    for table in ("bars", "volume_snapshots"):
        names = [row["name"] for row in connection.execute(f"PRAGMA table_info({table})")]
        taken = ", ".join(":new" if name == "symbol" else name for name in names)
        sql = f"INSERT OR IGNORE INTO {table} SELECT {taken} FROM {table} WHERE symbol = :old AND session < :day"
        connection.execute(sql, span)
    # A bar's sum names its symbol; that of a bar which is not as it was accepted stays wrong.
    sql = f"SELECT source, session, checksum, {', '.join(COLUMNS)} FROM bars WHERE symbol = :new AND session < :day"
    for source, session, stored, *values in connection.execute(sql, span).fetchall():
        if stored == checksum(values, (change.symbol, source, session)):
            own = (checksum(values, (change.into, source, session)), change.into, source, session)
            connection.execute("UPDATE bars SET checksum = ? WHERE symbol = ? AND source = ? AND session = ?", own)
    connection.execute("UPDATE flatten_requests SET symbol = :new WHERE symbol = :old AND done_at IS NULL", span)


def _record(row: sqlite3.Row) -> ChangeRecord:
    what = f"the change of {row['symbol']}"
    before, after = (parsed(dict[str, Decimal], row[name], what) for name in ("positions_before", "positions_after"))
    external = parsed(dict[str, tuple[Decimal, Decimal]], row["external"], what)
    return ChangeRecord(change_of(row), instant(row["stated_at"]), before, after, external, row["id"])
