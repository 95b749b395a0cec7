"""Thirty trading days in one process at high simulated speed: memory stays flat, one report each."""

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from support.source_tree import ROOT

SESSIONS = 30
KILOBYTES_PER_SESSION = 300.0
"""Noise of the allocator; a forgotten figure would be thousands a session."""


@pytest.mark.full
def test_memory_is_flat_and_every_session_has_its_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    asked = {name: text for name, text in os.environ.items() if not name.startswith("MTUM_")}
    asked["PYTHONPATH"] = os.pathsep.join((str(ROOT), str(ROOT / "tests")))
    words = [sys.executable, str(ROOT / "tests" / "tools" / "soak.py"), str(tmp_path), str(SESSIONS)]
    played = json.loads(subprocess.run(words, env=asked, stdout=subprocess.PIPE, text=True, check=True).stdout)
    # It begins on 2026-09-24: by the fifth session (the quarter's last) every kind of job has run once
    # and loaded its libraries; the month's end on 2026-10-30 lies inside what is measured.
    later = np.array(played["kilobytes"][5:])
    slope = float(np.polyfit(np.arange(len(later)), later, 1)[0])
    with capsys.disabled():
        print(f"\n{SESSIONS} sessions: {later[0]:.0f} to {later[-1]:.0f} kB resident, {slope:+.1f} kB per session")
    assert set(played["codes"]) == {0}
    assert played["reports"] == SESSIONS
    assert slope < KILOBYTES_PER_SESSION
