"""The fast path beside vectorbt and backtesting, in one run, on the same bars, with the same trades.

The peers need an environment of their own (they ask for other versions of shared libraries):

    uv venv .bench --python 3.13
    uv pip install --python .bench/bin/python vectorbt backtesting arch "plotly<6" "numba==0.61.2"
    BENCH_PYTHON=.bench/bin/python uv run pytest -m bench tests/bench
"""

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.bench


@pytest.fixture(scope="module")
def raced() -> dict[str, Any]:
    python = os.environ.get("BENCH_PYTHON")
    if not python:
        pytest.skip("BENCH_PYTHON names no Python that has vectorbt and backtesting")
    found = subprocess.run(
        [python, "-W", "ignore", str(ROOT / "tests" / "bench" / "peer_race.py")],
        env={**os.environ, "PYTHONPATH": str(ROOT), "NUMBA_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr[-2000:]
    result: dict[str, Any] = json.loads(found.stdout)
    print(json.dumps(result, indent=2))
    return result


@pytest.mark.parametrize(
    ("race", "at_least"),
    [("single_vectorbt", 100), ("single_backtesting", 400), ("sweep_vectorbt", 25), ("symbols_vectorbt", 20)],
)
def test_times_faster_than_the_peer(raced: dict[str, Any], race: str, at_least: float) -> None:
    assert raced[race]["times_faster"] >= at_least, raced[race]
