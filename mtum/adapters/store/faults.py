"""What went wrong with the database, in one line that says what to do."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mtum.errors import StoreError

# SQLite's own words, first match wins; the code alone does not tell a full disk from a full quota.
_EXPLANATIONS = (
    ("is not a database", "is not a SQLite database; restore a backup with `mtum restore` or move the file away"),
    ("malformed", "is damaged; restore a backup with `mtum restore`"),
    ("readonly", "cannot be written; check the permissions of the file and of its folder"),
    ("is full", "cannot grow, the disk is full; free some space and start again"),
    ("disk i/o error", "cannot be read or written, the disk reports an error"),
    ("locked", "is kept locked by another process; close it and start again"),
    ("unable to open", "cannot be opened; check that its folder exists and is readable"),
    ("no such table", "lacks a table; it is not a database of this program, or a damaged one"),
)


def explained(path: Path, error: sqlite3.Error) -> StoreError:
    """Return the error of this program that says what SQLite's means for the file."""
    words = str(error)
    meaning = next((text for part, text in _EXPLANATIONS if part in words.lower()), None)
    return StoreError(f"{path} {meaning} ({words})" if meaning else f"{path} refused a change: {words}")


@contextmanager
def faults_of(path: Path) -> Iterator[None]:
    """Turn what SQLite raises about this file into a StoreError."""
    try:
        yield
    except sqlite3.Error as error:
        raise explained(path, error) from error
