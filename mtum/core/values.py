"""JSON: the one text of a document, and back to values, by the type of a field or by name."""

import json
from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import cache
from hashlib import sha256
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

type Reader = Callable[[Any], object]
type Build = Callable[[type, Any], object]
"""How a dataclass is made of its JSON value."""


def canonical(document: object) -> str:
    """Return the one JSON text of a document: keys sorted, no spaces, floats in their shortest form."""
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def digest(text: str) -> str:
    """Return the SHA-256 of a text, in hexadecimal."""
    return sha256(text.encode()).hexdigest()


@cache
def readers(kind: type, build: Build) -> Mapping[str, Reader]:
    """Return how each field of a dataclass is read, in the order of the fields."""
    return {name: _reader(hint, build) for name, hint in get_type_hints(kind).items()}


def _reader(hint: object, build: Build) -> Reader:
    arms = get_args(hint)
    if get_origin(hint) is UnionType:
        inner = _reader(next(arm for arm in arms if arm is not NoneType), build)
        return lambda value: None if value is None else inner(value)
    if get_origin(hint) is tuple and arms[1:] == (Ellipsis,):
        each = _reader(arms[0], build)
        return lambda value: tuple(each(part) for part in list_in(value))
    if get_origin(hint) is tuple:
        parts = [_reader(arm, build) for arm in arms]
        return lambda value: tuple(part(one) for part, one in zip(parts, list_in(value), strict=True))
    if get_origin(hint) is Mapping and is_dataclass(arms[1]):
        part = _reader(arms[1], build)
        return lambda value: {name: part(one) for name, one in table_in(value).items()}
    if not isinstance(hint, type):
        return lambda value: value
    if is_dataclass(hint):
        return lambda value: build(hint, value)
    if issubclass(hint, date):
        return lambda value: hint.fromisoformat(str(value))
    if issubclass(hint, Decimal):
        return lambda value: Decimal(str(value))
    if issubclass(hint, float):
        return lambda value: float(value) if type(value) is int else value
    return hint if issubclass(hint, Enum) else lambda value: value


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
