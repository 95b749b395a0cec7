"""JSON: the plain values of a value, the one text of a document and its digest, and back to a value by its type."""

import json
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from hashlib import sha256
from types import NoneType
from typing import Any

from msgspec import DecodeError, Struct, ValidationError, convert
from msgspec.json import decode as quickly
from msgspec.json import encode

from mtum.errors import DocumentError

type Scalar = Callable[[Any], object]
"""How a float, Decimal, date or instant is written."""

_PLAIN = frozenset((str, int, bool, NoneType))
"""Types whose values stand for themselves; what is derived from them too, but that is looked up."""


def _dictionary(value: object) -> dict[Any, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"{value!r} of type {type(value).__name__} has no canonical text")


_CANONICAL = json.JSONEncoder(
    sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False, default=_dictionary
)


def canonical(document: object) -> str:
    """Return the one JSON text of a document: keys sorted, no spaces, floats in their shortest form.

    The text is Python's own: hashes of it are kept, and other encoders write some floats in another form.
    A mapping that is no dictionary is written as one.
    """
    return _CANONICAL.encode(document)


def canonical_numbers(column: Sequence[float | None]) -> str:
    """Return what `canonical` does of a column of numbers, in a fraction of the time.

    The other encoder writes floats as Python does but those with an exponent, and what is no number as null.
    """
    text = encode(column)
    other = b"e" in text or b"n" in text or b"0.0000" in text
    return canonical(column) if other else text.decode()


def digest(*parts: str) -> str:
    """Return the SHA-256 of a text, whole or in parts, in hexadecimal."""
    found = sha256()
    for part in parts:
        found.update(part.encode())
    return found.hexdigest()


def utc_text(at: datetime, timespec: str = "auto") -> str:
    """Return an aware instant as UTC ISO 8601 with Z; ValueError without a time zone."""
    if at.tzinfo is None:
        raise ValueError(f"the instant {at.isoformat()} has no time zone")
    return at.astimezone(UTC).isoformat(timespec=timespec).replace("+00:00", "Z")


def exact(value: object) -> object:
    """Return a scalar so that nothing of it is rounded: Decimals are text, instants keep their offset."""
    if isinstance(value, date):
        return value.isoformat()
    return str(value) if isinstance(value, Decimal) else value


def plain(value: object, scalar: Scalar = exact) -> object:
    """Return a value as plain JSON values: enums by their value, structs and mappings as tables, others as lists.

    A field that its class names in `SPARSE` is left out while it is empty.
    """
    kind: Any = type(value)
    return _way(kind)(value, scalar)


def as_table(value: Struct) -> dict[str, Any]:
    """Return a struct as a table of its fields, structs in it as tables too; dates and Decimals stay what they are."""
    return dict(table_in(plain(value, lambda scalar: scalar)))


def field_types(kind: type) -> Mapping[str, object] | None:
    """Return the fields of a class by name, each with its type as it is written; None for a class without fields.

    Values are structs; strategies, and values with fields that are worked out, are dataclasses.
    """
    if is_dataclass(kind):
        return {one.name: one.type for one in fields(kind)}
    if not issubclass(kind, Struct):
        return None
    written = {
        name: hint for base in reversed(kind.__mro__) for name, hint in getattr(base, "__annotations__", {}).items()
    }
    return {name: written[name] for name in kind.__struct_fields__}


@cache
def _way(kind: type) -> Callable[[Any, Scalar], object]:
    if issubclass(kind, Enum):
        return lambda value, scalar: plain(value.value, scalar)
    if issubclass(kind, str | int | NoneType):
        return lambda value, _: value
    if issubclass(kind, Mapping):
        return lambda value, scalar: {
            name if type(name) is str else str(plain(name, scalar)): one if type(one) in _PLAIN else plain(one, scalar)
            for name, one in value.items()
        }
    known = field_types(kind)
    if issubclass(kind, Iterable) and known is None:
        return lambda value, scalar: [one if type(one) in _PLAIN else plain(one, scalar) for one in value]
    if known is None:
        return lambda value, scalar: scalar(value)
    sparse: Collection[str] = getattr(kind, "SPARSE", ())
    ways = [(name, name in sparse, hasattr(hint, "beside")) for name, hint in known.items()]
    if not any(omitted or spread for _, omitted, spread in ways):
        names = tuple(known)
        return lambda value, scalar: {
            name: one if type(one := getattr(value, name)) in _PLAIN else plain(one, scalar) for name in names
        }

    def table(value: object, scalar: Scalar) -> object:
        found: dict[str, object] = {}
        for name, omitted, spread in ways:
            given = getattr(value, name)
            if spread:  # it stands as several keys
                found.update(given.beside(name))
            elif given or not omitted:
                found[name] = plain(given, scalar)
        return found

    return table


def decode[T](kind: type[T], stored: object, what: str) -> T:
    """Return the value of this type that plain JSON values spell; keys it does not know are ignored.

    Parameters
    ----------
    kind : type
        Type of the value.
    stored : object
        What was stored.
    what : str
        The document, for the error.

    Raises
    ------
    DocumentError
        If a field is missing or a value is of another type; it names the document, the place and what was found.
    """
    try:
        return convert(stored, kind)
    except ValidationError as wrong:
        raise DocumentError(f"{what} cannot be read: {wrong}") from wrong


def loaded(text: str | bytes) -> object:
    """Return the plain values that a JSON text spells; ValueError if it spells none.

    What the faster decoder refuses is left to Python's own: it reads some of it, and says what is wrong with the rest.
    """
    try:
        return quickly(text)
    except (DecodeError, UnicodeError):
        return json.loads(text)


def parsed[T](kind: type[T], text: str | bytes, what: str) -> T:
    """Return the value of this type that a JSON text spells; see `decode`.

    Parameters
    ----------
    kind : type
        Type of the value.
    text : str or bytes
        The JSON text.
    what : str
        What it is, for the message.
    """
    try:
        stored = loaded(text)
    except ValueError as wrong:
        raise DocumentError(f"{what} cannot be read: {wrong}") from wrong
    return decode(kind, stored, what)


def table_in(value: object) -> Mapping[str, object]:
    """Return a table of a stored document; ValueError if it is something else."""
    if not isinstance(value, Mapping):
        raise ValueError(f"expected a table, found {value!r}")
    return value


def list_in(value: object) -> list[object]:
    """Return a list of a stored document; ValueError if it is something else."""
    if not isinstance(value, list):
        raise ValueError(f"expected a list, found {value!r}")
    return value


def text_in(value: object) -> str:
    """Return a text of a stored document; ValueError if it is something else."""
    if not isinstance(value, str):
        raise ValueError(f"expected text, found {value!r}")
    return value


def number_in(value: object) -> float:
    """Return a number of a stored document; ValueError if it is something else."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ValueError(f"expected a number, found {value!r}")
    return value


def maybe_number(value: object) -> float | None:
    """Return a number of a stored document that may be null."""
    return None if value is None else number_in(value)
