"""research.db: every backtest, sweep and walk forward, in a SQLite file of its own beside the records of money."""

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import date
from pathlib import Path

from mtum.errors import StoreError, StoreMismatchError
from mtum.ports.research import WHOLE, Study

VERSION = 1
BUSY_SECONDS = 5.0
"""How long a statement waits for another process before it gives up."""
_SCHEMA = """
CREATE TABLE IF NOT EXISTS studies (
  id INTEGER PRIMARY KEY, -- number for `mtum compare`
  made_at TEXT NOT NULL, -- instant, UTC
  kind TEXT NOT NULL CHECK (kind IN ('backtest', 'sweep', 'walkforward')), -- which of the three commands
  command TEXT NOT NULL, -- the line that was typed
  strategy TEXT NOT NULL, -- strategy that was played
  symbols TEXT NOT NULL, -- what it traded
  source TEXT NOT NULL, -- of the bars
  start TEXT NOT NULL, -- first session decided
  end TEXT NOT NULL, -- last session decided
  sessions INTEGER NOT NULL, -- number of sessions decided
  final_equity_usd REAL, -- equity at the end; of a sweep that of its best combination
  cagr_frac REAL, -- return a year, as a fraction
  sharpe REAL, -- Sharpe ratio, a year
  max_drawdown_frac REAL, -- deepest drawdown, as a fraction
  settings_hash TEXT NOT NULL, -- equal where the settings are
  code_hash TEXT NOT NULL, -- equal where the code is
  data_hash TEXT NOT NULL, -- equal where the bars are
  settings TEXT NOT NULL CHECK (json_valid(settings)), -- that shaped the result
  result TEXT NOT NULL CHECK (json_valid(result)), -- the answer without its long lists
  curve TEXT NOT NULL CHECK (json_valid(curve)) -- equity at each close; empty for a sweep
) STRICT
"""
_LAST = 2**63 - 1
"""Beyond every number of a study."""
_COLUMNS = Study.__struct_fields__


class ResearchFile:
    """The studies of a file (ports.research.StudyStore); it is open only while something is asked of it."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, study: Study) -> int:
        """Keep a study and return its number.

        Raises
        ------
        StoreError
            If the file cannot be written.
        """
        names = [name for name in _COLUMNS if name != "id"]
        values = [_stored(getattr(study, name)) for name in names]
        with self._opened(writing=True) as connection:
            row = connection.execute(
                f"INSERT INTO studies ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})", values
            )
            return row.lastrowid or 0

    def listed(self, since: date | None = None, limit: int | None = None, before: int | None = None) -> Sequence[Study]:
        """Return the newest studies, oldest first, without settings, result and curve.

        Parameters
        ----------
        since : date or None
            Only those made from that day on.
        limit : int or None
            How many of the newest; None for all.
        before : int or None
            Only those with a smaller number.

        Raises
        ------
        StoreError
            If the file cannot be read.
        """
        names = [name for name in _COLUMNS if name not in WHOLE]
        query = f"SELECT {', '.join(names)} FROM studies WHERE made_at >= ? AND id < ? ORDER BY id DESC LIMIT ?"
        with self._opened() as connection:
            rows = connection.execute(
                query, (str(since or ""), _LAST if before is None else before, -1 if limit is None else limit)
            ).fetchall()
        return [Study(**dict(zip(names, row, strict=True))) for row in reversed(rows)]

    def found(self, numbers: Sequence[int]) -> Sequence[Study]:
        """Return these studies whole, in this order; what is not there is left out.

        Raises
        ------
        StoreError
            If the file cannot be read.
        """
        query = f"SELECT {', '.join(_COLUMNS)} FROM studies WHERE id = ?"
        with self._opened() as connection:
            rows = [row for number in numbers for row in connection.execute(query, (number,))]
            return [
                Study(**{n: json.loads(v) if n in WHOLE else v for n, v in zip(_COLUMNS, row, strict=True)})
                for row in rows
            ]

    @contextmanager
    def _opened(self, *, writing: bool = False) -> Iterator[sqlite3.Connection]:
        way = "written" if writing else "read"
        try:
            if writing:
                self.path.parent.mkdir(parents=True, exist_ok=True)
            mode = "rwc" if writing else "ro"
            # A list that may be lost is not worth waiting for the disk.
            connection = sqlite3.connect(f"{self.path.absolute().as_uri()}?mode={mode}", timeout=BUSY_SECONDS, uri=True)
            with closing(connection), connection:
                connection.execute("PRAGMA synchronous = OFF")
                (version,) = connection.execute("PRAGMA user_version").fetchone()
                if version > VERSION:
                    raise StoreMismatchError(
                        f"{self.path} cannot be {way}: a newer version of this program made it; use that one"
                    )
                if version < VERSION:
                    # What has no version yet is an empty file: a full disk or a kill can leave one.
                    connection.execute(_SCHEMA if writing else _SCHEMA.replace("TABLE", "TEMP TABLE", 1))
                if writing and version < VERSION:
                    connection.execute(f"PRAGMA user_version = {VERSION}")
                yield connection
        except (OSError, sqlite3.Error, ValueError, OverflowError) as error:
            raise StoreError(f"{self.path} cannot be {way}: {error}; {_way_out(error)}") from error


def _way_out(error: Exception) -> str:
    # Only a damaged file is to be moved away: one that is in use or finds no room is sound.
    name = getattr(error, "sqlite_errorname", "")
    if name.startswith(("SQLITE_BUSY", "SQLITE_LOCKED")):
        return "another program is using it: try again when that one has ended"
    if name.startswith("SQLITE_FULL"):
        return "make room on its disk"
    if isinstance(error, OSError) or name.startswith(
        ("SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_PERM")
    ):
        return "look at what stands there, its rights and its disk"
    return "it holds nothing but what earlier studies found: move it away, and the next one begins a new file"


def _stored(value: object) -> object:
    return value if isinstance(value, str | int | float | None) else json.dumps(value, allow_nan=False)
