"""What is below its weight is bought and nothing is sold, numbers by hand."""

from decimal import Decimal
from typing import Any

import pytest

from mtum.core.decide import decide
from mtum.core.portfolio.costs import PercentCosts
from mtum.core.portfolio.decision import Book, PortfolioRules
from mtum.core.portfolio.limits import LossRules
from mtum.core.portfolio.orders import Side
from mtum.core.portfolio.sizing import SizingRules
from mtum.core.strategies.buy_only_rebalance import BuyOnlyRebalance
from mtum.core.strategies.contract import Holding, SymbolVerdict
from support.mixes import own_of, problem_of, reasons, targets, view_of

WEIGHTS = {"AAA": 0.51, "BBB": 0.3, "CCC": 0.1}


def said(weights: dict[str, float] = WEIGHTS, gap: float = 0.02, **shares: int) -> tuple[SymbolVerdict, ...]:
    """At 50 USD a share and 10,000 USD of equity a share is half a point."""
    rule = BuyOnlyRebalance(weights=weights, gap=gap)
    return rule.verdicts(view_of({symbol: [50.0] for symbol in weights}), own_of(10_000.0, shares))


def test_at_its_gap_a_symbol_is_bought_up_to_its_weight() -> None:
    # 51 / 50 - 1 is 2 %.
    found = said(AAA=100, BBB=60, CCC=20)
    assert targets(found) == {"AAA": 0.51}
    assert reasons(found) == {"AAA": "below_weight", "BBB": "hold", "CCC": "hold"}
    (below,) = found[0].conditions
    assert (below.value, below.threshold, below.margin, below.passed) == (0.02, 0.02, 0.0, True)


def test_nearer_to_its_weight_than_the_gap_it_is_left_alone() -> None:
    found = said(AAA=101, BBB=60, CCC=20)
    assert targets(found) == {}
    assert found[0].conditions[0].value == 0.009901


def test_what_is_above_its_weight_is_never_sold() -> None:
    assert targets(said(AAA=150, BBB=60, CCC=20)) == {}


def test_the_widest_gap_is_bought_first_and_nothing_held_is_the_widest() -> None:
    # 51/40, 30/20 and nothing of 10.
    found = said(AAA=80, BBB=40)
    assert [*targets(found)] == ["CCC", "BBB", "AAA"]
    assert reasons(found) == {"CCC": "flat", "BBB": "below_weight", "AAA": "below_weight"}
    assert found[0].conditions[0].value is None


def test_equal_gaps_are_bought_in_the_order_of_the_weights_and_what_stays_comes_last() -> None:
    found = said({"BBB": 0.2, "CCC": 0.2, "AAA": 0.2}, BBB=40, CCC=20, AAA=20)
    assert [one.symbol for one in found] == ["CCC", "AAA", "BBB"]
    assert [*targets(said({"BBB": 0.2, "AAA": 0.2}))] == ["BBB", "AAA"]


def test_what_has_no_weight_is_neither_bought_nor_sold() -> None:
    assert targets(said({"AAA": 0.0, "BBB": 0.0}, BBB=10)) == {}


def test_an_unfit_symbol_is_left_out_and_the_others_are_bought() -> None:
    rule = BuyOnlyRebalance(weights=WEIGHTS)
    view = view_of({"AAA": [50.0], "CCC": [50.0]}, unfit={"BBB": 50.0})
    assert targets(rule.verdicts(view, own_of(10_000.0, {"BBB": 10}))) == {"AAA": 0.51, "CCC": 0.1}


def decided(frac: float, shares: int, **book: Any) -> dict[str, int]:
    """Shares bought (+) or sold (-) where a position may be only a part of the equity."""
    rules = PortfolioRules(SizingRules(frac, 1e12, 0.0, PercentCosts(Decimal(0))), LossRules(1e12))
    own = Book({"AAA": Holding("AAA", shares, 45.0)}, 10_000.0 - 50.0 * shares, 10_000.0 - 50.0 * shares, **book)
    found = decide(view_of({"AAA": [50.0]}), BuyOnlyRebalance(weights={"AAA": 0.5}), own, rules)
    return {order.symbol: order.shares if order.side is Side.BUY else -order.shares for order in found.orders}


def test_a_limit_on_positions_lowers_what_is_bought_and_sells_nothing() -> None:
    # The weight is 100 shares of 50 USD; a position of 45 % of 10,000 USD is 90 of them.
    assert decided(0.45, 80) == {"AAA": 10}
    assert decided(0.45, 95) == {}


def test_what_is_sold_for_other_reasons_is_sold_whole() -> None:
    assert decided(0.45, 95, forced_exits={"AAA": "flatten"}) == {"AAA": -95}


def test_it_needs_one_bar() -> None:
    rule = BuyOnlyRebalance(weights=WEIGHTS)
    assert (rule.history_sessions(), rule.universe(), rule.benchmark) == (1, ("AAA", "BBB", "CCC"), WEIGHTS)


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"weights": {"SPY": 0.6, "IEF": 0.5}}, "weights are 1.1 together; use 1 or less"),
        ({"gap": -0.1}, "gap is -0.1; use a number from 0 to 10"),
        ({"gap": 11}, "gap is 11; use a number from 0 to 10"),
        ({"min_trade_usd": -1.0}, "min_trade_usd is -1; use a number from 0"),
    ],
)
def test_impossible_parameters_are_named(changed: dict[str, Any], words: str) -> None:
    assert problem_of(BuyOnlyRebalance(**{"weights": WEIGHTS, **changed})).startswith(words)
