"""The folder of report files: written once, never rewritten."""

import glob
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

from mtum.errors import StoreError


def write_whole(folder: Path, contents: Mapping[str, bytes]) -> list[Path]:
    """Write files that belong together, and their folder where there is none; return their paths.

    They appear whole and all of them, or none: what was there before stays where a disk is full, and what a
    process left behind that was killed meanwhile goes.
    """
    found_there = folder.exists()
    parts = {name: folder / f".{name}.{os.getpid()}" for name in contents}
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, content in contents.items():
            _remove_left(folder, name)
            parts[name].write_bytes(content)
        return [part.replace(folder / name) for name, part in parts.items()]
    except BaseException:
        with suppress(OSError):
            for part in parts.values():
                part.unlink(missing_ok=True)
            if not found_there:
                folder.rmdir()
        raise


def _remove_left(folder: Path, name: str) -> None:
    for left in folder.glob(f".{glob.escape(name)}.*"):
        writer = left.name.rpartition(".")[2]
        try:
            if writer.isdecimal():
                os.kill(int(writer), 0)
        except ProcessLookupError:
            left.unlink(missing_ok=True)
        except (PermissionError, OverflowError):
            continue  # somebody else's, and alive


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
            write_whole(target.parent, {target.name: content.encode()})
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
