"""A session costs the same whatever has been played before it."""

import gc
from pathlib import Path
from statistics import median
from time import process_time

import pytest

from mtum.app.session.play_session import play_session
from support.old_installation import grow
from support.practice import desk_in

pytestmark = pytest.mark.bench
SESSIONS, TIMED = (100, 1000, 5000), 25


def one_session(folder: Path, stored: int) -> float:
    """Median CPU seconds of sessions played after so many, each on a desk opened anew as the daily job does."""
    grow(folder, stored)
    costs = []
    for _ in range(TIMED):
        gc.collect()
        with desk_in(folder) as replay:
            session = replay.upcoming()
            assert session is not None
            began = process_time()
            played = play_session(replay.desk, session)
            costs.append(process_time() - began)
        assert played.exit_code == 0, played.document["problems"]
    return median(costs)


def test_a_session_costs_the_same_after_thousands(tmp_path: Path) -> None:
    one_session(tmp_path / "warm", 0)
    costs = {stored: one_session(tmp_path / str(stored), stored) for stored in SESSIONS}
    print("\none session: " + ", ".join(f"{1e3 * cost:.1f} ms after {stored}" for stored, cost in costs.items()))
    assert max(costs.values()) <= 1.5 * costs[SESSIONS[0]], costs
