import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer

from mtum.adapters.notifiers.ping import Ping
from support.mail_servers import rude_server
from support.ports import closed_port


@contextmanager
def listening(answers: list[int]) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    calls: list[tuple[str, str]] = []

    class Taker(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            calls.append((self.path, body))
            self.send_response(answers.pop(0) if answers else 200)
            self.end_headers()

        def log_message(self, *args: object) -> None:
            pass

    with HTTPServer(("127.0.0.1", 0), Taker) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/abc", calls
        finally:
            server.shutdown()
            thread.join()


def test_start_and_success_of_a_run_carry_the_same_id() -> None:
    with listening([]) as (url, calls):
        assert Ping(url).started("run 7")
        assert Ping(url).ended("run 7", 0, "held")
    (start, _), (end, body) = calls
    assert start.startswith("/abc/start?rid=")
    assert end == start.replace("/start", "")
    assert body == "exit 0\nheld"


def test_a_failure_is_told_as_one_with_at_most_ten_lines() -> None:
    with listening([]) as (url, calls):
        Ping(url).ended("run 7", 6, "\n".join(str(number) for number in range(30)))
    path, body = calls[0]
    assert path.startswith("/abc/fail?rid=")
    assert body.splitlines() == ["exit 6", *(str(number) for number in range(9))]


def test_it_is_tried_twice_and_then_given_up_in_silence() -> None:
    with listening([500, 500, 500]) as (url, calls):
        assert not Ping(url).started("run")
        assert len(calls) == 2


def test_a_second_try_that_is_heard_counts() -> None:
    with listening([503]) as (url, calls):
        assert Ping(url).started("run")
        assert len(calls) == 2


def test_an_answer_that_is_none_is_a_failure_and_one_that_drips_is_given_up() -> None:
    def babble(line: socket.socket, over: threading.Event) -> None:
        line.sendall(b"220 this is a mail server\r\n")

    def drip(line: socket.socket, over: threading.Event) -> None:
        for letter in b"HTTP/1.1 200 OK\r\nX: " + b"x" * 1000:
            if over.wait(0.05):
                return
            line.send(bytes([letter]))

    with rude_server(babble) as port:
        assert not Ping(f"http://127.0.0.1:{port}/x").started("run")
    with rude_server(drip) as port:
        assert not Ping(f"http://127.0.0.1:{port}/x", timeout_seconds=0.2).started("run")


def test_nothing_is_raised_when_nobody_listens_or_the_address_is_odd() -> None:
    assert not Ping(f"http://127.0.0.1:{closed_port()}/x", timeout_seconds=0.2).started("run")
    assert not Ping("file:///etc/passwd").started("run")
    assert not Ping("no address").ended("run", 0, "")
