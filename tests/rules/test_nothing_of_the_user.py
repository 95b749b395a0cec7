"""Tests reach what they opened on loopback and nothing else: no network, no broker, nothing of the user's.

A user's `config.toml` stands beside the tests and may name an account that trades.
"""

import os
import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from support.guard import sitecustomize as guard
from support.source_tree import NOT_OURS, ROOT

HOSTILE = """
mode = "paper"
[market]
source = "ib"
[broker]
account = "DU1234567"
port = {port}
connect_seconds = 1.0
"""
SAMPLE = (
    "tests/unit/cli/owner/test_order_commands.py",
    "tests/unit/app/owner/test_settings_catalog.py",
    "tests/rules/test_clean_tree.py::test_no_file_holds_a_key_or_a_token",
)
"""Tests that call commands as they are called, and those that read the files beside `config.toml`."""


def _stranger(folder: str) -> socket.socket:
    """Listen on a port that no test of this run ever opened: the system gives out again what was closed."""
    closed = []
    with guard.elsewhere(folder):
        server = socket.create_server(("127.0.0.1", 0))
    while guard.has_opened(server.getsockname()[1]):
        closed.append(server)  # held until another is found, so the same is not given twice
        with guard.elsewhere(folder):
            server = socket.create_server(("127.0.0.1", 0))
    for one in closed:
        one.close()
    return server


@contextmanager
def tripwire(folder: Path) -> Iterator[tuple[int, list[object]]]:
    """A port that no test opened, and who connected to it."""
    folder.mkdir()
    came: list[object] = []
    server = _stranger(str(folder))

    def serve() -> None:
        while True:
            line, address = server.accept()
            line.close()
            if address[1] == 0 or over.is_set():
                return
            came.append(address)

    over = threading.Event()
    with server:
        port = server.getsockname()[1]
        thread = threading.Thread(target=serve)
        thread.start()
        try:
            yield port, came
        finally:
            over.set()
            with guard.elsewhere(str(folder)), socket.create_connection(("127.0.0.1", port)):
                thread.join()


def test_an_address_outside_this_machine_is_refused() -> None:
    with socket.socket() as outside, pytest.raises(AssertionError, match=r"192\.0\.2\.1"):
        outside.connect(("192.0.2.1", 80))
    assert guard.kept_from() == ["a test tried to reach 192.0.2.1 port 80"]


def test_a_port_that_a_test_opened_is_reached() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as client:
        client.connect(server.getsockname())
        assert client.getpeername() == server.getsockname()


def test_a_port_of_this_machine_that_no_test_opened_is_refused_in_every_process(tmp_path: Path) -> None:
    with tripwire(tmp_path / "stranger") as (port, came):
        told = f"a test tried to reach port {port}, which no test opened"
        with socket.socket() as line, pytest.raises(AssertionError, match=told):
            line.connect_ex(("127.0.0.1", port))
        assert guard.kept_from() == [told]
        code = f"import socket\ntry: socket.create_connection(('127.0.0.1', {port}))\nexcept BaseException: pass"
        subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path)
        assert guard.kept_from() == [told]  # swallowed there, and known here
        assert came == []


@pytest.mark.parametrize(
    ("code", "reached"),
    [
        ("from mtum.cli.app import run; run(['status'])", "config.toml"),
        ("open('data/mtum.db')", "data/mtum.db"),
        ("import sqlite3; sqlite3.connect('file:data/mtum.db?mode=ro', uri=True)", "data/mtum.db"),
    ],
    ids=["a command", "a file", "a database"],
)
def test_a_process_that_stands_beside_the_users_files_is_kept_from_them(code: str, reached: str) -> None:
    line = [sys.executable, "-c", code]
    subprocess.run(line, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60)
    assert f"a test reached for the user's {reached}" in guard.kept_from()


def checkout(place: Path) -> Path:
    """The project as it stands, in another folder."""

    def not_ours(folder: str, names: list[str]) -> list[str]:
        # What the program was compiled to holds in another folder too, and takes seconds to make.
        compiled = {"__pycache__"} if Path(folder).is_relative_to(ROOT / "mtum") else set()
        left_out = NOT_OURS - compiled | {"config.toml"}
        return [name for name in names if name in left_out or name.endswith("_cache")]

    return shutil.copytree(ROOT, place, ignore=not_ours)


@pytest.mark.parametrize("tests", [SAMPLE, pytest.param(("tests",), marks=pytest.mark.full)], ids=["sample", "all"])
def test_the_suite_passes_beside_hostile_settings_and_reaches_nobody(tmp_path: Path, tests: tuple[str, ...]) -> None:
    place = checkout(tmp_path / "checkout")
    kept = {name: text for name, text in os.environ.items() if name != guard.FOLDER}
    kept["PYTHONPATH"] = str(place)  # what the tests start in other folders is this copy too
    with tripwire(tmp_path / "stranger") as (port, came):
        (place / "config.toml").write_text(HOSTILE.format(port=port), encoding="utf-8")
        # What a shell may hold is as hostile: unknown settings, a broker that trades, a narrow terminal.
        hostile = {"MTUM_MODE": "live", "MTUM_BROKER__PORT": str(port), "MTUM_NO_SUCH": "1", "COLUMNS": "20"}
        line = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests]
        line += ["-n0"] if tests == SAMPLE else []
        ended = subprocess.run(line, cwd=place, env=kept | hostile, capture_output=True, text=True, check=False)
        assert ended.returncode == 0, ended.stdout[-3000:]
        assert came == []
        # The same settings do lead a command there, so nobody came because nobody was sent.
        command = [sys.executable, "-m", "mtum", "reconcile"]
        subprocess.run(command, cwd=place, env=kept, capture_output=True, check=False, timeout=300)
    assert len(came) > 0
