"""Where a gateway keeps itself between runs: exchange state, market time, journal."""

import fcntl
import json
import os
from datetime import datetime
from pathlib import Path

from mtum.errors import RunLockedError, StoreError


class GatewayFiles:
    """A folder with `exchange.json`, `clock.json` and `journal.jsonl`.

    Parameters
    ----------
    folder : Path
        Made if absent.

    Raises
    ------
    RunLockedError
        If another gateway uses the folder.
    OSError
        If the folder cannot be made or a file cannot be read or written.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._lock = (folder / "lock").open("w")
        try:
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            self._lock.close()
            raise RunLockedError(
                f"another practice gateway uses {folder}; stop it, or choose another --data-dir"
            ) from error
        self.state_path = folder / "exchange.json"
        self.journal_path = folder / "journal.jsonl"
        self._clock_path = folder / "clock.json"
        self._journal = self.journal_path.open("a", encoding="utf-8", buffering=1)

    def load(self) -> bytes | None:
        """Return the saved state, None if there is none."""
        return self.state_path.read_bytes() if self.state_path.exists() else None

    def save(self, state: bytes) -> None:
        """Replace the state durably: written beside, flushed to the disk, renamed."""
        _replace(self.state_path, state)

    def forget(self) -> None:
        """Remove the saved state and market time; the journal goes on."""
        self.state_path.unlink(missing_ok=True)
        self._clock_path.unlink(missing_ok=True)

    def write_journal(self, line: str) -> None:
        """Append one line to the journal."""
        self._journal.write(line + "\n")

    def market_time(self) -> datetime | None:
        """Return the market time noted last, None if there is none.

        Raises
        ------
        StoreError
            If the note cannot be read.
        """
        if not self._clock_path.exists():
            return None
        try:
            return datetime.fromisoformat(json.loads(self._clock_path.read_text())["now"])
        except (ValueError, KeyError, TypeError) as error:
            raise unreadable(self._clock_path) from error

    def note_market_time(self, now: datetime) -> None:
        """Note the market time for the next run."""
        _replace(self._clock_path, json.dumps({"now": now.isoformat()}, allow_nan=False).encode())

    def close(self) -> None:
        """Close the journal and let another gateway use the folder."""
        self._journal.close()
        self._lock.close()


def unreadable(path: Path) -> StoreError:
    """Return the error that says which file of the practice gateway is damaged, and what to do."""
    return StoreError(f"{path} is damaged; restore it, or start over with --fresh")


def _replace(path: Path, content: bytes) -> None:
    beside = path.with_suffix(".new")
    with beside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    beside.replace(path)
