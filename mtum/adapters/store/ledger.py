"""Cash, open lots and equity of each strategy, and the account as the broker showed it."""

import json
import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from typing import Any

from mtum.adapters.store.database import Database
from mtum.adapters.store.schema.tables import OPEN_MOVEMENTS as OPEN
from mtum.adapters.store.texts import instant_text, maybe_float, maybe_money, money, plain, since_text
from mtum.core.portfolio.lots import Lot
from mtum.ports.broker import BrokerLists
from mtum.ports.records import CashMovement, EquityPoint

_WRITE_POINT = """
INSERT INTO equity VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (strategy, session) DO UPDATE SET
  cash_usd = excluded.cash_usd, receivable_usd = excluded.receivable_usd, market_usd = excluded.market_usd,
  equity_usd = excluded.equity_usd, flows_usd = excluded.flows_usd, benchmark_usd = excluded.benchmark_usd,
  close = excluded.close, shares = excluded.shares, final = excluded.final"""


_MOVE = (
    "INSERT INTO cash_movements VALUES (?, ?, ?, ?, ?, ?, ?, ?) "
    "ON CONFLICT (key) DO UPDATE SET paid = 1 WHERE excluded.paid = 1"
)


def insert_movements(connection: sqlite3.Connection, movements: Iterable[CashMovement]) -> None:
    """Store movements of cash; a known key is left alone, except that a receivable may become paid."""
    connection.executemany(
        _MOVE,
        [
            (
                movement.key,
                movement.strategy,
                movement.session.isoformat(),
                movement.kind,
                float(movement.amount_usd),
                movement.symbol,
                movement.note,
                int(movement.paid),
            )
            for movement in movements
        ],
    )


