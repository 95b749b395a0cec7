"""Which conditions a report shows: those that could decide."""

import pytest

from mtum.core.reporting.layout import Table, Tone
from mtum.core.reporting.parts.conditions import ConditionLine, section


def line(role: str, *, passed: bool) -> ConditionLine:
    return ConditionLine(f"of_{role}", role, 2.0, 1.0, 1.0, passed, symbol="SPY")


@pytest.mark.parametrize(("shares", "asked"), [(False, "Enter when all hold"), (True, "Exit when any holds")])
def test_conditions_of_a_change_are_shown_flat_or_held_beside_those_of_the_one_side(shares: bool, asked: str) -> None:
    lines = [line("entry", passed=True), line("exit", passed=True), line("change", passed=True)]
    tables = [block for block in section(lines, {"SPY": shares}, None).blocks if isinstance(block, Table)]
    assert [table.head[0] for table in tables] == [asked, "What changes it"]


def test_a_condition_of_a_change_that_holds_is_no_alarm() -> None:
    (table,) = section([line("change", passed=True)], {"SPY": True, "IEF": True}, None).blocks
    assert isinstance(table, Table)
    assert (table.head[0], table.rows[0][-1].tone) == ("What changes SPY", Tone.GOOD)
