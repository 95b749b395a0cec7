"""Plain values as a setting may be given them: a text that spells a number is one, a number of 0 or 1 is a switch."""

import math
from collections.abc import Callable, Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from types import NoneType
from typing import Any, NamedTuple

from msgspec import ValidationError, convert


class Judged(NamedTuple):
    """Mark of a type whose values a function judges: it raises ValueError in words where one cannot be."""

    by: Callable[[Any], object]


_TRUE = frozenset(("1", "on", "t", "true", "y", "yes"))
_FALSE = frozenset(("0", "off", "f", "false", "n", "no"))


def _switch(given: Any) -> bool:
    if isinstance(given, str):
        word = given.lower()
        if word in _TRUE or word in _FALSE:
            return word in _TRUE
    elif isinstance(given, int | float) and given in (0, 1):
        return bool(given)
    unclear = isinstance(given, str | int) or (isinstance(given, float) and given.is_integer())
    raise ValueError(f"input should be a valid boolean{', unable to interpret input' if unclear else ''}")


def _whole(given: Any) -> int:
    if isinstance(given, str):
        whole, point, rest = given.strip().rpartition(".")
        try:
            _plain_digits(given)
            return int(whole if point and rest and not rest.strip("0") else given)
        except ValueError:
            raise ValueError("input should be a valid integer, unable to parse string as an integer") from None
    if isinstance(given, float | Decimal):
        if not math.isfinite(given):
            raise ValueError("input should be a finite number")
        if given != int(given):
            raise ValueError("input should be a valid integer, got a number with a fractional part")
    elif not isinstance(given, int):
        raise ValueError("input should be a valid integer")
    return int(given)


def _plain_digits(given: str) -> None:
    # Python reads the digits of any script.
    if not given.isascii():
        raise ValueError


def _number(given: Any) -> float:
    if isinstance(given, str):
        try:
            _plain_digits(given)
            return float(given)
        except ValueError:
            raise ValueError("input should be a valid number, unable to parse string as a number") from None
    try:
        if isinstance(given, int | float | Decimal):
            return float(given)
    except OverflowError:
        pass
    raise ValueError("input should be a valid number")


def _exact(given: Any) -> Decimal:
    if isinstance(given, bool) or not isinstance(given, int | float | str | Decimal):
        raise ValueError("decimal input should be an integer, float, string or decimal object")
    try:
        made = given if isinstance(given, Decimal) else Decimal(str(given).strip())
    except InvalidOperation:
        raise ValueError("input should be a valid decimal") from None
    if not made.is_finite():
        raise ValueError("input should be a finite number")
    return made


def _text(given: Any) -> str:
    if not isinstance(given, str):
        raise ValueError("input should be a valid string")
    return given


def _day(given: Any) -> date:
    # A day may also be spelled as its midnight, in text or in seconds since 1970.
    for kind in (date, datetime):
        try:
            made = convert(given, kind, strict=False)
        except ValidationError:
            continue
        if not isinstance(made, datetime):
            return made
        if made.time() == time():
            return made.date()
    raise ValueError("input should be a date as 2026-01-28")


def _instant(given: Any) -> datetime:
    try:
        return convert(given, datetime, strict=False)
    except ValidationError:
        pass
    try:
        return datetime.combine(_day(given), time())
    except ValueError:
        raise ValueError("input should be a valid datetime") from None


def _nothing(given: Any) -> None:
    if given is not None:
        raise ValueError("input should be none")


def _anything(given: Any) -> Any:
    return given


SCALARS: Mapping[Any, Callable[[Any], Any]] = {
    Any: _anything,
    object: _anything,
    bool: _switch,
    int: _whole,
    float: _number,
    str: _text,
    Decimal: _exact,
    date: _day,
    datetime: _instant,
    NoneType: _nothing,
}
"""What makes a plain value of what was given, by its type; ValueError says in words what is wished for."""
