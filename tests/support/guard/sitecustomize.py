"""What no process of a test run may do: touch the user's settings or data, or reach a port that the run did not open.

Python loads a module of this name as it starts, so every process that a test starts is watched too; what one of them
did stays in a file even where its exception was swallowed. A user's own settings may name a broker that trades.
"""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
SETTINGS, DATA = os.path.join(ROOT, "config.toml"), os.path.join(ROOT, "data")
FOLDER = "TEST_GUARD_FOLDER"
"""Variable that names the folder of a run's notes: the ports it opened and what it was kept from."""
LOOPBACK = ("127.", "::1", "localhost")
_ON_PATHS = {"open", "os.listdir", "os.mkdir", "os.remove", "os.rename", "os.scandir", "sqlite3.connect"}
_FROM_ANY_FOLDER = {"os.mkdir", "os.remove", "os.rename"}


def kept_from() -> list[str]:
    """What the processes of this run were kept from since the last question."""
    found = sorted(set(_lines("kept_from")))
    if found:
        os.remove(os.path.join(os.environ[FOLDER], "kept_from"))
    return found


def has_opened(port: int) -> bool:
    """Whether a process of this run ever listened on this port."""
    return str(port) in _lines("ports")


@contextmanager
def elsewhere(folder: str) -> Iterator[None]:
    """Watch with notes of their own, in an empty folder: none of the ports is known there."""
    before = os.environ[FOLDER]
    os.environ[FOLDER] = folder
    try:
        yield
    finally:
        os.environ[FOLDER] = before


def _note(name: str, line: str) -> None:
    if FOLDER in os.environ:
        with open(os.path.join(os.environ[FOLDER], name), "a", encoding="utf-8") as file:
            file.write(line + "\n")


def _lines(name: str) -> list[str]:
    try:
        with open(os.path.join(os.environ[FOLDER], name), encoding="utf-8") as file:
            return file.read().splitlines()
    except (OSError, KeyError):
        return []


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    if event == "socket.connect":
        _judge_address(*arguments)
    elif event == "socket.__new__":
        _note_ports()
    elif event in _ON_PATHS:
        # `os.open` (no mode) and its like may start from another folder than the one the process stands in.
        _judge_path(arguments[0], only_absolute=event in _FROM_ANY_FOLDER or (event == "open" and arguments[1] is None))


def _judge_path(given: object, *, only_absolute: bool) -> None:
    if not isinstance(given, str | bytes | os.PathLike):
        return  # a file descriptor
    path = os.fsdecode(given)
    if ("config.toml" not in path and "data" not in path) or (only_absolute and not os.path.isabs(path)):
        return
    full = os.path.abspath(path.removeprefix("file:").partition("?")[0])
    if full in (SETTINGS, DATA) or full.startswith(DATA + os.sep):
        _refuse(f"a test reached for the user's {os.path.relpath(full, ROOT)}")


def _judge_address(line: object, address: object) -> None:
    if not isinstance(address, tuple):
        return  # a socket of this machine
    host, port = str(address[0]), str(address[1])
    if not host.startswith(LOOPBACK):
        _refuse(f"a test tried to reach {host} port {port}")
    if not has_opened(int(port)):
        _refuse(f"a test tried to reach port {port}, which no test opened")


def _refuse(what: str) -> None:
    _note("kept_from", what)
    raise AssertionError(what)


def _note_ports() -> None:
    # The event of binding comes before the system has chosen a port, so the call itself is the one to note it.
    import socket

    bind = socket.socket.bind
    if bind.__name__ == "noted":
        return

    def noted(self: socket.socket, address: object) -> None:
        bind(self, address)  # type: ignore[arg-type]  # whatever the caller gave
        if self.family in (socket.AF_INET, socket.AF_INET6):
            _note("ports", str(self.getsockname()[1]))

    setattr(socket.socket, "bind", noted)  # noqa: B010  # no type has room for it


if not hasattr(sys, "is_test_run"):
    setattr(sys, "is_test_run", True)  # noqa: B010
    sys.addaudithook(_watch)
