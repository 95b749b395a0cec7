"""The wheel carries the program and its data, nothing else, and runs outside the checkout."""

import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from support.source_tree import ROOT, modules


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    builder = pytest.importorskip("hatchling.builders.wheel", reason="the group 'build' (hatchling) is not installed")
    return Path(next(builder.WheelBuilder(str(ROOT)).build(directory=str(tmp_path_factory.mktemp("wheel")))))


def contents(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_every_module_and_every_data_file_is_in_the_wheel(wheel: Path) -> None:
    files = {module.path for module in modules("mtum", "jobs")}
    files |= {
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "mtum").rglob("*")
        if path.is_file() and path.suffix in {".csv", ".md", ".html", ".j2", ".css", ".js", ".txt", ".toml", ".typed"}
    }
    assert files - contents(wheel) == set()


def test_nothing_but_the_program_is_in_the_wheel(wheel: Path) -> None:
    assert {name.split("/")[0].split("-")[0] for name in contents(wheel)} == {"mtum", "jobs"}
    assert [name for name in contents(wheel) if name.endswith((".pyc", ".db"))] == []


@pytest.mark.skipif(not (ROOT / "mtum" / "__main__.py").exists(), reason="there is no command line yet")
def test_the_unpacked_wheel_runs_outside_the_checkout(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(tmp_path / "site")
    where = "import mtum; print(mtum.__file__)"
    for arguments in (["-c", where], ["-m", "mtum", "--help"]):
        done = subprocess.run(
            [sys.executable, *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(tmp_path / "site")},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == 0, done.stderr
        assert "mtum" in done.stdout
    assert not (tmp_path / "data").exists()
