"""The run lock: one process acts at a time, and a dead one holds nothing."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

from mtum.adapters.store.faults import blocked
from mtum.errors import RunLockedError, StoreError


def lock_path(database: Path) -> Path:
    """Return the lock file beside a database."""
    return database.with_name(database.name + ".lock")


@contextmanager
def run_lock(database: Path) -> Iterator[None]:
    """Hold the run lock of a database; the kernel lets go of it when the process ends.

    Raises
    ------
    RunLockedError
        If another process holds it; named with its process id and start.
    StoreError
        If the lock file cannot be written.
    """
    path = lock_path(database)
    try:
        # Not truncated on opening: until it is locked the words in it are the holder's.
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
    except OSError as error:
        raise StoreError(f"{path} cannot be written; {blocked(path)} ({error.strerror})") from error
    try:
        _take(descriptor, path)
        yield
    finally:
        os.close(descriptor)


def _take(descriptor: int, path: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 200, 0).decode("ascii", "replace").strip() or "a process that has just started"
        raise RunLockedError(f"another run holds the lock {path}: {holder}; wait until it ends") from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"pid {os.getpid()}".encode(), 0)
    # The file system's own stamp of that write is the start; no clock is asked.
    since = datetime.fromtimestamp(os.fstat(descriptor).st_mtime, UTC)
    os.pwrite(descriptor, f"pid {os.getpid()} since {since:%Y-%m-%dT%H:%M:%SZ}\n".encode(), 0)
