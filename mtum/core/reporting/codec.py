"""Between frozen report values and flat JSON documents, without loss."""

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from datetime import UTC, date, datetime
from enum import Enum
from functools import cache
from math import isfinite
from typing import TYPE_CHECKING, get_type_hints

from mtum.core.reporting.stated import State, Stated
from mtum.core.values import readers

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

type Document = dict[str, object]


def document(report: "DataclassInstance") -> Document:
    """Return a report value as plain JSON values.

    A `Stated` field `x` becomes ``x`` (the number or null) and ``x_state``; sessions are
    ``YYYY-MM-DD``, instants UTC ISO 8601. A field marked `SPARSE` is left out while it is empty.
    """
    found: Document = {}
    for name, sparse in _names(type(report)):
        given = getattr(report, name)
        if sparse and not given:
            continue
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
    TypeError
        If a field without a default is missing.
    """
    read, stated = readers(kind, from_document), _stated_names(kind)
    given = {name: read[name](stored[name]) for name in read if name in stored and name not in stated}
    return kind(**given, **{name: _stated(stored, name) for name in stated})


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


@cache
def _names(kind: type["DataclassInstance"]) -> tuple[tuple[str, bool], ...]:
    return tuple((field.name, "sparse" in field.metadata) for field in fields(kind))


@cache
def _stated_names(kind: type["DataclassInstance"]) -> tuple[str, ...]:
    return tuple(name for name, hint in get_type_hints(kind).items() if hint is Stated)
