"""Cash, open lots and equity of each strategy, and the account as the broker showed it."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from mtum.adapters.store.database import Database
from mtum.adapters.store.schema import OPEN_MOVEMENTS as OPEN
from mtum.adapters.store.texts import cells, insert, instant_text, money, of_row, or_update, plain, since_text
from mtum.core.canonical import parsed
from mtum.core.portfolio.lots import Lot
from mtum.ports.broker import BrokerLists, OtherInstrument
from mtum.ports.records import HANDED_OVER, CashMovement, EquityPoint

_PAID = "ON CONFLICT (key) DO UPDATE SET paid = 1 WHERE excluded.paid = 1"


def insert_movements(connection: sqlite3.Connection, movements: Iterable[CashMovement]) -> None:
    """Store movements of cash; a known key is left alone, except that a receivable may become paid."""
    for movement in movements:
        insert(connection, "cash_movements", cells(movement), _PAID)


class SqliteLedger(Struct, frozen=True):
    """The port `LedgerStore` on SQLite."""

    database: Database

    def move_cash(self, movements: Sequence[CashMovement]) -> None:
        """Record movements; a known key is left alone, except that a receivable may become paid."""
        if movements:
            with self.database.write() as connection:
                insert_movements(connection, movements)

    def cash_of_others(self, strategies: Collection[str]) -> Mapping[str, Decimal]:
        """Return the cash in USD that each strategy but these still owns; empty if none has any."""
        sql = (
            "SELECT strategy FROM cash_movements WHERE strategy NOT IN (SELECT value FROM json_each(?)) "
            "GROUP BY strategy ORDER BY min(rowid)"
        )
        others = self.database.rows(sql, (plain(sorted(strategies)),))
        return {name: cash for (name,) in others if (cash := cash_of(self.database, name))}

    def allotted_since(self, day: date) -> Decimal:
        """Return the cash in USD that strategies were given of what no strategy owned, less what they gave back."""
        sql = (
            f"SELECT coalesce(sum(amount_usd), 0) FROM cash_movements WHERE {OPEN} AND session > ? "
            f"AND (kind = 'capital' OR substr(key, 1, instr(key, ':')) IN {HANDED_OVER})"
        )
        row = self.database.row(sql, (day.isoformat(),))
        return money(row[0] if row else 0.0)

    def movements(
        self, strategy: str | None, *, open_only: bool = False, since: date | None = None
    ) -> Sequence[CashMovement]:
        """Return movements in the order of their sessions; or those of capital, flows and what is owed."""
        wanted = {"strategy = ?": strategy, "session >= ?": since_text(since) or None}
        given = {term: value for term, value in wanted.items() if value is not None}
        which = " AND ".join([*given, *([OPEN] if open_only else [])]) or "1"
        sql = f"SELECT * FROM cash_movements WHERE {which} ORDER BY session, rowid"
        rows = self.database.rows(sql, tuple(given.values()))
        return tuple(of_row(CashMovement, row, f"the cash movement {row['key']}") for row in rows)

    def write_lots(
        self, strategy: str, lots: Sequence[Lot], remembered: Mapping[tuple[str, str], Mapping[str, float]]
    ) -> None:
        """Replace the strategy's open lots; `remembered` is by intent id and symbol."""
        with self.database.write() as connection:
            connection.execute("DELETE FROM lots WHERE strategy = ?", (strategy,))
            for lot in lots:
                kept = plain(dict(remembered.get((lot.intent_id, lot.symbol), {})))
                insert(connection, "lots", {**cells(lot), "strategy": strategy, "remembered": kept})

    def lots(self, strategy: str) -> Sequence[Lot]:
        """Return the open lots as they were last written, oldest first."""
        sql = "SELECT * FROM lots WHERE strategy = ? ORDER BY session, rowid"
        rows = self.database.rows(sql, (strategy,))
        return tuple(of_row(Lot, row, f"the lot of {row['intent_id']}") for row in rows)

    def write_equity(self, point: EquityPoint) -> None:
        """Insert or update the point of its session."""
        # Not replaced but updated, so that a point written again as it was is no event.
        values = cells(point)
        with self.database.write() as connection:
            insert(connection, "equity", values, or_update(values, "strategy", "session"))

    def equity(self, strategy: str, since: date | None = None) -> Sequence[EquityPoint]:
        """Return points, oldest first; all, or those from a session on."""
        sql = "SELECT * FROM equity WHERE strategy = ? AND session >= ? ORDER BY session"
        return tuple(point(tuple(row)) for row in self.database.rows(sql, (strategy, since_text(since))))

    def write_account(self, day: date, at: datetime, lists: BrokerLists) -> None:
        """Record account values and positions as the broker showed them."""
        values = {
            **cells(lists.account, "code", "doubt"),
            "session": day.isoformat(),
            "at": instant_text(at),
            "account": lists.account.code,
            "positions": plain({symbol: float(shares) for symbol, shares in sorted(lists.positions.items())}),
        }
        with self.database.write() as connection:
            values["others"] = plain(list(_foreign(connection, lists.others)))
            insert(connection, "account_snapshots", values, or_update(values, "session", "at"))

    def others(self, day: date) -> Sequence[str]:
        """Return what the broker last showed in that session besides shares, in words."""
        sql = "SELECT others FROM account_snapshots WHERE session = ? ORDER BY at DESC LIMIT 1"
        row = self.database.row(sql, (day.isoformat(),))
        return () if row is None else parsed(tuple[str, ...], row["others"], f"the account of {day}")


