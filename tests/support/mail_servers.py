"""Mail servers on loopback: a real one that keeps what it takes, and ones that misbehave."""

import gc
import shutil
import socket
import ssl
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

import pytest

USER, PASSWORD = "owner", "correct horse"


@dataclass
class Inbox:
    """What a server took; `refuse` makes it turn recipients away, `on_mail` is called before it says yes."""

    port: int = 0
    refuse: str = ""
    mails: list[tuple[str, EmailMessage]] = field(default_factory=list)
    on_mail: Callable[[], None] = field(default=lambda: None)

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, options: Any) -> str:  # noqa: N802
        if self.refuse:
            return self.refuse
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:  # noqa: N802
        mail = message_from_bytes(envelope.content, policy=policy.default)
        self.mails.append((envelope.rcpt_tos[0], mail))
        self.on_mail()
        return "250 taken"


def _login(server: Any, session: Any, envelope: Any, mechanism: str, given: Any) -> Any:
    from aiosmtpd.smtp import AuthResult

    right = (given.login, given.password) == (USER.encode(), PASSWORD.encode())
    return AuthResult(success=right, handled=False)


@contextmanager
def mail_server(
    certificate: Path | None = None, *, tls: bool = False, login: bool = False, refuse: str = ""
) -> Iterator[Inbox]:
    """A real SMTP server; with a certificate it offers STARTTLS, or speaks TLS from the start."""
    from aiosmtpd.controller import Controller

    inbox = Inbox(refuse=refuse)
    context = None
    if certificate is not None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(certificate)
    offered: dict[str, Any] = {"ssl_context": context} if tls else {"tls_context": context} if context else {}
    if login:
        offered |= {"authenticator": _login, "auth_required": True, "auth_require_tls": False}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    gc.freeze()  # hundreds of megabytes of what tests before left are not looked through below
    controller = Controller(inbox, hostname="127.0.0.1", port=port, **offered)
    controller.start()
    inbox.port = port
    try:
        yield inbox
    finally:
        controller.stop()
        gc.collect()  # what the server forgot to close is complained of here, inside the test
        gc.unfreeze()


@contextmanager
def rude_server(talk: Callable[[socket.socket, threading.Event], None]) -> Iterator[int]:
    """A server whose every connection is handed to `talk`; yields its port."""
    over = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(0.05)

        def serve() -> None:
            while not over.is_set():
                try:
                    line, _ = listening.accept()
                except TimeoutError:
                    continue
                with line:
                    talk(line, over)

        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield listening.getsockname()[1]
        finally:
            over.set()
            thread.join()


def certificate_for(host: str, folder: Path) -> Path:
    """A certificate and its key in one file, signed by itself."""
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("needs the openssl command to make a certificate")
    key, made = folder / f"{host}.key", folder / f"{host}.crt"
    request = f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN={host} -addext subjectAltName=DNS:{host}"
    command = [openssl, *request.split(), "-keyout", str(key), "-out", str(made)]
    subprocess.run(command, check=True, capture_output=True)
    both = folder / f"{host}.pem"
    both.write_bytes(key.read_bytes() + made.read_bytes())
    return both
