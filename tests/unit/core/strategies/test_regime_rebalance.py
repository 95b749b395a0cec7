"""A mix is traded back by drift, regime and money, numbers by hand."""

from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from mtum.core.strategies.contract import Keep, Memory, SymbolVerdict
from mtum.core.strategies.regime_rebalance import RegimeRebalance
from support.mixes import own_of, problem_of, reasons, remembered, targets, view_of

WEIGHTS = {"AAA": 0.5, "BBB": 0.3}
"""A fifth stays cash."""
CHOPPY = [50.0, 60.0, 50.0, 60.0, 50.0, 50.0]
"""Four completed returns of +20, -16.67, +20 and -16.67 %: root of squares 0.368179, sum 0.066667, ratio 5.522681."""
TREND = [40.0, 44.0, 48.0, 49.0, 50.0, 50.0]
"""The last bar is the session's own and no completed return."""
LONG_AGO, FOUR_AGO, FIVE_AGO = date(2023, 12, 1), date(2024, 1, 2), date(2024, 1, 1)
"""The six closes are of Monday 1 January to Monday 8 January 2024, which is decided."""


def rule(weights: dict[str, float] = WEIGHTS, **changed: Any) -> RegimeRebalance:
    return RegimeRebalance(weights=weights, lookback=4, **changed)


def said(
    rules: RegimeRebalance,
    closes: Sequence[float] = CHOPPY,
    last_fill: date | None = LONG_AGO,
    memory: Memory | None = None,
    **shares: int,
) -> tuple[SymbolVerdict, ...]:
    """At 50 USD a share and 10,000 USD of equity a share is half a point."""
    view = view_of(dict.fromkeys(rules.weights, closes))
    return rules.verdicts(view, own_of(10_000.0, shares, memory, last_fill))


def condition(found: Sequence[SymbolVerdict], name: str) -> tuple[float | None, float | None, bool]:
    (one,) = [one for one in found[0].conditions if one.name == name]
    return one.value, one.threshold, one.passed


# The hard band.


def test_with_nothing_held_the_whole_mix_is_beyond_the_hard_band_and_bought_at_once() -> None:
    found = said(rule(), TREND, date(2024, 1, 8))
    assert targets(found) == WEIGHTS
    assert set(reasons(found).values()) == {"drift_hard"}


@pytest.mark.parametrize(("shares", "trades"), [(90, True), (89, False), (30, True), (31, False)])
def test_at_the_hard_band_everything_goes_back_whatever_regime_and_cooldown_say(shares: int, trades: bool) -> None:
    # 45 and 15 of 30 points are half of them away.
    found = said(rule(), TREND, date(2024, 1, 8), AAA=100, BBB=shares)
    assert targets(found) == (WEIGHTS if trades else {})
    assert condition(found, "drift_hard")[2] == trades


def test_of_the_hard_band_a_part_of_every_gap_may_be_traded() -> None:
    # 60 and 14 points: half-way to 50 and 30, and the sale first.
    found = said(rule(hard_frac=0.5), TREND, AAA=120, BBB=28)
    assert targets(found) == {"AAA": 0.55, "BBB": 0.22}
    assert [*targets(said(rule(), AAA=80, BBB=100))] == ["BBB", "AAA"]


# The soft band, with a flow of money kept out: gaps on both sides.


@pytest.mark.parametrize(("shares", "trades"), [(75, True), (74, False)])
def test_at_the_soft_band_everything_goes_back_in_a_choppy_market(shares: int, trades: bool) -> None:
    # 37.5 of 30 points are a quarter more.
    found = said(rule(), AAA=86, BBB=shares)
    assert targets(found) == ({"BBB": 0.3, "AAA": 0.5} if trades else {})
    assert set(reasons(found).values()) == {"drift_soft" if trades else "hold"}
    assert condition(found, "drift_soft") == (0.25 if trades else 0.233333, 0.25, trades)
    assert condition(found, "mix_choppy") == (5.522681, 3.0, True)


def test_in_a_trend_the_soft_band_lets_it_run() -> None:
    found = said(rule(), TREND, AAA=86, BBB=75)
    assert {one.verdict for one in found} == {Keep()}
    # Returns 10, 9.0909, 2.0833 and 2.0408 %: root of squares 0.138257, sum 0.232151, ratio 0.595549.
    assert condition(found, "mix_choppy") == (0.595549, 3.0, False)


@pytest.mark.parametrize(("last", "trades"), [(FIVE_AGO, True), (FOUR_AGO, False), (None, True)])
def test_the_soft_band_waits_for_five_sessions_after_the_last_fill(last: date | None, trades: bool) -> None:
    found = said(rule(), CHOPPY, last, AAA=86, BBB=75)
    assert bool(targets(found)) == trades


# The regime.


