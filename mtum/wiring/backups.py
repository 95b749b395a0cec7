"""Copies of the database: made, checked, put back."""

from datetime import UTC, date, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import Struct

from mtum.adapters.store.backup import BackupFacts, backup, restore
from mtum.app.reporting.audit import Drill
from mtum.config import Settings
from mtum.errors import StoreError, StoreMismatchError
from mtum.ports.time import Clock
from mtum.wiring import resources

FOLDER = "backups"
PATTERN = "mtum-*.db"
"""Copies of the database; their names sort by the instant they were made."""
_ANY = datetime.min.replace(tzinfo=UTC)
"""For a restore into an empty folder, which replaces nothing."""


class BackupDone(Struct, frozen=True):
    """The copy that was written, and which older ones were removed."""

    path: Path
    removed: tuple[str, ...]
    kept: int


def made_copy(settings: Settings, data_dir: Path, clock: Clock) -> BackupDone:
    """Write a verified copy and remove the oldest beyond the number kept.

    An old copy goes only after a new one was found sound, so that a failing disk never leaves none.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    data_dir : Path
        Data folder.
    clock : Clock
        Tells the time and waits; the only source of "now".

    Raises
    ------
    StoreError
        If the copy cannot be written or is not sound; nothing is kept then.
    """
    folder = data_dir / FOLDER
    try:
        path = backup(data_dir / resources.DATABASE_NAME, folder / f"mtum-{clock.now():%Y%m%dT%H%M%SZ}.db").path
    except OSError as error:
        raise StoreError(f"no backup can be written to {folder}: {error.strerror}") from error
    names = _copies(folder)
    removed = tuple(names[: max(0, len(names) - settings.storage.keep_backups)])
    for name in removed:
        (folder / name).unlink(missing_ok=True)
    return BackupDone(path, removed, len(names) - len(removed))


def _copies(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.glob(PATTERN))


class Restored(Struct, frozen=True):
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
    data_dir : Path
        Data folder.
    file : Path
        The file.
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
    names = _copies(data_dir / FOLDER)
    if not names:
        return None
    with TemporaryDirectory() as scratch:
        try:
            facts = restore(data_dir / FOLDER / names[-1], Path(scratch) / resources.DATABASE_NAME, _ANY)
        except StoreError as error:
            return Drill(names[-1], str(error))
    last = date.fromisoformat(facts.last_session) if facts.last_session else None
    return Drill(names[-1], None, last, facts.decisions, facts.fills)
