"""Copies of the database: made, checked, put back."""

from pathlib import Path

from mtum import wiring
from mtum.adapters.store.backup import BackupFacts, restore
from mtum.adapters.store.vault import FolderVault
from mtum.app.backup import BackupDone, backup
from mtum.config import Settings
from mtum.ports.time import Clock

FOLDER = "backups"


def made_copy(settings: Settings, data_dir: Path, clock: Clock) -> BackupDone:
    """Write a verified copy and let go of the oldest beyond the number kept."""
    vault = FolderVault(data_dir / wiring.DATABASE_NAME, data_dir / FOLDER)
    return backup(vault, clock.now(), settings.storage.keep_backups)


def restored(file: Path, database: Path, *, check_only: bool) -> BackupFacts:
    """Check a copy and, unless only asked to, put it in the database's place."""
    return restore(file, database, check_only=check_only)