def test_what_came_back_to_where_it_was_is_choppy_and_what_never_moved_is_not() -> None:
    # +50 and -50 % in turn add up to nothing.
    back = said(rule(), [40.0, 60.0, 30.0, 45.0, 22.5, 50.0], AAA=86, BBB=75)
    assert condition(back, "mix_choppy") == (1e6, 3.0, True)
    still = said(rule(), [50.0] * 6, AAA=86, BBB=75)
    assert condition(still, "mix_choppy") == (None, 3.0, False)


def test_the_proxy_has_the_parts_of_what_is_held_today() -> None:
    # Three quarters of +20 % with a quarter of +4 %, then of -10 % and of 0: +16 and -7.5 %, 0, 0.
    closes = {"AAA": [50.0, 60.0, 54.0, 54.0, 54.0, 50.0], "BBB": [50.0, 52.0, 52.0, 52.0, 52.0, 50.0]}
    found = rule().verdicts(view_of(closes), own_of(10_000.0, {"AAA": 120, "BBB": 40}, last_fill=LONG_AGO))
    # Root of 0.0256 + 0.005625 is 0.176706; the sum is 0.085.
    assert condition(found, "mix_choppy")[0] == 2.078894
    # Flat it has those of the weights, 5 / 8 and 3 / 8: +14 and -6.25 %; 0.153317 and 0.0775.
    flat = rule().verdicts(view_of(closes), own_of(10_000.0, {}))
    assert condition(flat, "mix_choppy")[0] == 1.97829


# The deficit rail: more held than the weights allow.


def test_six_points_too_much_are_sold_down_to_three_by_what_is_above_its_weight() -> None:
    # 55 + 33 of 50 + 30 points: 8 too much, 5 are sold, by 5 : 3.
    found = said(rule(), TREND, AAA=110, BBB=66)
    assert targets(found) == {"AAA": 0.51875, "BBB": 0.31125}
    assert set(reasons(found).values()) == {"deficit_open"}
    assert remembered(found) == {"deficit": 1, "flow": 1}
    assert condition(found, "deficit_open") == (0.08, 0.06, True)


def test_only_what_is_above_its_weight_is_sold_for_a_deficit() -> None:
    # 58 + 28: 6 too much, 3 are sold of the 8 of AAA.
    found = said(rule(), TREND, AAA=116, BBB=56)
    assert targets(found) == {"AAA": 0.55}
    assert reasons(found) == {"AAA": "deficit_open", "BBB": "hold"}


@pytest.mark.parametrize(("memory", "trades"), [({}, False), ({"deficit": 1}, True)])
def test_once_open_a_deficit_is_sold_down_to_three_points(memory: Memory, trades: bool) -> None:
    # 54 + 30.5: 4.5 too much.
    found = said(rule(), TREND, LONG_AGO, {**memory, "flow": 1}, AAA=108, BBB=61)
    assert bool(targets(found)) == trades
    assert condition(found, "deficit_open") == (0.045, 0.03 if memory else 0.06, trades)


def test_a_deficit_waits_for_the_cooldown_and_its_flag_does_not() -> None:
    found = said(rule(), TREND, FOUR_AGO, AAA=110, BBB=66)
    assert targets(found) == {}
    assert remembered(found) == {"deficit": 1, "flow": 1}
    # Under three points it is forgotten, whatever else is done.
    assert remembered(said(rule(), TREND, FOUR_AGO, {"deficit": 1}, AAA=105, BBB=60)) == {"deficit": None, "flow": 1}


def test_a_deficit_may_be_sold_down_to_nothing_and_nothing_is_none() -> None:
    rules = rule(deficit_stop=0.0)
    assert targets(said(rules, TREND, LONG_AGO, {"deficit": 1}, AAA=101, BBB=60)) == {"AAA": 0.5}
    even = said(rules, TREND, LONG_AGO, {"deficit": 1}, AAA=100, BBB=60)
    assert (targets(even), remembered(even)) == ({}, {})


# The flow rail: cash too much or too little.


def test_waiting_cash_buys_what_is_below_its_weight_as_far_as_it_goes() -> None:
    # 48.5 + 29 points: 2.5 wait and 1.5 + 1 are missing.
    found = said(rule(), TREND, AAA=97, BBB=58)
    assert targets(found) == WEIGHTS
    assert set(reasons(found).values()) == {"flow_in"}
    assert remembered(found) == {"flow": 1}
    # 46 + 30.5: 3.5 wait, 4 are missing of AAA, which gets seven eighths of them.
    assert targets(said(rule(), TREND, AAA=92, BBB=61)) == {"AAA": 0.495}


