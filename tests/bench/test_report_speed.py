"""One session's report with charts, as a whole process, beside the import of the plotting library."""

import os
import resource
import statistics
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from support.long_history import write_years
from support.report_history import sample_history

pytestmark = pytest.mark.bench
BUDGET = 3.0
FLAT = 1.25
ROUNDS = 3
PLAYED = 8
FIVE_YEARS = 1250
IMPORT = "from matplotlib.figure import Figure; from matplotlib.backends.backend_agg import FigureCanvasAgg"


def cpu_seconds(command: Sequence[str]) -> float:
    """CPU time of one child."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, timeout=120, env=os.environ)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def played(folder: Path, *, years: bool) -> list[str]:
    """Play the last sessions of the sample without reports, after five years or nothing; return their days."""
    history = sample_history(folder)
    first = len(history.bars) - PLAYED
    if years:
        assert write_years(history, first) >= FIVE_YEARS - PLAYED
    days = [history.play(index) for index in range(first, len(history.bars))]
    return [str(day) for day in days[-ROUNDS - 1 :]]


def report(folder: Path, day: str) -> list[str]:
    return [sys.executable, "-m", "mtum", "--data-dir", str(folder), "report", "--session", day]


def test_report_costs_at_most_three_imports_and_does_not_grow_over_five_years(tmp_path: Path) -> None:
    short, long = played(tmp_path / "short", years=False), played(tmp_path / "long", years=True)
    for folder, days in (("short", short), ("long", long)):
        cpu_seconds(report(tmp_path / folder, days[0]))  # bytecode and disk cache
    cpu_seconds([sys.executable, "-c", IMPORT])
    took: dict[str, list[float]] = {"import": [], "short": [], "long": []}
    for step in range(1, ROUNDS + 1):
        took["import"].append(cpu_seconds([sys.executable, "-c", IMPORT]))
        took["short"].append(cpu_seconds(report(tmp_path / "short", short[step])))
        took["long"].append(cpu_seconds(report(tmp_path / "long", long[step])))
    middle = {name: statistics.median(each) for name, each in took.items()}
    assert (tmp_path / "long" / "reports" / f"{long[-1]}.html").exists()
    assert middle["long"] <= BUDGET * middle["import"], middle
    assert middle["long"] <= FLAT * middle["short"], middle
