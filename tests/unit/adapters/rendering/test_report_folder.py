"""Report files are written once and whole; old pages go."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mtum.adapters.rendering.report_folder import ReportFolder, write_whole
from mtum.errors import StoreError
from support.full_disk import disk_of


def test_a_file_is_written_once(tmp_path: Path) -> None:
    files = ReportFolder(tmp_path / "reports")
    first = files.put_report("2026-01-05.txt", "first")
    assert files.put_report("2026-01-05.txt", "second") == first
    assert first.read_text(encoding="utf-8") == "first"
    assert first.is_absolute()
    assert files.path_of("2026-01-05.txt") == first
    assert files.path_of("2026-01-06.txt") is None


def test_only_the_newest_pages_are_kept_and_all_texts(tmp_path: Path) -> None:
    files = ReportFolder(tmp_path, keep_html=2)
    for day in range(5, 9):
        files.put_report(f"2026-01-0{day}.txt", "text")
        files.put_report(f"2026-01-0{day}.html", "page")
    files.put_report("week-2026-01-09.html", "review")
    assert sorted(path.name for path in tmp_path.glob("*.html")) == [
        "2026-01-07.html",
        "2026-01-08.html",
        "week-2026-01-09.html",
    ]
    assert len(list(tmp_path.glob("*.txt"))) == 4


def test_a_page_written_late_for_an_old_session_is_not_let_go_at_once(tmp_path: Path) -> None:
    files = ReportFolder(tmp_path, keep_html=1)
    files.put_report("2026-01-08.html", "page")
    assert files.put_report("2026-01-05.html", "late").exists()


def test_folder_that_cannot_be_made_is_one_clear_error(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(StoreError, match="cannot be written"):
        ReportFolder(tmp_path / "file").put_report("a.txt", "text")


def test_files_that_belong_together_are_all_written_or_none(tmp_path: Path) -> None:
    folder = tmp_path / "sheet"
    with disk_of(100), pytest.raises(OSError, match="File too large"):
        write_whole(folder, {"page.html": b"new", "chart.png": b"x" * 101})
    assert not folder.exists(), "neither is the folder"
    assert write_whole(folder, {"page.html": b"old", "chart.png": b"o"}) == [folder / "page.html", folder / "chart.png"]
    with disk_of(100), pytest.raises(OSError, match="File too large"):
        write_whole(folder, {"page.html": b"new", "chart.png": b"x" * 101})
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == {"page.html": b"old", "chart.png": b"o"}


def test_what_a_killed_process_left_behind_goes_and_what_a_living_one_writes_stays(tmp_path: Path) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as gone:
        pass
    for process in (gone.pid, os.getppid()):
        (tmp_path / f".page.html.{process}").write_bytes(b"half")
    (tmp_path / ".page.html.notes").write_bytes(b"mine")
    write_whole(tmp_path, {"page.html": b"whole"})
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f".page.html.{os.getppid()}",
        ".page.html.notes",
        "page.html",
    ]
