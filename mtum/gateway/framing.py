"""How fields travel: length-prefixed frames of zero-ended text."""

import asyncio
import math
from collections.abc import Iterable, Mapping
from decimal import Decimal

from msgspec import Struct

type Field = str | int | float | bool | Decimal | None

MAX_FRAME_BYTES = 1 << 24


class WireError(Exception):
    """A client's bytes do not follow the protocol; the message says where."""


class Message(Struct, frozen=True):
    """One message to a client: its name (for faults and journal) and its fields, id first."""

    name: str
    fields: tuple[str, ...]

    @property
    def frame(self) -> bytes:
        """The bytes to send: length and zero-ended fields."""
        return framed("".join(f"{field}\0" for field in self.fields).encode())


def message(name: str, *fields: Field) -> Message:
    """Build a message; the first field is the message id."""
    return Message(name, tuple(text_of(field) for field in fields))


def text_of(field: Field) -> str:
    """Text of one field: flags 1/0, plain decimals, None empty."""
    if field is None:
        return ""
    if isinstance(field, bool):
        return "1" if field else "0"
    if isinstance(field, Decimal):
        return format(field.normalize(), "f")
    if isinstance(field, float):
        return "Infinite" if math.isinf(field) else repr(field)
    return str(field)


def framed(body: bytes) -> bytes:
    """Four bytes of length, then the body."""
    return len(body).to_bytes(4, "big") + body


async def read_frame(reader: asyncio.StreamReader) -> bytes:
    """Read one frame's body.

    Raises
    ------
    WireError
        If the length is absurd.
    asyncio.IncompleteReadError
        If the client is gone.
    """
    length = int.from_bytes(await reader.readexactly(4), "big")
    if length > MAX_FRAME_BYTES:
        raise WireError(f"frame of {length} bytes")
    return await reader.readexactly(length)


def split_fields(body: bytes) -> list[str]:
    """Texts of a frame's fields."""
    return body.decode(errors="backslashreplace").split("\0")[:-1]


class Cursor:
    """Takes the fields of one message in order."""

    def __init__(self, fields: Iterable[str]) -> None:
        self._fields = list(fields)
        self._at = 0

    def take(self) -> str:
        """Return the next field.

        Raises
        ------
        WireError
            If there is none.
        """
        if self._at >= len(self._fields):
            raise WireError(f"message ends after {len(self._fields)} fields")
        self._at += 1
        return self._fields[self._at - 1]

    def whole(self) -> int:
        """Return the next field as an int; empty is 0."""
        field = self.take()
        try:
            return int(field or 0)
        except ValueError as wrong:
            raise WireError(f"field {self._at} is {field!r}, a whole number was expected") from wrong

    def named(self, *names: str) -> dict[str, str]:
        """Return the next fields under these names."""
        return {name: self.take() for name in names}

    @property
    def left(self) -> int:
        """How many fields have not been taken."""
        return len(self._fields) - self._at


def laid_out(layout: str, version: int, values: Mapping[str, Field]) -> list[Field]:
    """Put values in the order of a layout.

    Parameters
    ----------
    layout : str
        Field names, separated by blanks; `name@160` from server version 160, `name@<177` below 177.
    version : int
        Version of the protocol that the client speaks.
    values : mapping
        Missing names become empty fields.
    """
    return [values.get(name) for name in names_at(layout, version)]


def names_at(layout: str, version: int) -> list[str]:
    """Field names of a layout that exist at a server version."""
    names = []
    for token in layout.split():
        name, _, gate = token.partition("@")
        if not gate:
            present = True
        elif gate.startswith("<"):
            present = version < int(gate[1:])
        else:
            present = version >= int(gate)
        if present:
            names.append(name)
    return names
