"""The dashboard from its first request to its end, and what it tells of an error in the program."""

import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from support.recorded import recorded
from support.served import Served, served

BROKEN = """
import sys
from mtum.web import documents
def status(records):
    raise ZeroDivisionError("no such number")
documents.status = documents.broker = status
from mtum.cli.app import run
sys.exit(run(sys.argv[1:]))
"""


def ended(server: Served) -> str:
    """End a server; return what it wrote for a person after its first line."""
    server.process.send_signal(signal.SIGTERM)
    assert server.process.stderr is not None
    return server.process.stderr.read()


@pytest.mark.parametrize("path", ["/", "/api/v1/broker"])
def test_an_error_in_the_program_is_told_once_without_its_words(path: str, tmp_path: Path) -> None:
    recorded(tmp_path / "data")
    with served(tmp_path, program=("-c", BROKEN)) as server:
        found = server.ask(path)
        assert found.status == 500
        assert "An error in the program; the log has its details." in found.text
        assert "no such number" not in found.text
        assert ended(server).count(f"page_broke path={path} ") == 1


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_below_no_address_of_the_api_there_is_nothing(accept: str, tmp_path: Path) -> None:
    with served(tmp_path) as server:
        for path in ("/api", "/api/", "/api/v1", "/api/v1/nothing"):
            assert server.ask(path, headers={"Accept": accept}).status == 404


def test_the_first_requests_to_the_api_may_come_all_at_once_and_some_be_given_up(tmp_path: Path) -> None:
    recorded(tmp_path / "data")
    paths = ["/api/v1/status", "/docs", "/api/v1/openapi.json", "/", "/trades.csv"] * 10
    with served(tmp_path) as server, ThreadPoolExecutor(len(paths)) as asking:
        for _ in range(5):
            server.raw(f"GET /api/v1/status HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n".encode()).close()
        found = list(asking.map(server.ask, paths))
        assert [one.status for one in found] == [200] * len(paths)
        assert len({one.body for path, one in zip(paths, found, strict=True) if path.startswith("/api/")}) == 2
        assert ended(server) == ""


def test_a_server_that_ends_ends_its_streams_first_and_complains_of_nothing(tmp_path: Path) -> None:
    recorded(tmp_path / "data")
    with served(tmp_path) as server:
        words = f"GET /api/v1/stream HTTP/1.1\r\nHost: 127.0.0.1:{server.port}\r\n\r\n"
        with server.raw(words.encode()) as line:
            told = b""
            while b"event: ping" not in told:
                told += line.recv(4096)
            said = ended(server)
            while part := line.recv(4096):
                told += part
        assert told.endswith(b"\r\n0\r\n\r\n")  # the end of the answer, not a break
        assert said == ""