@pytest.mark.parametrize(("memory", "trades"), [({}, False), ({"flow": 1}, True)])
def test_once_open_money_flows_down_to_a_point_and_a_quarter(memory: Memory, trades: bool) -> None:
    # 48.5 + 30 points.
    found = said(rule(), TREND, LONG_AGO, memory, AAA=97, BBB=60)
    assert targets(found) == ({"AAA": 0.5} if trades else {})
    assert condition(found, "flow_open") == (0.015, 0.0125 if memory else 0.025, trades)
    assert remembered(found) == {}
    assert remembered(said(rule(), TREND, LONG_AGO, memory, AAA=98, BBB=60)) == ({"flow": None} if memory else {})


@pytest.mark.parametrize(("closes", "trades"), [(CHOPPY, True), (TREND, False)])
def test_what_is_too_much_is_sold_in_a_choppy_market_alone(closes: list[float], trades: bool) -> None:
    # 53 + 30 points.
    found = said(rule(), closes, AAA=106, BBB=60)
    assert targets(found) == ({"AAA": 0.5} if trades else {})
    assert reasons(found) == {"AAA": "flow_out" if trades else "hold", "BBB": "hold"}
    assert remembered(found) == {"flow": 1}


def test_gaps_on_both_sides_are_no_flow_and_a_tie_is_none() -> None:
    # Gaps of 8.5 and -1.5 points: 7 of 10 is not above 0.70 of them.
    tie = said(rule(), TREND, AAA=83, BBB=63)
    assert condition(tie, "flow_one_sided") == (0.07, 0.07, False)
    assert targets(tie) == {}
    assert remembered(tie) == {"flow": 1}
    assert targets(said(rule(), TREND, AAA=82, BBB=63)) == {"AAA": 0.485}


def test_the_flow_of_money_waits_for_the_cooldown() -> None:
    assert targets(said(rule(), TREND, FOUR_AGO, AAA=97, BBB=58)) == {}


# What it is made of.


def test_it_needs_the_closes_of_the_completed_returns_and_todays() -> None:
    default = RegimeRebalance(weights=WEIGHTS)
    assert (default.history_sessions(), RegimeRebalance(weights=WEIGHTS, cooldown=100).history_sessions()) == (42, 75)
    assert (default.universe(), default.benchmark) == (("AAA", "BBB"), WEIGHTS)


def test_it_weighs_its_symbols_against_each_other_and_its_purchases_stand() -> None:
    assert not RegimeRebalance.EACH_BY_ITSELF
    assert RegimeRebalance.STANDING_PURCHASES
    assert RegimeRebalance.CALENDAR


def test_a_sleeve_without_equity_divides_by_nothing() -> None:
    view = view_of(dict.fromkeys(WEIGHTS, CHOPPY))
    assert targets(rule().verdicts(view, own_of(0.0, {}))) == WEIGHTS


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"weights": {"SPY": 0.0}}, "weights.SPY is 0; use a number above 0, up to 1"),
        ({"weights": {"SPY": 0.6, "IEF": 0.5}}, "weights are 1.1 together; use 1 or less"),
        ({"lookback": 1}, "lookback is 1; use a whole number from 2 to 500"),
        ({"cooldown": 251}, "cooldown is 251; use a whole number from 0 to 250"),
        ({"soft_band": 0.0}, "soft_band is 0; use a number from 0.001 to 10"),
        ({"hard_band": 11.0}, "hard_band is 11; use a number from 0.001 to 10"),
        ({"hard_frac": 1.1}, "hard_frac is 1.1; use a number from 0.01 to 1"),
        ({"choppiness_min": -1.0}, "choppiness_min is -1; use a number from 0 to 1000"),
        ({"flow_start": 1.1}, "flow_start is 1.1; use a number from 0 to 1"),
        ({"flow_stop": -0.1}, "flow_stop is -0.1; use a number from 0 to 1"),
        ({"flow_tau": 1.1}, "flow_tau is 1.1; use a number from 0 to 1"),
        ({"deficit_start": 1.1}, "deficit_start is 1.1; use a number from 0 to 1"),
        ({"deficit_stop": -0.1}, "deficit_stop is -0.1; use a number from 0 to 1"),
        ({"min_trade_usd": -1.0}, "min_trade_usd is -1; use a number from 0"),
    ],
)
def test_impossible_parameters_are_named(changed: dict[str, Any], words: str) -> None:
    assert problem_of(RegimeRebalance(**{"weights": WEIGHTS, **changed})).startswith(words)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"soft_band": 0.6}, "soft_band: 0.6 is over hard_band (0.5)"),
        ({"flow_stop": 0.03}, "flow_stop: 0.03 is over flow_start (0.025)"),
        ({"deficit_stop": 0.07}, "deficit_stop: 0.07 is over deficit_start (0.06)"),
    ],
)
def test_thresholds_in_the_wrong_order_do_not_go_together(changed: dict[str, Any], words: str) -> None:
    (found,) = rule(**changed).contradictions()
    assert found.startswith(words)
    assert rule().contradictions() == ()
