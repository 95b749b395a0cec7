"""Conflicts told in words: who wants what."""

from datetime import date

from mtum.core.portfolio.decision import Action, Decision
from mtum.core.record import decision_document
from mtum.core.reporting.parts.conditions import conflict_lines, conflicts_in
from mtum.core.strategies.contract import SymbolVerdict, Target
from support.bars import weekdays
from support.values import replace


def test_those_who_want_most_are_told_first_and_those_who_want_the_same_together() -> None:
    wants = {"trend_following": 0.0, "dual_momentum": 0.5, "buy_and_hold": 1.0, "mean_reversion": 0.0}
    assert conflict_lines({"SPY": wants}) == (
        "The members disagree on SPY: buy_and_hold wants 100.0% of the sleeve, dual_momentum wants 50.0% of the sleeve "
        "and trend_following and mean_reversion want none.",
    )
    assert conflict_lines({}) == ()


def test_only_a_decision_with_a_conflict_records_one() -> None:
    verdict = SymbolVerdict("SPY", Target(0.5), ("members_for",), (), {})
    plain = Decision(weekdays(date(2024, 1, 1), 1)[0], "ensemble", Action.HOLD, ("hold",), (verdict,), (), 1000.0)
    torn = replace(plain, verdicts=(replace(verdict, conflict={"buy_and_hold": 1.0, "pair_reversal": 0.0}),))
    symbols = decision_document(plain)["symbols"]
    assert isinstance(symbols, dict)
    assert "conflict" not in symbols["SPY"]
    assert conflicts_in(symbols) == {}
    told = decision_document(torn)["symbols"]
    assert isinstance(told, dict)
    assert conflicts_in(told) == {"SPY": {"buy_and_hold": 1.0, "pair_reversal": 0.0}}
