"""Sharp rises on volume are bought for a few days, numbers by hand."""

from typing import Any

import pytest

from mtum.core.market.timeframes import Timeframe
from mtum.core.reporting.explain import confidence_of
from mtum.core.strategies.contract import Holding, Keep, Own, SymbolVerdict, Target
from mtum.core.strategies.momentum_burst import MomentumBurst
from support.told_views import held, said, told_view
from support.values import replace

RULE = MomentumBurst(symbols=("AAA", "BBB", "CCC"))
CLOSES = [100.0] * 5 + [103.0]
"""Today 3 % above the close of five sessions ago."""
BURST: dict[str, Any] = {
    "close": CLOSES, "rsi": 60.0, "atr": 2.0, "macd": [0.4, 0.5], "ema": 102.0, "volume": 1501.0,
    "volume_average": 1000.0,
}  # fmt: skip
"""Every condition holds: 3 % is at least 1.5 x 2 / 103 = 2.9126 %."""


def only(told: dict[str, Any], *holdings: Holding, rule: MomentumBurst = RULE) -> SymbolVerdict:
    return said(replace(rule, symbols=("AAA",)), {"AAA": told}, *holdings)["AAA"]


def test_a_burst_is_bought_so_that_one_atr_is_half_a_percent_of_the_sleeve() -> None:
    found = only(BURST)
    # 0.005 x 103 / 2 = 0.2575
    assert (found.verdict, found.reasons, found.remember) == (Target(0.2575), ("burst",), {"atr": 2.0})
    rise = found.conditions[0]
    assert (rise.value, rise.threshold, rise.margin, rise.passed) == (3.0, 2.9126, 0.0874, True)
    assert found.indicators["rise_in_atr"] == 1.545  # 0.03 / (2 / 103)


def test_no_position_is_larger_than_the_largest() -> None:
    assert only({**BURST, "atr": 1.0}).verdict == Target(0.33)  # 0.005 x 103 / 1 = 0.515


@pytest.mark.parametrize(
    ("changes", "enters"),
    [
        ({"close": [100.0] * 5 + [102.9]}, False),  # 2.9 % is less than 1.5 x 2 / 102.9 = 2.9155 %
        ({"atr": 2.06}, True),  # 1.5 x 2.06 / 103 = 0.03: a tie is far enough
        ({"atr": 2.0601}, False),
        ({"volume": 1500.0}, False),
        ({"volume": None}, False),
        ({"rsi": 55.0}, True),
        ({"rsi": 54.999999}, False),
        ({"rsi": 80.0}, True),
        ({"rsi": 80.000001}, False),
        ({"macd": [0.5, 0.5]}, False),
        ({"macd": [-0.1, 0.0]}, False),
        ({"macd": [-0.1, 0.000001]}, True),
        ({"macd": [None, 0.5]}, False),
        ({"ema": 103.0}, False),
        ({"ema": None}, False),
        ({"atr": None}, False),
        ({"atr": 0.0}, False),
    ],
)
def test_each_condition_at_its_tie(changes: dict[str, Any], enters: bool) -> None:
    found = only({**BURST, **changes})
    assert found.enters is enters
    assert found.reasons == (("burst",) if enters else ("hold",))


@pytest.mark.parametrize(
    ("rsi", "threshold", "margin"), [(60.0, 55.0, 5.0), (78.0, 80.0, 2.0), (81.0, 80.0, -1.0), (50.0, 55.0, -5.0)]
)
def test_the_nearer_level_of_the_rsi_tells_how_far_it_is_from_flipping(
    rsi: float, threshold: float, margin: float
) -> None:
    found = {one.name: one for one in only({**BURST, "rsi": rsi}).conditions}["burst_strength"]
    assert (found.threshold, found.margin, found.passed) == (threshold, margin, margin > 0)


@pytest.mark.parametrize(
    ("changes", "ago", "reasons"),
    [
        ({}, 4, ("hold",)),
        ({"close": 103.0}, 4, ("target_atr",)),  # 100 + 1.5 x 2, the ATR of the entry
        ({"close": 98.0}, 4, ("stop_atr",)),
        ({"close": 98.000001}, 4, ("hold",)),
        ({"rsi": 45.0}, 4, ("hold",)),
        ({"rsi": 44.999999}, 4, ("rsi_low",)),
        ({}, 5, ("max_sessions",)),
        ({"close": 97.0, "rsi": 30.0}, 6, ("stop_atr", "rsi_low", "max_sessions")),
        ({"close": 104.0, "rsi": 30.0}, 5, ("target_atr", "rsi_low", "max_sessions")),
    ],
)
def test_it_leaves_for_every_reason_that_holds_in_the_order_of_the_rule(
    changes: dict[str, Any], ago: int, reasons: tuple[str, ...]
) -> None:
    found = only({**BURST, "close": 102.0, "atr": 9.0, **changes}, held(ago=ago))
    assert found.reasons == reasons
    assert found.verdict == (Keep() if reasons == ("hold",) else Target(0.0))


def test_the_strongest_bursts_get_the_places() -> None:
    told = {
        "AAA": BURST,
        "BBB": {**BURST, "atr": 1.9},  # the same rise is more of its range
        "CCC": BURST,
    }
    found = said(replace(RULE, max_positions=2), told)
    assert [*found] == ["BBB", "AAA", "CCC"]
    assert [one.reasons for one in found.values()] == [("burst",), ("burst",), ("no_place",)]


