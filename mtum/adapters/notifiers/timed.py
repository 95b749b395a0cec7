"""A channel that answers within a time limit of ours, whatever its library and its server do."""

import logging
from concurrent.futures import Future
from contextvars import copy_context
from threading import Thread

from mtum.errors import NotifyError
from mtum.ports.messages import Message, Notifier

log = logging.getLogger(__name__)


class Timed:
    """Hands messages to another channel and stops waiting for it after so many seconds.

    Name look-ups, retries inside a library and servers that send a byte now and then are bounded by
    nothing else. A hand-over that is given up may still succeed: the message is then sent again.
    """

    def __init__(self, channel: Notifier, seconds: float) -> None:
        self.name = channel.name
        self._channel = channel
        self._seconds = seconds

    def send(self, message: Message) -> None:
        """Hand the message over.

        Raises
        ------
        NotifyError
            If the channel did not take it, or not in time.
        """
        result: Future[None] = Future()
        # A daemon thread: one that hangs must not keep the process from ending.
        work = (_send, self._channel, message, result)
        Thread(target=copy_context().run, args=work, name=self.name, daemon=True).start()
        try:
            result.result(self._seconds)
        except TimeoutError as error:
            raise NotifyError(f"no answer within {self._seconds:g} s") from error


def _send(channel: Notifier, message: Message, result: Future[None]) -> None:
    try:
        channel.send(message)
    except NotifyError as error:
        result.set_exception(error)
    except Exception as error:  # a broken channel stops no other and no run
        # Its words may hold an address or a password: they go to the log, which leaves secrets out.
        log.exception("channel_broke")
        result.set_exception(NotifyError(f"an error in the channel ({type(error).__name__}); details in the log"))
    else:
        result.set_result(None)
