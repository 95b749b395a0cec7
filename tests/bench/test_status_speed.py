"""What `mtum status` costs when twenty years lie in the database and shares are held."""

import resource
import subprocess
import sys
from pathlib import Path

import pytest

from support.grown_store import grown

pytestmark = pytest.mark.bench
TWENTY_YEARS = 5_003
"""Sessions; the last round trip is open."""
ROUNDS = 7


def cpu_seconds(folder: Path) -> float:
    """CPU time of one `mtum status` on that data folder."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [sys.executable, "-m", "mtum", "--data-dir", str(folder), "status"]
    done = subprocess.run(command, check=False, cwd=folder, capture_output=True, timeout=120)
    assert done.returncode in (0, 2), done.stderr  # 2: the settings name another account, which status says
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


def test_twenty_years_cost_at_most_half_as_much_again_as_an_empty_database(tmp_path: Path) -> None:
    folders = {sessions: tmp_path / str(sessions) for sessions in (0, TWENTY_YEARS)}
    for sessions, folder in folders.items():
        folder.mkdir()
        grown(folder, sessions).close()
    rounds = [{sessions: cpu_seconds(folder) for sessions, folder in folders.items()} for _ in range(ROUNDS)]
    empty, full = (min(one[sessions] for one in rounds) for sessions in folders)
    assert full <= 1.5 * empty, f"{full:.3f} s beside {empty:.3f} s"
