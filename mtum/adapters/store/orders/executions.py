"""Fills and the cash they move: a correction takes the place of what it corrects."""

import sqlite3
from collections.abc import Collection, Sequence
from datetime import date
from decimal import Decimal
from functools import lru_cache

from mtum.adapters.store.actions import acted_on
from mtum.adapters.store.database import Database
from mtum.adapters.store.faults import faults_of
from mtum.adapters.store.texts import cells, insert, of_row, plain
from mtum.core.portfolio.fills import Fill, folded
from mtum.core.portfolio.orders import Side


def insert_fill(connection: sqlite3.Connection, fill: Fill) -> bool:
    """Record a fill and the cash it moved; whether it was new."""
    known = connection.execute("SELECT commission_usd FROM fills WHERE exec_id = ?", (fill.exec_id,)).fetchone()
    if known is not None:
        # What was executed does not change under one id; only the commission comes later.
        if fill.commission_usd is None or known["commission_usd"] == float(fill.commission_usd):
            return False
        sql = "UPDATE fills SET commission_usd = ? WHERE exec_id = ?"
        connection.execute(sql, (float(fill.commission_usd), fill.exec_id))
    else:
        insert(connection, "fills", {**cells(fill), "stem": fill.stem, "current": 0})
    _settle(connection, fill.stem)
    return known is None


def _settle(connection: sqlite3.Connection, stem: str) -> None:
    # The last correction counts, and its cash with it.
    rows = connection.execute("SELECT * FROM fills WHERE stem = ?", (stem,)).fetchall()
    (last,) = folded(fill_of(row) for row in rows)
    connection.execute("UPDATE fills SET current = (exec_id = ?) WHERE stem = ?", (last.exec_id, stem))
    kind = "buy" if last.side is Side.BUY else "sell"
    _move(connection, last, f"fill:{stem}", kind, last.cash_usd)
    if last.commission_usd is not None:
        _move(connection, last, f"commission:{stem}", "commission", -last.commission_usd)


def _move(connection: sqlite3.Connection, fill: Fill, key: str, kind: str, amount: Decimal) -> None:
    sql = (
        "INSERT INTO cash_movements (key, strategy, session, kind, amount_usd, symbol) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (key) DO UPDATE SET kind = excluded.kind, session = excluded.session, "
        "amount_usd = excluded.amount_usd"
    )
    connection.execute(sql, (key, fill.strategy, fill.session.isoformat(), kind, float(amount), fill.symbol))


def read_fills(
    database: Database, strategy: str | None = None, intents: Collection[str] | None = None
) -> Sequence[Fill]:
    """Return fills in time order, corrections included: of all, of one strategy, or of these intents.

    Parameters
    ----------
    database : Database
        A connection with the file it belongs to and the account it is for.
    strategy : str or None
        Name of the strategy, or of its sleeve; None for all.
    intents : collection of str or None
        Only the fills of these intents; None for all.
    """
    wanted, values = ["1"], list[str]()
    if strategy is not None:
        wanted, values = [*wanted, "strategy = ?"], [strategy]
    if intents is not None:
        wanted.append("intent_id IN (SELECT value FROM json_each(?))")
        values.append(plain(sorted(intents)))
    sql = f"SELECT * FROM fills WHERE {' AND '.join(wanted)} ORDER BY session, instant, exec_id"
    return tuple(fill_of(row) for row in database.rows(sql, values))


def read_open_fills(database: Database, since: date | None) -> Sequence[Fill]:
    """Return the fills that lots from that session on are made of, with the round trip before them."""
    last = "9999" if since is None else since.isoformat()
    sums = (
        "SELECT strategy, symbol, sum(CASE side WHEN 'BUY' THEN shares ELSE -shares END), count(*) "
        "FROM fills WHERE current = 1 GROUP BY strategy, symbol"
    )
    left, unread = {}, {}
    for strategy, symbol, shares, count in database.rows(sums):
        left[strategy, symbol], unread[strategy, symbol] = shares, count
    # As traded, a symbol that was split or renamed meanwhile does not come to zero where it is flat.
    acted = acted_on(database.connection)
    flat = dict.fromkeys(left, 0)
    found: list[Fill] = []
    with faults_of(database.path):
        newest_first = database.connection.execute(
            "SELECT * FROM fills WHERE current = 1 ORDER BY session DESC, instant DESC, exec_id DESC"
        )
        for row in newest_first:
            key = (row["strategy"], row["symbol"])
            if not unread.get(key):
                continue
            if not left[key] and row["session"] < last and row["symbol"] not in acted:
                flat[key] += 1
            if flat[key] < 2:
                fill = fill_of(row)
                left[key] -= fill.signed_shares
                found.append(fill)
            unread[key] = unread[key] - 1 if flat[key] < 2 else 0
            if not any(unread.values()):
                break
        newest_first.close()
    return tuple(reversed(found))


@lru_cache(maxsize=4096)
def fill_of(row: sqlite3.Row) -> Fill:
    """Return the fill of a row of the table; a value, made once however often the row is read."""
    return of_row(Fill, row, f"the fill {row['exec_id']}")


def fill_problems(connection: sqlite3.Connection) -> list[str]:
    """Return what of the fills and the cash they moved does not agree, one line each."""
    rows = connection.execute("SELECT stem FROM fills GROUP BY stem HAVING sum(current) <> 1")
    double = [f"fill {stem} does not count exactly once" for (stem,) in rows]
    # A commission that is not known yet has moved nothing.
    rows = connection.execute(
        "SELECT exec_id FROM fills LEFT JOIN cash_movements AS moved ON moved.key = 'fill:' || stem "
        "LEFT JOIN cash_movements AS fee ON fee.key = 'commission:' || stem WHERE current = 1 AND ("
        "moved.session IS NOT fills.session OR abs(moved.amount_usd - shares * price * multiplier * "
        "CASE side WHEN 'SELL' THEN 1 ELSE -1 END) > 1e-6 OR abs(coalesce(fee.amount_usd, 0) + commission_usd) > 1e-6)"
    )
    kinds = connection.execute(
        "SELECT exec_id FROM fills JOIN instruments ON instruments.id = fills.symbol "
        "WHERE fills.multiplier <> instruments.multiplier"
    )
    alone = connection.execute(
        "SELECT key FROM cash_movements WHERE key GLOB 'fill:*' AND substr(key, 6) NOT IN (SELECT stem FROM fills)"
    )
    double += [f"the fill of cash movement {key} is missing" for (key,) in alone]
    double += [f"the multiplier of fill {exec_id} is not its instrument's" for (exec_id,) in kinds]
    return double + [
        f"the cash of fill {exec_id} is not shares times price and multiplier, its fee and its day"
        for (exec_id,) in rows
    ]
