"""The read side: what is in the database, by the standard library alone; a run may write meanwhile."""

import json
import os
import sqlite3
from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import date
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from msgspec import Struct

from mtum.adapters.store.faults import explained, faults_of
from mtum.adapters.store.frames import whole_frame
from mtum.adapters.store.schema import SCHEMA_VERSION, VIRTUAL_DECISIONS
from mtum.adapters.store.schema.option_views import CONDITIONS, FILLS, ORDERS
from mtum.adapters.store.schema.views import VIEWS
from mtum.config.named_files import why_unreadable
from mtum.core.portfolio.fills import Action
from mtum.errors import StoreError, StoreMismatchError, VerificationError
from mtum.ports.event_log import EventRow, NoteRow
from mtum.ports.option_rows import OptionConditionRow, OptionFillRow, OptionOrderRow, OptionTradeRow
from mtum.ports.reading import PRACTICE_KEY, DatabaseState
from mtum.ports.rows import (
    BarRow,
    BarValues,
    CashRow,
    Closes,
    DayRow,
    DecisionRow,
    EquityRow,
    FillRow,
    HaltRow,
    IntradayRow,
    OrderRow,
    PositionRow,
    RunRow,
    SessionRow,
    SignalRow,
    SnapshotRow,
    TradeRow,
    VirtualRow,
)

if TYPE_CHECKING:
    from mtum.ports.options import OptionRecords

BUSY_SECONDS = 5.0
"""How long a statement waits for another process before it gives up."""

_JSON_COLUMNS = frozenset({"indicators", "reasons", "steps", "document", "frame", "settings"})

_OTHERS = (
    "SELECT value FROM json_each((SELECT others FROM account_snapshots ORDER BY session DESC, at DESC LIMIT 1)) "
    "ORDER BY key"
)
_OPEN = "('PLANNED', 'SUBMITTING', 'ACCEPTED', 'PARTIALLY_FILLED', 'UNKNOWN')"

# What is no order says what it is in place of an order's type: ASSIGNED, EXERCISED, CROSSED, STATED.
_ORDERS = """(
SELECT i.id, o.ref, i.session, i.strategy, i.account, i.symbol, i.side, i.purpose,
  CASE WHEN i.purpose IN ('delivered_in', 'delivered_out') THEN upper(json_extract(i.reasons, '$[0]'))
  WHEN i.purpose IN ('crossed_in', 'crossed_out') THEN 'CROSSED'
  WHEN i.purpose IN ('stated_in', 'stated_out') THEN 'STATED' ELSE i.order_type END AS type, i.shares,
  o.filled, o.status, i.reference_price, i.reasons, o.broker_id, o.code, o.text, o.attempt, i.planned_at,
  o.submitted_at, o.updated_at
FROM order_intents AS i JOIN orders AS o ON o.intent_id = i.id)"""
_HALTS = '(SELECT id, restriction, why, halted_by AS "by", since, lifted_at, strategy AS sleeve FROM halts)'
_EQUITY = (
    "(SELECT session, strategy, cash_usd, receivable_usd, market_usd, equity_usd, flows_usd, benchmark_usd, close, "
    "iif(close IS NULL AND shares <> 0, NULL, shares) AS shares, final FROM equity)"
)
_VIRTUAL = f"""(
SELECT session, strategy, equity_usd, after FROM (SELECT session, strategy, json_extract(document, '$.equity_usd')
  AS equity_usd, json_extract(document, '$.virtual') AS virtual, max(iif(json_extract(document, '$.virtual'), NULL,
  session)) OVER (PARTITION BY strategy ORDER BY session) AS after FROM decisions WHERE preview = 0
  AND strategy IN (SELECT strategy FROM decisions WHERE {VIRTUAL_DECISIONS})) WHERE virtual)"""
# From one strategy to the next by the index: a scan would look at every close there ever was.
_LATEST = """(
WITH RECURSIVE names (strategy) AS (SELECT min(strategy) FROM equity UNION ALL
  SELECT (SELECT min(strategy) FROM equity WHERE equity.strategy > names.strategy) FROM names
  WHERE names.strategy IS NOT NULL)
SELECT strategy, (SELECT max(session) FROM equity WHERE equity.strategy = names.strategy) AS session FROM names)"""

# Sessions are counted from the oldest trade that is asked for: there may be ten years of bars before it.
_TRADES = "(" + VIEWS["v_trades"].query.replace("FROM bars", "FROM (SELECT session FROM bars WHERE session >= ?)") + ")"

