"""A data folder that may not be written: what only reads works, everything else says what is in the way."""

import ctypes
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.practice import ENTRY_DAY, play_until
from support.source_tree import ROOT


def without_override() -> None:
    """Take the right to ignore permissions from root; nobody else has it."""
    drop_from_bounding_set, ignore_permissions, search_anywhere = 24, 1, 2
    for right in (ignore_permissions, search_anywhere):
        ctypes.CDLL(None).prctl(drop_from_bounding_set, right, 0, 0, 0)


def mtum(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    """The command in a process that has no right to ignore permissions."""
    return subprocess.run(
        [
            sys.executable,
            "-m",
            "mtum",
            "--config",
            str(folder / "config.toml"),
            "--data-dir",
            str(folder / "data"),
            *words,
        ],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        preexec_fn=without_override,  # one thread only: nothing can be torn by the fork
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One session played and reported on, a copy of the database beside it, and then no right to write."""
    place = tmp_path_factory.mktemp("installation")
    (place / "config.toml").touch()
    play_until(place / "data", ENTRY_DAY)
    assert mtum(place, "report").returncode == 0
    assert mtum(place, "backup").returncode == 0
    data = place / "data"
    (copy,) = (data / "backups").glob("*.db")
    (place / "copy.db").write_bytes(copy.read_bytes())
    kept = {path: path.stat().st_mode for path in (data, *data.rglob("*"))}
    for path in kept:
        path.chmod(0o555 if path.is_dir() else 0o444)
    yield place
    for path, mode in kept.items():
        path.chmod(mode)


@pytest.mark.parametrize("words", [("verify",), ("verify", "--all"), ("report",), ("status",), ("explain",)])
def test_a_command_that_only_reads_needs_no_right_to_write(folder: Path, words: tuple[str, ...]) -> None:
    found = mtum(folder, *words)
    assert (found.returncode, found.stderr) == (0, "")
    assert found.stdout


@pytest.mark.parametrize(
    "words",
    [
        ("run",),
        ("halt", "--why", "a test"),
        ("capital", "add", "100", "--why", "a test"),
        ("report", "--send"),
        ("restore", "COPY"),
        ("backup",),
    ],
)
def test_a_command_that_writes_names_what_is_not_writable(folder: Path, words: tuple[str, ...]) -> None:
    found = mtum(folder, *(str(folder / "copy.db") if word == "COPY" else word for word in words))
    assert found.returncode == 3
    assert "not writable" in found.stderr
    assert str(folder / "data") in found.stderr


def test_a_folder_without_a_database_that_may_not_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "config.toml").touch()
    (tmp_path / "data").mkdir(mode=0o555)
    found = mtum(tmp_path, "run")
    assert found.returncode == 3
    assert f"the folder {tmp_path / 'data'} is not writable" in found.stderr