def _foreign(connection: sqlite3.Connection, others: Iterable[OtherInstrument]) -> Iterator[str]:
    # Options of our own are in our books; what is left of a contract is somebody else's.
    ours: dict[str, int] = {}
    if any(one.kind == "OPT" for one in others):
        sql = (
            "SELECT underlying, expiry, strike, right, trading_class, sum(quantity) FROM option_lots "
            "JOIN option_contracts USING (con_id) GROUP BY con_id"
        )
        for underlying, expiry, strike, right, listed_as, quantity in connection.execute(sql):
            of_class = f" of class {listed_as}" if listed_as != underlying else ""
            name = f"{underlying} {expiry.replace('-', '')} {money(strike).normalize():f} {right}{of_class}"
            ours[name] = ours.get(name, 0) + quantity
    for one in (one for one in others if one.pins is None):
        left = one.quantity if one.working else one.quantity - ours.get(one.name, 0)
        if left:
            yield replace(one, quantity=left).words


_MILLIONTHS = "CAST(round(amount_usd * 1e6) AS INTEGER)"
_IN_MILLIONTHS = f"abs(amount_usd) < 1e9 AND {_MILLIONTHS} / 1e6 = amount_usd"


def cash_of(database: Database, strategy: str, until: date | None = None) -> Decimal:
    """Return the cash in USD that the strategy owns: everything paid, or what was by the close of a session.

    Parameters
    ----------
    database : Database
        A connection with the file it belongs to and the account it is for.
    strategy : str
        Name of the strategy, or of its sleeve.
    until : date or None
        Last session; None for all.
    """
    paid = "FROM cash_movements WHERE strategy = ? AND session <= ? AND paid = 1"
    values = (strategy, until.isoformat() if until else "9999")
    # SQLite adds up what is written with six decimals or fewer; added as floats the sum would not be exact.
    whole = f"sum(iif({_IN_MILLIONTHS}, {_MILLIONTHS}, 0)), sum(NOT ({_IN_MILLIONTHS}))"
    ((millionths, others),) = database.rows(f"SELECT {whole} {paid}", values)
    rest = database.rows(f"SELECT amount_usd {paid} AND NOT ({_IN_MILLIONTHS})", values) if others else ()
    return sum((money(amount) for (amount,) in rest), Decimal(millionths or 0).scaleb(-6))


_POINT = EquityPoint.__struct_fields__


# Points are read several times a session; each is a value, so it is made once. A row itself is slow to look up.
@lru_cache(maxsize=4096)
def point(columns: tuple[Any, ...]) -> EquityPoint:
    """Return the point of a row of the table; a value, made once however often the row is read."""
    row = dict(zip(_POINT, columns, strict=True))
    return of_row(EquityPoint, row, f"the equity of {row['strategy']} of {row['session']}")
