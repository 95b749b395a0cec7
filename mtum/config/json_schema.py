"""JSON Schema of what a setting may be, from its type."""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from mtum.config.kinds import has_parts, kinds_in, parted, parts_of

_SCALARS: Mapping[Any, Mapping[str, Any]] = {
    Any: {},
    object: {},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    Decimal: {"anyOf": [{"type": "number"}, {"type": "string"}]},
    date: {"format": "date", "type": "string"},
    datetime: {"format": "date-time", "type": "string"},
    NoneType: {"type": "null"},
}
_BOUNDS = {"ge": "minimum", "gt": "exclusiveMinimum", "le": "maximum", "lt": "exclusiveMaximum"}


def schema_of(kind: Any) -> dict[str, Any]:
    """Return the JSON Schema of a type, without titles, defaults and descriptions."""
    plain, marks = parted(kind)
    found = _of(plain)
    for mark in marks:
        found |= {key: bound for name, key in _BOUNDS.items() if (bound := getattr(mark, name, None)) is not None}
        for name, least in (("min_length", "min"), ("max_length", "max")):
            if (bound := getattr(mark, name, None)) is not None:
                found[f"{least}{'Length' if found.get('type') == 'string' else 'Items'}"] = bound
    return dict(sorted(found.items()))


def properties_of(cls: type) -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each field of a section or of a strategy, by its name."""
    return {name: schema_of(part.kind) for name, part in parts_of(cls).items()}


def _of(kind: Any) -> dict[str, Any]:
    origin, args = get_origin(kind) or kind, get_args(kind)
    if len(kinds_in(kind)) > 1:
        return {"anyOf": [schema_of(one) for one in args]}
    if origin is Literal:
        return _choice(args)
    if origin in _SCALARS:
        return dict(_SCALARS[origin])
    if issubclass(origin, Enum):
        return _choice([one.value for one in origin])
    if has_parts(origin):
        required = [name for name, part in parts_of(origin).items() if part.required]
        found = {"properties": properties_of(origin), **({"required": required} if required else {})}
        return {**found, "type": "object"}
    if issubclass(origin, Mapping):
        inside = schema_of(args[1]) if args else {}
        return {"additionalProperties": inside or True, "type": "object"}
    if issubclass(origin, tuple) and args and args[-1] is not Ellipsis:
        return {
            "maxItems": len(args),
            "minItems": len(args),
            "prefixItems": list(map(schema_of, args)),
            "type": "array",
        }
    alone = {"uniqueItems": True} if issubclass(origin, set | frozenset) else {}
    return {"items": schema_of(args[0]) if args else {}, "type": "array", **alone}


def _choice(choices: Any) -> dict[str, Any]:
    kinds = {json: dict(_SCALARS[json]) for json in {type(one) for one in choices} if json in _SCALARS}
    kind = next(iter(kinds.values())) if len(kinds) == 1 else {}
    return {"enum": list(choices), **kind} if len(choices) > 1 else {"const": choices[0], **kind}
