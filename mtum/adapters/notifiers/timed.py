"""A channel that answers within a time limit of ours, whatever its library and its server do."""

import logging

from mtum.adapters.clock import within
from mtum.errors import NotifyError
from mtum.ports.messages import Message, Notifier

log = logging.getLogger(__name__)


class Timed:
    """Hands messages to another channel and stops waiting for it after so many seconds.

    A hand-over that is given up may still succeed: the message is then sent again.
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
        try:
            within(self._seconds, self.name, lambda: _send(self._channel, message))
        except TimeoutError as error:
            raise NotifyError(f"no answer within {self._seconds:g} s") from error


def _send(channel: Notifier, message: Message) -> None:
    try:
        channel.send(message)
    except NotifyError:
        raise
    except Exception as error:  # a broken channel stops no other and no run
        # Its words may hold an address or a password: they go to the log, which leaves secrets out.
        log.exception("channel_broke")
        raise NotifyError(f"an error in the channel ({type(error).__name__}); details in the log") from None
