"""What went wrong with the database, in one line that says what to do."""

import os
import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mtum.errors import StoreError

# SQLite's own words, first match wins; the code alone does not tell a full disk from a full quota.
_EXPLANATIONS = (
    ("is not a database", "is not a SQLite database; `mtum restore FILE` puts a sound copy in place"),
    ("malformed", "is damaged; `mtum restore FILE` puts a sound copy in place"),
    ("readonly", "cannot be written"),
    ("is full", "cannot grow, the disk is full; free some space and start again"),
    ("disk i/o error", "cannot be read or written, the disk reports an error"),
    ("locked", "is kept locked by another process; close it and start again"),
    ("unable to open", "cannot be opened"),
    ("no such table", "lacks a table; it is not a database of this program, or a damaged one"),
)


def explained(path: Path, error: sqlite3.Error) -> StoreError:
    """Return the error of this program that says what SQLite's means for the file."""
    words = str(error)
    meaning = next((text for part, text in _EXPLANATIONS if part in words.lower()), None)
    meaning = f"{meaning}; {blocked(path)}" if meaning in ("cannot be written", "cannot be opened") else meaning
    return StoreError(f"{path} {meaning} ({words})" if meaning else f"{path} refused a change: {words}")


def blocked(path: Path) -> str:
    """Return what of a file and its folder may not be used, and what to do."""
    if not path.parent.is_dir():
        return f"its folder {path.parent} does not exist"
    if path.exists() and not os.access(path, os.R_OK):
        return "the file is not readable; change its permissions"
    if path.exists() and not os.access(path, os.W_OK):
        return "the file is not writable; change its permissions"
    if not os.access(path.parent, os.W_OK | os.X_OK):
        return f"the folder {path.parent} is not writable; change its permissions"
    return "check the permissions of the file and of its folder"


@contextmanager
def faults_of(path: Path) -> Iterator[None]:
    """Turn what SQLite raises about this file into a StoreError."""
    try:
        yield
    except sqlite3.Error as error:
        raise explained(path, error) from error
