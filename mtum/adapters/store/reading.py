"""The read side: what is in the database, as plain rows, by the standard library alone.

Every reader takes a connection of `open_read_only` and returns dictionaries with JSON values
only (sessions and instants as text), oldest first. `since` keeps sessions from that date on;
`limit` keeps the newest rows. Nothing here writes, and a run may write meanwhile.
"""

import json
import sqlite3
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

from mtum.adapters.store.faults import explained, faults_of
from mtum.adapters.store.schema import SCHEMA_VERSION
from mtum.errors import StoreError, StoreMismatchError

BUSY_SECONDS = 5.0
"""How long a statement waits for another process before it gives up."""

Row = dict[str, Any]

_JSON_COLUMNS = ("reasons", "steps", "document", "settings", "libraries", "remembered", "positions", "earlier")

_OPEN = "('PLANNED', 'SUBMITTING', 'ACCEPTED', 'PARTIALLY_FILLED', 'UNKNOWN')"


def open_read_only(path: Path) -> sqlite3.Connection:
    """Open the database for reading; close the connection when done.

    Raises
    ------
    StoreError
        If the file is missing, unreadable or not a database of this program.
    StoreMismatchError
        If a newer program wrote it.
    """
    if not path.is_file():
        raise StoreError(f"{path} does not exist; the first run creates it")
    connection = connected(path, "mode=ro")
    try:
        version = _version(connection)
    except sqlite3.OperationalError as error:
        connection.close()
        if not _alone_in_read_only_folder(path, error):
            raise explained(path, error) from error
        # A read-only folder has no room for the side files; without a writer the file alone is whole.
        connection = connected(path, "mode=ro&immutable=1")
        with faults_of(path):
            version = _version(connection)
    except sqlite3.Error as error:
        connection.close()
        raise explained(path, error) from error
    _check_version(path, version, connection)
    return connection


def _alone_in_read_only_folder(path: Path, error: sqlite3.OperationalError) -> bool:
    log = path.with_name(path.name + "-wal")
    return "unable to open" in str(error) and not (log.exists() and log.stat().st_size)


def connected(path: Path, options: str) -> sqlite3.Connection:
    """Open the file with SQLite's own options (``mode=ro``), whatever its schema."""
    with faults_of(path):
        connection = sqlite3.connect(
            f"{path.absolute().as_uri()}?{options}", uri=True, timeout=BUSY_SECONDS, isolation_level=None
        )
    connection.row_factory = sqlite3.Row
    return connection


def _version(connection: sqlite3.Connection) -> int:
    connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def _check_version(path: Path, version: int, connection: sqlite3.Connection) -> None:
    if version == SCHEMA_VERSION:
        return
    connection.close()
    if version > SCHEMA_VERSION:
        raise newer(path, version)
    if version == 0:
        raise StoreError(f"{path} is not a database of this program, or its first run did not finish")
    raise StoreError(f"{path} has schema {version}, this program reads {SCHEMA_VERSION}; any `mtum run` brings it up")


def newer(path: Path, version: int) -> StoreMismatchError:
    """Return the refusal of a database that a newer program wrote."""
    return StoreMismatchError(
        f"{path} was written by a newer program (schema {version}, this one knows {SCHEMA_VERSION}); update mtum"
    )


def meta(connection: sqlite3.Connection) -> dict[str, str]:
    """Return the facts about the database, `mode` and `account` among them."""
    return {row["key"]: row["value"] for row in _ask(connection, "SELECT key, value FROM meta ORDER BY key")}


def trades(connection: sqlite3.Connection, since: date | None = None, limit: int | None = None) -> list[Row]:
    """Return round trips by entry session: the columns of `v_trades`; an open one has exit_session None."""
    return _listed(connection, "v_trades", "entry_session", since, limit, then="symbol")


def orders(connection: sqlite3.Connection, since: date | None = None, limit: int | None = None) -> list[Row]:
    """Return one row per order attempt.

    id, ref, session, strategy, account, symbol, side, purpose, type, shares, filled, status,
    reference_price, reasons (list), broker_id, code, text, attempt, planned_at, submitted_at,
    updated_at.
    """
    return _listed(connection, f"({_ORDERS})", "session", since, limit, then="planned_at, id, attempt")


