import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from email.message import EmailMessage
from pathlib import Path

import pytest

from mtum.adapters.notifiers.smtp import SmtpServer, deliver
from mtum.errors import NotifyError
from support.mail_servers import PASSWORD, USER, certificate_for, mail_server, rude_server
from support.ports import closed_port

# The test server forgets its own half of a line that turned to TLS or broke, and takes logins without TLS.
pytestmark = pytest.mark.filterwarnings(
    "ignore:Requiring AUTH:UserWarning",
    "ignore:unclosed:ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)

OWNER = "owner@example.org"


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return certificate_for("localhost", tmp_path_factory.mktemp("tls"))


def mail() -> EmailMessage:
    made = EmailMessage()
    made["Subject"], made["From"], made["To"] = "day \N{MINUS SIGN}0.60 %", "mtum@example.org", OWNER
    made["Message-ID"] = "<one@mtum>"
    made.set_content("Held 24 shares.")
    return made


def plain(port: int, **changes: object) -> SmtpServer:
    fields = {"host": "127.0.0.1", "port": port, "security": "none", "timeout_seconds": 5.0, **changes}
    return SmtpServer(**fields)  # type: ignore[arg-type]  # a test's short cut


def test_a_mail_arrives_with_its_subject_and_its_id() -> None:
    with mail_server() as inbox:
        deliver(plain(inbox.port), mail(), OWNER)
    (recipient, taken) = inbox.mails[0]
    assert recipient == OWNER
    assert taken["Subject"] == "day \N{MINUS SIGN}0.60 %"
    assert taken["Message-ID"] == "<one@mtum>"
    assert len(inbox.mails) == 1


def test_only_the_named_recipient_gets_the_mail() -> None:
    made = mail()
    del made["To"]
    made["To"] = "a@example.org, b@example.org"
    with mail_server() as inbox:
        deliver(plain(inbox.port), made, "b@example.org")
    assert [recipient for recipient, _ in inbox.mails] == ["b@example.org"]


def test_a_login_over_starttls_with_a_trusted_certificate(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mail_server(certificate, login=True) as inbox:
        deliver(SmtpServer("localhost", inbox.port, "starttls", USER, PASSWORD, 5), mail(), OWNER)
    assert len(inbox.mails) == 1


def test_tls_from_the_start(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mail_server(certificate, tls=True) as inbox:
        deliver(SmtpServer("localhost", inbox.port, "tls", "", None, 5), mail(), OWNER)
    assert len(inbox.mails) == 1


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_certificate_nobody_vouches_for_is_refused_before_the_password_is_told(
    certificate: Path, security: str
) -> None:
    with mail_server(certificate, tls=security == "tls", login=True) as inbox:
        server = SmtpServer("localhost", inbox.port, security, USER, PASSWORD, 5)  # type: ignore[arg-type]
        with pytest.raises(NotifyError, match="no trusted encryption"):
            deliver(server, mail(), OWNER)
    assert inbox.mails == []


def test_a_certificate_of_another_host_is_refused(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    with mail_server(certificate, tls=True) as inbox, pytest.raises(NotifyError, match="no trusted encryption"):
        deliver(SmtpServer("127.0.0.1", inbox.port, "tls", "", None, 5), mail(), OWNER)
    assert inbox.mails == []


def test_a_server_that_offers_no_encryption_gets_nothing() -> None:
    with mail_server() as inbox, pytest.raises(NotifyError, match="STARTTLS"):
        deliver(SmtpServer("127.0.0.1", inbox.port, "starttls", "", None, 5), mail(), OWNER)
    assert inbox.mails == []


def test_a_password_never_goes_over_an_open_line_to_another_machine() -> None:
    with pytest.raises(NotifyError, match="no login over an open line"):
        deliver(SmtpServer("mail.example.org", 25, "none", USER, PASSWORD, 5), mail(), OWNER)


def test_a_wrong_password_is_told_without_being_shown() -> None:
    with mail_server(login=True) as inbox, pytest.raises(NotifyError) as caught:
        deliver(plain(inbox.port, user=USER, password="wrong secret"), mail(), OWNER)
    assert "refused the login of owner" in str(caught.value)
    assert "wrong secret" not in str(caught.value)


def test_a_password_beyond_ascii_is_undelivered_mail_and_shows_none_of_its_letters() -> None:
    with mail_server(login=True) as inbox, pytest.raises(NotifyError, match="letters beyond ASCII") as raised:
        deliver(plain(inbox.port, user=USER, password="p\N{LATIN SMALL LETTER A WITH DIAERESIS}sswort"), mail(), OWNER)
    assert "sswort" not in str(raised.value)
    assert "\\xe4" not in str(raised.value)


def test_a_password_is_not_in_the_representation() -> None:
    assert PASSWORD not in repr(SmtpServer("h", 1, "tls", USER, PASSWORD))


def test_a_refused_recipient_is_named_with_the_servers_words() -> None:
    told = r"refused owner@example\.org: 550 no such box"
    with mail_server(refuse="550 no such box") as inbox, pytest.raises(NotifyError, match=told):
        deliver(plain(inbox.port), mail(), OWNER)


def test_a_closed_port_is_told() -> None:
    with pytest.raises(NotifyError, match="Connection refused"):
        deliver(plain(closed_port()), mail(), OWNER)


def silent(line: socket.socket, over: threading.Event) -> None:
    over.wait(3)


def dripping(line: socket.socket, over: threading.Event) -> None:
    # Never a whole line, always a byte in time: socket timeouts alone would wait for ever.
    while not over.wait(0.05):
        try:
            line.sendall(b"2")
        except OSError:
            return


def dropping(line: socket.socket, over: threading.Event) -> None:
    line.sendall(b"220 hello\r\n")
    line.recv(1024)


@pytest.mark.parametrize("talk", [silent, dripping, dropping])
def test_a_server_that_is_silent_drips_or_drops_is_given_up_in_time(
    talk: Callable[[socket.socket, threading.Event], None],
) -> None:
    with rude_server(talk) as port:
        begin = time.monotonic()
        with pytest.raises(NotifyError, match="or the line was cut"):
            deliver(plain(port, timeout_seconds=0.5), mail(), OWNER)
        assert time.monotonic() - begin < 2


def ends_towards(port: int) -> int:
    """Lines of this process whose far end is that port, by the kernel's own table."""
    wanted = f":{port:04X}"
    rows = [row.split() for row in Path("/proc/self/net/tcp").read_text(encoding="ascii").splitlines()[1:]]
    inodes = {row[9] for row in rows if row[2].endswith(wanted)}
    held = []
    for name in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            held.append(str(name.readlink()))
    return sum(f"socket:[{inode}]" in held for inode in inodes)


def test_a_refused_mail_leaves_no_line_open_even_while_its_error_is_kept() -> None:
    kept = []  # an error keeps its frames, and with them the conversation, as a log or a report may
    with mail_server(refuse="550 no such box") as inbox:
        for _ in range(3):
            with pytest.raises(NotifyError) as caught:
                deliver(plain(inbox.port), mail(), OWNER)
            kept.append(caught)
        assert ends_towards(inbox.port) == 0
