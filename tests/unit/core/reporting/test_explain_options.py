"""A decision in options in plain words: where nothing is done, what was not met is told and nothing else."""

from typing import Any

import pytest

from mtum.core.reporting.condition_table import condition_table
from mtum.core.reporting.explain_options import option_lines, unmet_words
from mtum.core.reporting.parts.conditions import conditions_in
from mtum.core.reporting.words import reason
from mtum.core.strategies import STRATEGIES
from mtum.core.strategies.description import Role


def verdict(group: str, reasons: list[str], proposes: str | None = None, **passed: bool) -> dict[str, Any]:
    rows = [
        {"name": name, "value": 1.0, "threshold": 1.0, "margin": 0.0, "passed": holds} for name, holds in passed.items()
    ]
    return {
        "underlying": "SPY", "group": group, "proposes": proposes, "reasons": reasons, "conditions": rows
    }  # fmt: skip


def told(*verdicts: dict[str, Any], planned: tuple[Any, ...] = ()) -> dict[str, Any]:
    return {
        "verdicts": list(verdicts), "planned": list(planned), "held_back": [], "alarms": [], "source": "ib",
        "model_priced": False,
    }  # fmt: skip


HELD = verdict("SPY-1", ["hold"], roll_dte=False, min_pnl=True, roll_pnl=False)
PUT = verdict("", ["puts_wanted", "write_put"], puts_wanted=False, red=False, write_threshold=True)
CALL = verdict("", ["calls_wanted", "write_call"], calls_wanted=False, green=True)
STUCK = verdict("SPY-1", ["no_contract", "roll_pnl"], roll_dte=False, roll_pnl=True)


@pytest.mark.parametrize(
    ("one", "line"),
    [
        (HELD, "  SPY SPY-1: nothing: too far from expiry to roll and profit below its roll level"),
        (PUT, "  SPY: nothing: no room for another put and above the previous close"),
        (CALL, "  SPY: nothing: no own shares are free for a call"),
        (STUCK, "  SPY SPY-1: nothing: no contract passes every filter, though profit reached its roll level"),
        (verdict("", ["no_contract", "write_put"], red=True), "  SPY: nothing: no contract passes every filter"),
        (verdict("SPY-1", ["take"], "close", take=True), "  SPY SPY-1: CLOSE: profit target reached"),
    ],
)
def test_where_nothing_is_done_the_unmet_conditions_are_named(one: dict[str, Any], line: str) -> None:
    assert line in list(option_lines(told(one)))


def test_a_hold_is_explained_by_what_was_not_met_and_an_order_by_its_own_reasons() -> None:
    held = ("too far from expiry to roll", "profit below its roll level")
    assert unmet_words(told(HELD, HELD, CALL)) == (*held, "no own shares are free for a call")
    assert unmet_words(told(HELD, planned=({},))) == ()


def test_every_opening_condition_of_options_is_told_as_unmet_where_it_is_the_reason() -> None:
    specs = [spec for one in STRATEGIES.values() if one.OPTIONS for spec in one.CONDITIONS]
    assert {spec.name for spec in specs if not spec.failing} == set()
    assert {reason(spec.name) for spec in specs if spec.role is Role.ENTRY} <= {spec.failing for spec in specs}
    assert reason("take") == "profit target reached"


def test_what_the_record_has_as_a_fraction_is_told_in_percent() -> None:
    row = {"name": "iv_rank", "value": 0.425, "threshold": 0.3, "margin": 0.125, "passed": True}
    (line,) = conditions_in({"SPY": {"conditions": [row]}})
    assert (line.value, line.threshold, line.margin, line.unit) == (42.5, 30.0, 12.5, "%")
    (text,) = list(condition_table([line]))[1:]
    assert " ".join(text.split()) == "entry: implied volatility high within its year, % 42.50 30 12.50 yes"
    (unknown,) = conditions_in({"SPY": {"conditions": [{**row, "value": None, "margin": None}]}})
    assert (unknown.value, unknown.threshold) == (None, 30.0)
