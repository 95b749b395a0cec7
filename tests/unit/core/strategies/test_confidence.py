"""How sure a strategy is: by its conditions, by its own measure, or wholly when it acts."""

import pytest

from mtum.core.reporting.explain import confidence_of
from mtum.core.strategies.buy_and_hold import BuyAndHold
from mtum.core.strategies.contract import Condition, Keep, Shares, SymbolVerdict, Target, Verdict
from mtum.core.strategies.mtum_confluence import MtumConfluence


def said(verdict: Verdict, confidence: float | None = None, **passed: bool | None) -> SymbolVerdict:
    conditions = tuple(
        Condition(name, 1.0, None if held is None else 0.5, None if held is None else 0.5, passed=bool(held))
        for name, held in passed.items()
    )
    return SymbolVerdict("MTUM", verdict, ("word",), conditions, {}, confidence=confidence)


def test_while_flat_it_is_the_part_of_the_known_entry_conditions_that_hold() -> None:
    verdict = said(Keep(), close_above_ma=True, vix_calm=None, rsi_high=True, volume_high=False, vix_fear=True)
    # Two of the three that are known; the exit's do not count.
    assert confidence_of(MtumConfluence(), verdict, held=False) == 0.666667


def test_while_long_it_is_what_is_left_by_the_exit_conditions_that_hold() -> None:
    verdict = said(
        Target(0.0), close_above_ma=True, close_below_ma=True, vix_fear=False, rsi_low=False, atr_target=None
    )
    assert confidence_of(MtumConfluence(), verdict, held=True) == 0.666667


def test_of_nothing_known_nothing_is_said() -> None:
    assert confidence_of(MtumConfluence(), said(Keep(), vix_calm=None), held=False) is None


@pytest.mark.parametrize(("verdict", "sure"), [(Target(0.5), 1.0), (Shares(3), 1.0), (Keep(), None)])
def test_other_strategies_are_sure_when_they_act(verdict: Verdict, sure: float | None) -> None:
    assert confidence_of(BuyAndHold(), said(verdict), held=False) == sure


def test_a_measure_of_its_own_stands() -> None:
    assert confidence_of(MtumConfluence(), said(Keep(), 0.25, rsi_high=True), held=False) == 0.25
