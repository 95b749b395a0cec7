"""What a person stated; every statement is kept, and the newest counts."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from msgspec import Struct

from mtum.adapters.store.database import Database
from mtum.adapters.store.texts import instant_text, money, plain
from mtum.core.canonical import parsed


def insert_external(connection: sqlite3.Connection, symbol: str, shares: Decimal, at: str, why: str) -> None:
    """Record how many shares of a symbol are the owner's own from now on.

    Parameters
    ----------
    connection : Connection
        The database, in a transaction where it is written.
    symbol : str
        Ticker.
    shares : Decimal
        Number of shares.
    at : str
        Instant that is recorded, as the store writes it.
    why : str
        Why, in words.
    """
    sql = "INSERT INTO external_shares (symbol, shares, stated_at, why) VALUES (?, ?, ?, ?)"
    connection.execute(sql, (symbol, float(shares), at, why))


class SqliteStatements(Struct, frozen=True):
    """The port `StatementStore` on SQLite."""

    database: Database

    def state_external(self, symbol: str, shares: Decimal, at: datetime, why: str) -> None:
        """Record how many shares of a symbol are the owner's own; 0 takes an earlier statement back."""
        with self.database.write() as connection:
            insert_external(connection, symbol, shares, instant_text(at), why)

    def external_shares(self) -> Mapping[str, Decimal]:
        """Return the shares that are the owner's own by symbol, 0 where a statement was taken back."""
        newest = "SELECT max(id) FROM external_shares GROUP BY symbol"
        rows = self.database.rows(f"SELECT symbol, shares FROM external_shares WHERE id IN ({newest}) ORDER BY symbol")
        return {row["symbol"]: money(row["shares"]) for row in rows}

    def state_entry(self, intent_id: str, remembered: Mapping[str, float], at: datetime) -> None:
        """Record what the strategy keeps with an entry that a person stated."""
        sql = "INSERT INTO stated_entries (intent_id, remembered, stated_at) VALUES (?, ?, ?)"
        with self.database.write() as connection:
            connection.execute(sql, (intent_id, plain(dict(remembered)), instant_text(at)))

    def stated_entry(self, intent_id: str) -> Mapping[str, float]:
        """Return what the strategy keeps with an entry that a person stated; empty for every other."""
        sql = "SELECT remembered FROM stated_entries WHERE intent_id = ? ORDER BY id DESC LIMIT 1"
        row = self.database.row(sql, (intent_id,))
        return parsed(dict[str, float], row["remembered"], f"the entry stated for {intent_id}") if row else {}

    def acknowledge_foreign(self, ref: str, at: datetime, why: str) -> None:
        """Record that an order made by this program and not by this database is in order."""
        sql = "INSERT INTO foreign_orders (ref, acknowledged_at, why) VALUES (?, ?, ?)"
        with self.database.write() as connection:
            connection.execute(sql, (ref, instant_text(at), why))

    def acknowledged_foreign(self, ref: str) -> bool:
        """Return whether that order is known to be in order."""
        return self.database.row("SELECT 1 FROM foreign_orders WHERE ref = ?", (ref,)) is not None

    def request_flatten(self, symbol: str, why: str, at: datetime, sleeve: str | None = None) -> None:
        """Record that a person wants a position closed, of one sleeve or of all."""
        sql = "INSERT INTO flatten_requests (symbol, why, asked_at, strategy) VALUES (?, ?, ?, ?)"
        with self.database.write() as connection:
            connection.execute(sql, (symbol, why, instant_text(at), sleeve))

    def flatten_requests(self, sleeve: str | None = None) -> Sequence[str]:
        """Return the symbols that a person wants closed for every sleeve, and for that one where it is named."""
        sql = (
            "SELECT symbol FROM flatten_requests WHERE done_at IS NULL AND (strategy IS NULL OR strategy = ?) "
            "GROUP BY symbol ORDER BY min(id)"
        )
        return tuple(row["symbol"] for row in self.database.rows(sql, (sleeve,)))

    def end_flatten(self, symbol: str, at: datetime, sleeve: str | None = None) -> None:
        """Record that nothing is left of a position that was to be closed, of one sleeve or of all."""
        sql = "UPDATE flatten_requests SET done_at = ? WHERE symbol = ? AND strategy IS ? AND done_at IS NULL"
        with self.database.write() as connection:
            connection.execute(sql, (instant_text(at), symbol, sleeve))
