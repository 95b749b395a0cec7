"""Messages to the owner and the channels they leave by."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from enum import Enum
from typing import Protocol

from msgspec import Struct, field


class Urgency(Enum):
    """How a message leaves: at once, soon, or with the report."""

    ACT_NOW = "act_now"
    ORDER_SENT = "order_sent"
    REPORT = "report"


class Message(Struct, frozen=True):
    """Something to tell the owner; `key` makes a repeated message the same one.

    Parameters
    ----------
    at : datetime, optional
        Aware UTC instant it was written at; the outbox knows it, a message sent directly brings it along.
    """

    key: str
    urgency: Urgency
    subject: str
    text: str
    html: str | None = None
    images: Mapping[str, bytes] = field(default_factory=dict)
    at: datetime | None = None


class Notifier(Protocol):
    """A channel to the owner."""

    name: str

    def send(self, message: Message) -> None:
        """Deliver the message.

        Raises
        ------
        NotifyError
            If it could not be delivered.
        """
        ...


class DeadMan(Protocol):
    """Told of the beginning and the end of a run; never raises and never changes an outcome."""

    def started(self, run: str) -> bool:
        """Tell that a run began; whether the service heard it."""
        ...

    def ended(self, run: str, exit_code: int, text: str) -> bool:
        """Tell how a run ended, with a short summary; whether the service heard it.

        Parameters
        ----------
        run : str
            Which run.
        exit_code : int
            Exit code that the run ended with.
        text : str
            A short summary.
        """
        ...


class MessageStore(Protocol):
    """The outbox of messages to the owner."""

    def queue_message(self, message: Message, at: datetime, run_id: int | None) -> bool:
        """Put a message into the outbox; False if its key is already there.

        Parameters
        ----------
        message : Message
            Something to tell the owner; `key` makes a repeated message the same one.
        at : datetime
            Instant that is recorded, UTC.
        run_id : int or None
            Number of the run it belongs to; None for none.
        """
        ...

    def undelivered(self) -> Sequence[tuple[int, Message]]:
        """Return outbox messages not delivered yet, with their ids."""
        ...

    def delivered(self, note_id: int, at: datetime, error: str | None = None) -> None:
        """Record a delivery, or a failed try with its error.

        Parameters
        ----------
        note_id : int
            Number of the message in the outbox.
        at : datetime
            Instant that is recorded, UTC.
        error : str or None
            Why the try failed; None for a delivery.
        """
        ...

    def deliveries(self, prefix: str) -> Mapping[str, datetime | None]:
        """Return when each message whose key begins so was delivered, None for not yet."""
        ...
