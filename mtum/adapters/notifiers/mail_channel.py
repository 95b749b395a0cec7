"""Mail as a channel: one recipient, composed from a message, handed to the SMTP server."""

import re
from email.message import EmailMessage
from email.utils import format_datetime, formatdate
from hashlib import sha256

from mtum.adapters.notifiers.smtp import SmtpServer, deliver
from mtum.ports.messages import Message, Urgency

_SESSION = re.compile(r"\d{4}-\d{2}-\d{2}")


class MailChannel:
    """Sends every message to one address."""

    def __init__(self, server: SmtpServer, sender: str, recipient: str) -> None:
        self.name = f"mail:{recipient}"
        self._server = server
        self._sender = sender
        self._recipient = recipient

    def send(self, message: Message) -> None:
        """Compose and deliver.

        Raises
        ------
        NotifyError
            If the server did not take the mail.
        """
        deliver(self._server, composed(message, self._sender, self._recipient), self._recipient)


def composed(message: Message, sender: str, recipient: str) -> EmailMessage:
    """Return the mail of a message: plain text complete on its own, HTML with inline images beside it.

    The same message has the same Message-ID, so that a mail sent twice because its acknowledgement
    was lost is shown once by readers that look at it. Mails of one session refer to one parent that
    is never sent, so that readers show them as one conversation.

    Parameters
    ----------
    message : Message
        Something to tell the owner; `key` makes a repeated message the same one.
    sender : str
        Address it comes from.
    recipient : str
        Address it goes to.
    """
    mail = EmailMessage()
    mail["Subject"] = " ".join(message.subject.split())
    mail["From"], mail["To"] = sender, recipient
    # When it was written, not when a server took it at last.
    mail["Date"] = format_datetime(message.at) if message.at else formatdate()
    digest = sha256(f"{message.key}\x1f{recipient}".encode()).hexdigest()[:32]
    mail["Message-ID"] = f"<{digest}@{_domain(sender)}>"
    session = _SESSION.search(message.key)
    if session is not None:
        mail["In-Reply-To"] = mail["References"] = f"<session-{session[0]}@{_domain(sender)}>"
    mail["List-Id"] = f"mtum <mtum.{_domain(sender)}>"
    mail["X-MTUM-Run-Id"] = message.key
    mail["Auto-Submitted"] = "auto-generated"
    mail["X-Auto-Response-Suppress"] = "All"
    if message.urgency is Urgency.ACT_NOW:
        mail["X-Priority"] = "1"
    mail.set_content(message.text)
    if message.html is None:
        return mail
    mail.add_alternative(message.html, subtype="html")
    page = mail.get_payload()[-1]  # type: ignore[index]  # a multipart's payload is its parts
    assert isinstance(page, EmailMessage)
    for name, image in message.images.items():
        page.add_related(image, "image", "png", cid=f"<{name}>", filename=f"{name}.png", disposition="inline")
    return mail


def _domain(sender: str) -> str:
    return sender.rpartition("@")[2].strip("> ") or "mtum.invalid"
