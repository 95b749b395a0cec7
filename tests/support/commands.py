"""The command line called inside the test: exit code, both streams and the JSON document."""

import contextlib
import io
import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mtum.cli.app import run
from tools.json_fields import undocumented
from tools.reference_words import EXIT_CODES


@dataclass(frozen=True, slots=True)
class Called:
    """How a command ended."""

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """The one JSON document on stdout; NaN and Infinity are no JSON."""
        found = json.loads(self.out, parse_constant=no_constant)
        assert isinstance(found, dict)
        return found

    @property
    def texts(self) -> str:
        """The problems of the document, joined."""
        return " | ".join(str(problem["text"]) for problem in self.document["problems"])


def no_constant(word: str) -> None:
    """Refuse what Python's JSON reader would take although JSON has no such number."""
    raise ValueError(f"{word} is no JSON")


def call(folder: Path, *words: str) -> Called:
    """Call `mtum WORDS` in this process, standing in the folder; its data folder is `data` in there."""
    folder.mkdir(parents=True, exist_ok=True)
    out, err = io.StringIO(), io.StringIO()
    with contextlib.chdir(folder), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        code = run(words)
    documented(words, code, out.getvalue())
    return Called(code, out.getvalue(), err.getvalue())


def documented(words: Sequence[str], code: int, out: str) -> None:
    """Hold an exit code and a JSON document against what the reference lists for the command."""
    names = [word for word in words if not word.startswith("-")][:2]
    command = next((name for name in (" ".join(names), *names[:1]) if name in EXIT_CODES), None)
    if command is None or "--help" in words:
        return
    line = f"mtum {' '.join(words)}"
    assert code in (1, 2, 130, *EXIT_CODES[command]), f"{line}: {code} is not in tests/tools/reference_words.py"
    if "--json" in words and out:
        found = undocumented(command, json.loads(out))
        assert not found, f"{line}: {found} not in tests/tools/json_fields.py"


def call_json(folder: Path, *words: str) -> Called:
    """Call with `--json`; a failure must have said one plain line on stderr, a success nothing."""
    called = call(folder, *words, "--json")
    assert called.err.count("\n") == (1 if called.code else 0), called.err
    assert "Traceback" not in called.out + called.err
    return called


def start(folder: Path, *words: str, environment: Mapping[str, str] | None = None) -> Called:
    """Start `python -m mtum WORDS` as a process of its own, standing in the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    ended = subprocess.run(
        [sys.executable, "-m", "mtum", *words],
        cwd=folder,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    return Called(ended.returncode, ended.stdout, ended.stderr)
