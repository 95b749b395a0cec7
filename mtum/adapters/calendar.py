"""When is the exchange open? NYSE sessions from exchange_calendars, with a local file of late announcements."""

import json
import os
import sys
from bisect import bisect_left, bisect_right
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Any

from mtum.config import read_toml
from mtum.core.market.calendars import NEW_YORK, Overrides, overridden
from mtum.core.market.sessions import Session, Sessions
from mtum.errors import CalendarMismatchError, ConfigError

FIRST_DAY, LAST_DAY = date(1990, 1, 1), date(2199, 12, 31)
"""Earlier trading hours differed; later ones nobody has announced, and the library's dates end soon after."""
OPENS, CLOSES = time(9, 30), time(16, 0)
"""Regular hours in New York, between which an early close lies."""


class ExchangeCalendar:
    """Sessions of the New York Stock Exchange (ports.time.Calendar).

    The library's default range ends a year after it was imported, so every range is built for the
    bounds asked for and kept while later questions lie inside it.

    Parameters
    ----------
    overrides : Overrides
        Closures and early closes the library does not know yet.
    file : Path or None
        Where the library's sessions are kept for the next process, which then loads neither library nor pandas.
        A file that cannot be read or written only costs time.
    """

    def __init__(self, overrides: Overrides | None = None, file: Path | None = None) -> None:
        self._overrides = overrides or Overrides()
        self._file = file
        self._built: Sessions = Sessions(())
        self._bounds: tuple[date, date] | None = None

    def sessions(self, first: date, last: date) -> Sessions:
        """Return every session of the closed interval.

        Raises
        ------
        CalendarMismatchError
            If the interval reaches beyond the years 1990 to 2199, or the library cannot build it.
        """
        if first > last:
            return Sessions(())
        if not FIRST_DAY <= first <= last <= LAST_DAY:
            raise CalendarMismatchError(
                f"the calendar knows {FIRST_DAY} to {LAST_DAY}; {first} to {last} was asked for"
            )
        if self._bounds is None or first < self._bounds[0] or last > self._bounds[1]:
            # Whole years around the question and the next one too: building costs more than a year of sessions.
            start = max(FIRST_DAY, date(min(first, *(self._bounds or (first,))).year, 1, 1))
            end = date(max(last, *(self._bounds or (last,))).year + 1, 12, 31)
            self._built = overridden(_sessions_of(start, end, self._file), self._overrides)
            self._bounds = (start, end)
        return Sessions(self._built.between(first, last))


@cache
def _sessions_of(start: date, end: date, file: Path | None) -> Sessions:
    years = range(start.year, end.year + 1)
    kept = {} if file is None else _kept(file)
    if not all(str(year) in kept for year in years):
        built, rows = _new_york_sessions(start, end)
        if file is not None:
            _keep(file, kept | rows)
        return built
    return Sessions(tuple(_session(row) for year in years for row in kept[str(year)]))


type _Years = dict[str, list[list[str]]]
"""By year, each session's day with its open and close in New York: their instants follow the time zone's rules."""


def _kept(file: Path) -> _Years:
    # Another version of the library may know other closures; a damaged file must not close the exchange.
    try:
        stamp, years = file.read_text(encoding="ascii").split("\n", 1)
        kept: _Years = json.loads(years) if stamp == _stamp(years) else {}
    except (OSError, ValueError):
        return {}
    return kept


def _keep(file: Path, kept: _Years) -> None:
    years = json.dumps(kept, allow_nan=False)
    part = file.with_name(f".{file.name}.{os.getpid()}")
    try:
        part.write_text(f"{_stamp(years)}\n{years}", encoding="ascii")
        part.replace(file)
    except OSError:
        with suppress(OSError):
            part.unlink()


def _stamp(years: str) -> str:
    return f"exchange-calendars {version_of('exchange-calendars')} {sha256(years.encode()).hexdigest()}"


@cache
def version_of(library: str) -> str:
    """Return the version of a library that is installed; empty for one that is not."""
    told = _of_wheel(f"{library.replace('-', '_')}-") or _described(library)
    return next((line.removeprefix("Version: ") for line in told.splitlines() if line.startswith("Version: ")), "")


def _of_wheel(begins: str) -> str:
    # The library that knows all ways of installing takes 10 ms of a run to load, and nearly all came as wheels.
    for folder in sys.path:
        for name in _wheels(folder):
            if name.startswith(begins):
                with suppress(OSError):
                    return Path(folder, name, "METADATA").read_text(encoding="utf-8")
    return ""


