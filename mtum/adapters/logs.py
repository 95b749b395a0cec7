"""Logs: JSON lines in a rotating file, readable lines on a terminal, secrets never in either."""

import fcntl
import json
import logging
import os
import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from logging.handlers import WatchedFileHandler
from math import isfinite
from pathlib import Path
from typing import Any

MAX_BYTES = 5_000_000
KEPT_FILES = 5
MASK = "***"

_run: ContextVar[int | None] = ContextVar("run", default=None)
_session: ContextVar[date | None] = ContextVar("session", default=None)
_STANDARD = frozenset(logging.makeLogRecord({}).__dict__) | {"message", "asctime", "taskName"}


@contextmanager
def run_scope(run_id: int | None, day: date | None) -> Iterator[None]:
    """Put run id and session on every line logged inside."""
    run_token, session_token = _run.set(run_id), _session.set(day)
    try:
        yield
    finally:
        _run.reset(run_token)
        _session.reset(session_token)


def set_up(folder: Path, level: str, secrets: Iterable[str | None], *, terminal: str | None = "warning") -> None:
    """Send everything logged by the program to ``folder/mtum.jsonl`` and to the error stream.

    Parameters
    ----------
    folder : Path
        Folder of the log.
    level : str
        Least level of the file.
    secrets : iterable of str
        Texts that never appear in a line, whatever logs them.
    terminal : str, optional
        Least level on the error stream; None for nothing there.
    """
    hidden = _longest_first(secrets)
    handlers: list[logging.Handler] = []
    details: Path | None = folder / "mtum.jsonl"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        handlers.append(_fitted(_RotatingFile(folder / "mtum.jsonl"), level, _JsonLine(hidden)))
    except OSError as error:
        details = None
        sys.stderr.write(f"no log file in {folder}: {error.strerror}\n")
    if terminal is not None:
        handlers.append(_on_terminal(terminal, hidden, details))
    _install(handlers)


def to_terminal(level: str, secrets: Iterable[str | None]) -> None:
    """Send everything logged by the program to the error stream alone, for a command that a person watches."""
    _install([_on_terminal(level, _longest_first(secrets))])


def _longest_first(secrets: Iterable[str | None]) -> tuple[str, ...]:
    return tuple(sorted({text for text in secrets if text and len(text) > 3}, key=len, reverse=True))


def _on_terminal(level: str, hidden: Sequence[str], details: Path | None = None) -> logging.Handler:
    return _fitted(logging.StreamHandler(sys.stderr), level, _TerminalLine(hidden, details))


def _install(handlers: Sequence[logging.Handler]) -> None:
    root = logging.getLogger()
    for old in list(root.handlers):
        if isinstance(old, logging.StreamHandler):
            root.removeHandler(old)
            old.close()
    for handler in handlers:
        root.addHandler(handler)
    root.setLevel(min((handler.level for handler in handlers), default=logging.WARNING))


def _fitted(handler: logging.Handler, level: str, line: logging.Formatter) -> logging.Handler:
    handler.setLevel(level.upper())
    handler.setFormatter(line)
    # Libraries talk a lot and their words are not under our control: only what they warn of is kept.
    handler.addFilter(lambda record: record.levelno >= logging.WARNING or record.name.split(".")[0] in ("mtum", "jobs"))
    return handler


class _JsonLine(logging.Formatter):
    def __init__(self, hidden: Sequence[str]) -> None:
        super().__init__()
        self._hidden = hidden

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "run": _run.get(),
            "session": _session.get(),
            "event": record.getMessage(),
            **_fields(record),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        # A line is never lost for a number that JSON does not have.
        known = {name: None if isinstance(one, float) and not isfinite(one) else one for name, one in line.items()}
        return masked(json.dumps(known, default=str, ensure_ascii=False, allow_nan=False), self._hidden)


class _TerminalLine(logging.Formatter):
    """One line; a traceback only where no file (`details`) has it."""

    def __init__(self, hidden: Sequence[str], details: Path | None) -> None:
        super().__init__()
        self._hidden = hidden
        self._details = details

    def format(self, record: logging.LogRecord) -> str:
        at = datetime.fromtimestamp(record.created, UTC).strftime("%H:%M:%SZ")
        told = " ".join(f"{name}={told}" for name, told in _fields(record).items())
        line = f"{at} {record.levelname.lower():7} {record.getMessage()} {told}".rstrip()
        if record.exc_info and record.exc_info[1] is not None:
            error = record.exc_info[1]
            traceback = "\n" + self.formatException(record.exc_info)
            where = f" {type(error).__name__}: {error} (details in {self._details})".replace("\n", " ")
            line += where if self._details else traceback
        return masked(line, self._hidden)


def masked(text: str, hidden: Sequence[str]) -> str:
    """Return the text with every secret replaced, also in the form JSON writes it."""
    for secret in hidden:
        text = text.replace(secret, MASK).replace(json.dumps(secret, ensure_ascii=False, allow_nan=False)[1:-1], MASK)
    return text


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    return {name: told for name, told in record.__dict__.items() if name not in _STANDARD}


class _RotatingFile(WatchedFileHandler):
    """Several processes write and any of them may rotate: the file is renamed under a lock, the others follow."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, encoding="utf-8")
        self._path = path
        self._told = False

    def emit(self, record: logging.LogRecord) -> None:
        if self._size() > MAX_BYTES:
            self._rotate()
        super().emit(record)

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802  # the library's name
        # A full disk must not stop a run, nor flood the terminal.
        if not self._told:
            self._told = True
            sys.stderr.write(f"log file {self._path} cannot be written\n")

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except OSError:
            return 0

    def _rotate(self) -> None:
        try:
            with open(self._path.with_suffix(".lock"), "w", encoding="utf-8") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if self._size() <= MAX_BYTES:
                    return
                for number in range(KEPT_FILES - 1, 0, -1):
                    older = self._path.with_suffix(f".{number}.jsonl")
                    if older.exists():
                        os.replace(older, self._path.with_suffix(f".{number + 1}.jsonl"))
                os.replace(self._path, self._path.with_suffix(".1.jsonl"))
        except OSError:
            return
