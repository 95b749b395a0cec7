"""Trading days in one process at high simulated speed: memory stays flat, one report each."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from support.source_tree import ROOT

WARM_UP = 30
"""From 2026-03-09 on: by then every kind of job has run once, the quarter's review of 2026-03-31 included."""
KILOBYTES_PER_SESSION = 40.0
OBJECTS_PER_SESSION = 150.0


def soaked(folder: Path, sessions: int, *words: str) -> dict[str, Any]:
    asked = {name: text for name, text in os.environ.items() if not name.startswith("MTUM_")}
    asked["PYTHONMALLOC"] = "malloc"  # one allocator, so that it can be asked for all memory in use
    asked["PYTHONPATH"] = os.pathsep.join((str(ROOT), str(ROOT / "tests"), os.environ["PYTHONPATH"]))
    command = [sys.executable, str(ROOT / "tests" / "tools" / "soak.py"), str(folder), str(sessions), *words]
    played = subprocess.run(command, env=asked, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    found: dict[str, Any] = json.loads(played.stdout)
    return found


def slope(values: list[float]) -> float:
    """Median slope of all pairs (Theil-Sen): a step near either end moves it little, one in the middle does."""
    later = np.array(values[WARM_UP:], dtype=np.float64)
    first, second = np.triu_indices(len(later), 1)
    return float(np.median((later[second] - later[first]) / (second - first)))


@pytest.mark.full
def test_memory_is_flat_and_every_session_has_its_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sessions = WARM_UP + 120
    played = soaked(tmp_path, sessions)
    sizes = played["kilobytes"]
    found, objects = slope(sizes), slope(played["objects"])
    with capsys.disabled():
        print(f"\n{sessions} sessions: {sizes[WARM_UP]:.0f} to {sizes[-1]:.0f} kB in use after {WARM_UP} of warm-up,")
        print(f"  {found:+.1f} kB and {objects:+.1f} objects per session")
    assert set(played["codes"]) == {0}
    assert played["reports"] == sessions
    assert abs(found) < KILOBYTES_PER_SESSION
    assert abs(objects) < OBJECTS_PER_SESSION
    # Steps are not growth, but not without bound either: no more than one library's worth.
    assert sizes[-1] - sizes[WARM_UP] < 20_000


@pytest.mark.full
def test_thirty_days_leave_a_report_each_and_a_forgotten_page_would_be_noticed(tmp_path: Path) -> None:
    forgotten = 100
    played = soaked(tmp_path, WARM_UP + 30, str(forgotten))
    assert set(played["codes"]) == {0}
    assert played["reports"] == WARM_UP + 30
    assert slope(played["kilobytes"]) > KILOBYTES_PER_SESSION
