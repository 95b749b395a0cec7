"""A file that is replaced whole and durably, or not at all."""

import os
from pathlib import Path

from mtum.errors import StoreError
from mtum.ports.time import Journal


class Unwatched:
    """A journal that notes nothing (ports.time.Journal): for changes outside any run."""

    def begin(self, run_id: int) -> None:
        """Nothing to note."""

    def reached(self, step: str) -> None:
        """Nothing to note."""


class ReplacedFile:
    """Bytes in one file; a reader sees the old content or the new, never a mixture."""

    def __init__(self, path: Path, journal: Journal) -> None:
        self._path = path
        self._journal = journal

    def load(self) -> bytes | None:
        """Return the content, None when the file does not exist."""
        try:
            return self._path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"{self._path}: cannot be read: {error.strerror}") from error

    def save(self, state: bytes) -> None:
        """Write beside, flush to the disk, then rename over the old file."""
        beside = self._path.with_suffix(self._path.suffix + ".new")
        self._journal.reached("exchange.saving")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            with beside.open("wb") as file:
                file.write(state)
                file.flush()
                os.fsync(file.fileno())
            beside.replace(self._path)
        except OSError as error:
            raise StoreError(f"{self._path}: cannot be written: {error.strerror}") from error
        self._journal.reached("exchange.saved")
