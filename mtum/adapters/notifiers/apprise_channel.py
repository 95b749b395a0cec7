"""Messages through any service the apprise library knows: SMS, Telegram, ntfy, Slack, webhooks."""

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from mtum.errors import NotifyError
from mtum.ports.messages import Message, Urgency

if TYPE_CHECKING:
    from apprise import Apprise

SHORT = 300
"""Characters of a report on such a channel; urgent messages go out whole."""


class AppriseChannel:
    """One service address; needs the optional dependency group ``notify``.

    Parameters
    ----------
    url : str
        Address as apprise writes it, for instance ``ntfy://topic``; a secret, never shown.
    number : int
        Which of several addresses of that service; each has its own entry of a message.
    """

    def __init__(self, url: str, number: int = 1) -> None:
        self._url = url
        self.name = f"notify:{service(url)}" + (f"-{number}" if number > 1 else "")

    def send(self, message: Message) -> None:
        """Hand the message over.

        Raises
        ------
        NotifyError
            If the library is missing, the address is not understood, or the service refused.
        """
        sender = self.prepared()
        from apprise import NotifyType

        kind = NotifyType.INFO if message.urgency is Urgency.REPORT else NotifyType.WARNING
        if not sender.notify(title=message.subject, body=short(message), notify_type=kind):
            raise NotifyError("the service did not take the message")

    def prepared(self) -> "Apprise":
        """Return the library's sender for the address; nothing is sent.

        Raises
        ------
        NotifyError
            If the library is missing, or does not understand the address.
        """
        try:
            import apprise
        except ImportError as error:
            raise NotifyError("needs the package apprise (dependency group notify)") from error
        sender = apprise.Apprise()
        if not sender.add(self._url):
            raise NotifyError("the address in MTUM_NOTIFY__URLS is not understood")
        return sender


def channels_named(text: str | None) -> Sequence[AppriseChannel]:
    """Return a channel for each address in the secret ``notify.urls``, none where there is no such secret."""
    urls = addresses(text)
    return tuple(AppriseChannel(url, _count(urls[: at + 1], url)) for at, url in enumerate(urls))


def _count(urls: Sequence[str], url: str) -> int:
    return sum(service(other) == service(url) for other in urls)


def short(message: Message) -> str:
    """Return the text that fits a telephone: urgent ones whole, reports cut at a line."""
    if message.urgency is not Urgency.REPORT or len(message.text) <= SHORT:
        return message.text
    kept = message.text[:SHORT].rpartition("\n")[0]
    return kept or message.text[:SHORT]


def service(url: str) -> str:
    """Return the service's name of an address, without anything secret."""
    return re.sub(r"[^a-z0-9+]", "", url.partition("://")[0].lower()) or "unknown"


def addresses(text: str | None) -> Sequence[str]:
    """Return the addresses in the secret ``notify.urls``: separated by spaces, commas or new lines."""
    # A comma may be part of an address: only one before the next "name://" separates.
    return tuple(part for part in re.split(r"\s+|,\s*(?=[a-z0-9+]+://)", text.strip()) if part) if text else ()
