"""`mtum serve` as a process of its own, asked over sockets as a browser or an attacker would."""

import http.client
import os
import re
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlencode


@dataclass(frozen=True, slots=True)
class Answered:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()


@dataclass(slots=True)
class Served:
    """A server that runs, and one browser's cookies."""

    port: int
    process: subprocess.Popen[str]
    cookies: dict[str, str] = field(default_factory=dict)

    @property
    def origin(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def ask(
        self, path: str, method: str = "GET", body: bytes | None = None, headers: Mapping[str, str] | None = None
    ) -> Answered:
        line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        told = {"Cookie": "; ".join(f"{name}={word}" for name, word in self.cookies.items())} if self.cookies else {}
        try:
            line.putrequest(method, path, skip_host="Host" in (headers or {}), skip_accept_encoding=True)
            for name, word in {**told, **(headers or {})}.items():
                line.putheader(name, word)
            if body is not None:
                line.putheader("Content-Length", str(len(body)))
            line.endheaders(body)
            found = line.getresponse()
            for name, word in found.getheaders():
                if name.lower() == "set-cookie":
                    key, _, rest = word.partition("=")
                    self.cookies[key] = rest.partition(";")[0]
            return Answered(found.status, {k.lower(): v for k, v in found.getheaders()}, found.read())
        finally:
            line.close()

    def post(self, path: str, fields: Mapping[str, str] | None = None, **headers: str) -> Answered:
        """Send a form as a page of the server does: from its origin, with its token."""
        body = urlencode({"token": self.token(), **(fields or {})}).encode()
        told = {"Origin": self.origin, "Content-Type": "application/x-www-form-urlencoded", **headers}
        return self.ask(path, "POST", body, told)

    def token(self) -> str:
        # The sign-in page has it too, and is shown without a password.
        page = self.ask("/login").text
        found = re.search(r'name="token" value="([0-9a-f]+)"', page)
        assert found, page
        return found[1]

    def raw(self, words: bytes) -> socket.socket:
        """Open a connection and send bytes as they are."""
        line = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        line.sendall(words)
        return line


@contextmanager
def served(
    folder: Path, *words: str, environment: Mapping[str, str] | None = None, program: Sequence[str] = ("-m", "mtum")
) -> Iterator[Served]:
    """Start the server in a folder whose data folder is `data`, on a free port; it is ended afterwards."""
    process = subprocess.Popen(
        [sys.executable, *program, "serve", "--port", "0", *words],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        stderr=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        text=True,
    )
    try:
        assert process.stderr is not None
        line = process.stderr.readline()
        found = re.search(r"at https?://[^ ]+:(\d+)/;", line)
        assert found, line + process.stderr.read()
        yield Served(int(found[1]), process)
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
        if process.stderr is not None:
            process.stderr.close()
        process.wait(10)


def events_of(line: socket.socket, count: int) -> list[dict[str, Any]]:
    """Read so many events of a stream, pings left out: their id, name and data."""
    import json

    found: list[dict[str, Any]] = []
    text = b""
    while len(found) < count:
        part = line.recv(65536)
        if not part:
            break
        text += part
        blocks = re.findall(rb"id: (\d+)\r?\nevent: (\w+)\r?\ndata: (.*?)\r?\n\r?\n", text, re.DOTALL)
        found = [
            {"id": int(number), "event": name.decode(), **json.loads(told)}
            for number, name, told in blocks
            if name != b"ping"
        ]
    return found


class Commits:
    """When each event of a database could first be read by others; looks every few milliseconds while it is entered."""

    def __init__(self, database: Path) -> None:
        self.database = database
        self.seen: dict[int, tuple[float, str]] = {}
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "Commits":
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            (self._last,) = connection.execute("SELECT coalesce(max(id), 0) FROM events").fetchone()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopping.set()
        self._thread.join(10)

    def first(self, kind: str) -> float:
        """Instant at which the first event of a kind was there."""
        return min(at for at, found in self.seen.values() if found == kind)

    def _look(self) -> None:
        with closing(sqlite3.connect(f"file:{self.database}?mode=ro", uri=True)) as connection:
            while not self._stopping.wait(0.005):
                rows = connection.execute("SELECT id, kind FROM events WHERE id > ?", (self._last,)).fetchall()
                at = time.monotonic()
                for number, kind in rows:
                    self.seen[number] = (at, kind)
                    self._last = number


def arrivals(line: socket.socket, until: Callable[[], bool]) -> dict[int, float]:
    """Return when each event of a stream arrived, until that holds and nothing has come for half a second."""
    found: dict[int, float] = {}
    text = b""
    line.settimeout(0.5)
    while True:
        try:
            text += line.recv(65536)
        except TimeoutError:
            if until():
                return found
        at = time.monotonic()
        for number in re.findall(rb"id: (\d+)\r?\nevent: (?!ping)", text):
            found.setdefault(int(number), at)
