"""A channel whose every message says which mode and account it speaks of."""

from dataclasses import replace

from mtum.ports.messages import Message, Notifier


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
