"""Rows of the records as files for other programs."""

import csv
import io
import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct
from msgspec.structs import asdict

from mtum.ports.rows import SignalRow


def csv_text(kind: type[Struct], rows: Iterable[Any]) -> str:
    """Return rows of a kind as CSV: a column for each of its fields."""
    names = list(kind.__struct_fields__)
    file = io.StringIO()
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow(names)
    writer.writerows([getattr(row, name) for name in names] for row in rows)
    return file.getvalue()


def signals_text(rows: Iterable[SignalRow]) -> str:
    """Return every condition of every session as JSON lines."""
    told: Iterable[Mapping[str, Any]] = ({**asdict(row), "passed": bool(row.passed)} for row in rows)
    return "".join(json.dumps(row, ensure_ascii=False, allow_nan=False) + "\n" for row in told)


def in_year[R](rows: Sequence[R], column: str, year: int | None) -> list[R]:
    """Return the rows whose session in that column is of the year; all without one.

    Parameters
    ----------
    rows : sequence of R
        The rows.
    column : str
        Column that holds the session.
    year : int or None
        Calendar year; None for all.
    """
    return [row for row in rows if year is None or (getattr(row, column) or "").startswith(f"{year:04d}-")]
