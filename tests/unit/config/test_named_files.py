"""What stands where a file is expected is named as it is."""

import os
from pathlib import Path

import pytest

from mtum.config.named_files import why_unreadable


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("something", encoding="utf-8")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "dangling").symlink_to("gone")
    (tmp_path / "loop").symlink_to("loop")
    os.mkfifo(tmp_path / "pipe")
    return tmp_path


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("file", None),
        ("link", None),
        ("gone", "does not exist"),
        ("folder", "is a folder, not a file"),
        ("dangling", "is a link to gone, which leads to no file"),
        ("loop", "is a link to loop, which leads to no file"),
        ("pipe", "is not a regular file"),
        ("file/below", "cannot be read: Not a directory"),
    ],
)
def test_what_stands_there_is_named(place: Path, name: str, expected: str | None) -> None:
    assert why_unreadable(place / name) == expected


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every file")
def test_a_file_without_permission_is_named(place: Path) -> None:
    (place / "file").chmod(0)
    assert why_unreadable(place / "file") == "cannot be read: Permission denied"
