"""An account of five sleeves, each of which rotates among the same hundred symbols and looks at 600 bars of each."""

import json
import resource
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import process_time

import pytest

from mtum import config
from mtum.app.session.play_session import Replay, play_session
from mtum.core.strategies import STRATEGIES
from mtum.ports.time import Journal
from mtum.wiring import desks
from support.markets import made_up_bars
from support.practice import write_market
from support.rotation import Rotation

SLEEVES, HISTORY = 5, 600
NAMES = tuple(f"S{number:03}" for number in range(100))


def write_large(folder: Path, sessions: int, sleeves: int = SLEEVES) -> None:
    """Write a market with at least so many sessions to decide, and the settings of the account."""
    bars = {name: made_up_bars(round(1.04 * HISTORY) + sessions, number, name) for number, name in enumerate(NAMES)}
    write_market(folder / "bars", bars)
    rules = f"symbols = [{', '.join(f'{name!r}' for name in NAMES)}]\nmean_sessions = {HISTORY}"
    weights = [(number + 1) * 2 / (sleeves * (sleeves + 1)) for number in range(sleeves)]
    told = (
        f'[sleeve.s{number}]\nstrategy = "rotation"\nweight = {weight!r}\n[sleeve.s{number}.rules]\n{rules}'
        for number, weight in enumerate(weights)
    )
    settings = ('[market]\nsource = "csv"', "[portfolio]\ncapital_usd = 1000000", *told)
    (folder / "config.toml").write_text("\n".join(settings) + "\n")


@contextmanager
def large_in(folder: Path, journal: Journal | None = None) -> Iterator[Replay]:
    """The desk of the account."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(STRATEGIES, Rotation.name, Rotation)
        settings = config.load(folder / "config.toml", {}, {})
        with desks.replay_desk(settings, folder, journal) as replay:
            yield replay


class _Steps:
    """A journal of the CPU seconds at which each step was reached first."""

    def __init__(self) -> None:
        self.reached_at: dict[str, float] = {}

    def begin(self, run_id: int) -> None:
        """Nothing to do."""

    def reached(self, step: str) -> None:
        """Remember the first time."""
        self.reached_at.setdefault(step, process_time())


def main(folder: Path) -> None:
    """Play the next session in this process; print what the decision took in CPU seconds, and the memory in MB."""
    steps = _Steps()
    with large_in(folder, steps) as replay:
        session = replay.upcoming()
        assert session is not None
        played = play_session(replay.desk, session)
    assert played.exit_code == 0, played.document["problems"]
    seconds = steps.reached_at["decided"] - steps.reached_at["refreshed"]
    megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    sys.stdout.write(json.dumps({"seconds": seconds, "megabytes": megabytes}))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
