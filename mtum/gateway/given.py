"""What a person gives in commands, rules and switches: values with their bounds, and what is wrong in words."""

from collections.abc import Callable, Iterable, Mapping
from decimal import Decimal
from functools import cache
from typing import Annotated, Any

from pydantic import Field, StrictBool, TypeAdapter, ValidationError

type Switch = StrictBool
type Whole = Annotated[int, Field(ge=-1, lt=2**31)]
type Seconds = Annotated[float, Field(ge=0, le=3600)]
type Minutes = Annotated[float, Field(ge=-1e5, le=1e5)]
type Amount = Annotated[Decimal, Field(ge=-(10**12), le=10**12)]
"""Money or shares, no more than any account has."""

_KINDS = {
    "valid tuple": "list",
    "a valid boolean": "true or false",
    "valid integer": "whole number",
    "valid string": "text",
    "valid decimal": "number",
    "valid dictionary": "JSON object",
}
_adapter: Callable[[type], TypeAdapter[Any]] = cache(TypeAdapter)


def read[T](kind: type[T], given: Mapping[str, object]) -> T:
    """Return a dataclass of what is given.

    Raises
    ------
    ValueError
        With what was found and what was expected, for a value that is missing, of the wrong kind or out of bounds,
        or a name that is not known.
    """
    try:
        made: T = _adapter(kind).validate_python(given)
    except ValidationError as error:
        raise worded(error, sorted(name for name in kind.__annotations__ if name[0] != "_")) from error
    return made


def worded(error: ValidationError, known: Iterable[str] = ()) -> ValueError:
    """Return the error in words, of the first thing that is wrong, and what is known instead of a strange name."""
    detail = error.errors(include_url=False)[0]
    name = ".".join(str(part) for part in detail["loc"])
    if detail["type"] in ("missing", "missing_argument"):
        return ValueError(f"{name} is missing")
    if detail["type"] == "unexpected_keyword_argument":
        return ValueError(f"{name!r} is not known here" + (f"; known: {', '.join(known)}" if known else ""))
    wish = detail["msg"][0].lower() + detail["msg"][1:]
    for theirs, ours in _KINDS.items():
        wish = wish.replace(theirs, ours)
    return ValueError(f"{name} is {detail['input']!r}: {wish}")
