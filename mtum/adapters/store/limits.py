"""What the limits of the account go by; every row is kept, and the newest counts."""

from datetime import date, datetime

from msgspec import Struct

from mtum.adapters.store.database import Database
from mtum.adapters.store.texts import instant_text
from mtum.ports.records import AccountWorth


class SqliteLimits(Struct, frozen=True):
    """The port `LimitStore` on SQLite."""

    database: Database

    def write_worth(self, worth: AccountWorth, at: datetime) -> None:
        """Record what the account was worth at a decision."""
        sql = "INSERT INTO account_worth (session, net_usd, shares_usd, cash_usd, at) VALUES (?, ?, ?, ?, ?)"
        values = (worth.session.isoformat(), worth.net_usd, worth.shares_usd, worth.cash_usd, instant_text(at))
        with self.database.write() as connection:
            connection.execute(sql, values)

    def last_worth(self) -> AccountWorth | None:
        """Return what the account was worth at the last decision, None before the first."""
        row = self.database.row("SELECT * FROM account_worth ORDER BY id DESC LIMIT 1")
        if row is None:
            return None
        day = date.fromisoformat(row["session"])
        return AccountWorth(day, row["net_usd"], row["shares_usd"], row["cash_usd"])

    def count_peak_since(self, day: date, at: datetime, sleeve: str | None = None) -> None:
        """Record from whose close on the drawdown limit counts its peak, of one sleeve or of all."""
        with self.database.write() as connection:
            values = (day.isoformat(), instant_text(at), sleeve)
            connection.execute("INSERT INTO peaks (session, set_at, strategy) VALUES (?, ?, ?)", values)

    def peak_since(self, sleeve: str | None = None) -> date | None:
        """Return the session from whose close on a sleeve's peak is counted, None for all of them."""
        sql = "SELECT session FROM peaks WHERE strategy IS NULL OR strategy = ? ORDER BY id DESC LIMIT 1"
        row = self.database.row(sql, (sleeve,))
        return None if row is None else date.fromisoformat(row["session"])
