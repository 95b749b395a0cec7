"""What positions could lose, by numbers worked out by hand."""

from dataclasses import replace
from datetime import date

import numpy as np

from mtum.core.coordination.risk import risk_of, stress_replays
from mtum.core.market.bars import Bars
from support.bars import bars_of, changed, weekdays
from unit.core.coordination.test_limits import ACCOUNT, losses_of, with_returns

HALF = np.array([0.01, -0.01] * 150)


def test_risk_of_one_position_is_its_own() -> None:
    found = risk_of({"AAA": 5_000.0}, with_returns(AAA=losses_of(300), SPY=losses_of(300) * 2), "SPY")

    # 15 of 300 sessions: the 15th largest loss 0.0286 and the mean of 0.0286 to 0.0300, on half of the equity.
    assert (found.var_historical, found.shortfall_historical) == (0.0143, 0.01465)
    assert found.beta == 0.25
    assert (found.sessions, found.weights, found.concentration) == (300, {"AAA": 0.5}, 1.0)


def test_the_normal_measures_follow_from_mean_and_deviation() -> None:
    found = risk_of({"AAA": 10_000.0}, with_returns(AAA=HALF))

    # Mean 0, deviation 0.01 x sqrt(300 / 299) = 0.0100167; 1.644854 and 2.062713 of it.
    assert (found.var_parametric, found.shortfall_parametric) == (0.016476, 0.020662)


def test_two_equal_positions_halve_the_concentration_and_show_their_likeness() -> None:
    found = risk_of({"BBB": 2_000.0, "AAA": 2_000.0}, with_returns(AAA=HALF, BBB=-HALF))

    assert found.concentration == 0.5
    assert found.correlations == {("AAA", "BBB"): -1.0}
    assert found.volatility == found.var_historical == 0.0


def test_without_history_nothing_is_claimed() -> None:
    found = risk_of({"AAA": 1_000.0}, with_returns(AAA=HALF[:59]), "SPY")

    assert (found.volatility, found.var_historical, found.shortfall_parametric, found.beta) == (None, None, None, None)


def test_an_account_without_positions_risks_nothing() -> None:
    found = risk_of({}, ACCOUNT)

    assert (found.volatility, found.var_historical, found.concentration, found.weights) == (0.0, 0.0, None, {})
    assert (found.var_parametric, found.shortfall_historical) == (None, None)


def fallen() -> Bars:
    """Return bars over the fall of 2020: 100, 80 at the middle, 90 at its end, a dividend of 1 on the second day."""
    first, last = date(2020, 2, 18), date(2020, 3, 24)
    days = [day for day in weekdays(first, 40) if day <= last]
    closes = [100.0, 100.0, *[80.0] * (len(days) - 4), 90.0, 90.0]
    return changed(bars_of(closes, first=first, symbol="AAA"), dividend={2: 1.0})


def test_an_earlier_fall_is_replayed_on_todays_positions() -> None:
    found = {one.name: one for one in stress_replays({"AAA": 4_000.0, "NEW": 1_000.0}, {"AAA": fallen()}, 10_000.0)}

    # 80 / 99 and 90 / 99 of 4,000 USD, in an account of 10,000.
    fall = found["2020"]
    assert (fall.worst_frac, fall.change_frac) == (-0.076768, -0.036364)
    assert fall.unknown == ("NEW",)
    assert (found["2008"].change_frac, found["2008"].unknown) == (None, ("AAA", "NEW"))


def test_a_history_that_misses_an_end_of_the_fall_is_not_used() -> None:
    bars = fallen()
    late = Bars.of("AAA", bars.source, [bars.bar(row) for row in range(5, len(bars))])

    assert {one.change_frac for one in stress_replays({"AAA": 1.0}, {"AAA": late}, 1.0)} == {None}


def test_no_equity_no_fractions() -> None:
    assert risk_of({"AAA": 10.0}, replace(with_returns(AAA=HALF), equity_usd=0.0)).weights == {}
