"""A session costs the same whatever has been played before it."""

from pathlib import Path
from statistics import median
from time import process_time

import pytest

from mtum.app.session.play_session import play_session
from support.practice import desk_in

pytestmark = pytest.mark.bench
SESSIONS, SOME = 650, 100


def test_a_session_costs_the_same_after_six_hundred(tmp_path: Path) -> None:
    costs = []
    with desk_in(tmp_path) as replay:
        for session in replay.market[-SESSIONS:]:
            began = process_time()
            play_session(replay.desk, session)
            costs.append(process_time() - began)
    early, late = (median(part) for part in (costs[20 : 20 + SOME], costs[-SOME:]))
    print(f"\none session: {1e3 * early:.1f} ms of CPU at first, {1e3 * late:.1f} ms after {SESSIONS - SOME}")
    assert late <= 1.5 * early
