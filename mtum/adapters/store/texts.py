"""How instants, sessions, money and documents stand in a column, and back."""

import json
import sqlite3
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from types import NoneType
from typing import Any, cast, get_args, get_origin, get_type_hints

from msgspec import Struct

from mtum.core import canonical
from mtum.core.canonical import loaded, utc_text
from mtum.errors import MtumError, StoreError

type Cell = str | int | float | None

_AS_THEY_ARE = frozenset((str, int, float, NoneType))
"""Types whose values stand in a column as they are; what is derived from them too, but that is looked up."""

_COMPACT = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, allow_nan=False)

RESTORE = "`mtum restore` brings a backup back"


def instant_text(at: datetime) -> str:
    """Return an aware instant as UTC ISO 8601 with microseconds and Z, so that text order is time order."""
    return utc_text(at, "microseconds")


def instant(text: str) -> datetime:
    """Return the aware UTC instant of a column."""
    return datetime.fromisoformat(text)


def maybe_instant(text: str | None) -> datetime | None:
    """Return the instant of a column that may be empty."""
    return None if text is None else datetime.fromisoformat(text)


def since_text(day: date | None) -> str:
    """Return what a session column is compared with; None is earlier than every session."""
    return "" if day is None else day.isoformat()


def money(number: float) -> Decimal:
    """Return a REAL column as a decimal: the shortest that reads back as the same float."""
    return Decimal(repr(float(number)))


def plain(document: object) -> str:
    """Return a document as compact JSON, keys in their own order."""
    return _COMPACT.encode(document)


def cells(value: Struct, *without: str) -> dict[str, Cell]:
    """Return the fields of a value, but some, as they stand in columns: money REAL, tables and lists as JSON text."""
    given = ((name, getattr(value, name)) for name in _names(type(value), without))
    return {name: one if type(one) in _AS_THEY_ARE else _cell_of(one) for name, one in given}


def _cell_of(value: object) -> Cell:
    found = canonical.plain(value, _cell)
    return plain(found) if isinstance(found, dict | list) else cast("Cell", found)


@cache
def _names(kind: type[Struct], without: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(name for name in kind.__struct_fields__ if name not in without)


def insert(connection: sqlite3.Connection, into: str, values: Mapping[str, Cell], conflict: str = "") -> sqlite3.Cursor:
    """Insert a row, each value into the column of its name; `conflict` is what SQL does with a row that is there.

    Parameters
    ----------
    connection : Connection
        The database, in a transaction where it is written.
    into : str
        Table, after ``INTO``.
    values : mapping of str to Cell
        Values by column.
    conflict : str
        SQL for a row that is there already, such as ``OR IGNORE``.
    """
    marks = ", ".join("?" * len(values))
    sql = f"INSERT INTO {into} ({', '.join(values)}) VALUES ({marks}) {conflict}"
    return connection.execute(sql, tuple(values.values()))


def or_update(values: Mapping[str, Cell], *key: str) -> str:
    """Return what `insert` needs where a row of that key, if there is one, takes the other values."""
    changed = ", ".join(f"{name} = excluded.{name}" for name in values if name not in key)
    return f"ON CONFLICT ({', '.join(key)}) DO UPDATE SET {changed}"


def of_row[T](
    kind: type[T], row: sqlite3.Row | Mapping[str, Any], what: str, error: type[MtumError] = StoreError, **other: object
) -> T:
    """Return the value whose fields stand in the columns of a row.

    Parameters
    ----------
    kind : type
        Type of the value.
    row : Row or mapping of str to any
        The row.
    what : str
        The row, for the error.
    error : type
        Error to raise where it does not fit.
    **other
        Fields that are no column of that name.

    Raises
    ------
    MtumError
        If a column holds something else than it should; it names the row, the field and what was found.
    """
    found = {**dict(row), **other}
    try:
        of: Any = kind
        for name, stored, read in _reads(of):
            if type(found.get(name)) is stored:
                found[name] = read(found[name])
    except ValueError as broken:
        raise error(f"{what} cannot be read: {broken}; {RESTORE}") from broken
    try:
        return canonical.decode(kind, found, what)
    except ValueError as broken:
        raise error(f"{broken}; {RESTORE}") from broken


def _cell(value: object) -> object:
    if isinstance(value, datetime):
        return instant_text(value)
    return float(value) if isinstance(value, Decimal) else canonical.exact(value)


@cache
def _reads(kind: type) -> tuple[tuple[str, type, Callable[[Any], object]], ...]:
    # SQLite has neither truth nor lists.
    hints = get_type_hints(kind)
    return tuple(
        (name, int, bool) if hint is bool else (name, str, loaded)
        for name, hint in hints.items()
        if hint is bool or {get_origin(arm) for arm in (hint, *get_args(hint))} & {tuple, Mapping}
    )
