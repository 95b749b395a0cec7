"""The scanner's answer in one line, whatever the program on the path does."""

import stat
from pathlib import Path

import pytest

from mtum.adapters.scanner import known_vulnerabilities

CLEAN = '{"dependencies": [{"name": "numpy", "version": "2.2.6", "vulns": []}]}'
HIT = '{"dependencies": [{"name": "jinja2", "version": "3.1.0", "vulns": [{"id": "CVE-2024-1"}]}]}'


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    program = folder / "pip-audit"
    program.write_text(f"#!/bin/sh\ncat <<'EOT'\n{answer}\nEOT\nexit 1\n", encoding="ascii")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_without_a_scanner_nothing_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert known_vulnerabilities() is None


def test_nothing_found_is_empty(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, CLEAN)
    assert known_vulnerabilities() == ""


def test_a_hit_names_library_version_and_number(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    install(tmp_path, monkeypatch, HIT)
    assert known_vulnerabilities() == "jinja2 3.1.0 (CVE-2024-1)"


@pytest.mark.parametrize("answer", ["", "[]", "no network", '{"dependencies": 3}'])
def test_an_answer_that_cannot_be_read_asks_for_a_person(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, answer: str
) -> None:
    install(tmp_path, monkeypatch, answer)
    assert known_vulnerabilities() == "pip-audit did not answer usefully; run it by hand"
