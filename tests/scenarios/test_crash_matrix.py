"""Killed anywhere, with any fault of the gateway, and started again: exactly one order, owned by our store.

The quick part runs always; the whole is `pytest -m full tests/scenarios/test_crash_matrix.py`.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from support.crash import Fault, market_gateway, run_fresh, run_mtum, watch
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

AROUND_THE_ORDER = ("step:decided", "step:claimed", "sent:placeOrder", "heard:openOrder", "step:acknowledged")
QUICK_FAULTS = ("answer lost", "request lost", "dropped after", "restarted before", "answer twice")
"""One of each kind: nothing heard, nothing sent, a connection gone, a gateway begun anew, too much heard."""


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


def test_killed_around_the_order_there_is_one_order(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    points = passed_points(tmp_path / "plain")
    assert not [point for point in points if point.endswith(":other")], "a message whose name the record does not know"
    at = [points.index(point) for point in AROUND_THE_ORDER]
    cells = [cell for cell in kill_cells(points) if cell.kill_at in at]
    outcomes = played(cells, doubt_in(points), tmp_path)
    report(outcomes, capsys, "quick part, killed around the order")
    assert faults_of(outcomes) == {}


def test_with_each_kind_of_fault_of_an_order_there_is_one_order(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    doubt = doubt_in(passed_points(tmp_path / "plain"))
    cells = [Cell(name, (ORDER_FAULTS[name],), None, "") for name in QUICK_FAULTS]
    outcomes = played(cells, doubt, tmp_path)
    report(outcomes, capsys, "quick part, a fault and nobody killed")
    assert faults_of(outcomes) == {}


FRESH_POINTS = (
    "step:claimed",  # nothing was sent
    "sent:placeOrder",  # the broker has it, and nobody knows
    *(pytest.param(one, marks=pytest.mark.full) for one in ("step:decided", "heard:openOrder", "step:acknowledged")),
)


@pytest.mark.parametrize("point", FRESH_POINTS)
def test_a_fresh_process_killed_and_started_again_orders_once(tmp_path: Path, point: str) -> None:
    points = passed_points(tmp_path / "plain")
    with market_gateway(tmp_path / "cell") as gateway:
        assert run_fresh(gateway, points.index(point)) == -9
        again = run_fresh(gateway)
        accepted = gateway.accepted()
        assert (again, len(accepted)) == ((6, 0) if point == "step:claimed" else (0, 1))
        assert point == "step:claimed" or [state.intent.ref for state in gateway.states()] == accepted


REJECTED_LATER: Fault = {"on": "placeOrder", "do": "reject_later", "minutes": 12, "code": 201, "text": "too late"}


@pytest.mark.parametrize(
    ("point", "inactive"),
    [
        (None, False),
        ("heard:openOrder", True),
        *(
            pytest.param(point, inactive, marks=pytest.mark.full)
            for point in (None, "step:claimed", "heard:openOrder", "step:acknowledged")
            for inactive in (False, True)
            if (point, inactive) not in ((None, False), ("heard:openOrder", True))
        ),
    ],
)
def test_accepted_then_rejected_is_told_and_never_replaced(
    tmp_path: Path, point: str | None, *, inactive: bool
) -> None:
    """Accepted at C - 20, rejected (or Inactive) at C - 12, seen at C - 9."""
    points = passed_points(tmp_path / "plain")
    with market_gateway(tmp_path / "cell", (REJECTED_LATER,), behavior={"inactive_echo": inactive}) as gateway:
        first = run_mtum(gateway, kill_at=points.index(point) if point else None)
        code = run_mtum(gateway) if point else first
        assert first == (-9 if point else 0)
        assert code == (6 if point == "step:claimed" else 0)
        told = watch(gateway, 9)
        assert told == (6 if point == "step:claimed" else 5)
        # A finished session answers from its record, whatever came later; nothing is sent.
        assert run_mtum(gateway, minutes=9) == code
        assert len(gateway.accepted()) == (0 if point == "step:claimed" else 1)


@pytest.mark.parametrize(
    ("sabotage", "says"), [("resend", "2 orders"), ("give up", "given up, though the broker has the order")]
)
def test_a_sabotaged_build_fails(tmp_path: Path, sabotage: str, says: str) -> None:
    doubt = doubt_in(passed_points(tmp_path / "plain"))
    cell = Cell("answer lost", (ORDER_FAULTS["answer lost"],), None, "")
    assert says in play(cell, tmp_path / "cell", doubt, sabotage).wrong


PARTS = 4


@pytest.mark.full
@pytest.mark.parametrize("part", range(PARTS))  # side by side where there are processors for it
def test_the_whole_matrix(tmp_path: Path, capsys: pytest.CaptureFixture[str], part: int) -> None:
    points = passed_points(tmp_path / "plain")
    cells = [*kill_cells(points), *read_cells(points)]
    for name, rule in ORDER_FAULTS.items():
        struck = passed_points(tmp_path / "struck", (rule,))
        cells += [Cell(name, (rule,), None, ""), *kill_cells(struck, name, (rule,))]
    assert len(cells) >= 600
    outcomes = played(cells[part::PARTS], doubt_in(points), tmp_path)
    report(outcomes, capsys, f"whole, part {part + 1} of {PARTS}")
    assert faults_of(outcomes) == {}
