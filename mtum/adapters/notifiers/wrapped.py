"""What every channel is wrapped in: each message says its mode and account, and no channel holds up a run."""

import logging

from msgspec.structs import replace

from mtum.adapters.clock import within
from mtum.errors import NotifyError
from mtum.ports.messages import Message, Notifier

log = logging.getLogger(__name__)


class Stamped:
    """Hands messages on with the mode in their subject and the account in their text, where they lack them.

    Parameters
    ----------
    channel : Notifier
        Takes the messages.
    mode : str
        "practice", "paper" or "live".
    account : str
        Account the settings name.
    """

    def __init__(self, channel: Notifier, mode: str, account: str) -> None:
        self.name = channel.name
        self._channel = channel
        self._mode = mode
        self._account = account

    def send(self, message: Message) -> None:
        """Hand the message on.

        Raises
        ------
        NotifyError
            If the channel did not take it.
        """
        tag = f"[{self._mode.upper()}]"
        subject = message.subject if tag in message.subject else f"{message.subject} {tag}"
        text = message.text
        if self._account not in text:
            text = f"{text.rstrip()}\n\nMode {self._mode}, account {self._account}.\n"
        self._channel.send(replace(message, subject=subject, text=text))


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
