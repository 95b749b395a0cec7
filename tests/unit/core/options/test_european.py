"""European prices, greeks and implied volatilities, by hand and by what must hold of any."""

from math import exp, log, sqrt
from statistics import NormalDist

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from mtum.core.options.european import Terms, delta, greeks, implied_volatility, price

N = NormalDist()


def by_hand(call: bool, forward: float, strike: float, years: float, volatility: float, discount: float) -> float:
    upper = log(forward / strike) / (volatility * sqrt(years)) + volatility * sqrt(years) / 2
    lower = upper - volatility * sqrt(years)
    sign = 1 if call else -1
    return discount * sign * (forward * N.cdf(sign * upper) - strike * N.cdf(sign * lower))


def test_a_price_is_blacks_formula() -> None:
    found = price(Terms([True, False], [740.0, 740.0], 0.25), 750.0, 0.2, 0.99)
    assert found == pytest.approx([by_hand(one, 750.0, 740.0, 0.25, 0.2, 0.99) for one in (True, False)], abs=1e-9)


@pytest.mark.parametrize(("years", "volatility"), [(0.0, 0.2), (0.5, 0.0)])
def test_without_time_or_volatility_a_price_is_what_exercise_pays(years: float, volatility: float) -> None:
    found = price(Terms([True, False, True, False], [90.0, 90.0, 110.0, 110.0], years), 100.0, volatility, 0.5)
    assert found.tolist() == [5.0, 0.0, 0.0, 5.0]


AN_OPTION = (
    st.floats(10, 1000),
    st.floats(-1.0, 1.0),
    st.floats(0.005, 2.0),
    st.floats(0.05, 1.5),
    st.floats(0.8, 1.0),
)


@given(*AN_OPTION)
def test_call_less_put_is_the_forward_less_the_strike(
    forward: float, far: float, years: float, volatility: float, discount: float
) -> None:
    strike = forward * exp(far * volatility * sqrt(years))
    call, put = price(Terms([True, False], strike, years), forward, volatility, discount)
    assert call - put == pytest.approx(discount * (forward - strike), abs=1e-9 * forward)
    assert 0 <= call <= discount * forward
    assert 0 <= put <= discount * strike


@settings(max_examples=40)
@given(*AN_OPTION)
def test_greeks_are_what_a_small_step_shows(
    forward: float, far: float, years: float, volatility: float, discount: float
) -> None:
    strike, spot = forward * exp(far * volatility * sqrt(years)), forward * 0.98
    rate, carry = -log(discount) / years, log(forward / spot) / years

    def worth(spot: float, years: float, volatility: float) -> NDArray[np.float64]:
        return price(Terms([True, False], strike, years), spot * exp(carry * years), volatility, exp(-rate * years))

    found = greeks(Terms([True, False], strike, years), spot, forward, volatility, discount)
    step = spot * volatility * sqrt(years) * 1e-3
    up, here, down = (worth(spot + by, years, volatility) for by in (step, 0.0, -step))
    assert found.price == pytest.approx(here, abs=1e-9)
    assert found.delta == pytest.approx((up - down) / (2 * step), abs=2e-5)
    scale = 1 / (spot * volatility * sqrt(years))
    assert found.gamma == pytest.approx((up - 2 * here + down) / step**2, abs=2e-3 * scale)
    moved = worth(spot, years, volatility + 1e-4) - worth(spot, years, volatility - 1e-4)
    assert found.vega == pytest.approx(0.01 * moved / 2e-4, abs=1e-5 * spot)
    passed = worth(spot, years - 1e-5 * years, volatility) - worth(spot, years + 1e-5 * years, volatility)
    assert found.theta == pytest.approx(passed / (2e-5 * years) / 365, abs=2e-5 * spot * max(1.0, 0.01 / years))


def test_the_delta_alone_is_that_of_the_greeks_to_the_last_bit() -> None:
    terms = Terms([True, False, True, False], [700.0, 740.0, 760.0, 810.0], [0.02, 0.1, 0.25, 1.5])
    asked = (750.0, [751.0, 752.0, 755.0, 790.0], [0.4, 0.2, 0.15, 0.3], [0.999, 0.99, 0.98, 0.95])
    assert delta(terms, *asked).tolist() == greeks(terms, *asked).delta.tolist()


@pytest.mark.parametrize(("years", "volatility"), [(0.0, 0.2), (0.5, 0.0)])
def test_greeks_without_time_or_volatility_are_refused(years: float, volatility: float) -> None:
    with pytest.raises(ValueError, match="time and volatility above 0"):
        greeks(Terms(True, 90.0, years), 100.0, 100.0, volatility)
    with pytest.raises(ValueError, match="time and volatility"):
        delta(Terms(True, 90.0, years), 100.0, 100.0, volatility)


def test_ten_thousand_prices_give_back_their_volatility_and_none_raises() -> None:
    draw = np.random.default_rng(7)
    size = 10_000
    years, volatility = draw.integers(1, 730, size) / 365, draw.uniform(0.03, 2.5, size)
    forward = draw.uniform(5, 6000, size)
    strike = forward * np.exp(draw.uniform(-8, 8, size) * volatility * np.sqrt(years))  # wings of eight deviations
    terms, discount = Terms(draw.random(size) < 0.5, strike, years), np.exp(-0.043 * years)
    value = price(terms, forward, volatility, discount)
    found = implied_volatility(terms, value, forward, discount)
    # What a price tells of its volatility is limited by the digits it has: a hundredth of a cent of a cent is enough.
    vega = greeks(terms, forward, forward, volatility, discount).vega * 100
    lost = 4e-16 * (value + forward) / np.maximum(vega, 1e-300)
    clear = lost < 1e-3
    assert np.isfinite(found[clear]).all()
    assert (np.abs(found - volatility)[clear] <= 1e-9 + 8 * lost[clear]).all()
    assert clear.mean() > 0.7
    again = price(terms, forward, np.nan_to_num(found), discount)
    assert np.nanmax(np.abs(again - value)[np.isfinite(found)] / forward[np.isfinite(found)]) < 1e-13


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (10.0, "exercise pays as much"),
        (9.0, "below what exercise pays"),
        (0.0, "no price"),
        (100.0, "a call is never worth the share"),
        (float("nan"), "no quote"),
        (-1.0, "the broker's word for nothing"),
    ],
)
def test_a_price_that_no_volatility_explains_has_none(value: float, why: str) -> None:
    assert np.isnan(implied_volatility(Terms(True, 90.0, 0.5), value, 100.0)), why


def test_a_contract_without_time_has_no_volatility() -> None:
    assert np.isnan(implied_volatility(Terms(True, 100.0, 0.0), 1.0, 100.0))
