"""American prices: bounds that hold of any, dividends, and figures worked out by hand on a small tree."""

from math import exp

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtum.core.options import american, european
from mtum.core.options.european import Terms


@settings(max_examples=40)
@given(
    st.floats(0.6, 1.6),
    st.floats(0.01, 1.0),
    st.floats(0.05, 0.9),
    st.floats(0.0, 0.08),
    st.sampled_from([(), ((0.05, 1.0), (0.3, 1.0))]),
)
def test_it_is_worth_at_least_exercise_and_the_european_price(
    far: float, years: float, volatility: float, rate: float, dividends: tuple[tuple[float, float], ...]
) -> None:
    terms = Terms([True, False], 100.0 * far, years)
    found = american.price(terms, 100.0, volatility, rate, dividends, steps=51)
    due = sum(amount * exp(-rate * when) for when, amount in dividends if when <= years)
    forward = (100.0 - due) * exp(rate * years)
    # A call without dividends is worth the same, but for the last bit.
    least = european.price(terms, forward, volatility, exp(-rate * years)) * (1.0 - 1e-12)
    assert (found >= least).all()
    assert found[0] >= max(0.0, 100.0 - 100.0 * far)
    assert found[1] >= max(0.0, 100.0 * far - 100.0)
    assert found[0] <= 100.0
    assert found[1] <= 100.0 * far


def test_a_call_without_dividends_is_a_european_one() -> None:
    terms = Terms(True, np.array([600.0, 750.0, 900.0]), 0.25)
    found = american.price(terms, 750.0, 0.2, 0.043)
    assert found == pytest.approx(european.price(terms, 750.0 * exp(0.043 / 4), 0.2, exp(-0.043 / 4)), abs=0.003)


def test_without_interest_a_put_is_a_european_one() -> None:
    terms = Terms(False, np.array([600.0, 750.0, 900.0]), 0.25)
    assert american.price(terms, 750.0, 0.2, 0.0) == pytest.approx(european.price(terms, 750.0, 0.2), abs=0.003)


def test_a_call_deep_in_the_money_is_exercised_before_a_dividend_that_is_more_than_its_time_is_worth() -> None:
    # Almost no volatility: exercised the day before it pays spot less the strike at that day's worth, kept it loses 5.
    terms, day = Terms(True, 50.0, 0.5), 0.25
    found = american.price(terms, 100.0, 0.01, 0.04, [(day, 5.0)])
    early = 100.0 - 50.0 * exp(-0.04 * day)
    assert found == pytest.approx(early, abs=0.02)
    kept = european.price(terms, (100.0 - 5.0 * exp(-0.04 * day)) * exp(0.02), 0.01, exp(-0.02))
    assert kept == pytest.approx(early - 5.0 * exp(-0.04 * day) + 50.0 * (exp(-0.01) - exp(-0.02)), abs=0.02)


def test_a_dividend_after_the_expiry_changes_nothing() -> None:
    terms = Terms([True, False], 100.0, 0.25)
    with_it = american.price(terms, 100.0, 0.2, 0.04, [(0.26, 5.0)])
    assert with_it.tolist() == american.price(terms, 100.0, 0.2, 0.04).tolist()


@pytest.mark.parametrize(("years", "volatility"), [(0.0, 0.2), (0.5, 0.0)])
def test_without_time_or_volatility_it_is_what_exercise_pays_now(years: float, volatility: float) -> None:
    terms = Terms([True, False, True, False], [90.0, 90.0, 110.0, 110.0], years)
    assert american.price(terms, 100.0, volatility, 0.04).tolist() == [10.0, 0.0, 0.0, 10.0]


def test_far_strikes_keep_their_value() -> None:
    found = american.price(Terms([True, False], [1.0, 100_000.0], 0.02), 100.0, 0.1, 0.04)
    assert found == pytest.approx([99.0 + 1.0 - exp(-0.04 * 0.02), 99_900.0], abs=1e-6)


def test_an_even_number_of_steps_is_refused() -> None:
    with pytest.raises(ValueError, match="100 steps"):
        american.price(Terms(True, 100.0, 0.5), 100.0, 0.2, 0.04, steps=100)


def test_dividends_above_the_share_are_refused() -> None:
    with pytest.raises(ValueError, match="more than the share"):
        american.price(Terms(True, 1.0, 0.5), 1.0, 0.2, 0.04, [(0.1, 1.5)])
