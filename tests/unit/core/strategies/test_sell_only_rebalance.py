"""What is far above its weight is sold a part a day and nothing is bought, numbers by hand."""

from typing import Any

import pytest

from mtum.core.strategies.contract import Memory, Shares, SymbolVerdict
from mtum.core.strategies.sell_only_rebalance import SellOnlyRebalance
from support.mixes import own_of, problem_of, reasons, remembered, view_of


def said(
    weight: float, shares: int, *, memory: Memory | None = None, price: float = 50.0, **changed: float
) -> SymbolVerdict:
    """At 50 USD a share and 10,000 USD of equity a share is half a point; the filter is 100 USD, two shares."""
    rule = SellOnlyRebalance(weights={"AAA": weight}, **changed)
    (found,) = rule.verdicts(view_of({"AAA": [price]}), own_of(10_000.0, {"AAA": shares}, memory))
    return found


SELLING = {"selling:AAA": "2023-12-29"}


def test_far_above_its_weight_a_quarter_of_the_excess_is_sold() -> None:
    # 48 of 40 points: 96 shares, 16 above the 80 of the weight, of which 4 are sold.
    found = said(0.4, 96)
    assert (found.verdict, found.reasons) == (Shares(92), ("far_above_weight",))
    assert found.memory == {"selling:AAA": "2024-01-01"}
    above, left = found.conditions
    assert (above.value, above.threshold, above.passed) == (0.2, 0.2, True)
    assert (left.value, left.passed) == (16, True)


def test_nearer_to_its_weight_than_the_gap_it_is_left_alone() -> None:
    found = said(0.4, 95)
    assert (found.reasons, found.memory) == (("hold",), {})
    assert found.conditions[0].value == 0.1875


def test_what_has_begun_goes_on_every_day_until_nothing_is_above_the_weight() -> None:
    # 9 above: a quarter is 2.25, so 3.
    found = said(0.4, 89, memory=SELLING)
    assert (found.verdict, found.reasons, found.memory) == (Shares(86), ("excess_left",), {})
    done = said(0.4, 80, memory=SELLING)
    assert (done.reasons, done.memory) == (("hold",), {"selling:AAA": None})


def test_a_part_that_is_not_worth_an_order_becomes_the_fewest_shares_that_are() -> None:
    # 6 above: a quarter is 2 shares, which are 100 USD; of 300 USD a fraction is 6 shares.
    assert said(0.4, 86, memory=SELLING).verdict == Shares(84)
    assert said(0.4, 96, memory=SELLING, min_trade_usd=251.0).verdict == Shares(90)
    assert said(0.4, 96, memory=SELLING, min_trade_frac=0.03).verdict == Shares(90)


def test_a_rest_worth_no_more_than_the_filter_is_sold_with_it() -> None:
    # 4 above: 2 sold would leave 2, worth 100 USD and no more than the filter; of 5 above 3 are left.
    assert said(0.4, 84, memory=SELLING).verdict == Shares(80)
    assert said(0.4, 85, memory=SELLING).verdict == Shares(83)
    assert said(0.4, 81, memory=SELLING).verdict == Shares(80)


def test_whole_shares_of_the_weight_are_not_cut_by_the_dust_of_a_product() -> None:
    # 0.57 x 10,000 / 100 is 56.99999999999999 in floating point, and 57 shares.
    assert 0.57 * 10_000 / 100 < 57
    found = said(0.57, 69, price=100.0)
    assert found.conditions[1].value == 12
    assert found.verdict == Shares(66)


def test_what_has_no_weight_is_always_sold() -> None:
    found = said(0.0, 40)
    assert (found.verdict, found.reasons) == (Shares(30), ("not_wanted",))
    assert found.conditions[0].value is None
    assert said(0.0, 4, memory=SELLING).verdict == Shares(0)
    assert said(0.0, 0).reasons == ("hold",)


def test_what_is_below_its_weight_is_never_bought() -> None:
    assert said(0.4, 0).reasons == ("hold",)
    assert said(0.4, 50).reasons == ("hold",)


def test_sales_come_before_what_stays_and_an_unfit_symbol_keeps_its_place_in_memory() -> None:
    rule = SellOnlyRebalance(weights={"AAA": 0.4, "BBB": 0.1, "CCC": 0.1})
    view = view_of({"AAA": [50.0], "CCC": [50.0]}, unfit={"BBB": 50.0})
    memory = {"selling:BBB": "2023-12-29"}
    found = rule.verdicts(view, own_of(10_000.0, {"AAA": 80, "BBB": 60, "CCC": 60}, memory))
    assert reasons(found) == {"CCC": "far_above_weight", "AAA": "hold"}
    assert [one.symbol for one in found] == ["CCC", "AAA"]
    assert remembered(found) == {"selling:CCC": "2024-01-01"}


def test_it_needs_one_bar() -> None:
    rule = SellOnlyRebalance(weights={"AAA": 0.4})
    assert (rule.history_sessions(), rule.universe(), rule.benchmark) == (1, ("AAA",), {"AAA": 0.4})


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"weights": {"SPY": 1.1}}, "weights.SPY is 1.1; use a number from 0 to 1"),
        ({"gap": -0.1}, "gap is -0.1; use a number from 0 to 10"),
        ({"max_daily_frac": 0.0}, "max_daily_frac is 0; use a number from 0.01 to 1"),
        ({"max_daily_frac": 1.1}, "max_daily_frac is 1.1; use a number from 0.01 to 1"),
        ({"min_trade_frac": -1.0}, "min_trade_frac is -1; use a number from 0 to 1"),
    ],
)
def test_impossible_parameters_are_named(changed: dict[str, Any], words: str) -> None:
    found = problem_of(SellOnlyRebalance(**{"weights": {"AAA": 0.4}, **changed}))
    assert found.startswith(words)
