"""A sweep killed at any moment and started again ends with the rows of one that was left alone."""

import csv
import os
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Mapping
from contextlib import closing, suppress
from functools import partial
from pathlib import Path
from threading import Event
from typing import Any

import pytest

from mtum.adapters.calendar import ExchangeCalendar
from mtum.adapters.sweep_results import SweepResults
from mtum.app.research.backtest_request import BacktestRequest
from mtum.app.research.grid_file import read_grid
from mtum.app.research.prepare_sweep import prepare
from mtum.app.research.prepared_sweep import CHUNK, PreparedSweep
from mtum.app.research.sweep import ThreadEngine, sweep
from mtum.config import Settings, load
from mtum.wiring import resources
from mtum.wiring.provenance import code_hash
from support.commands import Called, call
from support.practice import in_child

GRID = """
[grid]
strategy.mtum_confluence.ma_sessions = { from = 20, to = 59, step = 1 }
strategy.mtum_confluence.atr_target_multiple = { from = 2.0, to = 6.75, step = 0.25 }
portfolio.cost_frac = [0.0005, 0.001]
"""
TOTAL = 40 * 20 * 2


def settings(more: Mapping[str, Any]) -> Settings:
    return load(None, {}, dict(more))


def prepared(path: Path) -> PreparedSweep:
    grid, base = read_grid(path), settings({})
    source = resources.source_of(base, Path())
    return prepare(grid, BacktestRequest(base), settings, source, ExchangeCalendar(), code_hash())


def dying_after(path: Path, folder: Path, chunks: int) -> int:
    """Sweep, and be killed when so many chunks are kept."""
    ready = prepared(path)
    kept = 0

    def count(done: int, total: int) -> None:
        nonlocal kept
        if kept == chunks:
            os.kill(os.getpid(), signal.SIGKILL)
        kept += 1

    sweep(ready, SweepResults(folder / f"sweep-{ready.fingerprint()}.db"), ThreadEngine(), count)
    return 0


def dying_at(path: Path, folder: Path, row: int) -> int:
    """Sweep, and be killed within a chunk, before that row is written."""
    ready = prepared(path)
    store, heard = SweepResults(folder / f"sweep-{ready.fingerprint()}.db"), 0

    def count(statement: str) -> None:
        nonlocal heard
        if statement.startswith("INSERT"):
            if heard == row:
                os.kill(os.getpid(), signal.SIGKILL)
            heard += 1

    store._connection.set_trace_callback(count)
    sweep(ready, store, ThreadEngine(), lambda done, total: None)
    return 0


def swept(path: Path, folder: Path) -> Called:
    return call(path.parent, "sweep", str(path), "--out", str(folder), "--json", "--quiet")


def stored(folder: Path) -> int:
    (database,) = folder.glob("*.db")
    with closing(sqlite3.connect(database)) as connection:
        return int(connection.execute("SELECT count(*) FROM results").fetchone()[0])