@cache
def _wheels(folder: str) -> list[str]:
    # Listed once for all libraries whose versions a run asks for. An entry of the path may be no folder.
    with suppress(OSError):
        return [name for name in os.listdir(folder or ".") if name.endswith(".dist-info")]
    return []


def _described(library: str) -> str:
    from importlib.metadata import PackageNotFoundError, distribution

    # `version` would parse the whole description of the library.
    try:
        found = distribution(library)
    except PackageNotFoundError:
        return ""
    # Wheels have the one file, what a system's own packages install may have the other.
    return found.read_text("METADATA") or found.read_text("PKG-INFO") or ""


def _session(row: list[str]) -> Session:
    day, opens, closes = row
    opened = datetime.fromisoformat(f"{day}T{opens}").replace(tzinfo=NEW_YORK)
    at = opened.astimezone(UTC)
    return Session(opened.date(), at, at + _length(opens, closes))


@cache
def _length(opens: str, closes: str) -> timedelta:
    # Clocks change on Sundays at night: within a session hours are hours.
    begin, end = (datetime.fromisoformat(f"{FIRST_DAY}T{hour}") for hour in (opens, closes))
    return end - begin


def read_overrides(path: Path | None) -> Overrides:
    """Read a file of closures and early closes; None gives none.

    The file is TOML: ``closed = [2025-01-09]`` and a table ``[early_close]`` with lines such as
    ``2025-07-03 = 13:00:00`` (New York time).

    Raises
    ------
    ConfigError
        If the file is missing, not TOML, or holds anything else.
    """
    if path is None:
        return Overrides()
    try:
        tree = read_toml(path)
    except ConfigError as error:
        raise ConfigError([f"market.calendar_overrides: {line}" for line in error.problems]) from error
    problems = [
        f"{path}: unknown key {key}; use closed, early_close" for key in tree.keys() - {"closed", "early_close"}
    ]
    closed = tree.get("closed", [])
    if not isinstance(closed, list) or not all(_is_date(day) for day in closed):
        problems.append(f"{path}: closed must be a list of dates, such as [2025-01-09]")
    early = _early_closes(tree.get("early_close", {}), path, problems)
    if problems:
        raise ConfigError(problems)
    return Overrides(frozenset(closed), early)


def _early_closes(table: Any, path: Path, problems: list[str]) -> Mapping[date, time]:
    found: dict[date, time] = {}
    for key, close in (table if isinstance(table, dict) else {"early_close": None}).items():
        try:
            day = date.fromisoformat(key)
        except ValueError:
            day = None
        if day is None or not isinstance(close, time):
            problems.append(f"{path}: early_close: {key} = {close}; write 2025-07-03 = 13:00:00")
        elif not OPENS < close <= CLOSES:
            problems.append(f"{path}: early_close: {key} = {close} is not between {OPENS:%H:%M} and {CLOSES:%H:%M}")
        else:
            found[day] = close
    return found


def _is_date(found: object) -> bool:
    return isinstance(found, date) and not isinstance(found, datetime)


@cache
def _whole_calendar(last: date) -> tuple[list[date], list[int], list[int]]:
    # Every session's day, and open and close in nanoseconds since 1970. What the library takes for it hardly depends
    # on how long the calendar is. Heavy (pandas): loaded when a session is first asked for.
    from exchange_calendars.exchange_calendar_xnys import XNYSExchangeCalendar

    calendar = XNYSExchangeCalendar(start=FIRST_DAY.isoformat(), end=last.isoformat())
    days = calendar.sessions.to_numpy().astype("datetime64[D]").astype(object).tolist()
    return days, calendar.opens_nanos.tolist(), calendar.closes_nanos.tolist()


@cache
def _new_york_sessions(start: date, end: date) -> tuple[Sessions, _Years]:
    try:
        days, opens, closes = _whole_calendar(min(LAST_DAY, date(end.year // 10 * 10 + 9, 12, 31)))
    except ValueError as error:
        raise CalendarMismatchError(f"the calendar has no sessions from {start} to {end}: {error}") from error
    first, last = bisect_left(days, start), bisect_right(days, end)
    rows: _Years = {str(year): [] for year in range(start.year, end.year + 1)}
    built = []
    for day, *nanos in zip(days[first:last], opens[first:last], closes[first:last], strict=True):
        opened, closed = (datetime.fromtimestamp(one // 10**9, UTC) for one in nanos)
        built.append(Session(day, opened, closed))
        hours = (f"{instant.astimezone(NEW_YORK):%H:%M}" for instant in (opened, closed))
        rows[str(day.year)].append([day.isoformat(), *hours])
    return Sessions(tuple(built)), rows
