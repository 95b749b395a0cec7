"""The folder of report files: written once, never rewritten."""

import os
from pathlib import Path

from mtum.errors import StoreError


class FolderShelf:
    """Report files in one folder; a file appears whole or not at all."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def put(self, name: str, content: str) -> Path:
        """Write a file once and return its absolute path; one that is there already is left alone.

        Raises
        ------
        StoreError
            If the folder cannot be written.
        """
        target = (self._folder / name).absolute()
        if target.exists():
            return target
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(f".{target.name}.{os.getpid()}")
            part.write_text(content, encoding="utf-8")
            part.replace(target)
        except OSError as error:
            raise StoreError(f"report {target} cannot be written: {error.strerror}") from error
        return target

    def path(self, name: str) -> Path | None:
        """Return the absolute path of a file, or None if it was never written."""
        target = (self._folder / name).absolute()
        return target if target.exists() else None
