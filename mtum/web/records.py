"""What the pages read: the read models of the commands, kept until the database changes."""

import re
from collections.abc import Callable, Hashable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Lock
from typing import Any

from mtum.config import Settings
from mtum.core.market.calendars import NEW_YORK
from mtum.errors import MtumError, StoreError
from mtum.ports.event_log import EventRow
from mtum.ports.reading import Reader
from mtum.web.backtests import Backtests
from mtum.web.quotes import Quotes
from mtum.wiring.resources import ALIVE_NAME, DATABASE_NAME, opened_reader, system_clock

KEPT = 200
"""Documents kept at a time."""
SILENT = timedelta(seconds=100)
"""Three heartbeats of the scheduler."""
_PATH = re.compile(r"(?<![\w.])(/[\w.@+-]+){2,}/?")


@dataclass(slots=True)
class Records:
    """The records of one data folder, for reading alone; safe for several threads.

    Parameters
    ----------
    settings : Settings
        In force when the server started.
    demo : bool
        Whether they are those of the newest demo, as there are no others yet.
    options : sequence of str
        Words of the command line that name these settings and this folder.
    """

    settings: Settings
    folder: Path
    demo: bool = False
    backtests: Backtests = field(init=False)
    quotes: Quotes = field(init=False)
    options: Sequence[str] = ()
    generation: int = 0
    _kept: dict[Hashable, object] = field(default_factory=dict)
    _lasting: dict[Hashable, tuple[object, object]] = field(default_factory=dict)
    _seen: object = None
    _lock: Lock = field(default_factory=Lock)

    def __post_init__(self) -> None:
        self.backtests = Backtests(self.settings, self.folder, self.options)
        self.quotes = Quotes(self.settings, self.folder, self.options)

    @property
    def database(self) -> Path:
        """Path of the database, whether it exists or not."""
        return self.folder / DATABASE_NAME

    @property
    def sleeves(self) -> list[str]:
        """Names of the sleeves of the settings."""
        return list(self.settings.configured())

    def now(self) -> datetime:
        """Return the computer's time."""
        return system_clock().now()

    def heard_scheduler(self) -> datetime | None:
        """Return when the scheduler of this folder last gave a sign of life, None if it never did."""
        try:
            return datetime.fromtimestamp((self.folder / ALIVE_NAME).stat().st_mtime, UTC)
        except OSError:
            return None

    def silent_scheduler(self) -> str:
        """Return that the scheduler gives no sign of life any more, "" while it does or where there is none."""
        heard = self.heard_scheduler()
        if heard is None or self.now() - heard < SILENT:
            return ""
        return f"the scheduler is silent since {heard.astimezone(NEW_YORK):%Y-%m-%d %H:%M} New York: no job is woken"

    def read[T](
        self,
        key: Hashable,
        work: Callable[[Reader | None], T],
        mark: Callable[[Reader | None], object] | None = None,
    ) -> T:
        """Return what `work` makes of the records, made once until they change.

        Parameters
        ----------
        key : hashable
            What it is kept under.
        work : callable
            Of a reader; None stands for records that are still to come.
        mark : callable or None
            Of a reader: as long as it is the same in the same file, so is what `work` made; None for any change.

        Raises
        ------
        StoreError
            If there is a database that cannot be read.
        """
        seen = (self.generation, *self._marks())
        with self._lock:
            if seen != self._seen or len(self._kept) > KEPT:
                self._kept.clear()
                self._seen = seen
            if key in self._kept:
                return self._kept[key]  # type: ignore[return-value]  # a key stands for one kind of document
        with opened_reader(self.settings, self.database, any_owner=True) as reader:
            marked = None if mark is None else (seen[1], mark(reader))
            before = self._lasting.get(key)
            found: Any = before[1] if marked and before and before[0] == marked else work(reader)
        with self._lock:
            if marked:
                self._lasting[key] = (marked, found)
            if seen == self._seen:
                self._kept[key] = found
        return found  # type: ignore[no-any-return]  # a key stands for one kind of document

    def fresh[T](self, work: Callable[[Reader | None], T]) -> T:
        """Return what `work` makes of the records as they are now."""
        with opened_reader(self.settings, self.database, any_owner=True) as reader:
            return work(reader)

    def events(self, after: int, limit: int) -> list[EventRow]:
        """Return the events behind a number; none where the records cannot be read."""
        try:
            return self.fresh(lambda reader: list(reader.events(after, limit)) if reader else [])
        except StoreError:
            return []

    def _marks(self) -> tuple[object, ...]:
        # Changes with each commit, a restored file and a migrated one; the file itself comes first.
        found = []
        for path in (self.database, self.database.with_name(f"{DATABASE_NAME}-wal")):
            try:
                stat = path.stat()
                found += [stat.st_ino, stat.st_size, stat.st_mtime_ns]
            except OSError:
                found += [0, 0, 0]
        return tuple(found)

    def problem(self, error: MtumError) -> dict[str, Any]:
        """Return the document of a failure, without a path of this machine."""
        text = self.without_paths(str(error))
        return {"problems": [{"code": int(error.exit_code), "text": text}], "exit_code": int(error.exit_code)}

    def without_paths(self, text: str) -> str:
        """Return the text with every path of this machine replaced by the name at its end."""
        named = text.replace(str(self.database), "the database").replace(f"{self.folder}/", "")
        return _PATH.sub(lambda found: found[0].rstrip("/").rpartition("/")[2], named)
