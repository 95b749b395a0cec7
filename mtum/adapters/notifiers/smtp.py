"""Handing a composed mail to an SMTP server, within a time limit and over a checked connection."""

import smtplib
import socket
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Literal

from mtum.adapters.clock import within
from mtum.errors import NotifyError

_OURSELVES = "[127.0.0.1]"
"""Said in the greeting; asking the resolver for our own name may take longer than the mail."""
_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@dataclass(frozen=True, slots=True)
class SmtpServer:
    """Where mail is handed over.

    Parameters
    ----------
    security : {"starttls", "tls", "none"}
        Encryption; certificates are always checked. "none" with a login is refused except on
        this machine.
    timeout_seconds : float
        Longest time for the whole conversation, not for each answer.
    """

    host: str
    port: int
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: str | None = field(default=None, repr=False)
    timeout_seconds: float = 20.0

    @property
    def place(self) -> str:
        """Host and port as a person writes them."""
        return f"{self.host}:{self.port}"


def deliver(server: SmtpServer, mail: EmailMessage, recipient: str) -> None:
    """Hand one mail to the server for one recipient.

    One recipient per conversation: a refusal of one never repeats the mail to another.

    Parameters
    ----------
    server : SmtpServer
        Where mail is handed over.
    mail : EmailMessage
        The mail.
    recipient : str
        Address it goes to.

    Raises
    ------
    NotifyError
        Naming server and reason, never the password, if the server did not take it.
    """
    with _told_plainly(server, recipient):
        _converse(server, lambda connection: connection.send_message(mail, to_addrs=[recipient]))


def greet(server: SmtpServer) -> None:
    """Connect, encrypt, log in and leave, without sending anything.

    Raises
    ------
    NotifyError
        If a mail could not be handed over now.
    """
    with _told_plainly(server, ""):
        _converse(server, lambda connection: connection.noop())


@contextmanager
def _told_plainly(server: SmtpServer, recipient: str) -> Iterator[None]:
    try:
        yield
    except smtplib.SMTPAuthenticationError as error:
        raise NotifyError(
            f"mail server {server.place} refused the login of {server.user}: {_words(error.smtp_error)}; "
            "check MTUM_MAIL__PASSWORD (some providers want an app password)"
        ) from error
    except smtplib.SMTPRecipientsRefused as error:
        code, text = next(iter(error.recipients.values()))
        raise NotifyError(f"mail server {server.place} refused {recipient}: {code} {_words(text)}") from error
    except UnicodeEncodeError:
        # The error's own text would show letters of the password.
        raise NotifyError(
            f"mail server {server.place}: the login of {server.user} has letters beyond ASCII, which cannot be sent; "
            "set another password (mail.user, MTUM_MAIL__PASSWORD)"
        ) from None
    except ssl.SSLError as error:
        raise NotifyError(f"mail server {server.place}: no trusted encryption: {error.reason or error}") from error
    except (smtplib.SMTPException, OSError) as error:
        raise NotifyError(f"mail server {server.place}: {_reason(error, server)}") from error


def _converse(server: SmtpServer, say: Callable[[smtplib.SMTP], object]) -> None:
    if server.user and server.security == "none" and server.host not in _LOOPBACK:
        raise NotifyError(f'mail server {server.place}: no login over an open line; set mail.security = "starttls"')
    held: list[socket.socket] = []

    def conversation() -> None:
        connection = smtplib.SMTP(local_hostname=_OURSELVES, timeout=server.timeout_seconds)
        try:
            _open(connection, server, held)
            if server.user:
                connection.login(server.user, server.password or "")
            say(connection)
            with suppress(smtplib.SMTPException, OSError):
                connection.quit()  # the mail is taken; a rude goodbye changes nothing
        finally:
            connection.close()  # its reader holds the line open beyond the line's own close
            for line in held:
                line.close()

    try:
        # The whole conversation: a server that drips a byte a second resets socket timeouts for ever.
        within(server.timeout_seconds, "smtp", conversation)
    except TimeoutError:
        for line in held:
            with suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
        raise


def _open(connection: smtplib.SMTP, server: SmtpServer, held: list[socket.socket]) -> None:
    connection._host = server.host  # type: ignore[attr-defined]  # the name TLS checks; not set without connecting
    line = socket.create_connection((server.host, server.port), timeout=server.timeout_seconds)
    held.append(line)
    if server.security == "tls":
        line = ssl.create_default_context().wrap_socket(line, server_hostname=server.host)
        held.append(line)
    connection.sock = line
    code, text = connection.getreply()
    if code != 220:
        raise smtplib.SMTPConnectError(code, text)
    if server.security == "starttls":
        connection.starttls(context=ssl.create_default_context())
        held.append(connection.sock)


def _words(text: bytes | str) -> str:
    return text.decode("utf-8", "replace") if isinstance(text, bytes) else text


def _reason(error: Exception, server: SmtpServer) -> str:
    if isinstance(error, TimeoutError | smtplib.SMTPServerDisconnected):
        return f"no complete answer within {server.timeout_seconds:g} s, or the line was cut"
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_words(error.smtp_error)}"
    return (error.strerror if isinstance(error, OSError) else None) or str(error)
