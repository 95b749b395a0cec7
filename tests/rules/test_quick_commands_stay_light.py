"""Commands that only read must not load the libraries that take seconds."""

import subprocess
import sys
from pathlib import Path

import pytest

from support.recorded import recorded

HEAVY = (
    "apscheduler", "exchange_calendars", "ib_async", "ib_insync", "jinja2", "matplotlib", "numba", "numpy", "pandas",
    "pandas_ta", "scipy", "sqlite_utils", "yfinance",
)  # fmt: skip
QUICK = (
    ("--help",),
    ("status",),
    ("status", "--json"),
    ("show", "trades"),
    ("show", "bars", "--json"),
    ("config", "show"),
    ("config", "check"),
    ("export", "trades", "--out", "-"),
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("quick")
    recorded(found / "data")
    return found


@pytest.mark.parametrize("words", QUICK, ids=" ".join)
def test_a_quick_command_loads_no_heavy_library(words: tuple[str, ...], folder: Path) -> None:
    code = (
        "import sys\n"
        "from mtum.cli.app import run\n"
        f"code = run({words!r})\n"
        f"print(code, *sorted(set(sys.modules) & set({HEAVY!r})), file=sys.stderr)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.stderr.splitlines()[-1] == "0"


def test_help_does_not_even_load_the_settings(folder: Path) -> None:
    code = "import sys; from mtum.cli.app import run; run(['--help']); print('mtum.config' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", code], check=True, cwd=folder, capture_output=True, text=True, timeout=60
    )
    assert done.stdout.splitlines()[-1] == "False"
