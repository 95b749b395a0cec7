"""What strategies of several symbols share, numbers by hand."""

import pytest

from mtum.core.strategies.contract import Holding, Own, at_most
from mtum.core.strategies.several import inverse_parts, range_problems, weight_of, weights_problems
from mtum.core.view import MarketView
from support.bars import bars_of


def test_a_weight_is_what_is_held_over_the_equity_rounded() -> None:
    bars = {symbol: bars_of([100.0, 90.0], symbol=symbol) for symbol in ("AAA", "BBB")}
    view = MarketView(bars["AAA"].last_day, bars, {}, {})
    own = Own({"AAA": Holding("AAA", 7)}, equity_usd=1900.0)
    assert weight_of(view, own, "AAA") == 0.331579  # 630 / 1900 = 0.33157894...
    assert weight_of(view, own, "BBB") == 0.0
    assert weight_of(view, Own({"AAA": Holding("AAA", 7)}), "AAA") is None


def test_parts_by_inverse_volatility_sum_to_one_and_the_calmer_gets_more() -> None:
    # 1 / 0.1 = 10 and 1 / 0.3 = 3.33: three quarters and a quarter.
    found = inverse_parts({"AAA": 0.1, "BBB": 0.3})
    assert found == pytest.approx({"AAA": 0.75, "BBB": 0.25})
    assert inverse_parts({}) == {}


@pytest.mark.parametrize("unknown", [0.0, None])
def test_without_a_volatility_nothing_is_shared(unknown: float | None) -> None:
    assert inverse_parts({"AAA": 0.1, "BBB": unknown}) is None


def test_at_most_holds_on_a_tie_and_not_where_something_is_unknown() -> None:
    tie, over, unknown = at_most("one", 3.0, 3), at_most("one", 3.5, 3), at_most("one", None, 3)
    assert [one.passed for one in (tie, over, unknown)] == [True, False, False]
    assert [one.margin for one in (tie, over, unknown)] == [0.0, -0.5, None]


def test_a_range_names_parameter_value_and_ends() -> None:
    assert range_problems(("top", 0, 1, 5), ("step", 0.001, 0.01, 1.0), ("usd", 2e12, 0.0, 1e12)) == (
        "top is 0; use a whole number from 1 to 5",
        "step is 0.001; use a number from 0.01 to 1",
        "usd is 2e+12; use a number from 0 to 1e+12",
    )
    assert range_problems(("top", 1, 1, 5), ("top", 5, 1, 5)) == ()
    assert range_problems(("step", float("nan"), 0.0, 1.0)) == ("step is nan; use a number from 0 to 1",)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({}, "weights holds 0 tickers; list 1 or more"),
        ({"spy": 0.5}, 'weights holds "spy"; use upper-case tickers such as "SPY"'),
        ({"SPY": 0.0}, "weights.SPY is 0; use a number above 0, up to 1"),
        ({"SPY": 0.6, "IEF": 0.5}, "weights are 1.1 together; use 1 or less"),
    ],
)
def test_impossible_weights_are_named(weights: dict[str, float], words: str) -> None:
    assert weights_problems(weights) == (words,)


def test_a_weight_of_nothing_is_for_strategies_that_sell() -> None:
    assert weights_problems({"SPY": 0.0, "IEF": 1.0}, zero=True) == ()
    assert weights_problems({"SPY": -0.1}, zero=True) == ("weights.SPY is -0.1; use a number from 0 to 1",)


def test_weights_of_a_tenth_may_be_one_together() -> None:
    # Ten times 0.1 is not quite 1 in binary.
    assert weights_problems(dict.fromkeys("ABCDEFGHIJ", 0.1)) == ()
