"""Prices and greeks beside QuantLib, and the error of the American tree."""

from typing import Any

import numpy as np
import pytest

from mtum.core.options import american, european
from mtum.core.options.european import Terms

ql: Any = pytest.importorskip("QuantLib", reason="needs the package quantlib: uv sync --group oracle")

SPOT, RATE, CARRY = 750.0, 0.043, 0.032


def drawn(size: int, most_days: int, most_volatility: float, seed: int = 11) -> tuple[Any, ...]:
    draw = np.random.default_rng(seed)
    strikes = np.round(SPOT * np.exp(draw.normal(0, 0.15, size)))
    days = draw.integers(5, most_days, size)
    return draw.random(size) < 0.5, strikes, days, draw.uniform(0.08, most_volatility, size)


def kind(call: bool) -> Any:
    return ql.Option.Call if call else ql.Option.Put


def test_european_prices_and_greeks_are_quantlibs() -> None:
    calls, strikes, days, volatility = drawn(1000, 700, 0.9)
    years = days / 365
    forward, discount = SPOT * np.exp(CARRY * years), np.exp(-RATE * years)
    found = european.greeks(Terms(calls, strikes, years), SPOT, forward, volatility, discount)
    for i in range(len(strikes)):
        payoff = ql.PlainVanillaPayoff(kind(bool(calls[i])), float(strikes[i]))
        one = ql.BlackCalculator(payoff, forward[i], volatility[i] * years[i] ** 0.5, discount[i])
        assert found.price[i] == pytest.approx(one.value(), abs=1e-9)
        assert found.delta[i] == pytest.approx(one.delta(SPOT), abs=1e-10)
        assert found.gamma[i] == pytest.approx(one.gamma(SPOT), abs=1e-10)
        assert found.vega[i] == pytest.approx(one.vega(years[i]) / 100, abs=1e-9)
        assert found.theta[i] == pytest.approx(one.thetaPerDay(SPOT, years[i]), abs=1e-9)


def an_option(call: bool, strike: float, days: int, volatility: float) -> tuple[Any, Any]:
    today, count = ql.Date(10, 7, 2026), ql.Actual365Fixed()
    ql.Settings.instance().evaluationDate = today
    process = ql.BlackScholesMertonProcess(
        ql.QuoteHandle(ql.SimpleQuote(SPOT)),
        ql.YieldTermStructureHandle(ql.FlatForward(today, 0.0, count)),
        ql.YieldTermStructureHandle(ql.FlatForward(today, RATE, count)),
        ql.BlackVolTermStructureHandle(ql.BlackConstantVol(today, ql.NullCalendar(), volatility, count)),
    )
    exercise = ql.AmericanExercise(today, today + days)
    return ql.VanillaOption(ql.PlainVanillaPayoff(kind(call), strike), exercise), process


def test_american_prices_are_within_six_cents_of_quantlibs_at_750_dollars() -> None:
    calls, strikes, days, volatility = drawn(200, 200, 0.6)
    found = american.price(Terms(calls, strikes, days / 365), SPOT, volatility, RATE)
    errors = []
    for i in range(len(strikes)):
        option, process = an_option(bool(calls[i]), float(strikes[i]), int(days[i]), float(volatility[i]))
        option.setPricingEngine(ql.QdFpAmericanEngine(process, ql.QdFpAmericanEngine.highPrecisionScheme()))
        errors.append(abs(option.NPV() - found[i]))
    assert max(errors) <= 0.06
    assert np.mean(errors) <= 0.006


def test_american_prices_with_dividends_are_near_a_finite_difference_grid() -> None:
    calls, strikes, days, volatility = drawn(30, 200, 0.5, seed=3)
    dividends = [(20 / 365, 1.9), (111 / 365, 2.0)]
    found = american.price(Terms(calls, strikes, days / 365), SPOT, volatility, RATE, dividends)
    paid = ql.DividendVector([ql.Date(10, 7, 2026) + 20, ql.Date(10, 7, 2026) + 111], [1.9, 2.0])
    for i in range(len(strikes)):
        option, process = an_option(bool(calls[i]), float(strikes[i]), int(days[i]), float(volatility[i]))
        grid = ql.FdBlackScholesVanillaEngine(
            process, paid, 300, 300, 0, ql.FdmSchemeDesc.CrankNicolson(), False, -ql.nullDouble(),
            ql.FdBlackScholesVanillaEngine.Escrowed,
        )  # fmt: skip
        option.setPricingEngine(grid)
        assert found[i] == pytest.approx(option.NPV(), abs=0.12)
