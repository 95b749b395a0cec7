"""Copies of the database: made, checked, put back."""

from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from mtum.adapters.store.backup import BackupFacts, FolderBackups, restore
from mtum.app.reporting.audit import Drill
from mtum.app.service.backup import BackupDone, backup
from mtum.config import Settings
from mtum.errors import StoreError, StoreMismatchError
from mtum.ports.time import Clock
from mtum.wiring import resources

FOLDER = "backups"
_ANY = datetime.min.replace(tzinfo=UTC)
"""Instant of a restore that replaces nothing."""


def made_copy(settings: Settings, data_dir: Path, clock: Clock) -> BackupDone:
    """Write a verified copy and let go of the oldest beyond the number kept."""
    vault = FolderBackups(data_dir / resources.DATABASE_NAME, data_dir / FOLDER)
    return backup(vault, clock.now(), settings.storage.keep_backups)


@dataclass(frozen=True, slots=True)
class Restored:
    """What a copy holds, and whose it is if not this installation's (empty otherwise)."""

    facts: BackupFacts
    stranger: str


def restored(
    settings: Settings, data_dir: Path, file: Path, at: datetime, *, check_only: bool, force: bool
) -> Restored:
    """Check a copy and, unless only asked to, put it in the database's place.

    Parameters
    ----------
    settings : Settings
        Mode and account that the copy must belong to.
    at : datetime
        Aware UTC instant of now.
    check_only : bool
        Change nothing.
    force : bool
        Also put a copy of another mode or account in place.

    Raises
    ------
    StoreMismatchError
        If it belongs to another mode or account and `force` is not given; nothing is changed.
    """
    database = data_dir / resources.DATABASE_NAME
    facts = restore(file, database, at, check_only=True)
    ours, theirs = (settings.mode, resources.account_of(settings)), (facts.mode, facts.account)
    stranger = "" if ours == theirs else f"of mode {facts.mode}, account {facts.account}"
    if stranger and not (check_only or force):
        raise StoreMismatchError(
            f"{file} is a copy {stranger}; the settings say mode {ours[0]}, account {ours[1]}, and every command would "
            "refuse it; name the other --config and --data-dir, or restore it all the same with --force"
        )
    if not check_only:
        restore(file, database, at)
    return Restored(facts, stranger)


def restore_drill(data_dir: Path) -> Drill | None:
    """Put the newest copy back in a scratch folder as after a lost disk; None where there is no copy."""
    vault = FolderBackups(data_dir / resources.DATABASE_NAME, data_dir / FOLDER)
    names = vault.copy_names()
    if not names:
        return None
    with TemporaryDirectory() as scratch:
        try:
            facts = restore(data_dir / FOLDER / names[-1], Path(scratch) / resources.DATABASE_NAME, _ANY)
        except StoreError as error:
            return Drill(names[-1], str(error))
    last = date.fromisoformat(facts.last_session) if facts.last_session else None
    return Drill(names[-1], None, last, facts.decisions, facts.fills)
