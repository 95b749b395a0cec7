"""The cells of the crash matrix: where a run is killed, which fault strikes, and what must come of it."""

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mtum.core.portfolio.orders import OrderStatus
from support.crash import Fault, Running, market_gateway, points_of, run_mtum

ORDER_FAULTS: dict[str, Fault] = {
    "answer lost": {"on": "placeOrder", "do": "suppress"},
    "request lost": {"on": "placeOrder", "do": "swallow"},
    "dropped before": {"on": "placeOrder", "do": "drop"},
    "dropped after": {"on": "placeOrder", "do": "carry_out_then_drop"},
    "restarted after": {"on": "placeOrder", "do": "restart", "seconds": 0.3},
    "restarted before": {"on": "placeOrder", "do": "restart", "seconds": 0.3, "carry_out": False},
    "answer late": {"on": "placeOrder", "do": "late", "seconds": 0.8},
    "answer twice": {"on": "placeOrder", "do": "duplicate"},
    "echo lost": {"on": "openOrder", "do": "swallow"},
}
READ_FAULTS = ("drop", "swallow", "restart")
TRIES = 6


@dataclass(frozen=True, slots=True)
class Cell:
    """One cell: the fault if there is one, and the point of the first run at which it is killed."""

    fault: str
    rules: tuple[Fault, ...]
    kill_at: int | None
    point: str

    @property
    def name(self) -> str:
        """What a person calls it."""
        where = f"killed at {self.kill_at} ({self.point})" if self.kill_at is not None else "not killed"
        return f"{self.fault}, {where}"


@dataclass(slots=True)
class Outcome:
    """How a cell ended: the exit code of the last run, the broker's orders, what is wrong."""

    cell: Cell
    exit_code: int
    accepted: int
    wrong: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Doubt:
    """The points between the commit of SUBMITTING and the broker's first echo."""

    first: int
    last: int

    def covers(self, cell: Cell) -> bool:
        """Whether the outcome of the cell may remain unknown."""
        if cell.kill_at is None:
            return any(rule["on"] in ("placeOrder", "openOrder") for rule in cell.rules)
        return self.first <= cell.kill_at <= self.last or cell.fault in ORDER_FAULTS


def passed_points(folder: Path, rules: Sequence[Fault] = ()) -> list[str]:
    """Run once without a kill and return every point that was passed."""
    with market_gateway(folder, tuple(rules)) as gateway:
        run_mtum(gateway, points=True)
        found = points_of(gateway)
    shutil.rmtree(folder)
    return found


def doubt_in(points: Sequence[str]) -> Doubt:
    """Return the window of doubt in the points of a run."""
    claimed = points.index("step:claimed")
    echo = next((n for n in range(claimed, len(points)) if points[n] in ("heard:openOrder", "heard:orderStatus")), None)
    return Doubt(claimed, echo if echo is not None else len(points) - 1)


def kill_cells(points: Sequence[str], fault: str = "no fault", rules: tuple[Fault, ...] = ()) -> Iterator[Cell]:
    """Cells that kill at each point; with a fault only from the claim on, where it strikes."""
    first = 0 if not rules else points.index("step:claimed")
    for number in range(first, len(points)):
        yield Cell(fault, rules, number, points[number])


def read_cells(points: Sequence[str]) -> Iterator[Cell]:
    """Cells in which each occurrence of each read request goes wrong; nobody is killed."""
    seen: dict[str, int] = {}
    for point in points:
        way, _, name = point.partition(":")
        if way == "sent" and name not in ("placeOrder", "startApi"):
            before = seen.get(name, 0)
            seen[name] = before + 1
            for do in READ_FAULTS:
                rule: Fault = {"on": name, "do": do, "skip": before, "seconds": 0.2}
                yield Cell(f"{name} {before + 1} {do}", (rule,), None, "")


def play(cell: Cell, folder: Path, doubt: Doubt, sabotage: str = "") -> Outcome:
    """Carry out a cell: the run that is killed, then runs until one ends for good; judge by the gateway's journal."""
    with market_gateway(folder, cell.rules) as gateway:
        code = run_mtum(gateway, kill_at=cell.kill_at, sabotage=sabotage)
        for _ in range(TRIES):
            if cell.kill_at is None and code not in (-9, 3, 4):
                break
            gateway.wait_until_up()
            code = run_mtum(gateway, sabotage=sabotage)
            if code not in (3, 4):
                break
        outcome = Outcome(cell, code, len(gateway.accepted()))
        _judge(gateway, outcome, doubt)
    shutil.rmtree(folder)
    return outcome


def _judge(gateway: Running, outcome: Outcome, doubt: Doubt) -> None:
    if outcome.accepted > 1:
        outcome.wrong.append(f"{outcome.accepted} orders")
    if outcome.exit_code == 6:
        outcome.wrong += _wrongly_unknown(outcome, doubt)
    elif outcome.exit_code == 0:
        outcome.wrong += _not_owned(gateway, outcome)
    else:
        outcome.wrong.append(f"exit {outcome.exit_code}: {(gateway.folder / 'out.txt').read_text()[-400:]}")


def _wrongly_unknown(outcome: Outcome, doubt: Doubt) -> Iterator[str]:
    if outcome.accepted:
        yield "given up, though the broker has the order"
    if not doubt.covers(outcome.cell):
        yield "given up outside the window of doubt"


def _without_vix(gateway: Running) -> bool:
    told: dict[str, Any] = json.loads((gateway.folder / "out.txt").read_text())
    return (told["degraded"], told["reasons"]) == (["vix"], ["vix_missing"])


def _not_owned(gateway: Running, outcome: Outcome) -> Iterator[str]:
    states = gateway.states()
    if not outcome.accepted and not states and outcome.cell.kill_at is None and _without_vix(gateway):
        return  # nothing is bought without it, and that is told
    if outcome.accepted != 1:
        yield f"exit 0 with {outcome.accepted} orders"
    elif [state.status for state in states] != [OrderStatus.ACCEPTED]:
        yield f"our store says {[state.status.value for state in states]}"
    elif states[0].intent.ref != gateway.accepted()[0]:
        yield "our store has another reference than the broker"
