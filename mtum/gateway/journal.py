"""The gateway's journal: one JSON line for every message, order, outcome and fault.

It is the final judge of what reached the broker. Kinds: `request`, `answer`, `lost` (an answer that
was not sent), `order` (a placeOrder was received), `accepted`, `rejected`, `canceled`,
`cancel_refused`, `filled`, `ended`, `fault`, `login`, `gone`, `malformed`, `restart`, `back`.
"""

import json
from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

type Entry = str | int | float | bool | Decimal | None


class Journal:
    """Writes entries, numbered from 1, through the given line writer."""

    def __init__(self, write: Callable[[str], None], now: Callable[[], datetime]) -> None:
        self._write = write
        self._now = now
        self._count = 0

    def record(self, kind: str, **entry: Entry) -> None:
        """Write one entry with its number and the market's instant."""
        self._count += 1
        plain = {key: str(value) if isinstance(value, Decimal) else value for key, value in entry.items()}
        line = {"n": self._count, "at": self._now().isoformat(), "kind": kind, **plain}
        self._write(json.dumps(line, allow_nan=False))
