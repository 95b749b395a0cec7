"""Falls are bought and their recovery is sold, numbers by hand."""

from typing import Any

import pytest

from mtum.core.reporting.explain import confidence_of
from mtum.core.strategies.contract import Holding, Keep, Own, SymbolVerdict, Target
from mtum.core.strategies.mean_reversion import MeanReversion, Variant
from support.told_views import held, said, told_view
from support.values import replace

TWO = MeanReversion(symbols=("AAA", "BBB", "CCC"))
BANDS = replace(TWO, variant=Variant.BOLLINGER_RSI)
FALLEN = {"close": 101.0, "trend": 100.0, "rsi": 4.0, "mean": 103.0, "atr": 2.0}
"""Above its trend, oversold and below its mean of five."""
STRETCHED = {**FALLEN, "rsi": 29.0, "lower_band": 101.5, "mean": 106.0}
"""The same for the other variant: below its lower band too."""
CALM = {**FALLEN, "rsi": 50.0}


def only(rule: MeanReversion, told: dict[str, Any], *holdings: Holding) -> SymbolVerdict:
    return said(replace(rule, symbols=("AAA",)), {"AAA": told}, *holdings)["AAA"]


def test_a_fall_within_a_rising_trend_is_bought_with_its_part_and_its_atr() -> None:
    found = only(TWO, FALLEN)
    assert (found.verdict, found.reasons, found.remember) == (Target(0.2), ("oversold",), {"atr": 2.0})
    trend, oversold = found.conditions[:2]
    assert (trend.value, trend.threshold, trend.margin, trend.passed) == (101.0, 100.0, 1.0, True)
    assert (oversold.value, oversold.threshold, oversold.margin, oversold.passed) == (4.0, 5.0, 1.0, True)


def test_a_third_of_the_sleeve_is_rounded() -> None:
    assert only(replace(TWO, max_positions=3), FALLEN).verdict == Target(0.333333)


@pytest.mark.parametrize(
    ("rule", "told"),
    [
        (TWO, {**FALLEN, "trend": 101.0}),
        (TWO, {**FALLEN, "rsi": 5.0}),
        (TWO, {**FALLEN, "rsi": None}),
        (TWO, {**FALLEN, "trend": None}),
        (BANDS, {**STRETCHED, "trend": 101.0}),
        (BANDS, {**STRETCHED, "rsi": 30.0}),
        (BANDS, {**STRETCHED, "lower_band": 101.0}),
        (BANDS, {**STRETCHED, "lower_band": None}),
    ],
)
def test_a_tie_or_an_undefined_value_enters_nothing(rule: MeanReversion, told: dict[str, Any]) -> None:
    found = only(rule, told)
    assert (found.verdict, found.reasons, dict(found.remember)) == (Keep(), ("hold",), {})


def test_the_lower_band_and_the_usual_rsi_enter_too() -> None:
    found = only(BANDS, STRETCHED)
    assert (found.verdict, found.reasons) == (Target(0.2), ("oversold",))
    assert [one.name for one in found.conditions if one.passed] == ["above_trend", "below_band", "rsi_oversold"]


def test_without_a_trend_to_ask_for_it_enters_below_it() -> None:
    below = {**FALLEN, "close": 90.0}
    assert only(TWO, below).verdict == Keep()
    found = only(replace(TWO, trend_sessions=0), below)
    assert found.verdict == Target(0.2)
    assert "above_trend" not in [one.name for one in found.conditions]


@pytest.mark.parametrize(
    ("told", "ago", "reasons"),
    [
        ({**CALM, "close": 103.000001}, 9, ("mean_reached",)),
        ({**CALM, "close": 103.0}, 9, ("hold",)),  # a tie with the mean of five is not above it
        (CALM, 10, ("max_sessions",)),
        ({**CALM, "close": 104.0}, 10, ("mean_reached", "max_sessions")),
        ({**FALLEN, "close": 50.0}, 9, ("hold",)),  # this variant has no stop
    ],
)
def test_two_sessions_rsi_leaves_above_the_mean_of_five_or_after_ten_sessions(
    told: dict[str, Any], ago: int, reasons: tuple[str, ...]
) -> None:
    found = only(TWO, told, held(ago=ago))
    assert found.reasons == reasons
    assert found.verdict == (Keep() if reasons == ("hold",) else Target(0.0))
    assert not found.remember


