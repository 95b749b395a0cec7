"""The nightly copy: written, verified by restoring it, and old ones let go."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from mtum.ports.backups import Backups


@dataclass(frozen=True, slots=True)
class BackupDone:
    """The copy that was written, and which older ones were removed."""

    path: Path
    removed: tuple[str, ...]
    kept: int


def backup(vault: Backups, at: datetime, keep: int) -> BackupDone:
    """Write a verified copy, then remove the oldest beyond `keep`.

    An old copy goes only after a new one was found sound, so that a failing disk never leaves none.
    """
    path = vault.put_copy(name_of(at))
    removed = expired(vault.copy_names(), keep)
    for name in removed:
        vault.drop_copy(name)
    return BackupDone(path, removed, len(vault.copy_names()))


def name_of(at: datetime) -> str:
    """Return the file name of a copy made at that UTC instant; names sort by time."""
    return f"mtum-{at:%Y%m%dT%H%M%SZ}.db"


def expired(names: Sequence[str], keep: int) -> tuple[str, ...]:
    """Return the names to let go so that the newest `keep` stay."""
    return tuple(sorted(names)[: max(0, len(names) - keep)])
