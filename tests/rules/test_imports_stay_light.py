"""What a quick command loads must not drag in the libraries that take seconds."""

import subprocess
import sys

import pytest

from support.source_tree import ROOT

HEAVY = (
    "apscheduler", "exchange_calendars", "fastapi", "ib_insync", "jinja2", "matplotlib", "numba", "numpy",
    "pandas", "pandas_ta", "pydantic", "scipy", "sqlite_utils", "starlette", "uvicorn", "yfinance",
)  # fmt: skip
LIGHT = ["mtum", "mtum.config", "mtum.errors", "mtum.ports", "mtum.cli", "mtum.__main__", "jobs"]


def exists(name: str) -> bool:
    path = ROOT.joinpath(*name.split("."))
    return path.with_suffix(".py").exists() or (path / "__init__.py").exists()


@pytest.mark.parametrize("name", [name for name in LIGHT if exists(name)])
def test_importing_it_loads_no_heavy_library(name: str) -> None:
    code = f"import sys, {name}; print(*sorted(set(sys.modules) & set({HEAVY!r})))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == []
