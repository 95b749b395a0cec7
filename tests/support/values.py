"""Values with other fields, whichever kind of class they are of."""

import dataclasses
from typing import Any

from msgspec import Struct, structs


def replace[T](value: T, **changes: Any) -> T:
    """Return a struct, or a strategy or another dataclass, with other values of some fields."""
    if isinstance(value, Struct):
        return structs.replace(value, **changes)
    other: Any = value
    changed: T = dataclasses.replace(other, **changes)
    return changed
