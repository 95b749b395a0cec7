"""Messages that are stored before they leave: retried, never lost, never sent twice by one channel."""

import logging
from collections.abc import Callable, Collection, Sequence
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ThreadPoolExecutor, wait
from contextlib import AbstractContextManager, nullcontext
from contextvars import copy_context

from msgspec import Struct, field
from msgspec.structs import replace

from mtum.errors import NotifyError, RunLockedError
from mtum.ports.messages import Message, MessageStore, Notifier, Urgency
from mtum.ports.time import Clock

log = logging.getLogger(__name__)

_AT = "@"
_GLANCE_SECONDS = 0.5
"""How often, while a channel is slow, to look for newly posted messages."""
_FIRST = {Urgency.ACT_NOW: 0, Urgency.ORDER_SENT: 1, Urgency.REPORT: 2}


class Flushed(Struct, frozen=True):
    """What one attempt to empty the outbox came to.

    Parameters
    ----------
    failed : tuple of (channel, error)
        Channels that did not take a message; what they did not take stays in the outbox.
    """

    sent: int = 0
    failed: tuple[tuple[str, str], ...] = ()


class Outbox(Struct, frozen=True):
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
        """Store a message for every channel (but `beside`); False if its key was there already.

        Parameters
        ----------
        message : Message
            Something to tell the owner; `key` makes a repeated message the same one.
        run_id : int or None
            Number of the run it belongs to; None for none.
        beside : str or None
            Channel that is left out.
        """
        if self.quiet and message.urgency is Urgency.ORDER_SENT:
            return False
        at = self.clock.now()
        wanted = [channel for channel in self.channels if channel.name != beside]
        new = [
            self.messages.queue_message(replace(message, key=f"{message.key}{_AT}{channel.name}"), at, run_id)
            for channel in wanted
        ]
        return any(new)

    def flush(self) -> Flushed:
        """Send what is stored, urgent first, each channel at its own pace; record each delivery.

        A channel that fails is left alone until the next flush, and the others are told once a day.
        """
        try:
            with self.lock(), ThreadPoolExecutor(max_workers=len(self.channels) or 1) as pool:
                return self._send_all(pool)
        except RunLockedError:
            return Flushed()  # the other process is sending these very messages

    def _send_all(self, pool: Executor) -> Flushed:
        sent, failed = 0, dict[str, str]()
        at_work: dict[str, tuple[int, Future[None]]] = {}
        # Look again until nothing waits: messages posted meanwhile leave too, and a slow channel delays no other.
        while True:
            for name, (note_id, message) in self._waiting({*failed, *at_work}).items():
                # Run in this thread's context, so that log lines of the channel carry this run and session.
                channel = next(channel for channel in self.channels if channel.name == name)
                at_work[name] = (note_id, pool.submit(copy_context().run, channel.send, message))
            if not at_work:
                return Flushed(sent, tuple(failed.items()))
            wait([attempt for _, attempt in at_work.values()], _GLANCE_SECONDS, FIRST_COMPLETED)
            for name in [name for name, (_, attempt) in at_work.items() if attempt.done()]:
                error = self._recorded(name, *at_work.pop(name))
                sent += error is None
                failed |= {} if error is None else {name: error}

    def _waiting(self, skipped: Collection[str]) -> dict[str, tuple[int, Message]]:
        # The most urgent message of each channel, the oldest among equals.
        waiting: dict[str, tuple[int, Message]] = {}
        for note in sorted(self.messages.undelivered(), key=lambda note: (_FIRST[note[1].urgency], note[0])):
            own = (channel.name for channel in self.channels if note[1].key.endswith(_AT + channel.name))
            # A channel that is no longer configured hands its messages to the first that is.
            name = next(own, next((channel.name for channel in self.channels), None))
            if name is not None and name not in skipped:
                waiting.setdefault(name, note)
        return waiting

    def _recorded(self, name: str, note_id: int, attempt: Future[None]) -> str | None:
        try:
            attempt.result()
        except NotifyError as error:
            self.messages.delivered(note_id, self.clock.now(), str(error))
            log.error("message_undelivered", extra={"channel": name, "error": str(error)})
            text = (
                f"Messages to {name} are not delivered: {error}\n"
                "They are kept and tried again. `mtum notify test` tries now."
            )
            key, subject = f"undelivered:{name}:{self.clock.now().date()}", f"ACTION: no messages reach {name}"
            self.post(Message(key, Urgency.ACT_NOW, subject, text), beside=name)
            return str(error)
        self.messages.delivered(note_id, self.clock.now())
        return None