@dataclass(frozen=True, slots=True)
class SqliteLedger:
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
        others = self.database.rows(sql, (json.dumps(sorted(strategies), allow_nan=False),))
        return {name: cash for (name,) in others if (cash := cash_of(self.database, name))}

    def allotted_since(self, day: date) -> Decimal:
        """Return the cash in USD that strategies were given of what no strategy owned, less what they gave back."""
        sql = (
            f"SELECT coalesce(sum(amount_usd), 0) FROM cash_movements WHERE {OPEN} AND session > ? "
            "AND (kind = 'capital' OR substr(key, 1, instr(key, ':') - 1) IN "
            "('handed_on', 'taken_over', 'handed_back', 'begins_again'))"
        )
        row = self.database.row(sql, (day.isoformat(),))
        return money(row[0] if row else 0.0)

    def movements(self, strategy: str, *, open_only: bool = False) -> Sequence[CashMovement]:
        """Return movements in the order of their sessions; or those of capital, flows and what is owed."""
        which = f"strategy = ? AND {OPEN}" if open_only else "strategy = ?"
        columns = "key, strategy, session, kind, amount_usd, note, symbol, paid"
        sql = f"SELECT {columns} FROM cash_movements WHERE {which} ORDER BY session, rowid"
        return tuple(
            CashMovement(key, owner, date.fromisoformat(day), kind, money(amount), note, symbol, bool(paid))
            for key, owner, day, kind, amount, note, symbol, paid in self.database.rows(sql, (strategy,))
        )

    def write_lots(
        self, strategy: str, lots: Sequence[Lot], remembered: Mapping[tuple[str, str], Mapping[str, float]]
    ) -> None:
        """Replace the strategy's open lots; `remembered` is by intent id and symbol."""
        rows = [
            (
                lot.intent_id,
                strategy,
                lot.symbol,
                lot.session.isoformat(),
                lot.shares,
                lot.opened_shares,
                float(lot.entry_price),
                float(lot.cost_usd),
                plain(dict(remembered.get((lot.intent_id, lot.symbol), {}))),
                lot.multiplier,
            )
            for lot in lots
        ]
        with self.database.write() as connection:
            connection.execute("DELETE FROM lots WHERE strategy = ?", (strategy,))
            connection.executemany("INSERT INTO lots VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)

    def lots(self, strategy: str) -> Sequence[Lot]:
        """Return the open lots as they were last written, oldest first."""
        sql = "SELECT * FROM lots WHERE strategy = ? ORDER BY session, rowid"
        return tuple(
            Lot(
                intent_id=row["intent_id"],
                strategy=row["strategy"],
                symbol=row["symbol"],
                session=date.fromisoformat(row["session"]),
                shares=row["shares"],
                opened_shares=row["opened_shares"],
                entry_price=money(row["entry_price"]),
                cost_usd=money(row["cost_usd"]),
                multiplier=row["multiplier"],
            )
            for row in self.database.rows(sql, (strategy,))
        )

    def write_equity(self, point: EquityPoint) -> None:
        """Insert or update the point of its session."""
        values = (
            point.session.isoformat(),
            point.strategy,
            float(point.cash_usd),
            float(point.receivable_usd),
            float(point.market_usd),
            float(point.equity_usd),
            float(point.flows_usd),
            maybe_float(point.benchmark_usd),
            maybe_float(point.close),
            point.shares,
            int(point.final),
        )
        # Not replaced but updated, so that a point written again as it was is no event.
        with self.database.write() as connection:
            connection.execute(_WRITE_POINT, values)

    def equity(self, strategy: str, since: date | None = None) -> Sequence[EquityPoint]:
        """Return points, oldest first; all, or those from a session on."""
        sql = "SELECT * FROM equity WHERE strategy = ? AND session >= ? ORDER BY session"
        return tuple(point(tuple(row)) for row in self.database.rows(sql, (strategy, since_text(since))))

    def write_account(self, day: date, at: datetime, lists: BrokerLists) -> None:
        """Record account values and positions as the broker showed them."""
        account = lists.account
        sql = (
            "INSERT OR REPLACE INTO account_snapshots (session, at, account, kind, cash_usd, settled_usd, "
            "net_liquidation_usd, positions, others) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
        )
        values = (
            day.isoformat(),
            instant_text(at),
            account.code,
            account.kind.value,
            float(account.cash_usd),
            float(account.settled_usd),
            float(account.net_liquidation_usd),
            plain({symbol: float(shares) for symbol, shares in sorted(lists.positions.items())}),
            plain([one.words for one in lists.others]),
        )
        with self.database.write() as connection:
            connection.execute(sql, values)

    def others(self, day: date) -> Sequence[str]:
        """Return what the broker last showed in that session besides shares, in words."""
        sql = "SELECT others FROM account_snapshots WHERE session = ? ORDER BY at DESC LIMIT 1"
        row = self.database.row(sql, (day.isoformat(),))
        return () if row is None else tuple(json.loads(row["others"]))


_MILLIONTHS = "CAST(round(amount_usd * 1e6) AS INTEGER)"
_IN_MILLIONTHS = f"abs(amount_usd) < 1e9 AND {_MILLIONTHS} / 1e6 = amount_usd"


def cash_of(database: Database, strategy: str, until: date | None = None) -> Decimal:
    """Return the cash in USD that the strategy owns: everything paid, or what was by the close of a session."""
    paid = "FROM cash_movements WHERE strategy = ? AND session <= ? AND paid = 1"
    values = (strategy, until.isoformat() if until else "9999")
    # SQLite adds up what is written with six decimals or fewer; added as floats the sum would not be exact.
    whole = f"sum(iif({_IN_MILLIONTHS}, {_MILLIONTHS}, 0)), sum(NOT ({_IN_MILLIONTHS}))"
    ((millionths, others),) = database.rows(f"SELECT {whole} {paid}", values)
    rest = database.rows(f"SELECT amount_usd {paid} AND NOT ({_IN_MILLIONTHS})", values) if others else ()
    return sum((money(amount) for (amount,) in rest), Decimal(millionths or 0).scaleb(-6))


# Points are read several times a session; each is a value, so it is made once.
@lru_cache(maxsize=4096)
def point(columns: tuple[Any, ...]) -> EquityPoint:
    """Return the point of a row of the table; a value, made once however often the row is read."""
    session, strategy, cash, receivable, market, equity, flows, benchmark, close, shares, final = columns
    return EquityPoint(
        session=date.fromisoformat(session),
        strategy=strategy,
        cash_usd=money(cash),
        receivable_usd=money(receivable),
        market_usd=money(market),
        equity_usd=money(equity),
        flows_usd=money(flows),
        benchmark_usd=maybe_money(benchmark),
        close=maybe_money(close),
        shares=shares,
        final=bool(final),
    )
