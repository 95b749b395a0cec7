"""Dividends read from prices adjusted for them."""

from datetime import date

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from mtum.core.market.bars import PRICE_COLUMNS, Bars
from mtum.core.market.dividends import dividends_of
from mtum.core.market.merging import dividend_adjusted
from support.bars import weekdays


def adjusted_to_the_cent(
    closes: list[float], paid: dict[int, float]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    days = np.array(weekdays(date(2024, 1, 2), len(closes)), dtype="datetime64[D]")
    column = np.array(closes)
    dividend = np.array([paid.get(at, 0.0) for at in range(len(closes))])
    columns = {**dict.fromkeys(PRICE_COLUMNS, column), "volume": column, "dividend": dividend}
    bars = Bars.from_columns("AAA", "ib", days, columns)
    return column, dividend_adjusted(bars).close.round(2)


def test_two_dividends_are_found_on_their_days_to_half_a_cent() -> None:
    closes, adjusted = adjusted_to_the_cent([100.0 + at % 7 for at in range(130)], {40: 0.343, 103: 1.2})
    found = dividends_of(closes, adjusted)
    assert np.flatnonzero(found).tolist() == [40, 103]
    assert abs(found[40] - 0.343) < 0.005
    assert abs(found[103] - 1.2) < 0.005


def test_equal_prices_have_no_dividend_and_neither_has_a_lone_bar() -> None:
    closes = np.array([50.0, 51.0, 49.5])
    assert dividends_of(closes, closes).tolist() == [0.0, 0.0, 0.0]
    assert dividends_of(closes[:1], closes[:1]).tolist() == [0.0]


@given(
    st.lists(st.integers(2000, 50000), min_size=5, max_size=60),
    st.dictionaries(st.integers(1, 59), st.integers(5, 300), max_size=3),
)
def test_rounding_never_makes_a_dividend_and_never_hides_one_of_five_cents(
    cents: list[int], paid: dict[int, int]
) -> None:
    closes = [cent / 100 for cent in cents]
    real = {at: usd / 100 for at, usd in paid.items() if at < len(closes) and usd / 100 < closes[at - 1] / 10}
    column, adjusted = adjusted_to_the_cent(closes, real)
    found = dividends_of(column, adjusted)
    wide = np.max(column / adjusted)
    assert set(np.flatnonzero(found).tolist()) - set(real) == set()
    for at, usd in real.items():
        assert abs(found[at] - usd) <= 0.011 * wide * max(1.0, closes[at - 1] / closes[at]) + 0.001
