"""A value of the settings becomes what its type asks for; everything wrong with it is told in words at once."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import MISSING, fields, is_dataclass
from datetime import time, timedelta
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NewType,
    TypeAliasType,
    Union,
    get_args,
    get_origin,
    get_type_hints,
)
from uuid import UUID

from msgspec import NODEFAULT, Struct, ValidationError, convert
from msgspec import structs as of_structs

from mtum.config.scalars import SCALARS, Judged
from mtum.config.upkeep import SettingsSection


class Wrong(NamedTuple):
    """What is wrong with one value: its place, what is wished for and the words that follow."""

    place: str
    wish: str
    found: str


class Part(NamedTuple):
    """One field of a class: its type, and whether it has no default."""

    kind: Any
    required: bool


_BOUNDS: tuple[tuple[str, str, Callable[[Any, Any], bool]], ...] = (
    ("le", "less than or equal to", lambda given, bound: given <= bound),
    ("lt", "less than", lambda given, bound: given < bound),
    ("ge", "greater than or equal to", lambda given, bound: given >= bound),
    ("gt", "greater than", lambda given, bound: given > bound),
)


_LISTS: Mapping[Any, type | None] = {
    list: list,
    tuple: tuple,
    set: set,
    frozenset: frozenset,
    Sequence: None,
    Collection: None,
}
"""Types of several values and what they are made as; None: as they are given."""


def told(wrong: Iterable[Wrong], prefix: str = "") -> list[str]:
    """Return what is wrong, one line for each setting: one that may be of several kinds tells each kind's wish."""
    asked: dict[tuple[str, str], list[str]] = {}
    for one in wrong:
        asked.setdefault((one.place, one.found), []).append(one.wish)
    return [f"{prefix}{place}: {' or '.join(wishes)}{found}" for (place, found), wishes in asked.items()]


def parted(kind: Any) -> tuple[Any, tuple[Any, ...]]:
    """Return a type without its names and marks, and the marks: bounds, and functions that judge a value."""
    marks: tuple[Any, ...] = ()
    while True:
        if isinstance(kind, TypeAliasType):
            kind = kind.__value__
        elif isinstance(kind, NewType):
            kind = kind.__supertype__
        elif get_origin(kind) is Annotated:
            kind, *own = get_args(kind)
            marks = (*own, *marks)
        else:
            return NoneType if kind is None else kind, marks


def kinds_in(kind: Any) -> tuple[Any, ...]:
    """Return the types of which a value may be one; a type that is no choice by itself."""
    kind, marks = parted(kind)
    return get_args(kind) if not marks and get_origin(kind) in (Union, UnionType) else (kind,)


@cache
def parts_of(cls: type[Any]) -> Mapping[str, Part]:
    """Return the fields of a section or of a dataclass that are given, by name."""
    if issubclass(cls, Struct):
        return {
            one.name: Part(one.type, one.default is NODEFAULT and one.default_factory is NODEFAULT)
            for one in of_structs.fields(cls)
        }
    if _is_named_tuple(cls):
        kinds = get_type_hints(cls, include_extras=True)
        return {name: Part(kinds[name], name not in cls._field_defaults) for name in cls._fields}
    given = [one for one in fields(cls) if one.init]
    written = any(isinstance(one.type, str) for one in given)  # a file may put off what its annotations mean
    kinds = get_type_hints(cls, include_extras=True) if written else {one.name: one.type for one in given}
    return {one.name: Part(kinds[one.name], one.default is MISSING and one.default_factory is MISSING) for one in given}


def _is_named_tuple(cls: type) -> bool:
    return issubclass(cls, tuple) and hasattr(cls, "_fields")


def has_parts(cls: type) -> bool:
    """Whether values of a class are made of fields: sections, dataclasses and named tuples."""
    return issubclass(cls, Struct) or is_dataclass(cls) or _is_named_tuple(cls)


