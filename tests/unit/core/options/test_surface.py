"""Level, skew and spread of the model: fitted values, shape, no arbitrage in the prices."""

import numpy as np
import pytest

from mtum.core.options import european
from mtum.core.options.surface import (
    CLASSES,
    POOLED,
    class_of,
    curve,
    half_spread,
    level,
    moneyness,
    table,
    years_to,
)


def test_the_curve_is_one_at_the_forward_and_dearer_below() -> None:
    for each in (*CLASSES.values(), POOLED):
        assert curve(0.0, each.rho, each.eta) == pytest.approx(1.0, abs=1e-15)
        assert curve(-2.0, each.rho, each.eta) > curve(-1.0, each.rho, each.eta) > 1.0
        assert each.eta * (1 + abs(each.rho)) <= 2


def test_the_curve_by_hand() -> None:
    # eta x = -1: sqrt((1 + 0.5 + sqrt(1.5 ** 2 + 0.75)) / 2) = sqrt((1.5 + sqrt(3)) / 2)
    assert curve(-1.0, -0.5, 1.0) == pytest.approx(1.2712, abs=5e-5)


def test_the_curve_lies_near_the_fitted_table() -> None:
    at = np.linspace(-2, 1, 25)
    for symbol in ("SPY", "QQQ", "IWM"):
        each = CLASSES[symbol]
        assert np.abs(curve(at, each.rho, each.eta) - table(at, each.table)).max() < 0.05


def test_the_table_goes_through_its_values_and_is_flat_outside() -> None:
    spy = CLASSES["SPY"].table
    assert table([-4.0, -1.5, 0.0, 0.75, 2.5], spy) == pytest.approx([2.119, 1.421, 1.0, 0.86, 0.982], abs=1e-12)
    assert table([-9.0, 9.0], spy) == pytest.approx([2.119, 0.982], abs=1e-12)
    # Between two values it stays near the line through them.
    assert table(-1.25, spy) == pytest.approx((1.421 + 1.277) / 2, abs=0.01)


@pytest.mark.parametrize("symbol", CLASSES)
@pytest.mark.parametrize("kind", ["curve", "table"])
def test_no_butterfly_of_listed_strikes_costs_less_than_nothing(symbol: str, kind: str) -> None:
    each, forward, years, at_forward = CLASSES[symbol], 750.0, 45 / 365, 0.14
    strikes = np.arange(650.0, 830.0, 1.0)
    at = moneyness(forward, strikes, years, at_forward)
    inside = (at > -3) & (at < 2)
    ratios = curve(at, each.rho, each.eta) if kind == "curve" else table(at, each.table)
    puts = european.price(european.Terms(False, strikes, years), forward, at_forward * ratios)
    assert (np.diff(puts) > 0).all()
    assert (np.diff(puts, 2)[inside[1:-1]] > 0).all()


def test_the_level_grows_with_time_by_its_power() -> None:
    assert level(0.2, [30, 60], 0.12) == pytest.approx([0.2, 0.2 * 2**0.12])
    assert level(0.2, 0) == level(0.2, 1)  # the last day is priced as one


def test_short_expiries_run_on_trading_days() -> None:
    assert years_to(3, 1) == 1 / 252  # over a weekend
    assert years_to(9, 6) == 6 / 252
    assert years_to(9, 7) == 10 / 365  # 7 / 252 were more than a day later has
    assert years_to(10, 7) == 10 / 365


def test_moneyness_counts_deviations() -> None:
    assert moneyness(100.0, 100.0 * np.exp(0.1), 0.25, 0.2) == pytest.approx(1.0)


def test_a_class_that_was_not_fitted_is_the_pooled_one() -> None:
    assert class_of("SPY") is CLASSES["SPY"]
    assert class_of("MTUM") is POOLED
    assert not POOLED.index
    assert POOLED.spread is None


def test_the_width_of_the_market_by_hand_and_never_below_a_tick() -> None:
    spy = CLASSES["SPY"].spread
    assert spy is not None
    # exp(-4.203 + 0.409 ln 5 + 0.014 ln 45) = 0.0305; a quarter of it beside the middle
    assert half_spread(5.0, 45, spy, 0.01) == pytest.approx(0.00761, abs=5e-5)
    assert half_spread(5.0, 45, spy, 0.01, part=1.0) == pytest.approx(0.01522, abs=1e-4)
    assert half_spread([0.0, 0.02], 0, spy, 0.05, part=1.0).tolist() == [0.025, 0.025]
