"""A folder of verified copies of the database (ports.vault.Vault)."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mtum.adapters.store.backup import backup
from mtum.errors import StoreError

PATTERN = "mtum-*.db"


@dataclass(frozen=True, slots=True)
class FolderVault:
    """Copies of `database` in `folder`."""

    database: Path
    folder: Path

    def put_copy(self, name: str) -> Path:
        """Write a verified copy; it appears whole or not at all."""
        try:
            return backup(self.database, self.folder / name).path
        except OSError as error:
            raise StoreError(f"no backup can be written to {self.folder}: {error.strerror}") from error

    def copy_names(self) -> Sequence[str]:
        """Return the names of the copies kept, oldest first."""
        return sorted(path.name for path in self.folder.glob(PATTERN))

    def drop_copy(self, name: str) -> None:
        """Remove a copy."""
        (self.folder / name).unlink(missing_ok=True)
