"""The log of events: everything that was recorded, in its order."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class EventRow:
    """Something that was recorded. The columns of `events`; `key` names the row of its kind's table."""

    id: int
    at: str
    session: str | None
    kind: str
    key: str
    sleeve: str | None
