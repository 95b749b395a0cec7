"""What is only ever added to: the log of everything that was recorded, and what a person wrote down."""

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


@dataclass(frozen=True, slots=True)
class NoteRow:
    """What a person wrote down of a session. The columns of `notes`."""

    id: int
    session: str
    symbol: str | None
    words: str
    at: str
