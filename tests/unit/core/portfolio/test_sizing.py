"""How many shares a budget buys, by hand."""

from decimal import Decimal

import pytest

from mtum.core.portfolio.costs import IbFixedCosts, PercentCosts
from mtum.core.portfolio.sizing import SizingRules, budget, cost_frac, outlay, shares_for

DEFAULT = SizingRules(1.0, 5000.0, 0.005, PercentCosts(Decimal("0.001")))
BROKER = SizingRules(1.0, 5000.0, 0.005, IbFixedCosts())


@pytest.mark.parametrize(
    ("budget_usd", "price", "shares"),
    [
        (5000.0, 100.0, 49),  # 5000 / 100.6 = 49.70
        (5030.0, 100.6, 49),  # 5030 / 101.2036 = 49.70
        (100.6, 100.0, 1),  # exactly one share with cost and buffer
        (100.59, 100.0, 0),
        (0.9, 0.25, 3),  # 0.90 / 0.2515 = 3.58
        (0.0, 100.0, 0),
        (-0.5, 100.0, 0),
        (5000.0, 0.0, 0),
    ],
)
def test_whole_shares_are_bought_with_cost_and_buffer(budget_usd: float, price: float, shares: int) -> None:
    assert shares_for(budget_usd, price, DEFAULT) == shares


@pytest.mark.parametrize(
    ("budget_usd", "price", "frac"),
    [
        (5000.0, 10.0, 0.0005),  # 0.005 a share of 10 USD beats 1 USD on 5000
        (1000.0, 100.0, 0.001),  # the minimum of 1 USD on 1000 beats 0.005 on 100
        (50.0, 20.0, 0.01),  # 1 USD on 50 would be 2 %: the cap of 1 % wins
        (0.0, 10.0, 0.0005),
        (0.5, 10.0, 0.01),  # nor is 1 USD on 0.50 more than that
    ],
)
def test_the_schedule_of_the_broker_is_taken_as_a_fraction(budget_usd: float, price: float, frac: float) -> None:
    assert cost_frac(BROKER.costs, budget_usd, price) == pytest.approx(frac, rel=1e-12)


def test_the_schedule_of_the_broker_leaves_room_for_its_minimum() -> None:
    # 1000 / (100 * (1 + 0.001 + 0.005)) = 9.94
    assert shares_for(1000.0, 100.0, BROKER) == 9
    assert shares_for(0.0, 100.0, BROKER) == 0


def test_a_purchase_that_was_cut_to_nothing_takes_nothing() -> None:
    assert outlay(0, 100.0, BROKER) == 0.0
    assert outlay(9, 100.0, BROKER) == pytest.approx(905.5)  # 900, 1.00 of commission and half a percent


@pytest.mark.parametrize(
    ("weight", "equity", "expected"),
    [
        (1.0, 4000.0, 4000.0),  # the target
        (1.0, 9000.0, 5000.0),  # the largest position
        (0.5, 4000.0, 2000.0),  # half of the sleeve
    ],
)
def test_the_smaller_bound_is_the_budget(weight: float, equity: float, expected: float) -> None:
    assert budget(weight, equity, DEFAULT) == expected


def test_the_largest_fraction_bounds_the_target() -> None:
    assert budget(1.0, 4000.0, SizingRules(0.25, 5000.0, 0.0, PercentCosts())) == 1000.0
