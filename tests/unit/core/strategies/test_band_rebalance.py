"""A mix is traded back when a symbol leaves its band, numbers by hand."""

from datetime import date
from typing import Any

import pytest

from mtum.core.strategies.band_rebalance import BandMode, BandRebalance, RebalanceTo
from mtum.core.strategies.contract import Keep, Memory, SymbolVerdict, Target
from support.mixes import own_of, problem_of, reasons, remembered, targets, view_of

WEIGHTS = {"AAA": 0.5, "BBB": 0.3, "CCC": 0.1}
"""Bands of 5_25: five points, five points, two and a half; a tenth stays cash."""
SESSION = date(2024, 1, 1)
"""A Monday; at 50 USD a share and 10,000 USD of equity a share is half a point."""


def said(rule: BandRebalance, memory: Memory | None = None, **shares: int) -> tuple[SymbolVerdict, ...]:
    return rule.verdicts(view_of({symbol: [50.0] for symbol in rule.weights}), own_of(10_000.0, shares, memory))


def rule(weights: dict[str, float] = WEIGHTS, **changed: Any) -> BandRebalance:
    return BandRebalance(weights=weights, **changed)


def test_with_nothing_held_all_symbols_go_to_their_weights_at_once() -> None:
    found = said(rule(rebalance_to=RebalanceTo.EDGE), {"breach": "2023-12-29"})
    assert targets(found) == WEIGHTS
    assert set(reasons(found).values()) == {"flat"}
    assert remembered(found) == {"breach": "2024-01-01"}


def test_inside_all_bands_nothing_is_done() -> None:
    found = said(rule(), AAA=109, BBB=51, CCC=24)
    assert {one.verdict for one in found} == {Keep()}
    assert set(reasons(found).values()) == {"hold"}
    assert remembered(found) == {}
    band, rested = found[0].conditions
    assert (band.value, band.threshold, band.margin, band.passed) == (0.045, 0.05, -0.005, False)
    assert (rested.value, rested.threshold, rested.passed) == (None, 5, False)
    assert found[2].conditions[0].threshold == 0.025


@pytest.mark.parametrize(
    ("shares", "who"),
    [
        ({"AAA": 110, "BBB": 60, "CCC": 20}, "AAA"),  # 55 of 50 points
        ({"AAA": 90, "BBB": 60, "CCC": 20}, "AAA"),  # 45
        ({"AAA": 100, "BBB": 60, "CCC": 25}, "CCC"),  # 12.5 of 10
    ],
)
def test_at_the_edge_of_a_band_every_symbol_goes_back_to_its_weight(shares: dict[str, int], who: str) -> None:
    found = said(rule(), None, **shares)
    assert targets(found) == WEIGHTS
    assert reasons(found) == {one: "outside_band" if one == who else "other_outside_band" for one in WEIGHTS}
    assert remembered(found) == {"breach": "2024-01-01"}


def test_sales_come_before_purchases_and_both_keep_the_order_of_the_weights() -> None:
    found = said(rule(), AAA=80, BBB=50, CCC=22)
    assert [*targets(found)] == ["CCC", "AAA", "BBB"]


@pytest.mark.parametrize(("last", "trades"), [("2023-12-26", False), ("2023-12-25", True), ("2001-01-01", True)])
def test_a_breach_waits_until_five_sessions_after_the_last_one_that_was_traded(last: str, trades: bool) -> None:
    # Monday 1 January is the fourth session after Tuesday 26 December and the fifth after Monday 25 December.
    found = said(rule(), {"breach": last}, AAA=110, BBB=60, CCC=20)
    assert bool(targets(found)) == trades
    assert reasons(found)["AAA"] == ("outside_band" if trades else "breach_too_soon")
    assert reasons(found)["BBB"] == ("other_outside_band" if trades else "hold")
    assert remembered(found) == ({"breach": "2024-01-01"} if trades else {})


@pytest.mark.parametrize(
    ("changed", "shares", "trades"),
    [
        ({"band_mode": BandMode.RELATIVE}, 115, True),  # 57.5 of 50 points are 15 % more
        ({"band_mode": BandMode.RELATIVE}, 114, False),
        ({"band_mode": BandMode.RELATIVE}, 85, True),
        ({"band_mode": BandMode.RELATIVE}, 86, False),
        ({"band_mode": BandMode.ABSOLUTE, "band": 0.07}, 114, True),  # 57 of 50 points
        ({"band_mode": BandMode.ABSOLUTE, "band": 0.07}, 113, False),
        ({"band_mode": BandMode.ABSOLUTE, "band": 0.07}, 86, True),
        ({"band_mode": BandMode.ABSOLUTE, "band": 0.07}, 87, False),
    ],
)
def test_a_band_is_a_part_of_the_weight_or_of_the_equity(changed: dict[str, Any], shares: int, trades: bool) -> None:
    assert bool(targets(said(rule(**changed), AAA=shares, BBB=60, CCC=20))) == trades


