"""Trading days whose every job is killed once by a real SIGKILL, at a point of its own, and started again."""

import os
import signal
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from datetime import date, datetime
from pathlib import Path
from sqlite3 import Connection
from typing import Any

from mtum.adapters.ib.wire_record import MANY, WireFile
from mtum.adapters.run_journal import RunJournal
from mtum.adapters.store.checks import problems
from mtum.adapters.store.database import Database
from mtum.adapters.store.reading import open_read_only
from mtum.app.service import run_due as entry
from mtum.app.service.run_due import JobRun, RunContext
from mtum.app.service.schedule import Wake
from mtum.config import Settings
from mtum.wiring import resources
from mtum.wiring.installation import Installation
from support.crash import _CALENDAR, forked

type Targets = Mapping[str, int]
"""Job and slot to the number of the point at which it dies; at its end where it passes fewer."""

END = "end"


def look(settings: Settings, folder: Path, at: datetime, kill: Targets | None = None) -> int:
    """One `mtum run --if-due` in a forked child; its exit code, -9 when it was killed."""

    def work() -> int:
        resources.calendar_of = lambda settings, data_dir, cache_dir=None: _CALENDAR
        _watch(folder / "points.txt", kill or {})
        with (folder / "said.txt").open("a", encoding="utf-8") as out:
            sys.stdout = sys.stderr = out
            return int(Installation(settings, folder, at).run_due().exit_code)

    folder.mkdir(parents=True, exist_ok=True)
    return forked(work)


def points(folder: Path) -> dict[str, list[str]]:
    """What each job passed, in order, in a day that nobody killed."""
    found: dict[str, list[str]] = {}
    for line in (folder / "points.txt").read_text().splitlines():
        job, label = line.split(" ", 1)
        found.setdefault(job, []).append(label)
    return found


def rows(folder: Path, sql: str) -> list[tuple[Any, ...]]:
    """Rows of a query on the database."""
    connection = open_read_only(folder / resources.DATABASE_NAME)
    try:
        return [tuple(row) for row in connection.execute(sql)]
    finally:
        connection.close()


def damage(folder: Path) -> tuple[str, ...]:
    """Everything unsound in the database."""
    connection = open_read_only(folder / resources.DATABASE_NAME)
    try:
        return problems(connection)
    finally:
        connection.close()


def outcomes(folder: Path, day: date) -> dict[str, tuple[str | None, int | None]]:
    """Outcome and exit code of every row of the run ledger of a session."""
    found = rows(folder, f"SELECT job, slot, outcome, exit_code FROM runs WHERE session = '{day}'")
    return {f"{job}/{slot}".rstrip("/"): (outcome, code) for job, slot, outcome, code in found}


def _watch(path: Path, kill: Targets) -> None:
    """Count what the job at work does that lasts, or that the broker sees; die at the point asked for."""
    at_work: list[str] = []
    passed: dict[str, int] = {}

    def point(label: str) -> None:
        if not at_work:
            return
        job = at_work[-1]
        number = passed[job] = passed.get(job, -1) + 1
        with path.open("a", encoding="utf-8") as file:
            file.write(f"{job} {label}\n")
        # How much a job has to do depends on the day: a late fee asks for more lists, an earlier death leaves less.
        if kill.get(job) == number or (label == END and job in kill):
            os.kill(os.getpid(), signal.SIGKILL)

    _around_jobs(at_work, point)
    around_what_lasts(point)


def around_what_lasts(point: Callable[[str], None]) -> None:
    """Call for every commit, every file put in place and every step, in this process from now on."""
    _around_writes(point)
    _around_files(point)
    _around_steps(point)


def _around_jobs(at_work: list[str], point: Callable[[str], None]) -> None:
    plain = entry._run_one

    def one(context: RunContext, wake: Wake) -> JobRun:
        at_work.append(f"{wake.job}/{wake.slot}".rstrip("/"))
        try:
            done = plain(context, wake)
            point(END)
            return done
        finally:
            at_work.pop()

    entry._run_one = one


def _around_writes(point: Callable[[str], None]) -> None:
    plain: Callable[..., AbstractContextManager[Connection]] = Database.write

    @contextmanager
    def write(self: Database, **how: Any) -> Iterator[Connection]:
        with plain(self, **how) as connection:
            yield connection
            point("before-commit")
        point("after-commit")

    Database.write = write  # type: ignore[method-assign]


def _around_files(point: Callable[[str], None]) -> None:
    plain_sync, plain_replace = os.fsync, Path.replace

    def sync(descriptor: int) -> None:
        point("before-sync")
        plain_sync(descriptor)

    def replace(self: Path, target: Any) -> Path:
        point("before-replace")
        moved = plain_replace(self, target)
        point("after-replace")
        return moved

    os.fsync = sync  # type: ignore[assignment]
    Path.replace = replace  # type: ignore[method-assign,assignment]


def _around_steps(point: Callable[[str], None]) -> None:
    plain_step, plain_note = RunJournal.reached, WireFile.note

    def reached(self: RunJournal, step: str) -> None:
        plain_step(self, step)
        point(f"step:{step}")

    def note(self: WireFile, way: str, name: str, fields: tuple[Any, ...]) -> None:
        plain_note(self, way, name, fields)
        if name not in MANY:
            point(f"{way}:{name}")

    # In the forked child alone, which dies at the point it is told.
    RunJournal.reached = reached  # type: ignore[method-assign]
    WireFile.note = note  # type: ignore[method-assign]
