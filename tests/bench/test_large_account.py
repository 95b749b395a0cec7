"""A hundred symbols in five sleeves: what the decision takes, what the run holds in memory, what is added to disk."""

import json
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import pytest

from mtum.app.session.play_session import play_session
from support.large_account import large_in, write_large

pytestmark = pytest.mark.bench
TESTS = Path(__file__).parents[1]
ROUNDS = 3


def test_five_sleeves_of_a_hundred_symbols_decide_in_two_seconds_and_400_megabytes(tmp_path: Path) -> None:
    """From bars in the database to the stored decision, CPU seconds, each in a fresh process."""
    write_large(tmp_path, ROUNDS + 1)
    command, rounds = [sys.executable, "-m", "support.large_account", str(tmp_path)], []
    for _ in range(ROUNDS):
        done = subprocess.run(command, cwd=TESTS, check=False, capture_output=True, timeout=300)
        assert done.returncode == 0, done.stderr.decode()
        rounds.append(json.loads(done.stdout))
    print(rounds)
    assert min(one["seconds"] for one in rounds) <= 2.0, rounds
    assert max(one["megabytes"] for one in rounds) <= 400, rounds


def stored_bytes(folder: Path) -> int:
    """What the frames and their bars take in a file of their own, without free pages."""
    with closing(sqlite3.connect(folder / "mtum.db")) as database:
        database.execute("ATTACH ':memory:' AS kept")
        for table in ("input_frames", "frame_bars"):
            database.execute(f"CREATE TABLE kept.{table} AS SELECT * FROM main.{table}")
        pages, size = (database.execute(f"PRAGMA kept.{word}").fetchone()[0] for word in ("page_count", "page_size"))
    return int(pages) * int(size)


def test_a_frame_of_a_hundred_symbols_adds_at_most_60_kilobytes_a_session(tmp_path: Path) -> None:
    """The first session writes down 600 bars of each; from then on a session adds one bar of each and its own view."""
    write_large(tmp_path, ROUNDS + 2, sleeves=1)
    sizes = []
    with large_in(tmp_path) as replay:
        for _ in range(ROUNDS + 1):
            session = replay.upcoming()
            assert session is not None
            assert play_session(replay.desk, session).exit_code == 0
            sizes.append(stored_bytes(tmp_path))
    added = (sizes[-1] - sizes[0]) / ROUNDS
    print(f"{added / 1e3:.0f} kB a session")
    assert added <= 60e3, sizes
