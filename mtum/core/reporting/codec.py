"""Between frozen report values and flat JSON documents, without loss."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from math import isfinite, nan
from types import NoneType
from typing import Any, get_args, get_type_hints

from msgspec import Struct

from mtum.core.canonical import decode, exact, plain, table_in, utc_text
from mtum.core.reporting.stated import State, Stated

type Document = dict[str, object]


def document(report: Struct) -> Document:
    """Return a report value as plain JSON values.

    A `Stated` field `x` becomes ``x`` (the number or null) and ``x_state``; sessions are
    ``YYYY-MM-DD``, instants UTC ISO 8601. A field that its class names in `SPARSE` is left out while it is empty.
    """
    return dict(table_in(plain(report, _scalar)))


def from_document[T: Struct](kind: type[T], stored: Mapping[str, object]) -> T:
    """Return the report value a document was made from; keys it does not know are ignored.

    Raises
    ------
    DocumentError
        If a field without a default is missing, or a value is of another type.
    """
    return decode(kind, _gathered(kind, stored), f"a stored report ({kind.__name__})")


def _scalar(given: object) -> object:
    if isinstance(given, datetime):
        return utc_text(given, "seconds")
    # JSON has no NaN: what could not be worked out is null.
    return None if isinstance(given, float) and not isfinite(given) else exact(given)


def _gathered(hint: Any, stored: Any) -> object:  # noqa: ANN401 - a type, and JSON
    """Return a document with every `Stated` in one piece; what is unknown stays so."""
    if not isinstance(stored, Mapping | list):
        return nan if stored is None and hint is float else stored
    if isinstance(stored, Mapping) and isinstance(hint, type) and issubclass(hint, Struct):
        return {
            name: _stated(stored, name) if part is Stated else _gathered(part, stored[name])
            for name, part in _hints(hint).items()
            if part is Stated or name in stored
        }
    arms = _arms(hint)
    if not arms:
        return stored
    if isinstance(stored, list):
        return [_gathered(arms[0], one) for one in stored]
    if len(arms) == 2:
        return {name: _gathered(arms[1], one) for name, one in stored.items()}
    return _gathered(arms[0], stored)


@cache
def _arms(hint: object) -> list[object]:
    return [arm for arm in get_args(hint) if arm not in (NoneType, Ellipsis)]


def _stated(stored: Mapping[str, object], name: str) -> Document:
    return {"amount": stored.get(name), "state": stored.get(f"{name}_state", State.UNKNOWN.value)}


@cache
def _hints(kind: type) -> Mapping[str, object]:
    return get_type_hints(kind)
