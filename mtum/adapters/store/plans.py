"""What the account planned session by session, with every input it saw."""

import sqlite3
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from mtum.adapters.store.database import Database
from mtum.adapters.store.frames import FrameWriter, is_sound, whole_frame
from mtum.adapters.store.texts import cells, insert, instant, instant_text, money, of_row
from mtum.core.canonical import parsed
from mtum.errors import VerificationError
from mtum.ports.records import PlanRecord

_SELECT = "SELECT plans.*, input_frames.frame FROM plans JOIN input_frames ON hash = frame_hash"


def insert_plan(connection: sqlite3.Connection, plan: PlanRecord) -> None:
    """Store a plan and its frame."""
    frame_hash = FrameWriter(connection, final=True).insert(plan.frame)
    insert(connection, "plans", {**cells(plan, "frame"), "frame_hash": frame_hash})


class SqlitePlans(Struct, frozen=True):
    """The port `PlanStore` on SQLite."""

    database: Database

    def virtual_orders(self, strategy: str, before: date) -> Sequence[tuple[date, Sequence[Mapping[str, Any]]]]:
        """Return what a strategy planned with virtual money in each session before that, oldest first.

        Since it last decided with money of its own: whoever is watched again begins again.
        """
        rows = self._virtual("planned", strategy, before)
        return [(day, parsed(list[dict[str, Any]], text, f"the stored decision of {day}")) for day, text in rows]

    def virtual_options(self, strategy: str, before: date) -> Sequence[tuple[date, Mapping[str, Any]]]:
        """Return what a strategy of options traded with virtual money in each session before that, oldest first."""
        rows = self._virtual("virtual_options", strategy, before)
        return [(day, parsed(dict[str, Any], text or "{}", f"the stored decision of {day}")) for day, text in rows]

    def _virtual(self, name: str, strategy: str, before: date) -> list[tuple[date, str]]:
        own = "FROM decisions WHERE preview = 0 AND account = ? AND strategy = ? AND session < ?"
        last = f"SELECT session {own} AND json_extract(document, '$.virtual') IS NULL ORDER BY session DESC LIMIT 1"
        sql = (
            f"SELECT session, json_extract(document, '$.{name}') AS kept {own} AND session > ifnull(({last}), '') "
            "ORDER BY session"
        )
        rows = self.database.rows(sql, 2 * (self.database.account, strategy, before.isoformat()))
        return [(date.fromisoformat(row["session"]), row["kept"]) for row in rows]

    def plan_of(self, day: date) -> PlanRecord | None:
        """Return the plan of a session, or None.

        Raises
        ------
        VerificationError
            If it is no longer JSON.
        """
        sql = f"{_SELECT} WHERE account = ? AND session = ?"
        row = self.database.row(sql, (self.database.account, day.isoformat()))
        return None if row is None else _plan(self.database.connection, row)

    def transfers(self) -> Mapping[date, Mapping[str, Decimal]]:
        """Return what was moved between strategies, USD by session and strategy."""
        sql = "SELECT session, strategy, amount_usd FROM cash_movements WHERE kind = 'transfer' ORDER BY session, rowid"
        found: dict[date, dict[str, Decimal]] = {}
        for session, strategy, usd in self.database.rows(sql):
            moved = found.setdefault(date.fromisoformat(session), {})
            moved[strategy] = moved.get(strategy, Decimal(0)) + money(usd)
        return found

    def planned_days(self) -> Sequence[str]:
        """Return the sessions that have a plan, as they are stored, oldest first."""
        return tuple(session for (session,) in self.database.rows("SELECT session FROM plans ORDER BY session"))

    def altered_plans(self) -> Sequence[date]:
        """Return the sessions whose stored frame is no longer what its hash says, oldest first."""
        sql = f"SELECT session, frame_hash, frame FROM ({_SELECT}) ORDER BY session"
        return tuple(
            date.fromisoformat(session)
            for session, stored_hash, frame in self.database.rows(sql)
            if not is_sound(self.database.connection, stored_hash, frame)
        )


def _plan(connection: sqlite3.Connection, row: sqlite3.Row) -> PlanRecord:
    what = f"the stored plan of {row['session']}"
    try:
        frame = whole_frame(connection, row["frame"])
        if instant_text(instant(row["decided_at"])) != row["decided_at"]:
            raise ValueError(f"{row['decided_at']} is not how an instant is written")
    except ValueError as error:
        raise VerificationError(f"{what} cannot be read: {error}") from error
    return replace(of_row(PlanRecord, row, what, VerificationError, frame={}), frame=frame)
