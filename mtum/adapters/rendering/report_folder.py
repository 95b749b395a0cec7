"""The folder of report files: written once, never rewritten."""

import os
from contextlib import suppress
from pathlib import Path

from mtum.errors import StoreError


def write_whole(target: Path, content: bytes) -> Path:
    """Write a file, which appears whole or not at all, and its folder where there is none; return its path."""
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f".{target.name}.{os.getpid()}")
    part.write_bytes(content)
    return part.replace(target)


class ReportFolder:
    """Report files in one folder; a file appears whole or not at all.

    Parameters
    ----------
    keep_html : int
        Daily HTML pages kept; older ones go, their text and JSON stay.
    """

    def __init__(self, folder: Path, keep_html: int = 400) -> None:
        self._folder = folder
        self._keep_html = keep_html

    def put_report(self, name: str, content: str) -> Path:
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
            write_whole(target, content.encode())
        except OSError as error:
            raise StoreError(f"report {target} cannot be written: {error.strerror}") from error
        if target.suffix == ".html" and target.name[0].isdigit():
            self._let_go(target)
        return target

    def _let_go(self, newest: Path) -> None:
        # Named by their sessions, the oldest come first; reviews and the page just written stay.
        daily = sorted(path for path in self._folder.glob("[0-9]*.html") if path.name != newest.name)
        for path in daily[: max(0, len(daily) + 1 - self._keep_html)]:
            with suppress(OSError):
                path.unlink()

    def path_of(self, name: str) -> Path | None:
        """Return the absolute path of a file, or None if it was never written."""
        target = (self._folder / name).absolute()
        return target if target.exists() else None
