"""Killed anywhere, with any fault of the gateway, and started again: exactly one order, owned by our store.

The quick part runs always; the whole is `pytest -m full tests/scenarios/test_crash_matrix.py`.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from support.crash_cells import (
    ORDER_FAULTS,
    Cell,
    Doubt,
    Outcome,
    doubt_in,
    kill_cells,
    passed_points,
    play,
    read_cells,
)

NEAR_THE_ORDER = ("step:", "placeOrder", "openOrder", "orderStatus")


def played(cells: Sequence[Cell], doubt: Doubt, tmp_path: Path, sabotage: str = "") -> list[Outcome]:
    return [play(cell, tmp_path / f"cell-{number}", doubt, sabotage) for number, cell in enumerate(cells)]


def report(outcomes: Sequence[Outcome], capsys: pytest.CaptureFixture[str], what: str) -> None:
    ends = Counter(outcome.exit_code for outcome in outcomes)
    one = sum(outcome.exit_code == 0 and outcome.accepted == 1 for outcome in outcomes)
    unknown = sum(outcome.exit_code == 6 and outcome.accepted == 0 for outcome in outcomes)
    with capsys.disabled():
        print(f"\ncrash matrix, {what}: {len(outcomes)} cells, {one} with one order and exit 0, ", end="")
        print(f"{unknown} unknown without an order and exit 6; exit codes {dict(ends)}")


def faults_of(outcomes: Sequence[Outcome]) -> dict[str, list[str]]:
    return {outcome.cell.name: outcome.wrong for outcome in outcomes if outcome.wrong}


def near_the_order(cell: Cell) -> bool:
    return any(word in cell.point for word in NEAR_THE_ORDER)


def test_killed_around_the_order_there_is_one_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    points = passed_points(tmp_path / "plain")
    cells = [cell for cell in kill_cells(points) if near_the_order(cell)]
    assert len(cells) >= 12
    outcomes = played(cells, doubt_in(points), tmp_path)
    report(outcomes, capsys, "quick part, killed around the order")
    assert faults_of(outcomes) == {}


def test_with_each_fault_of_an_order_there_is_one_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    doubt = doubt_in(passed_points(tmp_path / "plain"))
    cells = [Cell(name, (rule,), None, "") for name, rule in ORDER_FAULTS.items()]
    outcomes = played(cells, doubt, tmp_path)
    report(outcomes, capsys, "quick part, a fault and nobody killed")
    assert faults_of(outcomes) == {}


@pytest.mark.parametrize("sabotage", ["resend", "give up"])
def test_a_sabotaged_build_fails(tmp_path: Path, sabotage: str) -> None:
    doubt = doubt_in(passed_points(tmp_path / "plain"))
    cell = Cell("answer lost", (ORDER_FAULTS["answer lost"],), None, "")
    assert play(cell, tmp_path / "cell", doubt, sabotage).wrong


@pytest.mark.full
def test_the_whole_matrix(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    points = passed_points(tmp_path / "plain")
    cells = [*kill_cells(points), *read_cells(points)]
    for name, rule in ORDER_FAULTS.items():
        struck = passed_points(tmp_path / "struck", (rule,))
        cells += [Cell(name, (rule,), None, ""), *kill_cells(struck, name, (rule,))]
    outcomes = played(cells, doubt_in(points), tmp_path)
    report(outcomes, capsys, "whole")
    assert len(outcomes) >= 150
    assert faults_of(outcomes) == {}