@pytest.mark.parametrize(("to", "above", "below"), [(RebalanceTo.EDGE, 0.55, 0.45), (RebalanceTo.HALF, 0.53, 0.47)])
def test_to_the_edge_or_half_way_only_what_is_in_breach_moves(to: RebalanceTo, above: float, below: float) -> None:
    high = said(rule(rebalance_to=to), AAA=112, BBB=55, CCC=20)
    assert targets(high) == {"AAA": above}
    assert reasons(high) == {"AAA": "outside_band", "BBB": "hold", "CCC": "hold"}
    assert targets(said(rule(rebalance_to=to), AAA=88, BBB=55, CCC=20)) == {"AAA": below}


@pytest.mark.parametrize(
    ("mode", "edge"), [(BandMode.RELATIVE, 0.575), (BandMode.ABSOLUTE, 0.65), (BandMode.FIVE_25, 0.55)]
)
def test_the_edge_is_where_the_band_ends(mode: BandMode, edge: float) -> None:
    found = said(rule({"AAA": 0.5, "BBB": 0.3}, band_mode=mode, rebalance_to=RebalanceTo.EDGE), AAA=140, BBB=60)
    assert targets(found) == {"AAA": edge}


@pytest.mark.parametrize("mode", [BandMode.FIVE_25, BandMode.ABSOLUTE])
def test_what_has_no_weight_is_in_breach_while_it_is_held(mode: BandMode) -> None:
    weights = {"AAA": 0.5, "CCC": 0.0}
    found = said(rule(weights, band_mode=mode), AAA=100, CCC=40)
    assert found[0] == SymbolVerdict(
        "CCC", Target(0.0), ("outside_band",), found[0].conditions, found[0].indicators,
        memory={"breach": "2024-01-01"},
    )  # fmt: skip
    assert targets(said(rule(weights, band_mode=mode), AAA=100)) == {}


def test_against_no_weight_a_relative_drift_is_undefined_and_no_breach() -> None:
    found = said(rule({"AAA": 0.5, "CCC": 0.0}, band_mode=BandMode.RELATIVE), AAA=100, CCC=40)
    assert {one.verdict for one in found} == {Keep()}
    assert found[1].conditions[0].value is None


def test_a_sleeve_without_equity_wants_its_weights_and_divides_by_nothing() -> None:
    found = rule().verdicts(view_of({symbol: [50.0] for symbol in WEIGHTS}), own_of(0.0, {}))
    assert targets(found) == WEIGHTS


def test_it_weighs_its_symbols_against_each_other_and_its_purchases_stand() -> None:
    assert not BandRebalance.EACH_BY_ITSELF
    assert BandRebalance.STANDING_PURCHASES
    assert BandRebalance.CALENDAR


def test_it_needs_one_bar_and_more_only_to_reach_back_to_a_breach_long_ago() -> None:
    assert (rule().history_sessions(), rule(min_sessions_between=60).history_sessions()) == (1, 35)
    assert rule().benchmark == WEIGHTS
    assert rule().universe() == ("AAA", "BBB", "CCC")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"weights": {}}, "weights holds 0 tickers; list 1 or more"),
        ({"weights": {"spy": 0.5}}, 'weights holds "spy"; use upper-case tickers'),
        ({"weights": {"SPY": 1.5}}, "weights.SPY is 1.5; use a number from 0 to 1"),
        ({"weights": {"SPY": -0.1}}, "weights.SPY is -0.1; use a number from 0 to 1"),
        ({"weights": {"SPY": float("nan")}}, "weights.SPY is nan; use a number from 0 to 1"),
        ({"weights": {"SPY": 0.6, "IEF": 0.5}}, "weights are 1.1 together; use 1 or less"),
        ({"band_mode": "wide"}, 'band_mode is "wide"; use 5_25, relative, absolute'),
        ({"rebalance_to": "middle"}, 'rebalance_to is "middle"; use target, edge, half'),
        ({"band": 0.0}, "band is 0; use a number from 0.001 to 1"),
        ({"band": 1.1}, "band is 1.1; use a number from 0.001 to 1"),
        ({"min_sessions_between": -1}, "min_sessions_between is -1; use a whole number from 0 to 250"),
        ({"min_sessions_between": 251}, "min_sessions_between is 251; use a whole number from 0 to 250"),
        ({"min_trade_usd": -1.0}, "min_trade_usd is -1; use a number from 0"),
        ({"min_trade_frac": 1.1}, "min_trade_frac is 1.1; use a number from 0 to 1"),
    ],
)
def test_impossible_parameters_are_named(changed: dict[str, Any], words: str) -> None:
    assert problem_of(rule(**changed)).startswith(words)


def test_weights_that_add_up_to_one_but_for_the_dust_of_adding_are_fine() -> None:
    assert rule({"AAA": 0.7, "BBB": 0.1, "CCC": 0.1, "DDD": 0.1}).problems() == ()