def readable(kind: Any, within: tuple[Any, ...] = ()) -> bool:
    """Whether a setting can be of this type; `within` are the classes of whose fields it is one."""
    plain, _ = parted(kind)
    origin: Any = get_origin(plain) or plain
    args = get_args(plain)
    if origin is Literal or origin in SCALARS or origin in within:
        return True
    if origin in (Union, UnionType):
        return all(readable(one, within) for one in args)
    if not isinstance(origin, type):
        return False
    if issubclass(origin, Enum):
        return True
    if has_parts(origin):
        parts: Mapping[str, Part] = parts_of(origin)  # type: ignore[arg-type]  # a class can be hashed
        return all(readable(part.kind, (*within, origin)) for part in parts.values())
    if issubclass(origin, Mapping) or origin in _LISTS:
        return all(one is Ellipsis or readable(one, within) for one in args)
    return origin in (time, timedelta, UUID)


def read(kind: Any, given: Any, place: str, wrong: list[Wrong]) -> Any:
    """Return a given value as its type has it; None, and what is wrong with it added, where it cannot be.

    Parameters
    ----------
    kind : type
        What is asked for; ``Annotated`` with bounds and `Judged`; any other mark says nothing.
    given : any
        As TOML, a stored document, the environment or a program has it. Text that spells a number is one.
    place : str
        Where it stands.
    wrong : list of Wrong
        What is wrong is added to it.
    """
    plain, marks = parted(kind)
    before = len(wrong)
    try:
        made = _made(plain, given, place, wrong)
        if len(wrong) > before:
            return None
        for mark in marks:
            if isinstance(mark, Judged):
                mark.by(made)
            else:
                _bounded(mark, made)
    except ValueError as error:
        wrong.append(Wrong(place, str(error), f", found {given!r}"))
        return None
    return made


def read_fields[T](kind: type[T], given: Mapping[str, Any], place: str, wrong: list[Wrong]) -> T | None:
    """Return a section or dataclass made of its fields; None, and what is wrong added, where it cannot be.

    Parameters
    ----------
    kind : type
        The class; what is given beside its fields is left alone.
    given : mapping of str to any
        Its fields by name.
    place : str
        Where it stands; empty at the top.
    wrong : list of Wrong
        What is wrong is added to it.
    """
    made: dict[str, Any] = {}
    before, inside = len(wrong), f"{place}." if place else ""
    cls: Any = kind
    for name, part in parts_of(cls).items():
        if name in given:
            # TOML has no null: where a setting may be left open, "none" says so.
            open_ = given[name] == "none" and issubclass(cls, SettingsSection) and NoneType in kinds_in(part.kind)
            made[name] = None if open_ else read(part.kind, given[name], f"{inside}{name}", wrong)
        elif part.required:
            wrong.append(Wrong(f"{inside}{name}", "it has no default; set it", ""))
    if len(wrong) > before:
        return None
    try:
        return kind(**made)
    except (AssertionError, ValueError) as error:  # a person's own dataclass may judge what it is given
        wrong.append(Wrong(place, str(error), f", found {given!r}"))
        return None


def _bounded(mark: Any, made: Any) -> None:
    for name, words, holds in _BOUNDS:
        bound = getattr(mark, name, None)
        if bound is not None and not holds(made, bound):  # what is no number is within no bounds
            raise ValueError(f"input should be {words} {f'{bound:.0f}' if bound == int(bound) else bound}")
    least, most = getattr(mark, "min_length", None), getattr(mark, "max_length", None)
    if least is not None and len(made) < least:
        raise ValueError(_count("at least", least, made))
    if most is not None and len(made) > most:
        raise ValueError(_count("at most", most, made))


def _count(limit: str, bound: int, made: Any) -> str:
    if isinstance(made, str):
        return f"string should have {limit} {bound} character{'s' * (bound != 1)}"
    return f"list should have {limit} {bound} item{'s' * (bound != 1)} after validation, not {len(made)}"


