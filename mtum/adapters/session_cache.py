"""Sessions kept in a small file, so that a report need not load the calendar library and pandas."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path
from typing import Any

from mtum.core.market.sessions import Session, Sessions
from mtum.ports.time import Calendar


class CachedCalendar:
    """A calendar that asks another one only for years it has not seen (ports.time.Calendar).

    Parameters
    ----------
    build : callable
        Makes the calendar that knows; called at most once.
    path : Path
        The file; one that cannot be read or written only costs time.
    stamp : str
        What the sessions depend on (library version, local overrides); another one empties the file.
    """

    def __init__(self, build: Callable[[], Calendar], path: Path, stamp: str) -> None:
        self._build = build
        self._path = path
        self._stamp = stamp
        self._inner: Calendar | None = None
        self._known: dict[int, tuple[Session, ...]] | None = None

    def sessions(self, first: date, last: date) -> Sessions:
        """Return every session of the closed interval.

        Raises
        ------
        CalendarMismatchError
            If the interval reaches past what the calendar knows.
        """
        if first > last:
            return Sessions(())
        known = self._years()
        missing = [year for year in range(first.year, last.year + 1) if year not in known]
        if missing:
            known.update(self._asked(missing[0], missing[-1]))
            self._write(known)
        found = [session for year in range(first.year, last.year + 1) for session in known[year]]
        return Sessions(tuple(session for session in found if first <= session.day <= last))

    def _asked(self, first: int, last: int) -> dict[int, tuple[Session, ...]]:
        # Whole years in one question: the calendar behind it is made anew for every wider span.
        if self._inner is None:
            self._inner = self._build()
        found = self._inner.sessions(date(first, 1, 1), date(last, 12, 31)).known
        return {year: tuple(one for one in found if one.day.year == year) for year in range(first, last + 1)}

    def _years(self) -> dict[int, tuple[Session, ...]]:
        if self._known is None:
            self._known = self._read()
        return self._known

    def _read(self) -> dict[int, tuple[Session, ...]]:
        try:
            stored: dict[str, Any] = json.loads(self._path.read_text(encoding="ascii"))
            if stored["stamp"] != self._stamp:
                return {}
            return {int(year): tuple(map(_session, rows)) for year, rows in stored["years"].items()}
        except (OSError, ValueError, KeyError, TypeError):
            return {}

    def _write(self, known: dict[int, tuple[Session, ...]]) -> None:
        years = {
            year: [[one.day.isoformat(), one.open.isoformat(), one.close.isoformat()] for one in rows]
            for year, rows in known.items()
        }
        part = self._path.with_name(f".{self._path.name}.{os.getpid()}")
        try:
            part.write_text(json.dumps({"stamp": self._stamp, "years": years}, allow_nan=False), encoding="ascii")
            part.replace(self._path)
        except OSError:
            with suppress(OSError):
                part.unlink()


def _session(row: list[str]) -> Session:
    day, opened, closed = row
    return Session(date.fromisoformat(day), datetime.fromisoformat(opened), datetime.fromisoformat(closed))
