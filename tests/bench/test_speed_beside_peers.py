"""The fast path beside vectorbt and backtesting, in one run, on the same bars, with the same trades.

The peers need an environment of their own, at the versions that pyproject.toml fixes:

    uv venv .bench --python 3.13
    uv pip install --python .bench/bin/python --group bench --group sample "numba==0.61.2"
    BENCH_PYTHON=.bench/bin/python uv run pytest -m bench tests/bench
"""

import json
import os
import resource
import subprocess
import sys
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from support.exchange_sessions import xnys
from support.markets import made_up_bars

ROOT = Path(__file__).parents[2]
pytestmark = pytest.mark.bench


def race_of(script: str) -> dict[str, Any]:
    python = os.environ.get("BENCH_PYTHON")
    if not python:
        pytest.skip("BENCH_PYTHON names no Python that has vectorbt and backtesting")
    found = subprocess.run(
        [python, "-W", "ignore", str(ROOT / "tests" / "bench" / script)],
        env={**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'tests'}", "NUMBA_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert found.returncode == 0, found.stderr[-2000:]
    result: dict[str, Any] = json.loads(found.stdout)
    print(json.dumps(result, indent=2))
    return result


@pytest.fixture(scope="module")
def raced() -> dict[str, Any]:
    return race_of("peer_race.py")


@pytest.fixture(scope="module")
def raced_portfolios() -> dict[str, Any]:
    return race_of("portfolio_race.py")


@pytest.mark.parametrize(("race", "at_least"), [("allocation", 2.0), ("ranking", 1.25)])
def test_portfolios_are_faster_than_the_peer(raced_portfolios: dict[str, Any], race: str, at_least: float) -> None:
    assert raced_portfolios[race]["times_faster"] >= at_least, raced_portfolios[race]


@pytest.mark.parametrize(
    ("race", "at_least"),
    [
        ("walk_vectorbt", 100),
        ("single_vectorbt", 20),
        ("single_backtesting", 200),
        ("sweep_vectorbt", 24),
        ("symbols_vectorbt", 3),
        ("symbols_walk_vectorbt", 18),
    ],
)
def test_times_faster_than_the_peer(raced: dict[str, Any], race: str, at_least: float) -> None:
    assert raced[race]["times_faster"] >= at_least, raced[race]


def write_market(folder: Path) -> None:
    """Ten years of made-up bars on real sessions as the files both programs read."""
    days = [session.day for session in xnys("2009-01-02", "2018-12-31")]
    drawn, vix = made_up_bars(len(days), 71), [15.0 + (number * 7 % 23) for number in range(len(days))]
    names = ("open", "high", "low", "close", "volume")
    rows = zip(days, *(getattr(drawn, name).tolist() for name in names), strict=True)
    lines = [",".join(map(str, row)) for row in rows]
    (folder / "AAA.csv").write_text("\n".join([f"date,{','.join(names)}", *lines, ""]), encoding="utf-8")
    lines = [f"{day},{level}" for day, level in zip(days, vix, strict=True)]
    (folder / "VIX.csv").write_text("\n".join(["date,close", *lines, ""]), encoding="utf-8")


def seconds(command: list[str], folder: Path) -> float:
    """CPU seconds of a whole process."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    assert done.returncode == 0, done.stderr[-2000:]
    assert json.loads(done.stdout)["trades"]
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def test_a_whole_process_takes_at_most_half_of_the_peers(tmp_path: Path) -> None:
    python = os.environ.get("BENCH_PYTHON")
    if not python:
        pytest.skip("BENCH_PYTHON names no Python that has vectorbt and backtesting")
    write_market(tmp_path)
    mine = [sys.executable, "-m", "mtum", "backtest", "--json", "--symbol", "AAA", "--source", f"csv:{tmp_path}"]
    peer = [python, "-W", "ignore", str(ROOT / "tests" / "bench" / "peer_process.py"), str(tmp_path)]
    seconds(mine, tmp_path), seconds(peer, tmp_path)
    ratios = [seconds(mine, tmp_path) / seconds(peer, tmp_path) for _ in range(7)]
    print(f"whole process, ours over the peer's: {median(ratios):.2f}")
    assert median(ratios) <= 0.5
