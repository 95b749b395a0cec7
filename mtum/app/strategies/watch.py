"""What does code touch while it decides? A decision looks at the market it is given and at nothing else."""

import ast
import os
import random
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date, datetime
from types import FrameType
from typing import Any

_FILES = ("open", "os.", "shutil.", "pathlib.", "glob.", "tempfile.", "sqlite3.", "fcntl.", "mmap.", "msvcrt.")
_NETWORK = ("socket.", "urllib.", "http.", "ftplib.", "smtplib.", "imaplib.", "poplib.", "telnetlib.", "ssl.")
_PROCESSES = ("subprocess.", "os.system", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "pty.", "signal.")
_OTHERS = {
    "time.sleep": "sleeps",
    "builtins.input": "asks for input",
    "builtins.input/result": "asks for input",
    "_thread.start_new_thread": "starts a thread",
    "_thread.start_joinable_thread": "starts a thread",
    "ctypes.dlopen": "loads a library",
}
_DRAWS = getattr(random.random, "__self__", None)
"""Whose methods the module's own functions are."""
_HARMLESS = ("fspath", "strptime", "strftime")
_OWN, _IMPORT = "a person's own code", "the import of code"
_CLOCKS = ("now", "today", "utcnow")


class Watch:
    """Tells what is touched while it is armed: files, network, other processes, clock, randomness, environment.

    An audit hook stays for the life of a process, so there is one watch in a process of its own.
    """

    def __init__(self) -> None:
        self._told: list[str] | None = None
        self._own_code_only = False
        self._environment = os.environ.__class__.__getitem__.__code__
        sys.addaudithook(self._audited)

    @contextmanager
    def armed(self, *, own_code_only: bool = False) -> Iterator[list[str]]:
        """Watch what is done inside, or of it what a person's own code does; the list is what was touched."""
        found: list[str] = []
        self._told, self._own_code_only = found, own_code_only
        sys.setprofile(self._called)
        try:
            yield found
        finally:
            sys.setprofile(None)
            self._told = None

    def _audited(self, event: str, arguments: tuple[Any, ...]) -> None:
        told = self._told
        if told is None:
            return
        what = _OTHERS.get(event)
        first = f" {str(arguments[0])[:200]}" if arguments and isinstance(arguments[0], str | bytes) else ""
        if what is None and event.startswith(_PROCESSES):
            what = f"starts another process ({event})"
        elif what is None and event.startswith(_NETWORK):
            what = f"uses the network ({event})"
        elif what is None and event.startswith(_FILES):
            what = f"opens the file{first}" if event == "open" else f"touches files ({event}{first})"
        if what is not None and not _importing():
            self._note(what)

    def _called(self, frame: FrameType, event: str, called: Any) -> None:
        if event == "call" and frame.f_code is self._environment:
            self._note("reads the environment of the process")
        if event != "c_call":
            return
        name, owner, module = called.__name__, getattr(called, "__self__", None), getattr(called, "__module__", None)
        if module == "time" and name not in _HARMLESS:
            self._note(f"reads the clock (time.{name})")
        elif isinstance(owner, type) and issubclass(owner, date | datetime) and name in _CLOCKS:
            self._note(f"reads the clock ({owner.__name__}.{name})")
        elif owner is _DRAWS or (module in ("posix", "nt") and name == "urandom"):
            self._note(f"draws random numbers ({name})")
        elif module in ("posix", "nt") and name[0] != "_" and name not in _HARMLESS and not _importing():
            self._note(f"asks the operating system (os.{name})")

    def _note(self, what: str) -> None:
        if self._told is not None and what not in self._told and not (self._own_code_only and _doer() != _OWN):
            self._told.append(what)


def _importing() -> bool:
    return _doer() == _IMPORT


def _doer() -> str:
    # Code may be loaded at its first use; that reads files, and is no decision.
    frame: FrameType | None = sys._getframe(2)
    while frame is not None:
        if frame.f_code.co_filename.startswith("<frozen importlib"):
            return _IMPORT
        if str(frame.f_globals.get("__name__", "")).startswith("mtum_own_"):
            return _OWN
        frame = frame.f_back
    return ""


def clocks_in(source: bytes) -> list[str]:
    """Return where a source asks for the time through a library that no watch sees, one line each."""
    found = []
    for node in ast.walk(ast.parse(source)):
        if not isinstance(node, ast.Call):
            continue
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        words = [one.value for one in node.args if isinstance(one, ast.Constant)]
        if name in _CLOCKS or (name in ("datetime64", "Timestamp", "to_datetime") and {*words} & {*_CLOCKS}):
            found.append(f"line {node.lineno}: {ast.unparse(node)} reads the clock")
    return found


def quietly[T](work: Callable[[], T]) -> T:
    """Carry out work with standard output led to standard error: a person's prints are no answer of ours."""
    before, sys.stdout = sys.stdout, sys.stderr
    try:
        return work()
    finally:
        sys.stdout = before