def test_what_is_held_and_unfit_keeps_its_place() -> None:
    rule = replace(RULE, max_positions=2)
    found = rule.verdicts(told_view(rule, {"AAA": BURST, "CCC": BURST}, {"BBB": 50.0}), Own({"BBB": held("BBB")}))
    assert [(one.symbol, one.reasons) for one in found] == [("AAA", ("burst",)), ("CCC", ("no_place",))]


@pytest.mark.parametrize("frame", [Timeframe.WEEK, Timeframe.MONTH])
def test_the_weeks_or_months_must_confirm_where_they_are_asked(frame: Timeframe) -> None:
    rule = replace(RULE, symbols=("AAA",), confirm_timeframes=(frame,))
    passes, ties, unknown = (
        said(rule, {"AAA": {**BURST, f"ema_{frame}": mean}})["AAA"] for mean in (102.9, 103.0, None)
    )
    assert [one.enters for one in (passes, ties, unknown)] == [True, False, False]
    condition = {one.name: one for one in passes.conditions}[f"confirmed_{frame}"]
    assert (condition.value, condition.threshold, condition.margin) == (103.0, 102.9, 0.1)


def test_it_asks_for_the_bars_within_the_session_that_must_confirm_and_for_no_others() -> None:
    hours = replace(RULE, symbols=("AAA",), confirm_timeframes=(Timeframe.HOUR, Timeframe.FIVE_MINUTES, Timeframe.WEEK))
    # The mean of 20 has forgotten its seed after 228 bars.
    assert hours.intraday_bars == {Timeframe.HOUR: 228, Timeframe.FIVE_MINUTES: 228}
    assert RULE.intraday_bars == {}
    # Where there are none the condition does not hold, and nothing is bought.
    found = only(BURST, rule=hours)
    condition = {one.name: one for one in found.conditions}["confirmed_1h"]
    assert (condition.value, condition.passed, type(found.verdict)) == (None, False, Keep)


def test_confidence_is_the_part_of_the_known_conditions_that_hold() -> None:
    flat = only({**BURST, "volume": None, "rsi": 50.0})
    assert confidence_of(RULE, flat, held=False) == 0.75  # the volume is not known, the RSI is too low
    long = only({**BURST, "close": 102.0}, held(ago=5))
    assert confidence_of(RULE, long, held=True) == 0.75


def test_it_asks_for_the_bars_after_which_the_slowest_mean_has_forgotten_its_seed() -> None:
    assert RULE.history_sessions() == 399
    # ema(20) forgets after 20 + 208 values: so many weeks, and the close before them shows the first to be whole.
    assert replace(RULE, confirm_timeframes=(Timeframe.WEEK,)).history_sessions() == 5 * 228 + 1
    assert replace(RULE, confirm_timeframes=(Timeframe.MONTH,)).history_sessions() == 4859  # 21.2 x 229 + 4, up


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"symbols": ("SPY", "SPY")}, "symbols holds SPY twice"),
        ({"burst_sessions": 0}, "burst_sessions is 0; use a whole number from 1 to 250"),
        ({"burst_atr": -1.0}, "burst_atr is -1; use a number from 0 to 100"),
        ({"volume_multiple": 101.0}, "volume_multiple is 101; use a number from 0 to 100"),
        ({"rsi_low": -1.0}, "rsi_low is -1; use a number from 0 to 100"),
        ({"rsi_high": 101.0}, "rsi_high is 101; use a number from 0 to 100"),
        ({"ema_sessions": 1}, "ema_sessions is 1; use a whole number from 2 to 250"),
        ({"risk_frac": 0.0}, "risk_frac is 0; use a number from 0.0001 to 1"),
        ({"max_weight": 1.1}, "max_weight is 1.1; use a number from 0.01 to 1"),
        ({"max_positions": 0}, "max_positions is 0; use a whole number from 1 to 500"),
        ({"target_atr": 0.0}, "target_atr is 0; use a number from 0.01 to 100"),
        ({"stop_atr": 0.0}, "stop_atr is 0; use a number from 0.01 to 100"),
        ({"max_sessions": 0}, "max_sessions is 0; use a whole number from 1 to 250"),
        ({"exit_rsi": 101.0}, "exit_rsi is 101; use a number from 0 to 100"),
        ({"confirm_timeframes": ("2h",)}, 'confirm_timeframes holds "2h"; use "1'),
        ({"confirm_timeframes": ("1w", "1w")}, 'confirm_timeframes holds "1w" twice'),
    ],
)
def test_an_impossible_parameter_is_named_with_its_range(changes: dict[str, Any], words: str) -> None:
    (problem,) = MomentumBurst(**changes).problems()
    assert problem.startswith(words)


def test_levels_of_the_rsi_that_do_not_go_together_are_told() -> None:
    assert RULE.contradictions() == ()
    never, turns = replace(RULE, rsi_high=50.0).contradictions(), replace(RULE, exit_rsi=60.0).contradictions()
    assert never == ("rsi_low: 55 is over rsi_high (50); it would never enter",)
    assert turns == ("exit_rsi: 60 is over rsi_low (55); between them it would enter and exit by turns",)
