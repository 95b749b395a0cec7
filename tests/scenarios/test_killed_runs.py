"""A run killed at any step and started again orders once and keeps its decision."""

import shutil
import subprocess
import sys
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from mtum.core.portfolio.orders import OrderStatus
from mtum.wiring import resources
from support.practice import ENTRY_DAY, EXIT_DAY, KillAt, Steps, desk_in, exchange_in, in_child, play_next, play_until


def recorded(folder: Path, day: date) -> dict[str, Any]:
    with desk_in(folder) as replay:
        store, name = replay.desk.store, replay.desk.sleeves[0].name
        decision = store.decisions.decision_of(day, name)
        assert decision is not None
        return {
            "decision": decision.document,
            "frame": decision.frame,
            "intents": [(state.intent, state.status, state.filled) for state in store.orders.states(day)],
            "fills": store.orders.fills(name),
            "equity": store.ledger.equity(name),
        }


def prepared(tmp_path: Path, day: date) -> Path:
    folder = tmp_path / "before"
    if day > ENTRY_DAY:
        with desk_in(folder) as replay:
            earlier = replay.desk.calendar.sessions(ENTRY_DAY, day).known[-2]
        play_until(folder, earlier.day)
    else:
        folder.mkdir()
    return folder


def played(folder: Path) -> int:
    return int(play_next(folder).exit_code)


def killed_at(folder: Path, number: int) -> int:
    return int(play_next(folder, KillAt(number)).exit_code)


AROUND_THE_SALE = ("decided", "claimed", "exchange.saved", "fills")
"""Where a sale is killed by default; a purchase is killed at every step."""


@pytest.mark.parametrize(
    ("day", "asked"),
    [(ENTRY_DAY, ()), (EXIT_DAY, AROUND_THE_SALE), pytest.param(EXIT_DAY, (), marks=pytest.mark.full)],
    ids=["purchase", "sale", "sale at any step"],
)
def test_a_run_killed_at_any_step_orders_once_and_decides_the_same(
    tmp_path: Path, day: date, asked: tuple[str, ...]
) -> None:
    before = prepared(tmp_path, day)
    shutil.copytree(before, tmp_path / "whole")
    steps = Steps()
    play_next(tmp_path / "whole", steps)
    expected = recorded(tmp_path / "whole", day)
    orders_before = len(exchange_in(before).orders)
    assert {"started", "decided", "claimed", "exchange.saving", "exchange.saved", "sent", "fills"} <= set(steps.seen)
    # At the last step everything is recorded: the next run would play the next session.
    cells = [(number, step) for number, step in enumerate(steps.seen[:-1]) if not asked or step in asked]
    assert {step for _, step in cells} >= {*asked}
    for number, step in cells:
        folder = tmp_path / f"killed-{number}"
        shutil.copytree(before, folder)
        ended = in_child(partial(killed_at, folder, number))
        assert ended == -9, f"step {number} ({step}) was not reached"
        again = in_child(partial(played, folder))
        assert again == 0, f"after {step}"
        assert len(exchange_in(folder).orders) == orders_before + 1, f"after {step}"
        assert recorded(folder, day) == expected, f"after {step}"
        shutil.rmtree(folder)


@pytest.mark.parametrize(
    "steps", [((5, 3), (9, 4)), pytest.param(((7, 2), (11, 1)), marks=pytest.mark.full)], ids=["two", "two others"]
)
def test_a_run_killed_twice_still_orders_once(tmp_path: Path, steps: tuple[tuple[int, int], ...]) -> None:
    for first, second in steps:
        folder = tmp_path / f"{first}-{second}"
        assert in_child(partial(killed_at, folder, first)) == -9
        in_child(partial(killed_at, folder, second))
        assert in_child(partial(played, folder)) == 0
        assert len(exchange_in(folder).orders) == 1


FRESH = """
import os, signal, sys
from mtum.__main__ import main
from mtum.adapters.run_journal import RunJournal
step = RunJournal.reached
def reached(self, name):
    step(self, name)
    if name == {step!r}:
        os.kill(os.getpid(), signal.SIGKILL)
RunJournal.reached = reached
sys.argv = ["mtum", "run", "--json", "--data-dir", {folder!r}]
main()
"""


@pytest.mark.parametrize(
    "step",
    [
        "claimed",
        "exchange.saved",
        *(pytest.param(step, marks=pytest.mark.full) for step in ("refreshed", "decided", "fills")),
    ],
)
def test_a_fresh_process_killed_and_started_again_orders_once(tmp_path: Path, step: str) -> None:
    code = FRESH.format(step=step, folder=str(tmp_path))
    killed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False
    )
    assert killed.returncode == -9, killed.stderr
    command = [sys.executable, "-m", "mtum", "run", "--json", "--data-dir", str(tmp_path)]
    again = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)
    assert again.returncode == 0, again.stderr
    assert len(exchange_in(tmp_path).orders) == 1
    with desk_in(tmp_path) as replay:
        (state,) = replay.desk.store.orders.states(ENTRY_DAY)
    assert state.status is OrderStatus.FILLED


def test_a_second_run_of_a_session_answers_from_its_record(tmp_path: Path) -> None:
    play_next(tmp_path)
    command = [sys.executable, "-m", "mtum", "run", "--session", str(ENTRY_DAY), "--json", "--data-dir", str(tmp_path)]
    again = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, timeout=60, check=False)
    assert again.returncode == 0, again.stderr
    assert '"rerun": true' in again.stdout
    assert len(exchange_in(tmp_path).orders) == 1
    assert (tmp_path / resources.DATABASE_NAME).exists()
