"""Messages that are stored before they leave: retried, never lost, never sent twice by one channel."""

import logging
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field, replace

from mtum.errors import NotifyError, RunLockedError
from mtum.ports.messages import Message, Notifier, Urgency
from mtum.ports.store import MessageStore
from mtum.ports.time import Clock

log = logging.getLogger(__name__)

_AT = "@"
_FIRST = {Urgency.ACT_NOW: 0, Urgency.ORDER_SENT: 1, Urgency.REPORT: 2}


@dataclass(frozen=True, slots=True)
class Flushed:
    """What one attempt to empty the outbox came to.

    Parameters
    ----------
    failed : tuple of (channel, error)
        Channels that did not take a message; what they did not take stays in the outbox.
    """

    sent: int = 0
    failed: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Outbox:
    """The stored outbox and the channels that empty it.

    Each channel has its own entry of a message, so that a retry for one never repeats it on
    another. `lock` keeps two processes from sending the same entry; it raises RunLockedError
    while another one sends.
    """

    messages: MessageStore
    channels: Sequence[Notifier]
    clock: Clock
    quiet: bool = False
    lock: Callable[[], AbstractContextManager[object]] = field(default=nullcontext)

    def post(self, message: Message, run_id: int | None = None, *, beside: str | None = None) -> bool:
        """Store a message for every channel (but `beside`); False if its key was there already."""
        if self.quiet and message.urgency is Urgency.ORDER_SENT:
            return False
        at = self.clock.now()
        wanted = [channel for channel in self.channels if channel.name != beside]
        new = [
            self.messages.note(replace(message, key=f"{message.key}{_AT}{channel.name}"), at, run_id)
            for channel in wanted
        ]
        return any(new)

    def flush(self) -> Flushed:
        """Send what is stored, urgent first, all channels side by side; record each delivery.

        A channel that fails is left alone until the next flush, and the others are told once a day.
        """
        try:
            with self.lock():
                first = self._send_all()
                if first.failed and self._tell_others(first):
                    again = self._send_all(skipped={name for name, _ in first.failed})
                    return Flushed(first.sent + again.sent, first.failed + again.failed)
                return first
        except RunLockedError:
            return Flushed()  # the other process is sending these very messages

    def _send_all(self, skipped: Collection[str] = ()) -> Flushed:
        sent, failed = 0, dict.fromkeys(skipped, "")
        # What others post meanwhile leaves too: they do not wait for the lock.
        while waiting := self._waiting(failed):
            found = self._send_round(waiting)
            sent += found.sent
            failed |= dict(found.failed)
        return Flushed(sent, tuple(one for one in failed.items() if one[0] not in skipped))

    def _waiting(self, skipped: Collection[str]) -> dict[str, list[tuple[int, Message]]]:
        waiting: dict[str, list[tuple[int, Message]]] = {}
        for note_id, message in self.messages.undelivered():
            channel = self._channel_of(message.key)
            if channel is not None and channel.name not in skipped:
                waiting.setdefault(channel.name, []).append((note_id, message))
        return waiting

    def _send_round(self, waiting: dict[str, list[tuple[int, Message]]]) -> Flushed:
        by_name = {channel.name: channel for channel in self.channels}
        with ThreadPoolExecutor(max_workers=len(waiting)) as pool:
            tried = {name: pool.submit(_send_in_turn, by_name[name], notes) for name, notes in waiting.items()}
        return self._record({name: attempt.result() for name, attempt in tried.items()})

    def _record(self, tried: dict[str, tuple[list[int], tuple[int, str] | None]]) -> Flushed:
        failed = []
        for name, (taken, refused) in tried.items():
            for note_id in taken:
                self.messages.delivered(note_id, self.clock.now())
            if refused is not None:
                note_id, error = refused
                self.messages.delivered(note_id, self.clock.now(), error)
                failed.append((name, error))
                log.error("message_undelivered", extra={"channel": name, "error": error})
        return Flushed(sum(len(taken) for taken, _ in tried.values()), tuple(failed))

    def _channel_of(self, key: str) -> Notifier | None:
        # A channel that is no longer configured hands its messages to the first that is.
        own = next((channel for channel in self.channels if key.endswith(_AT + channel.name)), None)
        return own or next(iter(self.channels), None)

    def _tell_others(self, flushed: Flushed) -> bool:
        day = self.clock.now().date().isoformat()
        told = [self.post(_alarm(name, error, day), beside=name) for name, error in flushed.failed]
        return any(told)


def _alarm(name: str, error: str, day: str) -> Message:
    text = (
        f"Messages to {name} are not delivered: {error}\nThey are kept and tried again. `mtum notify test` tries now."
    )
    return Message(f"undelivered:{name}:{day}", Urgency.ACT_NOW, f"ACTION: no messages reach {name}", text)


def _send_in_turn(channel: Notifier, notes: Sequence[tuple[int, Message]]) -> tuple[list[int], tuple[int, str] | None]:
    taken: list[int] = []
    for note_id, message in sorted(notes, key=lambda note: (_FIRST[note[1].urgency], note[0])):
        try:
            channel.send(message)
        except NotifyError as error:
            return taken, (note_id, str(error))
        taken.append(note_id)
    return taken, None
