"""A backtest that is killed, or finds the disk full, leaves nothing half-written."""

import json
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from time import monotonic

import pytest

from support.bar_folders import write_market
from support.commands import call
from support.full_disk import disk_of

pytestmark = pytest.mark.full


def is_whole(file: Path) -> bool:
    content = file.read_bytes()
    match file.suffix:
        case ".html":
            return content.rstrip().endswith(b"</html>")
        case ".png":
            return content.endswith(b"IEND\xaeB`\x82")
        case ".json":
            return isinstance(json.loads(content), dict)
        case _:
            return content.endswith(b"\n")


def test_a_full_disk_costs_the_whole_sheet_and_one_line(tmp_path: Path) -> None:
    write_market(tmp_path / "bars", sessions=200)
    words = ("backtest", "--symbol", "AAA", "--source", f"csv:{tmp_path / 'bars'}", "--quiet")
    sheet = ("--out", str(tmp_path / "sheet"))
    assert call(tmp_path, *words, *sheet, "--end", "2014-09-01").code == 0
    before = {path.name: path.read_bytes() for path in (tmp_path / "sheet").iterdir()}
    with disk_of(max(map(len, before.values())) - 1):
        found = call(tmp_path, *words, *sheet)
    assert (found.code, found.out) == (2, "")
    assert found.err == f"mtum: {tmp_path / 'sheet'} cannot be written: File too large\n"
    assert {path.name: path.read_bytes() for path in (tmp_path / "sheet").iterdir()} == before


def test_a_backtest_killed_at_any_time_leaves_whole_files_or_none(tmp_path: Path) -> None:
    write_market(tmp_path / "bars")
    words = ("backtest", "--symbol", "AAA", "--source", f"csv:{tmp_path / 'bars'}", "--out", "sheet", "--quiet")
    program = [sys.executable, "-m", "mtum", *words]
    began = monotonic()
    subprocess.run(program, check=True, cwd=tmp_path, capture_output=True, timeout=120)
    took = monotonic() - began
    names = {path.name for path in (tmp_path / "sheet").iterdir()}
    for part in range(1, 9):
        shutil.rmtree(tmp_path / "sheet", ignore_errors=True)
        with subprocess.Popen(program, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
            with suppress(subprocess.TimeoutExpired):
                process.wait(took * part / 8)
            process.kill()
        left = [*(tmp_path / "sheet").glob("[!.]*")]
        assert {path.name for path in left} <= names
        assert all(is_whole(path) for path in left)
        assert call(tmp_path, *words).code == 0, "started again, it ends as if nothing had been"
        assert {path.name for path in (tmp_path / "sheet").iterdir()} == names
