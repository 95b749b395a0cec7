"""`kill -9` in a session of three sleeves, at every commit, file and step of run and settling, then started again.

One order goes out each way, shares change sleeves, and one order is filled in part. The quick part kills where the
decision, the orders and the cross are recorded; everywhere: `pytest -m full tests/scenarios/test_killed_crosses.py`.
"""

import os
import signal
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from shutil import copytree, rmtree
from typing import Any

import pytest

from mtum.app.ledger.book_problems import book_problems
from mtum.app.records.verify import verify
from mtum.app.session.play_session import play_session
from mtum.core.portfolio.orders import OrderStatus, Side
from mtum.core.simulation.exchange_state import FillPlan, PlanEffect
from scenarios.test_coordination import DAYS, account, row, sleeve
from support.killed_jobs import around_what_lasts
from support.practice import exchange_in, in_child, instruct

SLEEVES = (
    sleeve("core", 0.4, row(DAYS[0], "AAA", 1.0), row(DAYS[1], "AAA", 0.0)),
    sleeve("timing", 0.3, row(DAYS[1], "AAA", 1.0)),
    sleeve("switch", 0.3, row(DAYS[0], "BBB", 0.5), row(DAYS[1], "BBB", 1.0)),
)
NAMES = ("core", "timing", "switch")
PART = 30
"""Shares of BBB that are filled of those ordered on the second day."""
DONE = 99


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The account on the eve of the session."""
    folder = tmp_path_factory.mktemp("crosses") / "before"
    folder.mkdir()
    with account(folder, *SLEEVES) as replay:
        while (session := replay.upcoming()) and session.day < DAYS[1]:
            assert play_session(replay.desk, session).exit_code == 0
    instruct(folder, FillPlan(PlanEffect.PARTIAL_FILL, session=DAYS[1], symbol="BBB", shares=PART))
    return folder


def played(folder: Path, watch: Callable[[str], None] | None = None) -> int:
    """Play what is left until the day after; the exit code of the last session."""
    if watch is not None:
        around_what_lasts(watch)
    code = DONE
    with account(folder, *SLEEVES) as replay:
        while (session := replay.upcoming()) and session.day <= DAYS[2]:
            code = int(play_session(replay.desk, session).exit_code)
    return code


def passed(folder: Path) -> list[str]:
    """Every point that an undisturbed process passes."""
    file = folder / "points.txt"

    def note(label: str) -> None:
        with file.open("a", encoding="utf-8") as points:
            points.write(label + "\n")

    assert in_child(partial(played, folder, note)) == 0
    return file.read_text().split()


def killed(folder: Path, number: int) -> int:
    left = [number]

    def point(label: str) -> None:
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        left[0] -= 1

    return in_child(partial(played, folder, point))


def recorded(folder: Path) -> dict[str, Any]:
    with account(folder, *SLEEVES) as replay:
        desk, store = replay.desk, replay.desk.store
        assert verify(store, desk.settings, desk.provenance).exit_code == 0
        assert book_problems(store) == ()
        return {
            "decisions": [
                (one.session, one.strategy, one.document, one.frame) for one in store.decisions.final_decisions()
            ],
            "plans": [store.plans.plan_of(day) for day in DAYS],
            "orders": [(one.intent, one.status, one.filled) for one in store.orders.states()],
            "crosses": store.crosses.crosses_of(DAYS[1]),
            "fills": store.orders.fills(),
            "lots": {name: store.ledger.lots(name) for name in NAMES},
            "cash": {name: store.ledger.movements(name) for name in NAMES},
            "equity": {name: store.ledger.equity(name) for name in NAMES},
            "at the exchange": [(one.ticket.ref, one.ticket.shares) for one in exchange_in(folder).orders],
        }


def undisturbed(before: Path, folder: Path) -> tuple[list[str], dict[str, Any]]:
    copytree(before, folder)
    return passed(folder), recorded(folder)


def wrong_after(before: Path, folder: Path, cells: Sequence[tuple[int, str]], expected: dict[str, Any]) -> list[str]:
    """Kill at each of these points, start again, and say where the books are not as they would have been."""
    found = []
    for number, label in cells:
        copytree(before, folder)
        assert killed(folder, number) == -9, f"point {number} ({label}) was not reached"
        again = in_child(partial(played, folder))
        after = recorded(folder)
        found += [f"exit {again} after {number} ({label})"] if again not in (0, DONE) else []
        found += [f"{part} after {number} ({label})" for part, rows in expected.items() if after[part] != rows]
        rmtree(folder)
    return found


def test_killed_around_decision_orders_and_cross_the_books_are_the_same(before: Path, tmp_path: Path) -> None:
    points, expected = undisturbed(before, tmp_path / "whole")
    inside = {(one.strategy, one.side.value): (one.shares, one.status) for one in expected["crosses"]}
    bought, _ = inside["timing", "BUY"]
    assert inside == dict.fromkeys((("core", "SELL"), ("timing", "BUY")), (bought, OrderStatus.FILLED))
    sent = [
        (intent.strategy, intent.side, intent.symbol, intent.shares - filled)
        for intent, _, filled in expected["orders"]
        if intent.session == DAYS[1] and not intent.purpose.internal
    ]
    assert [row[:3] for row in sent] == [("core", Side.SELL, "AAA"), ("switch", Side.BUY, "BBB")]
    assert [row[3] > 0 for row in sent] == [False, True]
    assert len(expected["at the exchange"]) == 4
    # Before and after the commit of the decision; the first order sent, the second claimed; cross and books settled.
    settled = points.index("step:closed")
    _, second = (place for place, label in enumerate(points[:settled]) if label == "step:claimed")
    commits = [settled + place for place, label in enumerate(points[settled:]) if label.endswith("commit")]
    decided, sent_first = points.index("step:decided"), points.index("step:sent")
    around = [points.index("step:deciding") + 1, decided, sent_first, second, *commits[:12:4]]
    assert wrong_after(before, tmp_path / "cell", [(number, points[number]) for number in around], expected) == []


PARTS = 4


@pytest.mark.full
@pytest.mark.parametrize("part", range(PARTS))  # side by side where there are processors for it
def test_killed_anywhere_the_books_are_the_same(before: Path, tmp_path: Path, part: int) -> None:
    points, expected = undisturbed(before, tmp_path / "whole")
    assert len(points) > 100
    assert wrong_after(before, tmp_path / "cell", [*enumerate(points)][part::PARTS], expected) == []