_ORDERS = """
SELECT i.id, o.ref, i.session, i.strategy, i.account, i.symbol, i.side, i.purpose, i.order_type AS type, i.shares,
  o.filled, o.status, i.reference_price, i.reasons, o.broker_id, o.code, o.text, o.attempt, i.planned_at,
  o.submitted_at, o.updated_at
FROM order_intents AS i JOIN orders AS o ON o.intent_id = i.id"""


def order_events(connection: sqlite3.Connection, intent_id: str | None = None) -> list[Row]:
    """Return what happened to one order, or to all: at, intent_id, ref, kind, status, code, text."""
    where = "" if intent_id is None else "WHERE intent_id = ?"
    sql = f"SELECT at, intent_id, ref, kind, status, code, text FROM order_events {where} ORDER BY id"
    return _ask(connection, sql, () if intent_id is None else (intent_id,))


def fills(connection: sqlite3.Connection, since: date | None = None, limit: int | None = None) -> list[Row]:
    """Return fills that count: the columns of `fills` but `current`, corrected ones left out."""
    sql = "SELECT exec_id, intent_id, account, strategy, symbol, side, session, instant, shares, price, commission_usd"
    return _listed(
        connection, f"({sql} FROM fills WHERE current = 1)", "session", since, limit, then="instant, exec_id"
    )


def without_commission(connection: sqlite3.Connection) -> list[Row]:
    """Return the fills whose commission the broker has not told, oldest first (see `fills`)."""
    return [row for row in fills(connection) if row["commission_usd"] is None]


def decisions(connection: sqlite3.Connection, since: date | None = None, limit: int | None = None) -> list[Row]:
    """Return final decisions in short: the columns of `v_daily`."""
    return _listed(connection, "v_daily", "session", since, limit, then="strategy")


def decision(connection: sqlite3.Connection, session: date | None = None, strategy: str | None = None) -> Row | None:
    """Return one whole final decision (default: the newest), or None.

    The columns of `decisions` with documents unpacked, and `frame`, every input it saw.
    """
    conditions, values = ["preview = 0"], []
    for column, wanted in (("session", session.isoformat() if session else None), ("strategy", strategy)):
        if wanted is not None:
            conditions.append(f"{column} = ?")
            values.append(wanted)
    sql = (
        "SELECT decisions.*, input_frames.frame FROM decisions JOIN input_frames ON hash = frame_hash "
        f"WHERE {' AND '.join(conditions)} ORDER BY session DESC, decisions.id DESC LIMIT 1"
    )
    rows = _ask(connection, sql, values)
    if not rows:
        return None
    found = rows[0]
    found["frame"] = json.loads(found["frame"])
    return found


def signals(connection: sqlite3.Connection, since: date | None = None, limit: int | None = None) -> list[Row]:
    """Return every condition of every decided session: the columns of `v_signals`."""
    return _listed(connection, "v_signals", "session", since, limit, then="strategy, symbol, number")


def bars(
    connection: sqlite3.Connection,
    since: date | None = None,
    limit: int | None = None,
    symbol: str | None = None,
    source: str | None = None,
) -> list[Row]:
    """Return cached bars: the columns of `bars`, by session, then symbol and source."""
    wanted = [(column, asked) for column, asked in (("symbol", symbol), ("source", source)) if asked is not None]
    where = " AND ".join(f"{column} = ?" for column, _ in wanted) or "1"
    sql = f"SELECT * FROM bars WHERE {where} AND session >= ? ORDER BY session DESC, symbol DESC, source DESC LIMIT ?"
    return _ask(connection, sql, (*(asked for _, asked in wanted), *_bounds(since, limit)))[::-1]


def equity(connection: sqlite3.Connection, since: date | None = None, limit: int | None = None) -> list[Row]:
    """Return equity points: the columns of `equity`."""
    return _listed(connection, "equity", "session", since, limit, then="strategy")


def cash_movements(connection: sqlite3.Connection, since: date | None = None, limit: int | None = None) -> list[Row]:
    """Return cash movements: the columns of `cash_movements`."""
    return _listed(connection, "cash_movements", "session", since, limit, then="rowid")