def table(folder: Path) -> list[list[str]]:
    with (folder / "sweep.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


@pytest.fixture(scope="module")
def grid(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("grid") / "grid.toml"
    path.write_text(GRID, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def left_alone(grid: Path) -> tuple[dict[str, Any], list[list[str]]]:
    folder = grid.parent / "alone"
    found = swept(grid, folder)
    assert found.code == 0, found.err
    return found.document, table(folder)


@pytest.mark.parametrize(
    ("death", "kept"),
    [
        (partial(dying_after, chunks=0), 0),
        (partial(dying_after, chunks=1), CHUNK),
        (partial(dying_after, chunks=3), 3 * CHUNK),
        (partial(dying_at, row=0), 0),
        (partial(dying_at, row=CHUNK + 123), CHUNK),
        (partial(dying_at, row=TOTAL - 1), 3 * CHUNK),
    ],
    ids=["before any chunk", "after one", "after three", "at the first row", "within a chunk", "at the last row"],
)
def test_a_killed_sweep_goes_on_where_it_stopped(
    grid: Path, left_alone: tuple[dict[str, Any], list[list[str]]], tmp_path: Path, death: Any, kept: int
) -> None:
    assert in_child(partial(death, grid, tmp_path)) == -signal.SIGKILL
    assert stored(tmp_path) == kept, "whole chunks or nothing"
    assert not (tmp_path / "sweep.csv").exists()
    again = swept(grid, tmp_path)
    assert again.code == 0, again.err
    document, rows = left_alone
    assert table(tmp_path) == rows
    assert len(rows) == TOTAL + 1
    assert {**again.document, "files": None, "id": None} == {**document, "files": None, "id": None}


SLOW = """
import time
from dataclasses import dataclass
from typing import ClassVar

from mtum.core.strategies.contract import Strategy, SymbolVerdict, Target


@dataclass(frozen=True)
class Slow(Strategy):
    name: ClassVar[str] = "slow"
    share: float = 0.5

    def universe(self):
        return ("MTUM",)

    def history_sessions(self):
        return 1

    def verdicts(self, view, own):
        time.sleep(0.004)
        return (SymbolVerdict("MTUM", Target(self.share), ("slow",), (), {}),)
"""
SLOW_GRID = "[grid]\nstrategy.slow.share = [0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]\n"
SLOW_WORDS = ("sweep", "grid.toml", "--strategy", "slow", "--start", "2018-01-02", "--json", "--quiet")


def slow(folder: Path) -> Path:
    folder.mkdir()
    (folder / "slow.py").write_text(SLOW)
    (folder / "config.toml").write_text('[plugins]\nstrategies = ["slow.py"]\n')
    (folder / "grid.toml").write_text(SLOW_GRID)
    return folder


def children_of(parent: int) -> set[int]:
    stats = [(path.name, path / "stat") for path in Path("/proc").iterdir() if path.name.isdecimal()]
    found = set()
    for name, stat in stats:
        with suppress(OSError):
            # The name of the command stands in brackets and may hold spaces; the parent is the second word behind it.
            found |= {int(name)} if int(stat.read_text().rpartition(")")[2].split()[1]) == parent else set()
    return found


def gone(process: int) -> bool:
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] == "Z"
    except OSError:
        return True


@pytest.mark.full
@pytest.mark.parametrize("way", [signal.SIGKILL, signal.SIGINT], ids=["killed", "interrupted"])
def test_a_sweep_ended_amid_its_workers_leaves_none_and_goes_on(tmp_path: Path, way: signal.Signals) -> None:
    folder, alone = slow(tmp_path / "ended"), slow(tmp_path / "alone")
    words = (*SLOW_WORDS, "--workers", "2", "--out", "out")
    with subprocess.Popen(
        [sys.executable, "-m", "mtum", *words], cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as swept:
        deadline = time.monotonic() + 90
        while not (list((folder / "out").glob("*.db")) and stored(folder / "out") >= 2):
            assert time.monotonic() < deadline, "no row was kept"
            Event().wait(0.05)
        workers = children_of(swept.pid)
        swept.send_signal(way)
        _, told = swept.communicate(timeout=30)
    assert swept.returncode == (-way if way is signal.SIGKILL else 130)
    # Of a killed process its library tells what it cleans up.
    assert way is signal.SIGKILL or told == "mtum: interrupted\n"
    assert len(workers) >= 2
    while not all(map(gone, workers)):
        assert time.monotonic() < deadline + 30, "a worker outlives the sweep"
        Event().wait(0.05)
    assert 2 <= stored(folder / "out") < 8, "it was ended before all was played"
    again = call(folder, *words)
    assert again.code == 0, again.err
    whole = call(alone, *SLOW_WORDS, "--out", "out")
    assert table(folder / "out") == table(alone / "out")
    assert {**again.document, "files": None} == {**whole.document, "files": None}
