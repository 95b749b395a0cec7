"""Every message to and from the broker, one JSON line each: what really happened, for a person and for tests."""

import json
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import date, datetime
from math import isfinite
from pathlib import Path
from typing import Any, Protocol, TextIO

from mtum.errors import StoreError

FOLDER = "wire"
MANY = frozenset(
    {
        "accountSummary", "accountUpdateMulti", "historicalData", "priceSizeTick",
        "securityDefinitionOptionParameter", "tickGeneric", "tickOptionComputation", "tickReqParams", "tickSize",
        "tickString", "updateAccountTime", "updateAccountValue", "updatePortfolio",
    }
)  # fmt: skip
"""Messages that come by the dozen and only fill an answer; the end of the answer is recorded."""
_SHOWN = (
    "conId", "symbol", "primaryExchange", "orderId", "permId", "clientId", "orderRef", "action", "side", "orderType",
    "tif", "totalQuantity", "account", "acctNumber", "status", "filledQuantity", "execId", "shares", "price", "time",
    "commission", "currency",
)  # fmt: skip


class WireRecord(Protocol):
    """Told of every message: `way` is "sending" (before), "sent" (after) or "heard"."""

    def note(self, way: str, name: str, fields: tuple[Any, ...]) -> None:
        """Record one message.

        Parameters
        ----------
        way : str
            sent or received.
        name : str
            Name of the message.
        fields : tuple of any
            The message's fields.
        """
        ...

    def close(self) -> None:
        """Let go of what is held open; a later message opens it again."""
        ...


class WireFile:
    """Appends messages to `wire/<date>.jsonl` below the data folder.

    Parameters
    ----------
    now : callable
        The program's clock.
    keep : int
        Files kept, one a day; when a new one begins the oldest go.
    """

    def __init__(self, data_dir: Path, now: Callable[[], datetime], keep: int = 250) -> None:
        self._folder = data_dir / FOLDER
        self._now = now
        self._keep = keep
        self._file: TextIO | None = None
        self._path: Path | None = None

    def note(self, way: str, name: str, fields: tuple[Any, ...]) -> None:
        """Append one line; "sent" only, not the moment before it.

        Parameters
        ----------
        way : str
            sent or received.
        name : str
            Name of the message.
        fields : tuple of any
            The message's fields.

        Raises
        ------
        StoreError
            If it cannot be written.
        """
        if way == "sending" or name in MANY:
            return
        at = self._now()
        path = self._folder / f"{at:%Y-%m-%d}.jsonl"
        line = {
            "at": at.isoformat(timespec="milliseconds"),
            "way": way,
            "name": name,
            "fields": [_plain(f) for f in fields],
        }
        try:
            file = self._file if self._file is not None and path == self._path else self._begun(path)
            file.write(json.dumps(line, allow_nan=False) + "\n")
            file.flush()
        except OSError as error:
            raise StoreError(f"the journal {path} cannot be written: {error.strerror}") from error

    def close(self) -> None:
        """Close the file; the next message opens it again."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def _begun(self, path: Path) -> TextIO:
        self.close()
        self._folder.mkdir(parents=True, exist_ok=True)
        if not path.exists():
            self._let_go()
        self._file, self._path = path.open("a", encoding="utf-8"), path
        return self._file

    def _let_go(self) -> None:
        # By when they were last written: a practice gateway's days lie years back.
        files = sorted(self._folder.glob("*.jsonl"), key=lambda one: one.stat().st_mtime, reverse=True)
        for old in files[self._keep - 1 :]:
            with suppress(OSError):
                old.unlink()


class Unrecorded:
    """Keeps nothing: for a connection that only looks, beside the one whose messages are the record."""

    def note(self, way: str, name: str, fields: tuple[Any, ...]) -> None:
        """Let a message pass.

        Parameters
        ----------
        way : str
            sent or received.
        name : str
            Name of the message.
        fields : tuple of any
            The message's fields.
        """

    def close(self) -> None:
        """Nothing is held open."""


def codes_in(data_dir: Path, day: date) -> tuple[str, ...]:
    """Return every code heard that day with its text and how often, in the order of the codes."""
    path = data_dir / FOLDER / f"{day:%Y-%m-%d}.jsonl"
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    heard = [entry["fields"] for entry in map(json.loads, lines) if entry["name"] == "error"]
    counts = Counter((int(fields[1]), str(fields[2])) for fields in heard)
    return tuple(f"{code} ({count}): {text}" for (code, text), count in sorted(counts.items()))


def _plain(field: Any) -> Any:
    if isinstance(field, float) and not isfinite(field):
        return str(field)  # the broker's words for "none", which JSON does not know
    if field is None or isinstance(field, str | int | float | bool):
        return field
    shown = {name: getattr(field, name) for name in _SHOWN if getattr(field, name, "") not in ("", 0, None)}
    return {
        name: _plain(found) if isinstance(found, str | int | float) else str(found) for name, found in shown.items()
    }
