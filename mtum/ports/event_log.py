"""What is only ever added to: the log of everything that was recorded, and what a person wrote down."""

from collections.abc import Sequence
from typing import Protocol

from msgspec import Struct


class EventRow(Struct, frozen=True):
    """Something that was recorded. The columns of `events`; `key` names the row of its kind's table."""

    id: int
    at: str
    session: str | None
    kind: str
    key: str
    sleeve: str | None


class NoteRow(Struct, frozen=True):
    """What a person wrote down of a session. The columns of `notes`."""

    id: int
    session: str
    symbol: str | None
    words: str
    at: str


class EventStore(Protocol):
    """The record of everything that happened, which the store writes by itself."""

    def missing(self) -> Sequence[str]:
        """Return events that are gone, and rows that are gone though an event tells of them, one line each."""

    def unsound_fills(self) -> Sequence[str]:
        """Return fills that are missing though an event or their cash tells of them, or whose cash is another's."""

    def option_strategies(self) -> Sequence[str]:
        """Return the strategies that ever traded options, so that without any nothing of them is loaded."""

    def unsound_options(self) -> Sequence[str]:
        """Return what in the books of options is not what their executions and events make, one line each."""
