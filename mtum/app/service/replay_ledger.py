"""The timetable's rows on a replayed market, kept apart from the rows of the market's own sessions."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from mtum.ports.records import RunRecord
from mtum.ports.store import ControlStore

KEY = "timetable"
_KEPT = 400


@dataclass(frozen=True, slots=True)
class ReplayLedger:
    """A small run ledger in one fact of the database; documents are not kept."""

    control: ControlStore

    def start(self, job: str, slot: str, session: date | None, at: datetime) -> int:
        """Record a start; return the row's number."""
        rows = self._rows()
        found = next((row for row in rows if (row.job, row.slot, row.session) == (job, slot, session)), None)
        number = found.id if found else max((row.id for row in rows), default=0) + 1
        if found is None or found.finished_at is not None:
            self._write([row for row in rows if row is not found] + [RunRecord(number, job, slot, session, at)])
        return number

    def finish(
        self, run_id: int, at: datetime, outcome: str, exit_code: int, document: Mapping[str, Any] | None = None
    ) -> None:
        """Record how it ended."""
        rows = self._rows()
        ended = [
            replace(row, finished_at=at, outcome=outcome, exit_code=exit_code) if row.id == run_id else row
            for row in rows
        ]
        self._write(ended)

    def find(self, job: str, slot: str, session: date) -> RunRecord | None:
        """Return the row of that job, slot and session."""
        return next((row for row in self._rows() if (row.job, row.slot, row.session) == (job, slot, session)), None)

    def between(self, first: date, last: date) -> Sequence[RunRecord]:
        """Return every row of the sessions in the closed interval."""
        return [row for row in self._rows() if row.session is not None and first <= row.session <= last]

    def _rows(self) -> list[RunRecord]:
        return [_row(cells) for cells in json.loads(self.control.meta(KEY) or "[]")]

    def _write(self, rows: Sequence[RunRecord]) -> None:
        newest = sorted(rows, key=lambda row: row.id)[-_KEPT:]
        self.control.set_meta(KEY, json.dumps([_cells(row) for row in newest], allow_nan=False))


def _cells(row: RunRecord) -> list[Any]:
    ended = row.finished_at.isoformat() if row.finished_at else None
    session = row.session.isoformat() if row.session else None
    return [row.id, row.job, row.slot, session, row.started_at.isoformat(), ended, row.outcome, row.exit_code]


def _row(cells: Sequence[Any]) -> RunRecord:
    number, job, slot, session, started, ended, outcome, exit_code = cells
    return RunRecord(
        id=number,
        job=job,
        slot=slot,
        session=date.fromisoformat(session) if session else None,
        started_at=datetime.fromisoformat(started),
        finished_at=datetime.fromisoformat(ended) if ended else None,
        outcome=outcome,
        exit_code=exit_code,
    )
