"""What a person asks for about a thousand positions beside ten, as whole commands."""

import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.many_positions import write_positions

pytestmark = pytest.mark.bench
FEW, MANY = 10, 1_000
ROUNDS = 5
MTUM = """
import sys
from mtum.cli.app import run
from mtum.core.strategies import STRATEGIES
from support.scripted import Scripted
STRATEGIES[Scripted.name] = Scripted
sys.exit(run(sys.argv[1:]))
"""
TESTS = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[int, Path]:
    """Two installations of the same thousand symbols: with ten positions and with a thousand."""
    found = {count: tmp_path_factory.mktemp(f"positions-{count}") for count in (FEW, MANY)}
    for count, folder in found.items():
        write_positions(folder, count)
    return found


def cost(folder: Path, word: str) -> float:
    """CPU seconds of the command; a report is made anew."""
    shutil.rmtree(folder / "data" / "reports", ignore_errors=True)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = {**os.environ, "PYTHONPATH": str(TESTS)}
    done = subprocess.run(
        [sys.executable, "-c", MTUM, word], check=False, cwd=folder, env=environment, capture_output=True, timeout=120
    )
    assert done.returncode == 0, done.stderr
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime - before.ru_utime + after.ru_stime - before.ru_stime


@pytest.mark.parametrize("word", ["status", "sleeves", "report"])
def test_a_thousand_positions_cost_at_most_twice_what_ten_cost(folders: dict[int, Path], word: str) -> None:
    for folder in folders.values():
        cost(folder, word)
    rounds = [{count: cost(folder, word) for count, folder in folders.items()} for _ in range(ROUNDS)]
    few, many = (min(one[count] for one in rounds) for count in folders)
    print(f"{word}: {few:.2f} and {many:.2f} s")
    assert many <= 2.0 * few
