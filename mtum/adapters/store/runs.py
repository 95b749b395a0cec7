"""The run ledger: which job ran for which session, how far it came and how it ended."""

import json
import sqlite3
from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import Any

from msgspec import Struct

from mtum.adapters.store.database import Database
from mtum.adapters.store.texts import instant_text, of_row, plain
from mtum.core.canonical import parsed
from mtum.ports.records import RunRecord


class SqliteRuns(Struct, frozen=True):
    """The port `RunStore` on SQLite, in a table of its kind."""

    database: Database
    name: str = "runs"

    def start_run(self, job: str, slot: str, day: date | None, at: datetime) -> int:
        """Record a start; return the run's id.

        An unfinished run of the same job, slot and session goes on with its first instant and
        its steps; a finished one begins anew and keeps its end among the earlier ones. Without
        a session, a finished run is never reopened.
        """
        with self.database.write() as connection:
            same = "account = ? AND job = ? AND slot = ? AND session IS ?"
            sql = f"SELECT * FROM {self.name} WHERE {same} ORDER BY id DESC LIMIT 1"
            known = connection.execute(sql, (self.database.account, job, slot, _text(day))).fetchone()
            if known is None or (day is None and known["finished_at"] is not None):
                columns = "account, job, slot, session, started_at"
                sql = f"INSERT INTO {self.name} ({columns}) VALUES (?, ?, ?, ?, ?) RETURNING id"
                values = (self.database.account, job, slot, _text(day), instant_text(at))
                return int(connection.execute(sql, values).fetchone()[0])
            if known["finished_at"] is not None:
                _restart(connection, self.name, known, at)
            return int(known["id"])

    def record_step(self, run_id: int, name: str, at: datetime) -> None:
        """Record that a step was reached; a repeated one keeps its first instant."""
        with self.database.write() as connection:
            found = connection.execute(f"SELECT steps FROM {self.name} WHERE id = ?", (run_id,)).fetchone()
            steps = parsed(dict[str, str], found["steps"], f"the steps of run {run_id}") if found else {}
            if name not in steps:
                steps[name] = instant_text(at)
                connection.execute(f"UPDATE {self.name} SET steps = ? WHERE id = ?", (plain(steps), run_id))

    def finish_run(
        self, run_id: int, at: datetime, outcome: str, exit_code: int, document: Mapping[str, Any] | None = None
    ) -> None:
        """Record how the run ended."""
        sql = f"UPDATE {self.name} SET finished_at = ?, outcome = ?, exit_code = ?, document = ? WHERE id = ?"
        text = None if document is None else plain(dict(document))
        with self.database.write() as connection:
            connection.execute(sql, (instant_text(at), outcome, int(exit_code), text, run_id))

    def complete_run(self, run_id: int, exit_code: int, document: Mapping[str, Any]) -> None:
        """Add to an ended run what came of it later; when and how it ended stays."""
        with self.database.write() as connection:
            sql = "UPDATE runs SET exit_code = ?, document = ? WHERE id = ?"
            connection.execute(sql, (int(exit_code), plain(dict(document)), run_id))

    def run_of(self, job: str, slot: str, day: date) -> RunRecord | None:
        """Return the run of that job, slot and session."""
        sql = f"SELECT * FROM {self.name} WHERE account = ? AND session = ? AND job = ? AND slot = ?"
        return _maybe(self.database.row(sql, (self.database.account, day.isoformat(), job, slot)))

    def latest_run(self, job: str | None = None) -> RunRecord | None:
        """Return the run with the newest session, then start; one without a session counts last."""
        which, values = ("", ()) if job is None else ("WHERE job = ?", (job,))
        sql = f"SELECT * FROM {self.name} {which} ORDER BY session DESC, started_at DESC, id DESC LIMIT 1"
        return _maybe(self.database.row(sql, values))

    def unfinished_run(self, job: str) -> RunRecord | None:
        """Return the oldest run of the job that was started and not finished."""
        sql = f"SELECT * FROM {self.name} WHERE job = ? AND finished_at IS NULL ORDER BY session, id LIMIT 1"
        return _maybe(self.database.row(sql, (job,)))

    def runs_between(self, first: date, last: date) -> Sequence[RunRecord]:
        """Return every run of the sessions in the closed interval, in the order they were started."""
        sql = f"SELECT * FROM {self.name} WHERE session BETWEEN ? AND ? ORDER BY started_at, id"
        return tuple(_record(row) for row in self.database.rows(sql, (first.isoformat(), last.isoformat())))


def _text(day: date | None) -> str | None:
    return None if day is None else day.isoformat()


def _restart(connection: sqlite3.Connection, name: str, known: sqlite3.Row, at: datetime) -> None:
    ended = {key: known[key] for key in ("started_at", "finished_at", "outcome", "exit_code")}
    earlier = [*json.loads(known["earlier"]), {**ended, "steps": json.loads(known["steps"])}]
    connection.execute(
        f"UPDATE {name} SET started_at = ?, finished_at = NULL, outcome = NULL, exit_code = NULL, document = NULL, "
        "steps = '{}', earlier = ? WHERE id = ?",
        (instant_text(at), plain(earlier), known["id"]),
    )


def _maybe(row: sqlite3.Row | None) -> RunRecord | None:
    return None if row is None else _record(row)


def _record(row: sqlite3.Row) -> RunRecord:
    return of_row(RunRecord, row, f"what {row['job']} of {row['session']} recorded (run {row['id']})")