def runs(connection: sqlite3.Connection, since: date | None = None, limit: int | None = None) -> list[Row]:
    """Return runs by start, documents left out: id, job, slot, session, instants, outcome, exit_code, steps."""
    sql = "SELECT id, job, slot, session, started_at, finished_at, outcome, exit_code, steps FROM runs"
    return _listed(connection, f"({sql})", "coalesce(session, date(started_at))", since, limit, then="started_at, id")


def positions(connection: sqlite3.Connection) -> list[Row]:
    """Return what is held: the columns of `v_positions`."""
    return _ask(connection, "SELECT * FROM v_positions")


def halts(connection: sqlite3.Connection, *, in_force: bool = True) -> list[Row]:
    """Return halts: id, restriction, why, by, since, lifted_at."""
    where = "WHERE lifted_at IS NULL" if in_force else ""
    sql = f'SELECT id, restriction, why, halted_by AS "by", since, lifted_at FROM halts {where} ORDER BY id'
    return _ask(connection, sql)


def upcoming_sessions(connection: sqlite3.Connection) -> list[Row]:
    """Return the next sessions as the last run saw them: session, opens_at, closes_at, half_day."""
    return _ask(connection, "SELECT * FROM sessions ORDER BY session")


def status(connection: sqlite3.Connection) -> Row:
    """Return the state at a glance.

    mode, account, positions, open_orders (as in `orders`), halts (in force), cash_usd (by
    strategy), equity (newest point of each strategy), unsettled (decided sessions whose official close
    and fills are not in the books), last_run (or None), undelivered (messages waiting) and sessions
    (upcoming).
    """
    facts = meta(connection)
    latest = "SELECT strategy, max(session) AS session FROM equity GROUP BY strategy"
    newest = f"SELECT equity.* FROM equity JOIN ({latest}) AS latest USING (strategy, session)"
    last = "SELECT id, job, slot, session, started_at, finished_at, outcome, exit_code, steps FROM runs"
    runs_found = _ask(connection, f"{last} ORDER BY session DESC, started_at DESC, id DESC LIMIT 1")
    totals = "SELECT strategy, sum(amount_usd) AS cash FROM cash_movements WHERE paid = 1 GROUP BY strategy"
    unsettled = (
        "SELECT DISTINCT session FROM decisions WHERE preview = 0 AND NOT EXISTS (SELECT 1 FROM equity "
        "WHERE equity.session = decisions.session AND equity.strategy = decisions.strategy) ORDER BY session"
    )
    waiting = "SELECT count(*) AS waiting FROM notifications WHERE delivered_at IS NULL"
    return {
        "mode": facts.get("mode"),
        "account": facts.get("account"),
        "positions": positions(connection),
        "open_orders": _ask(connection, f"{_ORDERS} WHERE o.status IN {_OPEN} ORDER BY planned_at"),
        "halts": halts(connection),
        "cash_usd": {row["strategy"]: round(row["cash"], 6) for row in _ask(connection, totals)},
        "equity": _ask(connection, f"{newest} ORDER BY strategy"),
        "unsettled": [row["session"] for row in _ask(connection, unsettled)],
        "last_run": runs_found[0] if runs_found else None,
        "undelivered": _ask(connection, waiting)[0]["waiting"],
        "sessions": upcoming_sessions(connection),
    }


def _listed(
    connection: sqlite3.Connection, table: str, session: str, since: date | None, limit: int | None, *, then: str
) -> list[Row]:
    # The newest rows are asked for backwards, then turned round.
    order = ", ".join(f"{column.strip()} DESC" for column in (session, *then.split(",")))
    sql = f"SELECT * FROM {table} WHERE {session} >= ? ORDER BY {order} LIMIT ?"
    return _ask(connection, sql, _bounds(since, limit))[::-1]


def _bounds(since: date | None, limit: int | None) -> tuple[str, int]:
    return (since.isoformat() if since else "", -1 if limit is None else limit)


def _ask(connection: sqlite3.Connection, sql: str, values: Sequence[object] = ()) -> list[Row]:
    try:
        return [_unpacked(dict(row)) for row in connection.execute(sql, values)]
    except sqlite3.Error as error:
        raise explained(Path(connection.execute("PRAGMA database_list").fetchone()["file"]), error) from error


def _unpacked(row: Row) -> Row:
    for name in _JSON_COLUMNS:
        if isinstance(row.get(name), str):
            row[name] = json.loads(row[name])
    return row
