"""Verified copies of the database: made while it is in use, and put back."""

import os
import shutil
import sqlite3
from contextlib import closing, suppress
from datetime import datetime
from itertools import chain, count
from pathlib import Path

from msgspec import Struct

from mtum.adapters.store.checks import problems
from mtum.adapters.store.faults import faults_of
from mtum.adapters.store.lock import run_lock
from mtum.adapters.store.reading import connected, meta, open_read_only
from mtum.errors import StoreError

_SIDE_FILES = ("-wal", "-shm")


class BackupFacts(Struct, frozen=True):
    """What a copy holds: whose it is, its newest decided session, and how many rows count."""

    path: Path
    mode: str
    account: str
    last_session: str | None
    decisions: int
    fills: int


def backup(db_path: Path, target: Path) -> BackupFacts:
    """Write a verified copy; `target` appears whole or not at all, and may be replaced.

    Raises
    ------
    StoreError
        If the copy cannot be written, or does not hold what a sound database holds.
    """
    _make_folder(target.parent)
    unfinished = target.with_name(target.name + ".unfinished")
    try:
        _copy(db_path, unfinished)
        facts = checked(unfinished)
        _move(unfinished, target)
    finally:
        _remove(unfinished)
    return BackupFacts(target, facts.mode, facts.account, facts.last_session, facts.decisions, facts.fills)


def keep_copy(db_path: Path, target: Path) -> None:
    """Write a copy as the database stands, unchecked: its schema is not this program's yet.

    A copy kept earlier under that name stays; the new one gets a number.

    Raises
    ------
    StoreError
        If it cannot be written.
    """
    unfinished = target.with_name(target.name + ".unfinished")
    try:
        with closing(connected(db_path, "mode=ro")) as connection:
            _write_out(connection, unfinished)
        _move(unfinished, _free(target))
    finally:
        _remove(unfinished)


def restore(file: Path, target: Path, at: datetime, *, check_only: bool = False) -> BackupFacts:
    """Put a copy in the database's place after checking it; with `check_only` change nothing.

    The database in place, if any, is kept beside it for good, under the name with ``.replaced-`` and `at`.

    Parameters
    ----------
    file : Path
        Copy to put in place.
    target : Path
        Where the database belongs.
    at : datetime
        Aware UTC instant, for the name of what is replaced.
    check_only : bool
        Only say what the copy holds.

    Raises
    ------
    StoreError
        If the copy is not sound; the database in place is untouched then.
    RunLockedError
        If a run is using the database.
    """
    facts = checked(file)
    if check_only:
        return facts
    _make_folder(target.parent)
    unfinished = target.with_name(target.name + ".unfinished")
    with run_lock(target):
        try:
            _copy(file, unfinished)
            checked(unfinished)
            _set_aside(target, at)
            _move(unfinished, target)
        finally:
            _remove(unfinished)
    return facts


def checked(path: Path) -> BackupFacts:
    """Return what a database holds after checking that it is sound.

    Raises
    ------
    StoreError
        If it is not; every problem is named.
    """
    with closing(open_read_only(path)) as connection, faults_of(path):
        found = problems(connection)
        if found:
            raise StoreError(f"{path} is not sound: {'; '.join(found)}")
        facts = meta(connection)
        newest = "SELECT max(session), count(*) FROM decisions WHERE preview = 0"
        last_session, decisions = connection.execute(newest).fetchone()
        fills = connection.execute("SELECT count(*) FROM fills WHERE current = 1").fetchone()[0]
    return BackupFacts(path, facts.get("mode", ""), facts.get("account", ""), last_session, decisions, fills)


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise StoreError(f"the folder {folder} cannot be created ({error.strerror})") from error


def _copy(source: Path, unfinished: Path) -> None:
    with closing(open_read_only(source)) as connection:
        _write_out(connection, unfinished)


def _write_out(connection: sqlite3.Connection, unfinished: Path) -> None:
    # VACUUM INTO reads one consistent state, the write-ahead log included, while others write.
    _remove(unfinished)
    with faults_of(unfinished):
        connection.execute("VACUUM INTO ?", (str(unfinished),))


def _move(unfinished: Path, target: Path) -> None:
    try:
        with unfinished.open("rb+") as file:
            os.fsync(file.fileno())
        unfinished.replace(target)
        folder = os.open(target.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    except OSError as error:
        raise StoreError(f"{target} cannot be written ({error.strerror})") from error


def _free(target: Path) -> Path:
    # What was kept once is never written over: it may be the only copy.
    names = chain([target], (target.with_name(f"{target.name}.{number}") for number in count(2)))
    return next(name for name in names if not name.exists())


def _set_aside(target: Path, at: datetime) -> None:
    if not target.exists():
        return
    with suppress(StoreError):  # a damaged database is what a restore is for; its log is kept with it
        _empty_the_log(target)
    kept = _free(target.with_name(f"{target.name}.replaced-{at:%Y%m%dT%H%M%SZ}"))
    try:
        shutil.copy2(target, kept)
        for suffix in _SIDE_FILES:
            # A log left behind would be played into the restored file.
            side = target.with_name(target.name + suffix)
            if side.exists():
                side.replace(kept.with_name(kept.name + suffix))
    except OSError as error:
        raise StoreError(f"the present database cannot be kept as {kept} ({error.strerror})") from error


def _empty_the_log(target: Path) -> None:
    # Only a reader can be in the way; the log then moves aside with the rest.
    with faults_of(target), closing(sqlite3.connect(target, timeout=0.2, isolation_level=None)) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()


def _remove(path: Path) -> None:
    for suffix in ("", "-journal", *_SIDE_FILES):
        path.with_name(path.name + suffix).unlink(missing_ok=True)
