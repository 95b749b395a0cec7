"""How instants, sessions, money and documents stand in a column, and back."""

import json
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from mtum.core.canonical import utc_text


def instant_text(at: datetime) -> str:
    """Return an aware instant as UTC ISO 8601 with microseconds and Z, so that text order is time order."""
    return utc_text(at, "microseconds")


def instant(text: str) -> datetime:
    """Return the aware UTC instant of a column."""
    return datetime.fromisoformat(text)


def maybe_instant(text: str | None) -> datetime | None:
    """Return the instant of a column that may be empty."""
    return None if text is None else datetime.fromisoformat(text)


def maybe_day(text: str | None) -> date | None:
    """Return the session of a column that may be empty."""
    return None if text is None else date.fromisoformat(text)


def since_text(day: date | None) -> str:
    """Return what a session column is compared with; None is earlier than every session."""
    return "" if day is None else day.isoformat()


def money(number: float) -> Decimal:
    """Return a REAL column as a decimal: the shortest that reads back as the same float."""
    return Decimal(repr(float(number)))


def maybe_money(number: float | None) -> Decimal | None:
    """Return the decimal of a column that may be empty."""
    return None if number is None else money(number)


def maybe_float(amount: Decimal | None) -> float | None:
    """Return what goes into a REAL column that may be empty."""
    return None if amount is None else float(amount)


def plain(document: object) -> str:
    """Return a document as compact JSON, keys in their own order."""
    return json.dumps(document, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def table(text: str) -> dict[str, Any]:
    """Return the table that a stored JSON text spells.

    Raises
    ------
    ValueError
        If it is no JSON, or something else than a table.
    """
    found = json.loads(text)
    if not isinstance(found, dict):
        raise ValueError(f"a table belongs here, found {text[:40]!r}")
    return found