def _made(kind: Any, given: Any, place: str, wrong: list[Wrong]) -> Any:
    origin = get_origin(kind) or kind
    if origin in (Union, UnionType):
        return _one_of(get_args(kind), given, place, wrong)
    if origin is Literal:
        return _chosen(get_args(kind), given)
    if origin in SCALARS:
        return SCALARS[origin](given)
    if issubclass(origin, Enum):
        return given if isinstance(given, origin) else _member(origin, given)
    if has_parts(origin):
        return given if isinstance(given, origin) else _of_parts(origin, given, place, wrong)
    if issubclass(origin, Mapping):
        return _table(get_args(kind), given, place, wrong)
    if origin in _LISTS:
        return _list(origin, get_args(kind), given, place, wrong)
    try:
        return convert(given, kind, strict=False)
    except ValidationError:
        raise ValueError(f"input should be a valid {origin.__name__.lower()}") from None


def _of_parts(cls: Any, given: Any, place: str, wrong: list[Wrong]) -> Any:
    if _is_named_tuple(cls) and isinstance(given, list | tuple) and len(given) <= len(cls._fields):
        given = dict(zip(cls._fields, given, strict=False))
    if not isinstance(given, Mapping):
        raise ValueError(f"input should be a table or an instance of {cls.__name__.lower()}")
    if _is_named_tuple(cls) and (unknown := given.keys() - set(cls._fields)):
        raise ValueError(f"input should not have {' or '.join(sorted(map(repr, unknown)))}")
    return read_fields(cls, given, place, wrong)


def _one_of(kinds: tuple[Any, ...], given: Any, place: str, wrong: list[Wrong]) -> Any:
    if given is None and NoneType in kinds:
        return None
    found: list[Any] = []
    each: list[Wrong] = []
    for kind in (one for one in kinds if one is not NoneType):
        own: list[Wrong] = []
        made = read(kind, given, place, own)
        each += own
        found += [] if own else [made]
    if not found:
        wrong += each
        return None
    # Of several that fit, the one that takes it as it is.
    return next((made for made in found if type(made) is type(given) and made == given), found[0])


def _chosen(choices: tuple[Any, ...], given: Any) -> Any:
    for one in choices:
        alike = type(one) is type(given) or (isinstance(one, int) and isinstance(given, int | float))
        if alike and one == given:
            return one
    raise ValueError(_wish(choices))


def _member(cls: type[Enum], given: Any) -> Enum:
    try:
        return cls(SCALARS[int](given) if issubclass(cls, int) else given)
    except ValueError:
        raise ValueError(_wish([one.value for one in cls])) from None


def _wish(choices: Iterable[Any]) -> str:
    *most, last = map(repr, choices)
    return f"input should be {f'{", ".join(most)} or ' if most else ''}{last}"


def _table(kinds: tuple[Any, ...], given: Any, place: str, wrong: list[Wrong]) -> dict[Any, Any]:
    if not isinstance(given, Mapping):
        raise ValueError("input should be a valid table")
    of_key, of_value = kinds or (Any, Any)
    return {
        read(of_key, key, f"{place}.{key}.[key]", wrong): read(of_value, one, f"{place}.{key}", wrong)
        for key, one in given.items()
    }


def _list(origin: type, kinds: tuple[Any, ...], given: Any, place: str, wrong: list[Wrong]) -> Any:
    word = origin.__name__ if origin in (set, frozenset) else "list"
    if not isinstance(given, list | tuple | set | frozenset):
        raise ValueError(f"input should be a valid {word}")
    if origin is tuple and kinds and kinds[-1] is not Ellipsis:
        if len(given) > len(kinds):
            raise ValueError(_count("at most", len(kinds), given))
    else:
        kinds = (kinds[0] if kinds else Any,) * len(given)
    made = [
        read(kind, one, f"{place}.{number}", wrong)
        for number, (kind, one) in enumerate(zip(kinds, given, strict=False))
    ]
    missing = range(len(given), len(kinds))
    wrong += [Wrong(f"{place}.{number}", "it has no default; set it", "") for number in missing]
    maker: Any = _LISTS[origin] or type(given)
    try:
        return maker(made)
    except TypeError:
        raise ValueError("set items should be hashable") from None
