"""Trying the channels, and emptying the outbox outside a job."""

from dataclasses import dataclass
from pathlib import Path

from mtum import wiring
from mtum.adapters.clock import SystemClock
from mtum.app.outbox import Flushed
from mtum.config import Settings, current_environment
from mtum.duties.channels import channels_of
from mtum.duties.office import Office
from mtum.errors import NotifyError
from mtum.ports.messages import Message, Notifier, Urgency


@dataclass(frozen=True, slots=True)
class Tried:
    """Each channel with its error, empty when the message was taken; and what left the outbox."""

    channels: tuple[tuple[str, str], ...]
    outbox_sent: int


def tried_channels(settings: Settings, data_dir: Path) -> Tried:
    """Send a test message by every channel, then what waits in the outbox."""
    at = SystemClock().now()
    text = f"This is a test of mtum ({settings.mode}), sent {at:%Y-%m-%d %H:%M:%S} UTC. Nothing needs to be done."
    message = Message(f"test:{at.isoformat()}", Urgency.REPORT, f"mtum test message [{settings.mode.upper()}]", text)
    channels = channels_of(settings, current_environment())
    results = tuple((channel.name, _error(channel, message)) for channel in channels)
    sent = 0
    if (data_dir / wiring.DATABASE_NAME).exists() and not any(error for _, error in results):
        sent = flush(settings, data_dir).sent
    return Tried(results, sent)


def flush(settings: Settings, data_dir: Path) -> Flushed:
    """Send what waits in the outbox."""
    with wiring.opened_store(settings, data_dir) as store:
        return Office(settings, data_dir).outbox(store).flush()


def post_and_flush(settings: Settings, data_dir: Path, message: Message) -> Flushed:
    """Put a message into the outbox and empty it; a key already there is not sent again."""
    with wiring.opened_store(settings, data_dir) as store:
        outbox = Office(settings, data_dir).outbox(store)
        outbox.post(message)
        return outbox.flush()


def _error(channel: Notifier, message: Message) -> str:
    try:
        channel.send(message)
    except NotifyError as error:
        return str(error)
    return ""
