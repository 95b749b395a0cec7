"""Messages through the apprise library to a webhook on loopback."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from mtum.adapters.notifiers.apprise_channel import AppriseChannel
from mtum.adapters.notifiers.wrapped import Timed
from mtum.errors import NotifyError
from mtum.ports.messages import Message, Urgency
from support.ports import closed_port

pytest.importorskip("apprise", reason="needs the package apprise: uv sync --group notify")

ALARM = Message("k", Urgency.ACT_NOW, "ACTION: order rejected", "code 201\ncall the broker")


@dataclass
class Hook:
    """A service that keeps what is posted to it, answers with `status` and may take its time."""

    port: int = 0
    status: int = 200
    silent: bool = False
    over: threading.Event = field(default_factory=threading.Event)
    posted: list[dict[str, Any]] = field(default_factory=list)

    @property
    def url(self) -> str:
        return f"json://127.0.0.1:{self.port}/alarm"


@contextmanager
def hook(**behavior: Any) -> Iterator[Hook]:
    made = Hook(**behavior)

    class Answers(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            made.posted.append(json.loads(body))
            if made.silent:
                made.over.wait(20)
            self.send_response(made.status)
            self.end_headers()

        def log_message(self, *words: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Answers)
    made.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield made
    finally:
        made.over.set()
        server.shutdown()
        thread.join()
        server.server_close()


def test_an_alarm_reaches_the_webhook_whole() -> None:
    with hook() as service:
        AppriseChannel(service.url).send(ALARM)
    (posted,) = service.posted
    assert posted["title"] == "ACTION: order rejected"
    assert posted["message"] == "code 201\ncall the broker"
    assert posted["type"] == "warning"


def test_a_report_arrives_cut_at_a_line_and_as_information() -> None:
    with hook() as service:
        AppriseChannel(service.url).send(Message("r", Urgency.REPORT, "HOLD 24", "line one\n" + "x" * 400))
    (posted,) = service.posted
    assert (posted["message"], posted["type"]) == ("line one", "info")


@pytest.mark.parametrize("status", [401, 404, 500, 503])
def test_what_the_service_refuses_is_undelivered(status: int) -> None:
    with hook(status=status) as service, pytest.raises(NotifyError, match="did not take the message"):
        AppriseChannel(service.url).send(ALARM)


def test_nobody_listening_is_undelivered() -> None:
    with pytest.raises(NotifyError, match="did not take the message"):
        AppriseChannel(f"json://127.0.0.1:{closed_port()}").send(ALARM)


def test_an_address_that_is_none_is_said_without_showing_it() -> None:
    with pytest.raises(NotifyError, match="not understood") as refused:
        AppriseChannel("nosuchservice://secret-token").send(ALARM)
    assert "secret-token" not in str(refused.value)


def test_a_service_that_never_answers_is_given_up_within_our_limit() -> None:
    with hook(silent=True) as service, pytest.raises(NotifyError, match=r"no answer within 0\.5 s"):
        Timed(AppriseChannel(service.url), 0.5).send(ALARM)
    assert len(service.posted) <= 1
