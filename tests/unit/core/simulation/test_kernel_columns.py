"""Indicators over whole columns equal the daily job's, and bits say what they compare."""

import numpy as np
import pytest

from mtum.core.compiled import is_compiled, machine
from mtum.core.indicators.atr import atr
from mtum.core.indicators.rsi import rsi
from mtum.core.indicators.sma import sma
from mtum.core.indicators.smoothing import Smoothing
from mtum.core.market.bars import Bars
from mtum.core.simulation.history import history
from mtum.core.simulation.kernel.columns import (
    PRICE_UNIT,
    VOLUME_UNIT,
    Column,
    Mask,
    Prices,
    Sums,
    bits_above,
    bits_beyond,
    in_millionths,
    mean_column,
    range_column,
    running_sums,
    strength_column,
)
from support.markets import made_up_bars, real_bars

LENGTHS = [5, 14, 20, 21, 50, 100]
SYMBOLS = ["MTUM", "SPY", "QQQ", "IWM", "EFA", "TLT", "IEF", "GLD", "VNQ", "AGG"]


def sums_of(bars: Bars) -> Sums:
    return machine(running_sums)(history(bars, {}).prices)


def sums_of_closes(close: Column) -> Sums:
    return machine(running_sums)(Prices(close, close, close, close, np.ones(len(close)), close))


def assert_same_indicators(bars: Bars, sessions: int) -> None:
    sums = sums_of(bars)
    closes = machine(mean_column)(sums.close, sessions, PRICE_UNIT, sessions - 1) / 1e6
    np.testing.assert_array_equal(closes, sma(bars.close, sessions))
    # Volumes above 1e8 leave a float no room for 1e-6; one unit in the last place is their limit.
    volumes = machine(mean_column)(sums.volume, sessions, VOLUME_UNIT, sessions - 1) / 1e6
    np.testing.assert_allclose(volumes, sma(bars.volume, sessions), rtol=1e-14)
    for smoothing in Smoothing:
        wilder = smoothing is Smoothing.WILDER
        np.testing.assert_array_equal(
            machine(strength_column)(sums, sessions, wilder) / 1e6, rsi(bars.close, sessions, smoothing)
        )
        np.testing.assert_array_equal(
            machine(range_column)(sums, sessions, wilder) / 1e6, atr(bars, sessions, smoothing)
        )


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
        found = machine(mean_column)(sums_of(bars).volume, 20, VOLUME_UNIT, 19) / 1e6
        np.testing.assert_array_equal(found, sma(bars.volume, 20))


@pytest.mark.parametrize("length", [1, 2, 3, 7, 8, 50])
def test_means_are_those_of_their_own_window(length: int) -> None:
    values: Column = np.arange(60, dtype=np.float64) ** 2
    found = machine(mean_column)(sums_of_closes(values).close, length, PRICE_UNIT, length - 1)
    assert np.isnan(found[: length - 1]).all()
    expected = [round(values[t - length + 1 : t + 1].mean() * 1e6 + 1e-4) for t in range(length - 1, 60)]
    assert found[length - 1 :].tolist() == expected


def test_running_sums_past_the_end_of_their_range_leave_means_right() -> None:
    """600,000 USD in units of 1e-10 is 6e15: 1,600 sessions pass 2^63."""
    found = machine(mean_column)(sums_of_closes(np.full(2000, 600_000.25)).close, 50, PRICE_UNIT, 49)
    assert set(found[49:].tolist()) == {600_000.25e6}


def test_no_error_travels_from_a_huge_value_to_later_windows() -> None:
    values = np.array([1e5, 1.0] + [0.3] * 20 + [0.1] * 5)
    found = machine(mean_column)(sums_of_closes(values).close, 5, PRICE_UNIT, 4)
    assert found[6:22].tolist() == [300_000.0] * 16
    assert found[-1] == 100_000.0


def test_window_longer_than_the_series_is_unknown() -> None:
    sums = sums_of_closes(np.ones(4))
    assert np.isnan(machine(mean_column)(sums.close, 5, PRICE_UNIT, 4)).all()
    assert np.isnan(machine(strength_column)(sums, 4, False)).all()
    assert np.isnan(machine(range_column)(sums, 4, True)).all()


def test_rsi_is_100_without_a_fall_and_unknown_without_a_move() -> None:
    rising, still = np.arange(1, 20, dtype=np.float64), np.full(19, 7.0)
    assert machine(strength_column)(sums_of_closes(rising), 14, False)[14:].tolist() == [100e6] * 5
    assert np.isnan(machine(strength_column)(sums_of_closes(still), 14, False)).all()
    assert np.isnan(machine(strength_column)(sums_of_closes(still), 14, True)).all()


def test_rsi_of_equal_rises_and_falls_is_exactly_50() -> None:
    close: Column = 100.0 + 0.1 * (np.arange(40, dtype=np.float64) % 2)
    assert machine(strength_column)(sums_of_closes(close), 14, False)[14:].tolist() == [50e6] * 26


def test_halves_are_rounded_the_same_way_with_dust_above_and_below() -> None:
    half = 60.7421875
    assert machine(in_millionths)(np.array([half - 1e-13, half, half + 1e-13])).tolist() == [60742188.0] * 3


def test_a_price_that_is_no_number_is_refused() -> None:
    columns = {name: [1.0, float("nan")] for name in ("open", "high", "low", "close", "volume")}
    bars = Bars.from_columns("AAA", "made-up", ["2020-01-02", "2020-01-03"], columns)
    with pytest.raises(ValueError, match="not a finite number"):
        history(bars, {})


def set_at(mask: Mask, sessions: int) -> list[int]:
    return [t for t in range(sessions) if (int(mask[t // 64]) >> (t % 64)) & 1]


def test_bits_are_set_where_a_value_is_strictly_above() -> None:
    values = np.array([1.0, 2.0, 3.0, np.nan] * 40)
    assert set_at(machine(bits_above)(values, np.array([0.0, 2.0, 5.0, 0.0] * 40)), 160) == list(range(0, 160, 4))


def test_bits_are_set_strictly_beyond_a_threshold_on_either_side() -> None:
    values = machine(in_millionths)(np.array([1.0, 2.0, 3.0, np.nan] * 40))
    assert set_at(machine(bits_beyond)(values, 2.0, 1), 160) == list(range(2, 160, 4))
    assert set_at(machine(bits_beyond)(values, 2.0, -1), 160) == list(range(0, 160, 4))


def test_a_function_that_has_run_is_compiled() -> None:
    machine(in_millionths)(np.ones(8))
    assert is_compiled(in_millionths)
