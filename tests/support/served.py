"""`mtum serve` as a process of its own, asked over sockets as a browser or an attacker would."""

import http.client
import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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
