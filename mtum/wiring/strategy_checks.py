"""A strategy is checked in a process of its own, which may not last: its code may do anything."""

import json
import subprocess
import sys
from base64 import b64encode
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from msgspec import Struct
from msgspec.structs import replace

from mtum.config import OwnStrategy, Settings, own_strategies
from mtum.core.canonical import plain

CHECK_SECONDS = 120.0
"""Longest check; a strategy of a day's work takes three seconds."""


class Checked(Struct, frozen=True):
    """What a check found: nothing, or the first fault of each kind."""

    name: str
    findings: tuple[Mapping[str, Any], ...]
    decisions: int = 0
    notes: tuple[str, ...] = ()

    @property
    def passed(self) -> bool:
        """Whether it may be used."""
        return not self.findings

    @property
    def text(self) -> str:
        """The first fault in one line; empty when there is none."""
        return next((f"{one['rule']}: {_at(one)}{one['text']}" for one in self.findings), "")


def check_strategy(
    settings: Settings, name: str, own: Mapping[str, OwnStrategy], seconds: float = CHECK_SECONDS
) -> Checked:
    """Check a strategy with its parameters of these settings.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    name : str
        Name of the strategy.
    own : mapping of name to OwnStrategy
        Those that are not ours, with the source to check of each.
    seconds : float
        It has failed when it takes longer.
    """
    # As a sleeve trades it, where one does.
    traded = (one.rules for one in settings.configured().values() if one.strategy == name)
    made = next(traded, None) or settings.general(name)
    sources = {str(one.file): b64encode(one.source).decode() for one in own.values() if one.file is not None}
    request = {"name": name, "parameters": {} if made is None else plain(made), "sources": sources}
    try:
        ended = subprocess.run(
            # Not from the folder it is started in: what stands there is no module of ours.
            [sys.executable, "-P", "-m", "mtum.app.strategies.check"],
            input=json.dumps(request, allow_nan=False).encode(),
            capture_output=True,
            timeout=seconds,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        return _broken(name, error.stdout or b"", f"it had not decided after {seconds:g} seconds")
    lines = ended.stdout.splitlines()
    result = json.loads(lines[-1]) if lines else {}
    if "findings" not in result:
        how = f"signal {-ended.returncode}" if ended.returncode < 0 else f"exit code {ended.returncode}"
        return _broken(name, ended.stdout, f"it ended the process ({how}) {_last_words(ended.stderr)}".rstrip())
    return Checked(name, tuple(result["findings"]), result["decisions"], tuple(result["notes"]))


def wrong_with(settings: Settings, path: Path, source: bytes) -> str:
    """Return what is wrong with a version of a file of own strategies that are in use; empty when nothing is.

    Parameters
    ----------
    settings : Settings
        Settings in force.
    path : Path
        File of own strategies.
    source : bytes
        What the file holds.
    """
    own = own_strategies()
    names = [name for name, one in own.items() if one.file == path]
    sources = {name: replace(one, source=source) if one.file == path else one for name, one in own.items()}
    checks = (check_strategy(settings, name, sources) for name in names)
    return next((f"{one.name}: {one.text}" for one in checks if not one.passed), "")


def _broken(name: str, said: bytes, text: str) -> Checked:
    begun = [json.loads(line).get("at") for line in said.splitlines() if line.endswith(b"}")]
    return Checked(name, ({"rule": "raising", "session": begun[-1] if begun else None, "text": text},), len(begun))


def _last_words(said: bytes) -> str:
    lines = said.decode(errors="replace").split("\n")
    return next((line.strip()[:200] for line in reversed(lines) if line.strip()), "")


def _at(finding: Mapping[str, Any]) -> str:
    return f"{finding['session']} " if finding["session"] else ""
