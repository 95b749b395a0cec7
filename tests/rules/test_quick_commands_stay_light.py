"""Commands that only read, and the daily job, must not load the libraries that take seconds."""

import os
import shutil
import subprocess
import sys
from datetime import date
from pathlib import Path

import pytest

from mtum.adapters.calendar import ExchangeCalendar
from support.recorded import recorded

HEAVY = (
    "apscheduler", "exchange_calendars", "fastapi", "ib_async", "ib_insync", "jinja2", "matplotlib", "numba", "numpy",
    "pandas", "pandas_ta", "pydantic", "scipy", "sqlite_utils", "starlette", "uvicorn", "yfinance",
)  # fmt: skip
NOT_OF_SHARES = (
    "mtum.adapters.brokers.ib", "mtum.adapters.chains", "mtum.adapters.ib",
    "mtum.adapters.notifiers", "mtum.adapters.rendering", "mtum.adapters.sources.ib", "mtum.adapters.sources.yahoo",
    "mtum.adapters.store.outbox", "mtum.app.options", "mtum.app.owner", "mtum.app.reporting", "mtum.app.research",
    "mtum.core.decide_options", "mtum.core.options.model", "mtum.core.options.requirement",
    "mtum.core.record_options", "mtum.core.research", "mtum.core.simulation.kernel",
    "mtum.gateway", "mtum.ports.messages", "mtum.ports.options", "mtum.ports.reports", "mtum.web",
    "mtum.wiring.option_desks", "numpy.ma", "rich", "tomlkit",
)  # fmt: skip
"""What a session of an account of shares must not load, each with what is inside it: all of it takes time."""
QUICK = (
    ("--help",),
    ("status",),
    ("status", "--json"),
    ("show", "trades"),
    ("show", "bars", "--json"),
    ("show", "backtests"),
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


@pytest.fixture(scope="module")
def known_sessions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("known") / "mtum" / "sessions.json"
    found.parent.mkdir()
    # The embedded market's, with those around its ends.
    ExchangeCalendar(file=found).sessions(date(2013, 12, 31), date(2019, 1, 31))
    return found


@pytest.mark.parametrize("words", [("run",), ("demo", "--sessions", "2", "--out", "demo"), ("backtest",)], ids=" ".join)
def test_a_session_or_a_history_is_played_without_tables_and_compiler(
    words: tuple[str, ...], known_sessions: Path, tmp_path: Path
) -> None:
    # Each creates its database, too.
    (tmp_path / "data").mkdir()
    shutil.copy(known_sessions, tmp_path / "data")
    drawn = {"jinja2", "matplotlib"} if words[0] == "demo" else set()
    heavy = {*HEAVY, *(NOT_OF_SHARES if words[0] == "run" else ())} - {"numpy", "sqlite_utils"} - drawn
    code = (
        "import atexit, sys\n"
        "from mtum.__main__ import main\n"
        "atexit.register(lambda: print(*sys.modules, file=sys.stderr))\n"
        f"sys.argv = ['mtum', *{words!r}]\n"
        "main()\n"
    )
    environment = {**os.environ, "XDG_CACHE_HOME": str(known_sessions.parent.parent)}
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60,
    )  # fmt: skip
    loaded = done.stderr.splitlines()[-1].split()
    assert [name for name in loaded if f"{name}.".startswith(tuple(f"{one}." for one in heavy))] == []
