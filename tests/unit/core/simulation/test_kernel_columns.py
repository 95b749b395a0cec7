"""Indicators over whole columns equal the daily job's, and bits say what they compare."""

import numpy as np
import pytest

from mtum.core.indicators.atr import atr
from mtum.core.indicators.rsi import rsi
from mtum.core.indicators.sma import sma
from mtum.core.indicators.smoothing import Smoothing
from mtum.core.market.bars import Bars
from mtum.core.simulation.kernel.columns import (
    Column,
    Mask,
    bits_above,
    mean_range,
    plain_mean,
    rounded,
    strength,
    window_sums,
)
from mtum.core.simulation.kernel.compiled import is_compiled
from support.markets import made_up_bars, real_bars

LENGTHS = [5, 14, 20, 21, 50, 100]
SYMBOLS = ["MTUM", "SPY", "QQQ", "IWM", "EFA", "TLT", "IEF", "GLD", "VNQ", "AGG"]


def assert_same_indicators(bars: Bars, sessions: int) -> None:
    close, high, low, volume = (np.array(getattr(bars, name)) for name in ("close", "high", "low", "volume"))
    np.testing.assert_array_equal(plain_mean(close, sessions), sma(bars.close, sessions))
    # Volumes above 1e8 leave a float no room for 1e-6; one unit in the last place is their limit.
    np.testing.assert_allclose(plain_mean(volume, sessions), sma(bars.volume, sessions), rtol=1e-14)
    for smoothing in Smoothing:
        wilder = smoothing is Smoothing.WILDER
        np.testing.assert_array_equal(strength(close, sessions, wilder), rsi(bars.close, sessions, smoothing))
        ranges = mean_range(high, low, close, sessions, wilder)
        np.testing.assert_array_equal(ranges, atr(bars, sessions, smoothing))


@pytest.mark.parametrize("sessions", LENGTHS)
def test_values_equal_the_daily_jobs_on_made_up_bars(sessions: int) -> None:
    assert_same_indicators(made_up_bars(1200, 7), sessions)


@pytest.mark.parametrize("symbol", SYMBOLS)
def test_values_equal_the_daily_jobs_on_real_bars(symbol: str) -> None:
    for sessions in (14, 20, 50, 200):
        assert_same_indicators(real_bars(symbol), sessions)


def test_default_volume_average_equals_the_daily_jobs_exactly_on_real_bars() -> None:
    for symbol in SYMBOLS:
        bars = real_bars(symbol)
        np.testing.assert_array_equal(plain_mean(np.array(bars.volume), 20), sma(bars.volume, 20))


@pytest.mark.parametrize("length", [1, 2, 3, 7, 8, 50])
def test_window_sums_are_the_sums_of_their_own_window(length: int) -> None:
    values: Column = np.arange(60, dtype=np.float64) ** 2
    found = window_sums(values, length)
    assert np.isnan(found[: length - 1]).all()
    assert found[length - 1 :].tolist() == [values[t - length + 1 : t + 1].sum() for t in range(length - 1, 60)]


def test_no_error_travels_from_a_huge_value_to_later_windows() -> None:
    values = np.array([1e16, 1.0] + [0.0] * 20 + [0.1] * 5)
    assert window_sums(values, 5)[7:].tolist()[:15] == [0.0] * 15
    assert window_sums(values, 5)[-1] == pytest.approx(0.5, abs=1e-15)


def test_window_longer_than_the_series_is_unknown() -> None:
    assert np.isnan(window_sums(np.ones(4), 5)).all()


def test_rsi_is_100_without_a_fall_and_unknown_without_a_move() -> None:
    rising, still = np.arange(1, 20, dtype=np.float64), np.full(19, 7.0)
    assert strength(rising, 14, False)[14:].tolist() == [100.0] * 5
    assert np.isnan(strength(still, 14, False)).all()
    assert np.isnan(strength(still, 14, True)).all()


def test_rsi_of_equal_rises_and_falls_is_exactly_50() -> None:
    close: Column = 100.0 + 0.1 * (np.arange(40, dtype=np.float64) % 2)
    assert strength(close, 14, False)[14:].tolist() == [50.0] * 26


def test_halves_are_rounded_the_same_way_with_dust_above_and_below() -> None:
    half = 60.7421875
    assert rounded(np.array([half - 1e-13, half, half + 1e-13]), 1.0).tolist() == [60.742188] * 3


def set_at(mask: Mask, sessions: int) -> list[int]:
    return [t for t in range(sessions) if (int(mask[t // 64]) >> (t % 64)) & 1]


def test_bits_are_set_where_a_value_is_strictly_above() -> None:
    values = np.array([1.0, 2.0, 3.0, np.nan] * 40)
    assert set_at(bits_above(values, np.array([2.0])), 160) == list(range(2, 160, 4))
    pairwise = np.array([0.0, 2.0, 5.0, 0.0] * 40)
    assert set_at(bits_above(values, pairwise), 160) == list(range(0, 160, 4))


def test_a_function_that_has_run_is_compiled() -> None:
    window_sums(np.ones(8), 2)
    assert is_compiled(window_sums)
