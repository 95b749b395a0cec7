"""Commissions worked out by hand."""

from decimal import Decimal

import pytest

from mtum.core.portfolio.costs import IbFixedCosts, PercentCosts, cost_model


def test_percent_costs_are_a_tenth_of_a_percent_rounded_to_the_cent() -> None:
    # 19 x 250.37 = 4757.03; 0.1 % = 4.75703
    assert PercentCosts(Decimal("0.001")).commission(19, Decimal("250.37")) == Decimal("4.76")
    assert PercentCosts() == PercentCosts(Decimal("0.001"))


def test_half_a_cent_is_rounded_up() -> None:
    assert PercentCosts(Decimal("0.001")).commission(1, Decimal("5")) == Decimal("0.01")


@pytest.mark.parametrize(
    ("shares", "price", "expected"),
    [
        (19, "250", "1.00"),  # 0.095 by size: the minimum
        (1000, "25", "5.00"),  # 0.005 per share
        (10, "0.20", "0.02"),  # 1 % of 2.00 beats the minimum
        (1000, "0.25", "2.50"),  # 1 % of 250 beats 5.00
        (0, "10", "0.00"),
    ],
)
def test_ib_fixed_pricing(shares: int, price: str, expected: str) -> None:
    assert IbFixedCosts().commission(shares, Decimal(price)) == Decimal(expected)


def test_the_settings_name_the_model() -> None:
    assert cost_model("percent", Decimal("0.002")) == PercentCosts(Decimal("0.002"))
    assert cost_model("ib", Decimal("0.002")) == IbFixedCosts()
    with pytest.raises(ValueError, match="use 'percent' or 'ib'"):
        cost_model("free", Decimal(0))
