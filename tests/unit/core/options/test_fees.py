"""Fees of orders for options, by hand."""

from decimal import Decimal

import pytest

from mtum.core.options.fees import OptionFees


@pytest.mark.parametrize(
    ("underlying", "contracts", "legs", "usd"),
    [
        ("SPY", 0, 1, "0"),
        ("SPY", 1, 1, "1.00"),  # 0.70, but an order pays 1.00
        ("SPY", 2, 1, "1.40"),
        ("SPY", 1, 2, "1.40"),
        ("SPY", 1, 4, "2.80"),
        ("VIX", 1, 1, "1.45"),  # the surcharge comes on top of the minimum
        ("VIX", 10, 1, "11.50"),
    ],
)
def test_fees_count_contracts_and_legs(underlying: str, contracts: int, legs: int, usd: str) -> None:
    assert OptionFees().of_order(underlying, contracts, legs) == Decimal(usd)
    assert OptionFees().stressed.of_order(underlying, contracts, legs) == 2 * Decimal(usd)


def test_a_condor_costs_five_dollars_sixty_in_and_out() -> None:
    assert 2 * OptionFees().of_order("SPY", 1, 4) == Decimal("5.60")


@pytest.mark.parametrize(("contracts", "legs"), [(-1, 1), (1, 0)])
def test_an_order_that_cannot_be_is_refused(contracts: int, legs: int) -> None:
    with pytest.raises(ValueError, match="no such order"):
        OptionFees().of_order("SPY", contracts, legs)
