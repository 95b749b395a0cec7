"""What a person gives in commands, rules and switches: objects with the keys they need, numbers within bounds.

Every reader raises ValueError, with what was found and what was expected, for a value that is missing, of
the wrong kind or out of bounds.
"""

import json
import math
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import Any

MOST_USD = Decimal(10) ** 12
MOST_SPEED = 1e6
LONGEST_SECONDS = 3600.0

type Order = Mapping[str, Any]
type Reader = Callable[[Order, str], object]


def command_in(line: bytes) -> tuple[str, dict[str, Any]]:
    """Return a command's name and the rest of it."""
    try:
        found = json.loads(line)
    except ValueError as wrong:
        raise ValueError(f'a command is a JSON object such as {{"do": "state"}}: {wrong}') from wrong
    if not isinstance(found, dict) or not isinstance(found.get("do"), str):
        raise ValueError('a command is a JSON object with a "do", such as {"do": "state"}')
    name = str(found.pop("do"))
    return name, found


def number_in(order: Order, name: str, low: float, high: float, default: float | None = None) -> float:
    """Return a number between two bounds."""
    told = _told(order, name, default)
    try:
        found = float(told)
    except (TypeError, ValueError) as wrong:
        raise ValueError(f"{name} is {told!r}, a number was expected") from wrong
    if not math.isfinite(found) or not low <= found <= high:
        raise ValueError(f"{name} is {told!r}; it must be from {low:g} to {high:g}")
    return found


def whole_in(order: Order, name: str, low: int = -1, high: int = 2**31 - 1, default: int | None = None) -> int:
    """Return a whole number between two bounds."""
    found = number_in(order, name, low, high, default)
    if found != int(found):
        raise ValueError(f"{name} is {found:g}, a whole number was expected")
    return int(found)


def switch_in(order: Order, name: str) -> bool:
    """Return true or false."""
    found = _told(order, name, None)
    if not isinstance(found, bool):
        raise ValueError(f"{name} is {found!r}, true or false was expected")
    return found


def amount_in(order: Order, name: str, default: Decimal | None = None) -> Decimal:
    """Return an amount of money or shares as an exact number, no larger than any account."""
    told = _told(order, name, default)
    try:
        found = Decimal(str(told))
    except InvalidOperation as wrong:
        raise ValueError(f"{name} is {told!r}, a number was expected") from wrong
    if not found.is_finite() or abs(found) > MOST_USD:
        raise ValueError(f"{name} is {told!r}; it must be a number up to {MOST_USD:,}")
    return found


def text_in(order: Order, name: str) -> str:
    """Return a text."""
    told = _told(order, name, None)
    if not isinstance(told, str):
        raise ValueError(f"{name} is {told!r}, a text was expected")
    return told


def texts_in(order: Order, name: str) -> dict[str, str]:
    """Return texts by the name of a field."""
    found = _told(order, name, None)
    if not isinstance(found, dict) or not all(isinstance(text, str) for text in found.values()):
        raise ValueError(f'{name} is {found!r}, texts by field were expected, such as {{"2": "VIX"}}')
    return {str(place): text for place, text in found.items()}


def names_in(order: Order, name: str) -> tuple[str, ...]:
    """Return a list of names."""
    found = _told(order, name, None)
    if not isinstance(found, list):
        raise ValueError(f"{name} is {found!r}, a list was expected")
    return tuple(str(item) for item in found)


_READERS: Mapping[type, Reader] = {
    bool: switch_in,
    int: whole_in,
    float: lambda order, name: number_in(order, name, 0.0, LONGEST_SECONDS),
    str: text_in,
    Decimal: amount_in,
    tuple: names_in,
    dict: texts_in,
}


def fields_in(order: Order, plain: object, special: Mapping[str, Reader]) -> dict[str, Any]:
    """Return everything that is given, each read as the field of that name in `plain` is kept.

    Parameters
    ----------
    special : mapping of str to Reader
        Fields with bounds of their own.
    """
    return {name: special.get(name, _reader(type(getattr(plain, name))))(order, name) for name in order}


def _reader(kind: type) -> Reader:
    def choice_in(order: Order, name: str) -> object:
        try:
            made: object = kind(order[name])
        except (TypeError, ValueError) as wrong:
            raise ValueError(f"{name} cannot be {order[name]!r}") from wrong
        return made

    return _READERS.get(kind, choice_in)


def _told(order: Order, name: str, default: object) -> Any:
    found = order.get(name, default)
    if found is None:
        raise ValueError(f"{name} is missing")
    return found
