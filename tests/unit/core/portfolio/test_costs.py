"""Commissions worked out by hand."""

from decimal import Decimal

import pytest

from mtum.core.portfolio.costs import IbFixedCosts, IbTieredCosts, PercentCosts, ThirdPartyFees, cost_model
from mtum.core.portfolio.sizing import cost_frac


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


@pytest.mark.parametrize(
    ("shares", "price", "sale", "traded", "expected"),
    [
        # 20 x 0.0035 = 0.07: the minimum; 20 x 0.001803 = 0.03606 and 0.35 x 0.000735
        (20, "250", False, 0, "0.39"),
        # the same, and 5000 x 0.0000206 = 0.103 and 20 x 0.000195 = 0.0039
        (20, "250", True, 0, "0.49"),
        # 3.50 + 1.803 + 0.00257
        (1000, "25", False, 0, "5.31"),
        # 1 % of 2.00 beats the minimum: 0.02 + 10 x 0.001803
        (10, "0.20", False, 0, "0.04"),
        # 1,000 at 0.0035 and 1,000 at 0.0020 = 5.50, + 3.606 + 0.0040425
        (2000, "25", False, 299_000, "9.11"),
        # 100,000 x 0.0005 = 50, + 180.30 + 0.03675
        (100_000, "25", False, 200_000_000, "230.34"),
        # 350 + 180.30 + 0.25725, SEC 51.50, activity fee at most 9.79
        (100_000, "25", True, 0, "591.85"),
        (0, "10", True, 0, "0.00"),
    ],
)
def test_ib_tiered_pricing(shares: int, price: str, sale: bool, traded: int, expected: str) -> None:
    assert IbTieredCosts().commission(shares, Decimal(price), sale=sale, traded=traded) == Decimal(expected)


def test_what_a_month_traded_before_belongs_to_lower_tiers() -> None:
    """4,000,000 shares: 300,000 at 0.0035, 2,700,000 at 0.0020 and 1,000,000 at 0.0015 = 7,950."""
    free = ThirdPartyFees(*(Decimal(0),) * 6)
    whole = IbTieredCosts(free).commission(4_000_000, Decimal(25))
    parts = [IbTieredCosts(free).commission(1_000_000, Decimal(25), traded=k * 1_000_000) for k in range(4)]
    assert (whole, sum(parts)) == (Decimal(7950), Decimal(7950))


def test_a_purchase_is_sized_by_what_the_schedule_takes_of_it() -> None:
    """5000 USD at 250: the minimum of 0.35 (1.000735 with what is passed on) and 0.001803 a share."""
    assert cost_frac(IbTieredCosts(), 5000.0, 250.0) == pytest.approx(0.35 / 5000 * 1.000735 + 0.001803 / 250)
    assert cost_frac(IbTieredCosts(), 50_000.0, 25.0) == pytest.approx(0.0035 / 25 * 1.000735 + 0.001803 / 25)


def test_the_settings_name_the_model() -> None:
    assert cost_model("percent", Decimal("0.002")) == PercentCosts(Decimal("0.002"))
    assert cost_model("ib", Decimal("0.002")) == IbFixedCosts()
    assert cost_model("ib_tiered", Decimal("0.002")) == IbTieredCosts()
    with pytest.raises(ValueError, match="use 'percent', 'ib' or 'ib_tiered'"):
        cost_model("free", Decimal(0))
