"""Copies of the database: made, checked, put back."""

from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

from mtum import wiring
from mtum.adapters.store.backup import BackupFacts, restore
from mtum.adapters.store.vault import FolderVault
from mtum.app.reporting.quarter import Drill
from mtum.app.service.backup import BackupDone, backup
from mtum.config import Settings
from mtum.errors import StoreError
from mtum.ports.time import Clock

FOLDER = "backups"


def made_copy(settings: Settings, data_dir: Path, clock: Clock) -> BackupDone:
    """Write a verified copy and let go of the oldest beyond the number kept."""
    vault = FolderVault(data_dir / wiring.DATABASE_NAME, data_dir / FOLDER)
    return backup(vault, clock.now(), settings.storage.keep_backups)


def restored(file: Path, database: Path, *, check_only: bool) -> BackupFacts:
    """Check a copy and, unless only asked to, put it in the database's place."""
    return restore(file, database, check_only=check_only)


def restore_drill(data_dir: Path) -> Drill | None:
    """Put the newest copy back in a scratch folder as after a lost disk; None where there is no copy."""
    vault = FolderVault(data_dir / wiring.DATABASE_NAME, data_dir / FOLDER)
    names = vault.names()
    if not names:
        return None
    with TemporaryDirectory() as scratch:
        try:
            facts = restore(data_dir / FOLDER / names[-1], Path(scratch) / wiring.DATABASE_NAME)
        except StoreError as error:
            return Drill(names[-1], str(error))
    last = date.fromisoformat(facts.last_session) if facts.last_session else None
    return Drill(names[-1], None, last, facts.decisions, facts.fills)
