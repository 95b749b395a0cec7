"""From frames to money and back without a loss."""

from decimal import Decimal

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtum.core.portfolio.money import exact


@pytest.mark.parametrize(
    ("amount", "expected"), [(0.1, "0.1"), (183.198, "183.198"), (5000, "5000.0"), (-0.005, "-0.005")]
)
def test_an_amount_becomes_the_decimal_it_is_written_as(amount: float, expected: str) -> None:
    assert exact(amount) == Decimal(expected)


def test_a_number_of_a_frame_is_taken_like_any_other() -> None:
    assert exact(np.float64(105.25)) == Decimal("105.25")


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_the_way_back_gives_the_same_number(amount: float) -> None:
    assert float(exact(amount)) == amount
