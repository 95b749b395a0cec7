"""What a person approved, and the contracts that were pinned; every change is kept, and the newest counts."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from msgspec import Struct

from mtum.adapters.store.database import Database
from mtum.adapters.store.texts import instant_text
from mtum.core.canonical import canonical, parsed
from mtum.ports.records import Subject, Way


class SqliteApprovals(Struct, frozen=True):
    """The port `ApprovalStore` on SQLite."""

    database: Database

    def approve(self, day: date, way: Way, at: datetime, sleeve: str | None = None, symbol: str | None = None) -> bool:
        """Record that a session's entries or exits may be sent; False if that was approved before."""
        sql = (
            "INSERT INTO approvals (session, way, sleeve, symbol, approved_at) VALUES (?, ?, ?, ?, ?) "
            "ON CONFLICT DO NOTHING"
        )
        values = (day.isoformat(), way, sleeve, symbol, instant_text(at))
        with self.database.write() as connection:
            return connection.execute(sql, values).rowcount == 1

    def approved(self, day: date, way: Way, sleeve: str | None = None, symbol: str | None = None) -> bool:
        """Return whether a person has approved that session's entries or exits as a whole, or by sleeve or symbol."""
        named = (
            "(sleeve IS NOT NULL OR symbol IS NOT NULL)" if sleeve or symbol else "sleeve IS NULL AND symbol IS NULL"
        )
        sql = (
            f"SELECT 1 FROM approvals WHERE session = ? AND way = ? AND {named} "
            "AND (sleeve IS NULL OR sleeve = ?) AND (symbol IS NULL OR symbol = ?)"
        )
        return self.database.row(sql, (day.isoformat(), way, sleeve, symbol)) is not None

    def approve_document(self, subject: Subject, document: Mapping[str, Any], at: datetime) -> None:
        """Record the settings, the code or the backtest that a person approved."""
        sql = "INSERT INTO approved_documents (subject, document, approved_at) VALUES (?, ?, ?)"
        with self.database.write() as connection:
            connection.execute(sql, (subject, canonical(document), instant_text(at)))

    def approved_document(self, subject: Subject) -> Mapping[str, Any] | None:
        """Return what was approved last of that subject, None before any approval."""
        sql = "SELECT document FROM approved_documents WHERE subject = ? ORDER BY id DESC LIMIT 1"
        row = self.database.row(sql, (subject,))
        return None if row is None else parsed(dict[str, Any], row["document"], f"the approved {subject}")

    def pin_contract(self, symbol: str, identity: str, at: datetime) -> None:
        """Record the broker's contract for a symbol; the same again changes nothing, "" has it looked up anew."""
        if self.pinned_contract(symbol) == identity:
            return
        sql = "INSERT INTO pinned_contracts (symbol, identity, pinned_at) VALUES (?, ?, ?)"
        with self.database.write() as connection:
            connection.execute(sql, (symbol, identity, instant_text(at)))

    def pinned_contract(self, symbol: str) -> str:
        """Return the broker's contract for a symbol, "" where none is pinned."""
        sql = "SELECT identity FROM pinned_contracts WHERE symbol = ? ORDER BY id DESC LIMIT 1"
        row = self.database.row(sql, (symbol,))
        return "" if row is None else str(row["identity"])
