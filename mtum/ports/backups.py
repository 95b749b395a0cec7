"""Where copies of the database are kept."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol


class Backups(Protocol):
    """A folder of verified copies, named by the instant they were made."""

    def put_copy(self, name: str) -> Path:
        """Write a verified copy of the database under that name and return its path.

        Raises
        ------
        StoreError
            If the copy cannot be written or is not sound; nothing is kept then.
        """
        ...

    def copy_names(self) -> Sequence[str]:
        """Return the names of the copies kept, oldest first."""
        ...

    def drop_copy(self, name: str) -> None:
        """Remove a copy; one that is gone already is no error."""
        ...