@pytest.mark.parametrize(
    ("changes", "ago", "reasons"),
    [
        ({}, 9, ("hold",)),
        ({"close": 106.0}, 9, ("mean_reached",)),  # a tie with the middle band has reached it
        ({"close": 105.999999}, 9, ("hold",)),
        ({"rsi": 55.0}, 9, ("hold",)),
        ({"rsi": 55.000001}, 9, ("rsi_recovered",)),
        ({}, 10, ("max_sessions",)),
        ({"close": 94.0}, 9, ("stop_atr",)),  # 100 - 3 x 2: the ATR of the entry, not today's
        ({"close": 94.000001}, 9, ("hold",)),
        (
            {"close": 94.0, "mean": 94.0, "rsi": 60.0},
            12 - 1,
            ("mean_reached", "rsi_recovered", "max_sessions", "stop_atr"),
        ),
    ],
)
def test_bands_leave_for_every_reason_that_holds_in_the_order_of_the_rule(
    changes: dict[str, float], ago: int, reasons: tuple[str, ...]
) -> None:
    found = only(BANDS, {**STRETCHED, "rsi": 40.0, "atr": 7.0, **changes}, held(ago=ago))
    assert found.reasons == reasons


def test_without_the_atr_of_the_entry_there_is_no_stop() -> None:
    found = only(BANDS, {**STRETCHED, "close": 1.0}, Holding("AAA", 10, 100.0, None))
    assert (found.verdict, found.conditions[-1].margin) == (Keep(), None)


def test_shares_sold_before_leave_nothing_to_judge() -> None:
    # A flat holding may still tell of its last round trip.
    found = only(BANDS, STRETCHED, held(ago=11, shares=0))
    assert found.verdict == Target(0.2)
    assert [one.margin for one in found.conditions if one.name in ("max_sessions", "stop_atr")] == [None, None]


def test_the_deepest_falls_get_the_places_and_ties_go_by_the_list() -> None:
    told = {"AAA": {**FALLEN, "rsi": 3.0}, "BBB": {**FALLEN, "rsi": 2.0}, "CCC": {**FALLEN, "rsi": 2.0}}
    found = said(replace(TWO, max_positions=2), told)
    assert [*found] == ["BBB", "CCC", "AAA"]
    assert [one.verdict for one in found.values()] == [Target(0.5), Target(0.5), Keep()]
    assert (found["AAA"].reasons, found["AAA"].remember) == (("no_place",), {})


def test_what_leaves_now_makes_a_place_and_comes_first() -> None:
    told = {"AAA": FALLEN, "BBB": {**CALM, "close": 104.0}, "CCC": {**FALLEN, "rsi": 3.0}}
    found = said(replace(TWO, max_positions=1), told, held("BBB"))
    assert [*found] == ["BBB", "CCC", "AAA"]
    assert [one.reasons for one in found.values()] == [("mean_reached",), ("oversold",), ("no_place",)]


def test_what_is_held_and_unfit_keeps_its_place_and_gets_no_verdict() -> None:
    rule = replace(TWO, max_positions=2)
    view = told_view(rule, {"AAA": FALLEN, "CCC": {**FALLEN, "rsi": 3.0}}, {"BBB": 50.0})
    found = rule.verdicts(view, Own({"BBB": held("BBB")}))
    assert [(one.symbol, one.reasons) for one in found] == [("CCC", ("oversold",)), ("AAA", ("no_place",))]


def test_confidence_is_the_part_of_the_known_conditions_that_hold() -> None:
    flat = only(BANDS, {**STRETCHED, "rsi": 31.0})
    assert confidence_of(BANDS, flat, held=False) == 0.666667
    long = only(BANDS, {**STRETCHED, "rsi": 60.0}, held())
    assert confidence_of(BANDS, long, held=True) == 0.75  # one of four reasons to leave


def test_it_asks_for_the_bars_after_which_wilders_mean_has_forgotten_its_seed() -> None:
    assert [rule.history_sessions() for rule in (TWO, BANDS, replace(TWO, trend_sessions=400))] == [295, 295, 400]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"symbols": ()}, "symbols holds 0 tickers"),
        ({"variant": "rsi3"}, 'variant is "rsi3"; use "rsi2" or "bollinger_rsi"'),
        ({"trend_sessions": 1}, "trend_sessions is 1; use a whole number from 2 to 1000, or 0 for none"),
        ({"trend_sessions": -1}, "trend_sessions is -1; use a whole number from 0 to 1000"),
        ({"max_positions": 0}, "max_positions is 0; use a whole number from 1 to 500"),
        ({"max_sessions": 251}, "max_sessions is 251; use a whole number from 1 to 250"),
        ({"stop_atr": 0.0}, "stop_atr is 0; use a number from 0.01 to 100"),
        ({"min_trade_usd": -1.0}, "min_trade_usd is -1; use a number from 0 to 1e+12"),
        ({"min_trade_frac": 1.5}, "min_trade_frac is 1.5; use a number from 0 to 1"),
    ],
)
def test_an_impossible_parameter_is_named_with_its_range(changes: dict[str, Any], words: str) -> None:
    (problem,) = MeanReversion(**changes).problems()
    assert problem.startswith(words)