# The newest bar of what is held, from one source to the next by the index: a symbol may have ten years of them.
_POSITIONS = VIEWS["v_positions"].query.replace(
    "(SELECT max(session) FROM bars WHERE bars.symbol = held.symbol)",
    """(
WITH RECURSIVE sources (source) AS (SELECT min(source) FROM bars WHERE bars.symbol = held.symbol UNION ALL
  SELECT (SELECT min(source) FROM bars WHERE bars.symbol = held.symbol AND bars.source > sources.source) FROM sources
  WHERE sources.source IS NOT NULL)
SELECT max((SELECT max(session) FROM bars WHERE bars.symbol = held.symbol AND bars.source = sources.source))
FROM sources)""",
)

_LISTED: dict[type, tuple[str, str, str]] = {
    TradeRow: (_TRADES, "entry_session", "symbol"),
    OrderRow: (_ORDERS, "session", "planned_at, id, attempt"),
    FillRow: ("(SELECT * FROM fills WHERE current = 1)", "session", "instant, exec_id"),
    DayRow: ("v_daily", "session", "strategy"),
    SignalRow: ("v_signals", "session", "strategy, symbol, number"),
    OptionOrderRow: (ORDERS, "session", "planned_at, id, attempt"),
    OptionFillRow: (FILLS, "session", "place"),
    OptionConditionRow: (CONDITIONS, "session", "strategy, underlying, structure, number"),
    SnapshotRow: ("account_snapshots", "session", "at"),
    OptionTradeRow: ("v_option_trades", "ended", "opened, structure, contract"),
    BarRow: ("bars", "session", "symbol, source"),
    BarValues: ("bars", "session", "symbol, source"),
    IntradayRow: ("intraday_bars", "session", "begins_at, id"),
    EquityRow: (_EQUITY, "session", "strategy"),
    VirtualRow: (_VIRTUAL, "session", "strategy"),
    CashRow: ("cash_movements", "session", "rowid"),
    RunRow: ("runs", "coalesce(session, date(started_at))", "started_at, id"),
    HaltRow: (_HALTS, "date(since)", "id"),
    SessionRow: ("sessions", "session", "opens_at"),
    NoteRow: ("notes", "session", "id"),
}
"""Kind of row -> what it is selected from, its session, and what orders the rows of one session."""


_OF_ALL: dict[type, str] = {TradeRow: "trades", EquityRow: "equity"}
"""Kinds of which every row would be made and sorted for the newest few -> table that tells the oldest session first."""


def open_read_only(path: Path) -> sqlite3.Connection:
    """Open the database for reading; close the connection when done.

    Raises
    ------
    StoreError
        If the file is missing, unreadable or not a database of this program.
    StoreMismatchError
        If a newer program wrote it.
    """
    wrong = why_unreadable(path)
    if wrong:
        raise StoreError(f"{path} {wrong}" if os.path.lexists(path) else f"{path} {wrong}; the first run creates it")
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
    return dict(_ask(connection, "SELECT key, value FROM meta ORDER BY key"))


