"""Decisions with every input they saw; the first final one of a session stands."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from mtum.adapters.store.database import Database
from mtum.adapters.store.frames import FrameWriter, is_sound, whole_frame
from mtum.adapters.store.ledger import insert_movements
from mtum.adapters.store.orders.crosses import insert_cross
from mtum.adapters.store.orders.intents import insert_intent
from mtum.adapters.store.plans import insert_plan
from mtum.adapters.store.texts import cells, insert, of_row, plain
from mtum.core.canonical import canonical, parsed
from mtum.core.portfolio.orders import OrderIntent
from mtum.errors import StoreError, VerificationError
from mtum.ports.records import CashMovement, Cross, DecisionRecord, PlanRecord

_SELECT = "SELECT decisions.*, input_frames.frame FROM decisions JOIN input_frames ON hash = frame_hash"


class SqliteDecisions(Struct, frozen=True):
    """The port `DecisionStore` on SQLite."""

    database: Database

    def commit_decisions(
        self,
        records: Sequence[DecisionRecord],
        intents: Sequence[OrderIntent],
        crosses: Sequence[Cross] = (),
        plan: PlanRecord | None = None,
        movements: Sequence[CashMovement] = (),
    ) -> None:
        """Store a session's decision in one durable transaction: frames, intents (PLANNED), crosses, plan, transfers.

        Raises
        ------
        StoreError
            If one of them is already final for its account, session and strategy.
        """
        numbers: dict[str, int] = {}
        with self.database.write() as connection:
            frames = FrameWriter(connection, final=True)
            for record in records:
                if record.preview:
                    raise StoreError(f"the decision of {record.session} is a dry run and cannot be final")
                if _id_of(connection, record) is not None:
                    raise StoreError(
                        f"{record.strategy} has already decided {record.session}; the first decision stands"
                    )
                numbers[record.strategy] = _insert(connection, record, frames)
            for intent in intents:
                if intent.strategy not in numbers:
                    raise StoreError(f"{intent.symbol} is ordered for {intent.strategy}, which decides nothing here")
                insert_intent(connection, intent, records[0].decided_at, numbers[intent.strategy])
            for cross in crosses:
                insert_cross(connection, cross, records[0].decided_at, numbers[cross.strategy])
            if plan is not None:
                insert_plan(connection, plan)
            insert_movements(connection, movements)

    def write_preview(self, record: DecisionRecord) -> None:
        """Store a dry run's decision; replaces an earlier preview of the session."""
        if not record.preview:
            raise StoreError(f"the decision of {record.session} is final and cannot be a preview")
        with self.database.write() as connection:
            known = _id_of(connection, record)
            if known is not None:
                connection.execute("DELETE FROM decisions WHERE id = ?", (known,))
            _insert(connection, record, FrameWriter(connection, final=False))
            unused = "hash NOT IN (SELECT frame_hash FROM decisions UNION SELECT frame_hash FROM plans)"
            connection.execute(f"DELETE FROM input_frames WHERE {unused}")

    def decision_of(self, day: date, strategy: str, *, bars: bool = True) -> DecisionRecord | None:
        """Return the final decision, or None; a large frame without its bars where they are not asked for.

        Raises
        ------
        VerificationError
            If a stored document is no longer JSON.
        """
        sql = f"{_SELECT} WHERE preview = 0 AND account = ? AND session = ? AND strategy = ?"
        row = self.database.row(sql, (self.database.account, day.isoformat(), strategy))
        return None if row is None else _record(self.database.connection, row, bars=bars)

    def decided(self, day: date, strategy: str) -> bool:
        """Return whether a decision is final, without reading it."""
        return self._column("1", day, strategy) is not None

    def remembered(self, day: date, strategy: str) -> Mapping[str, Mapping[str, float]]:
        """Return what the final decision keeps by symbol, without its frame; empty without a decision.

        Raises
        ------
        VerificationError
            If it is no longer JSON.
        """
        text = self._column("remembered", day, strategy)
        return parsed(dict[str, dict[str, float]], text, f"the stored decision of {day}") if text else {}

    def memory_before(self, strategy: str, day: date) -> tuple[date, Mapping[str, Any]] | None:
        """Return what the last final decision before a session left to the next: session, memory, standing, stopped.

        Beside it `kind`, the strategy that decided under the sleeve's name; None where there were no sleeves.

        Raises
        ------
        VerificationError
            If it is no longer JSON.
        """
        sql = (
            "SELECT session, document, json_extract(settings, '$.sleeve.' || strategy || '.strategy') AS kind "
            "FROM decisions WHERE preview = 0 AND account = ? AND strategy = ? AND session < ? "
            "ORDER BY session DESC LIMIT 1"
        )
        row = self.database.row(sql, (self.database.account, strategy, day.isoformat()))
        if row is None:
            return None
        document = parsed(dict[str, Any], row["document"], f"the stored decision of {row['session']}")
        empty: dict[str, Any] = {"memory": {}, "standing": [], "stopped": {}}
        return date.fromisoformat(row["session"]), {**empty, **document, "kind": row["kind"]}

    def lost_too_much(self, strategy: str, sessions: Sequence[date], *, virtual: bool = False) -> bool:
        """Return whether a final decision of one of these sessions reached the daily-loss limit.

        Of decisions with money of its own, or of those with virtual money.

        Raises
        ------
        VerificationError
            If a stored document is no longer JSON.
        """
        texts = [self._column("document", session, strategy) for session in sessions]
        found = [parsed(dict[str, Any], text, f"a stored decision of {strategy}") for text in texts if text]
        return any(one.get("daily_loss_hit") for one in found if bool(one.get("virtual")) is virtual)

    def _column(self, name: str, day: date, strategy: str) -> str | None:
        sql = f"SELECT {name} FROM decisions WHERE preview = 0 AND account = ? AND session = ? AND strategy = ?"
        row = self.database.row(sql, (self.database.account, day.isoformat(), strategy))
        return None if row is None else row[0]

    def final_decisions(self, since: date | None = None) -> Sequence[DecisionRecord]:
        """Return final decisions, oldest first."""
        sql = f"{_SELECT} WHERE preview = 0 AND session >= ? ORDER BY session, decisions.id"
        return tuple(
            _record(self.database.connection, row)
            for row in self.database.rows(sql, (since.isoformat() if since else "",))
        )

    def altered_decisions(self) -> Sequence[date]:
        """Return the sessions whose stored frame, of a dry run too, is no longer what its hash says, oldest first."""
        sql = f"SELECT session, frame_hash, frame FROM ({_SELECT}) ORDER BY session"
        return tuple(
            date.fromisoformat(session)
            for session, stored_hash, frame in self.database.rows(sql)
            if not is_sound(self.database.connection, stored_hash, frame)
        )


