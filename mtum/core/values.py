"""From JSON back to the values of frozen dataclasses: what a field's type says is how it is read."""

from collections.abc import Callable, Mapping
from dataclasses import is_dataclass
from datetime import date
from decimal import Decimal
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

type Reader = Callable[[Any], object]
type Build = Callable[[type, Any], object]
"""How a dataclass is made of its JSON value."""


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
        return lambda value: tuple(each(part) for part in _listed(value))
    if get_origin(hint) is tuple:
        parts = [_reader(arm, build) for arm in arms]
        return lambda value: tuple(part(one) for part, one in zip(parts, _listed(value), strict=True))
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


def _listed(value: object) -> list[object]:
    if not isinstance(value, list):
        raise TypeError(f"a list was expected, found {value!r:.40}")
    return value