class SqliteReader(Struct, frozen=True):
    """The port `Reader` on a connection of `open_read_only`."""

    connection: sqlite3.Connection

    @property
    def option_records(self) -> "OptionRecords":
        """The book of all executions and events in options, and each contract's newest mark, USD, with its session."""
        from mtum.adapters.store.options.books import book_of, read_marks

        with faults_of(_path(self.connection)):
            return book_of(self.connection), read_marks(self.connection, date.max)

    def state(self) -> DatabaseState:
        """Return the records at a glance."""
        facts = meta(self.connection)
        totals = "SELECT strategy, sum(amount_usd) FROM cash_movements WHERE paid = 1 GROUP BY strategy"
        unsettled = (
            "SELECT DISTINCT session FROM decisions WHERE preview = 0 AND CASE WHEN EXISTS (SELECT 1 FROM equity "
            "WHERE equity.session = decisions.session AND equity.strategy = decisions.strategy) THEN 0 "
            # Of what had no money of its own there is no equity to come.
            "ELSE json_extract(document, '$.virtual') IS NULL AND strategy IN (SELECT strategy FROM cash_movements "
            "WHERE kind = 'capital') END ORDER BY session"
        )
        waiting = "SELECT count(*) FROM notifications WHERE delivered_at IS NULL"
        newest = "WHERE session IS (SELECT max(session) FROM runs) ORDER BY started_at DESC, id DESC LIMIT 1"
        last = self._select(RunRow, "runs", newest)
        awaited = (
            "SELECT json_extract(document, '$.cash_settles_by') FROM runs WHERE job = 'decide_and_order' "
            "ORDER BY session DESC, id DESC LIMIT 1"
        )
        settles = _ask(self.connection, awaited)
        needs = (
            "SELECT json_extract(value, '$.text') FROM json_each((SELECT document FROM runs WHERE id = ?), "
            "'$.problems') WHERE json_extract(value, '$.code') = 6"
        )
        return DatabaseState(
            mode=facts.get("mode"),
            account=facts.get("account"),
            positions=self._select(PositionRow, f"({_POSITIONS})"),
            open_orders=self._select(OrderRow, _ORDERS, f"WHERE status IN {_OPEN} ORDER BY planned_at"),
            halts=self.rows(HaltRow, lifted_at=None),
            cash_usd={strategy: round(cash, 6) for strategy, cash in _ask(self.connection, totals)},
            equity=self._select(EquityRow, f"{_EQUITY} JOIN {_LATEST} USING (strategy, session)", "ORDER BY strategy"),
            unsettled=[session for (session,) in _ask(self.connection, unsettled)],
            last_run=last[0] if last else None,
            undelivered=_ask(self.connection, waiting)[0][0],
            sessions=self.rows(SessionRow),
            others=[words for (words,) in _ask(self.connection, _OTHERS)],
            rehearsal=facts.get(PRACTICE_KEY) == "yes",
            needs=[text for (text,) in _ask(self.connection, needs, (last[0].id if last else None,))],
            cash_settles_by=settles[0][0] if settles else None,
        )

    def rows[R](
        self, kind: type[R], /, since: date | None = None, limit: int | None = None, **equal: str | None
    ) -> list[R]:
        """Return rows of a kind, oldest first: from a session on, the newest alone, those with a value in a column.

        Parameters
        ----------
        kind : type
            Kind of row.
        since : date or None
            First session; None for all.
        limit : int or None
            How many of the newest; None for all.
        equal : str or None
            Column and value that the rows have.
        """
        return self.rows_until(kind, date.max, since, limit, **equal)

    def rows_until[R](
        self, kind: type[R], last: date, /, since: date | None, limit: int | None, **equal: str | None
    ) -> list[R]:
        """Return rows as `rows` does, of sessions up to the last one alone.

        Parameters
        ----------
        kind : type
            Kind of row.
        last : date
            Last day of the closed interval.
        since : date or None
            First session; None for all.
        limit : int or None
            How many of the newest; None for all.
        equal : str or None
            Column and value that the rows have.
        """
        relation, session, then = _LISTED[kind]
        # The newest rows are asked for backwards, then turned round.
        order = ", ".join(f"{column} DESC" for column in (session, *then.split(", ")))
        latest = [] if last == date.max else [f"{session} <= ?"]
        where = " AND ".join((f"{session} >= ?", *latest, *(f"{column} IS ?" for column in equal)))
        days = [since.isoformat() if since else "", *(last.isoformat() for _ in latest)]
        bounds = (*days, *equal.values(), -1 if limit is None else limit)
        if kind in _OF_ALL:
            oldest = f"SELECT {session} FROM {_OF_ALL[kind]} WHERE {where} ORDER BY {session} DESC LIMIT ?"
            begin = _ask(self.connection, f"SELECT min({session}) FROM ({oldest})", bounds)[0][0]
            bounds = (*[begin] * relation.count("?"), begin, *bounds)
            where = f"{session} >= ? AND {where}"
        return self._select(kind, relation, f"WHERE {where} ORDER BY {order} LIMIT ?", bounds)[::-1]

    @property
    def closes(self) -> dict[str, Closes]:
        """What the curve of each strategy needs, all in one pass: they are the most rows that a page looks at."""
        # As they stand in the table: by an index each would be looked for on its own, half as long again.
        asked = "SELECT strategy, session, equity_usd, flows_usd, benchmark_usd FROM equity NOT INDEXED"
        rows: dict[str, list[tuple[Any, ...]]] = defaultdict(list)
        for row in _ask(self.connection, asked):
            rows[row[0]].append(row)
        by_session = (sorted(own, key=itemgetter(1)) for own in rows.values())
        return {own[0][0]: Closes(*tuple(zip(*own, strict=True))[1:]) for own in by_session}

    def events(self, after: int | None, limit: int, kind: str | None = None) -> list[EventRow]:
        """Return the oldest events behind a number, at most so many; without a number the newest ones.

        Parameters
        ----------
        after : int or None
            Number of an event; None for the newest ones.
        limit : int
            How many at most.
        kind : str or None
            Kind of event; None for all.
        """
        own, values = ("", ()) if kind is None else ("kind = ? AND", (kind,))
        if after is None:
            return self._select(EventRow, "events", f"WHERE {own} 1 ORDER BY id DESC LIMIT ?", (*values, limit))[::-1]
        return self._select(EventRow, "events", f"WHERE {own} id > ? ORDER BY id LIMIT ?", (*values, after, limit))

    def version(self) -> int:
        """Return a number that changes whenever another connection has changed anything; nothing is locked."""
        return int(_ask(self.connection, "PRAGMA data_version")[0][0])

    def unsound_fills(self) -> Sequence[str]:
        """Return fills that are missing though an event or their cash tells of them, or whose cash is another's."""
        from mtum.adapters.store.events import unsound_fills

        return unsound_fills(self.connection)

    def decision(self, day: date | None = None, strategy: str | None = None) -> DecisionRow | None:
        """Return one whole final decision (default: the newest), or None."""
        asked = {"session": day and day.isoformat(), "strategy": strategy}
        wanted = {column: value for column, value in asked.items() if value is not None}
        where = " AND ".join(("preview = 0", *(f"{column} = ?" for column in wanted)))
        found = self._select(
            DecisionRow,
            "decisions JOIN input_frames ON hash = frame_hash",
            f"WHERE {where} ORDER BY session DESC, decisions.id DESC LIMIT 1",
            tuple(wanted.values()),
        )
        return found[0] if found else None

    def plan(self, day: date) -> Mapping[str, object] | None:
        """Return what the account did with the wishes of its sleeves in a session, or None."""
        rows = _ask(self.connection, "SELECT document FROM plans WHERE session = ?", (day.isoformat(),))
        return self._read("document", rows[0][0]) if rows else None

    def actions(self) -> Sequence[Action]:
        """Return what lots follow: splits that source and broker agreed upon, and changes of symbols stated."""
        from mtum.adapters.store.actions import read_actions

        with faults_of(_path(self.connection)):
            return read_actions(self.connection)

    def crosses(self, day: date) -> Mapping[tuple[str, str], Mapping[str, object]]:
        """Return `status` and `price_usd` of a session's crosses by sleeve and symbol."""
        from mtum.adapters.store.orders.crosses import ENDED, ended

        return ended(_ask(self.connection, ENDED, (day.isoformat(),)))

    def _select[R](self, kind: type[R], relation: str, rest: str = "", values: Sequence[object] = ()) -> list[R]:
        # The many rows are named tuples, the others structs, which no type says of `R`.
        names = getattr(kind, "_fields", None) or kind.__struct_fields__  # type: ignore[attr-defined]
        packed = [place for place, name in enumerate(names) if name in _JSON_COLUMNS]
        columns = ", ".join(f"[{name}]" for name in names)  # in double quotes a missing one would be a text
        found = _ask(self.connection, f"SELECT {columns} FROM {relation} {rest}", values)
        if not packed:
            return [kind(*row) for row in found]
        try:
            return [
                kind(*(self._read(names[at], v) if at in packed else v for at, v in enumerate(row))) for row in found
            ]
        except ValueError as error:
            what = kind.__name__.removesuffix("Row").lower()
            raise VerificationError(
                f"{_path(self.connection)} is damaged: the document of one {what} cannot be read ({error}); "
                "restore a backup with `mtum restore`"
            ) from error

    def _read(self, column: str, text: str) -> Any:
        return whole_frame(self.connection, text) if column == "frame" else json.loads(text)


def _ask(connection: sqlite3.Connection, sql: str, values: Sequence[object] = ()) -> list[Any]:
    cursor = connection.cursor()
    cursor.row_factory = None  # plain tuples are made and taken apart faster
    try:
        return cursor.execute(sql, values).fetchall()
    except sqlite3.Error as error:
        raise explained(_path(connection), error) from error


def _path(connection: sqlite3.Connection) -> Path:
    return Path(connection.execute("PRAGMA database_list").fetchone()["file"])
