"""The command line called inside the test, in a folder of its own."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from mtum.cli.app import run
from support.commands import documented


@dataclass(frozen=True, slots=True)
class Called:
    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        found = json.loads(self.out)
        assert isinstance(found, dict)
        return found


type Mtum = Callable[..., Called]


@pytest.fixture
def mtum(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Mtum:
    """Call `mtum WORDS` in an empty folder; gives exit code and both streams."""
    monkeypatch.chdir(tmp_path)

    def called(*words: str) -> Called:
        capsys.readouterr()
        code = run(words)
        streams = capsys.readouterr()
        documented(words, code, streams.out)
        return Called(code, streams.out, streams.err)

    return called