def _id_of(connection: sqlite3.Connection, record: DecisionRecord) -> int | None:
    sql = "SELECT id FROM decisions WHERE account = ? AND session = ? AND strategy = ? AND preview = ?"
    values = (record.account, record.session.isoformat(), record.strategy, int(record.preview))
    found = connection.execute(sql, values).fetchone()
    return None if found is None else int(found[0])


def _insert(connection: sqlite3.Connection, record: DecisionRecord, frames: FrameWriter) -> int:
    values = {
        **cells(record, "frame", "document", "settings", "libraries", "remembered"),
        # Settings in their own order: it is that of the symbols where they are a table of weights.
        **{name: plain(getattr(record, name)) for name in ("document", "settings")},
        **{name: canonical(getattr(record, name)) for name in ("libraries", "remembered")},
        "frame_hash": frames.insert(record.frame),
    }
    return int(insert(connection, "decisions", values, "RETURNING id").fetchone()[0])


def _record(connection: sqlite3.Connection, row: sqlite3.Row, *, bars: bool = True) -> DecisionRecord:
    what = f"the stored decision of {row['session']}"
    try:
        frame = whole_frame(connection, row["frame"], bars=bars)
    except ValueError as error:
        raise VerificationError(f"{what} cannot be read: {error}") from error
    return replace(of_row(DecisionRecord, row, what, VerificationError, frame={}), frame=frame)
