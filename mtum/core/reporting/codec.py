"""Between frozen report values and flat JSON documents, without loss."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from math import isfinite
from types import NoneType, UnionType
from typing import TYPE_CHECKING, cast, get_args, get_origin, get_type_hints

from mtum.core.reporting.summary import State, Stated

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

type Document = dict[str, object]


def document(report: "DataclassInstance") -> Document:
    """Return a report value as plain JSON values.

    A `Stated` field `x` becomes ``x`` (the number or null) and ``x_state``; sessions are
    ``YYYY-MM-DD``, instants UTC ISO 8601.
    """
    found: Document = {}
    for name in _names(type(report)):
        given = getattr(report, name)
        if isinstance(given, Stated):
            found[name] = given.amount
            found[f"{name}_state"] = given.state.value
        else:
            found[name] = _plain(given)
    return found


def from_document[T: "DataclassInstance"](kind: type[T], stored: Mapping[str, object]) -> T:
    """Return the report value a document was made from; keys it does not know are ignored.

    Raises
    ------
    KeyError
        If a field without a default is missing.
    """
    given: dict[str, object] = {}
    for name, hint in _hints(kind).items():
        if hint is Stated:
            given[name] = _stated(stored, name)
        elif name in stored:
            given[name] = _typed(hint, stored[name])
    return kind(**given)


def _plain(given: object) -> object:
    if is_dataclass(given) and not isinstance(given, type):
        return document(given)
    if isinstance(given, tuple):
        return [_plain(part) for part in given]
    if isinstance(given, Mapping):
        return {str(key): _plain(part) for key, part in given.items()}
    return _scalar(given)


def _scalar(given: object) -> object:
    if isinstance(given, Enum):
        return given.value
    if isinstance(given, datetime):
        return given.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    if isinstance(given, date):
        return given.isoformat()
    # JSON has no NaN: what could not be worked out is null.
    return None if isinstance(given, float) and not isfinite(given) else given


def _stated(stored: Mapping[str, object], name: str) -> Stated:
    amount = stored.get(name)
    state = State(stored.get(f"{name}_state", State.UNKNOWN.value))
    return Stated(float(amount) if isinstance(amount, int | float) else None, state)


def _typed(hint: object, stored: object) -> object:
    if get_origin(hint) is UnionType:
        return None if stored is None else _typed(next(arm for arm in get_args(hint) if arm is not NoneType), stored)
    if get_origin(hint) is tuple and isinstance(stored, list):
        return _sequence(get_args(hint), stored)
    if isinstance(hint, type) and is_dataclass(hint) and isinstance(stored, Mapping):
        return from_document(hint, cast("Mapping[str, object]", stored))
    if isinstance(stored, str) and hint in (date, datetime):
        return datetime.fromisoformat(stored) if hint is datetime else date.fromisoformat(stored)
    if hint is float and isinstance(stored, int):
        return float(stored)
    return stored


def _sequence(arms: tuple[object, ...], stored: list[object]) -> tuple[object, ...]:
    if len(arms) == 2 and arms[1] is Ellipsis:
        return tuple(_typed(arms[0], part) for part in stored)
    return tuple(_typed(arm, part) for arm, part in zip(arms, stored, strict=True))


@cache
def _names(kind: type["DataclassInstance"]) -> tuple[str, ...]:
    return tuple(field.name for field in fields(kind))


@cache
def _hints(kind: type["DataclassInstance"]) -> dict[str, object]:
    hints = get_type_hints(kind)
    return {name: hints[name] for name in _names(kind)}
