"""The weight follows the volatility in steps, numbers by hand."""

import pytest

from mtum.core.strategies.contract import Holding, Keep, Own, SymbolVerdict, Target
from mtum.core.strategies.volatility_target import VolatilityTarget
from support.month_ends import MONTH_ENDS, view_of
from support.values import replace

RULE = VolatilityTarget(symbol="AAA")
"""12 % a year, at most everything, in steps of a tenth."""


def said(volatility: float, shares: int = 0, rule: VolatilityTarget = RULE) -> SymbolVerdict:
    """Return the verdict at a close of 10 USD with 1,000 USD of equity."""
    view = view_of({"AAA": [10.0] * 4}, values={("AAA", rule.indicators()[0]): volatility})
    (found,) = rule.verdicts(view, Own({"AAA": Holding("AAA", shares)}, equity_usd=1000.0))
    return found


def test_while_flat_the_weight_is_the_wanted_volatility_over_the_measured_one() -> None:
    found = said(0.16)
    assert (found.verdict, found.reasons) == (Target(0.75), ("weight_below_target",))
    below, above = found.conditions
    assert (below.value, below.threshold, below.margin, below.passed) == (0.75, 0.1, 0.65, True)
    assert (above.value, above.margin, above.passed) == (-0.75, -0.85, False)
    assert found.indicators == {"close": 10.0, "realized_volatility": 0.16, "weight": 0.0, "weight_wanted": 0.75}


@pytest.mark.parametrize(
    ("shares", "verdict", "reason"),
    [
        (65, Target(0.75), "weight_below_target"),  # 0.10 below: a whole step
        (66, Keep(), "hold"),
        (84, Keep(), "hold"),
        (85, Target(0.75), "weight_above_target"),
    ],
)
def test_a_change_of_a_whole_step_is_made_and_a_smaller_one_is_not(
    shares: int, verdict: Keep | Target, reason: str
) -> None:
    found = said(0.16, shares)
    assert (found.verdict, found.reasons) == (verdict, (reason,))


def test_a_weight_below_the_step_is_not_even_entered() -> None:
    assert said(1.21).verdict == Keep()  # 0.12 / 1.21 = 0.0992
    assert said(1.2).verdict == Target(0.1)


def test_a_calm_symbol_gets_the_largest_weight_and_a_still_one_too() -> None:
    assert said(0.05).verdict == Target(1.0)
    assert said(0.0).verdict == Target(1.0)
    assert said(0.05, rule=replace(RULE, max_weight=0.6)).verdict == Target(0.6)


def test_dividends_do_not_count_as_a_fall() -> None:
    # The price falls by what is paid out: the total return is 0 every session, and so is its volatility.
    rule = replace(RULE, vol_sessions=2)
    paid = {("AAA", MONTH_ENDS[2]): 1.0}
    view = view_of({"AAA": [10.0, 10.0, 9.0, 9.0]}, dividends=paid)
    (found,) = rule.verdicts(view, Own(equity_usd=1000.0))
    assert found.indicators["realized_volatility"] == 0.0


def test_the_volatility_is_the_sample_deviation_of_the_log_returns_of_a_year() -> None:
    # Two returns of +r and -r with r = ln 1.01 deviate by r sqrt 2, a year by r sqrt 2 sqrt 252 = 0.223384.
    rule = replace(RULE, vol_sessions=2)
    (found,) = rule.verdicts(view_of({"AAA": [50.0, 10.0, 10.1, 10.0]}), Own(equity_usd=1000.0))
    assert found.indicators["realized_volatility"] == 0.223384
    assert found.verdict == Target(0.537192)


def test_without_equity_nothing_is_changed() -> None:
    view = view_of({"AAA": [10.0] * 4}, values={("AAA", RULE.indicators()[0]): 0.16})
    (found,) = RULE.verdicts(view, Own())
    assert (found.verdict, found.conditions[0].margin) == (Keep(), None)


def test_it_needs_one_close_more_than_returns_and_every_dividend() -> None:
    assert (RULE.history_sessions(), VolatilityTarget(vol_sessions=60).history_sessions()) == (21, 61)
    assert (RULE.TOTAL_RETURNS, RULE.STANDING_PURCHASES, RULE.least_trade_usd(1e6)) == (True, False, 0.0)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (VolatilityTarget(symbol="spy"), 'symbol holds "spy"; use upper-case tickers such as "SPY"'),
        (VolatilityTarget(target_vol=0.0), "target_vol is 0; use a number from 0.001 to 2"),
        (VolatilityTarget(vol_sessions=1), "vol_sessions is 1; use a whole number from 2 to 1000"),
        (VolatilityTarget(max_weight=1.1), "max_weight is 1.1; use a number from 0.01 to 1"),
        (VolatilityTarget(step=0.0), "step is 0; use a number from 0.001 to 1"),
    ],
)
def test_impossible_parameters_are_named(rule: VolatilityTarget, words: str) -> None:
    assert rule.problems() == (words,)
    assert VolatilityTarget().problems() == ()
