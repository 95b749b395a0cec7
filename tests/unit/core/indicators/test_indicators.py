"""Indicators equal the written formulas, whatever the smoothing, the history's length or what is installed."""

import sys
from datetime import date

import numpy as np
import pytest

from mtum.adapters.sources.embedded import sample_source
from mtum.core.indicators.atr import atr
from mtum.core.indicators.rsi import rsi
from mtum.core.indicators.sma import sma
from mtum.core.indicators.smoothing import Smoothing
from mtum.core.market.bars import Bar, Bars, Column
from support import oracle


@pytest.fixture(scope="module")
def sample() -> Bars:
    return sample_source().history("SP500", date(2014, 1, 1), date(2018, 12, 31))


def same(fast: Column, slow: list[float | None]) -> None:
    expected = np.array([np.nan if value is None else round(value, 6) for value in slow])
    np.testing.assert_array_equal(np.isnan(fast), np.isnan(expected))
    known = ~np.isnan(expected)
    # Both are rounded to 1e-6: equal but for values that lie on the edge of a rounding step.
    assert np.abs(fast[known] - expected[known]).max() <= 1.0000001e-6
    assert (fast[known] == expected[known]).mean() > 0.999


def test_the_moving_average_equals_the_written_formula_on_the_sample(sample: Bars) -> None:
    same(sma(sample.close, 50), [oracle.mean(sample.close.tolist(), 50, at) for at in range(len(sample))])


def test_the_volume_average_equals_the_written_formula_on_the_sample(sample: Bars) -> None:
    same(sma(sample.volume, 20), [oracle.mean(sample.volume.tolist(), 20, at) for at in range(len(sample))])


def test_the_simple_rsi_equals_the_written_formula_on_the_sample(sample: Bars) -> None:
    close = sample.close.tolist()
    same(rsi(sample.close, 14, Smoothing.SIMPLE), [oracle.simple_rsi(close, 14, at) for at in range(len(close))])


def test_the_wilder_rsi_equals_the_written_formula_on_the_sample(sample: Bars) -> None:
    same(rsi(sample.close, 14, Smoothing.WILDER), oracle.wilder_rsi(sample.close.tolist(), 14))


def test_the_simple_atr_equals_the_written_formula_on_the_sample(sample: Bars) -> None:
    columns = sample.high.tolist(), sample.low.tolist(), sample.close.tolist()
    same(atr(sample, 14, Smoothing.SIMPLE), [oracle.simple_atr(*columns, 14, at) for at in range(len(sample))])


def test_the_wilder_atr_equals_the_written_formula_on_the_sample(sample: Bars) -> None:
    columns = sample.high.tolist(), sample.low.tolist(), sample.close.tolist()
    same(atr(sample, 14, Smoothing.WILDER), oracle.wilder_atr(*columns, 14))


def test_rsi_without_a_fall_is_100_and_without_any_move_undefined() -> None:
    rising, flat = np.arange(1.0, 21.0).astype(np.float64), np.full(20, 5.0)
    for smoothing in Smoothing:
        assert rsi(rising, 14, smoothing)[-1] == 100.0
        assert np.isnan(rsi(flat, 14, smoothing)[-1])


def test_a_simple_rsi_above_50_is_a_close_above_that_of_14_moves_ago(sample: Bars) -> None:
    strength = rsi(sample.close, 14, Smoothing.SIMPLE)[14:]
    risen = sample.close[14:] > sample.close[:-14]
    np.testing.assert_array_equal(strength > 50.0, risen)


def test_a_history_shorter_than_the_window_has_no_value() -> None:
    short = Bars.of("X", "test", [Bar(date(2020, 1, day), 2, 3, 1, 2, 5) for day in range(1, 6)])
    assert np.isnan(sma(short.close, 50)).all()
    for smoothing in Smoothing:
        assert np.isnan(rsi(short.close, 14, smoothing)).all()
        assert np.isnan(atr(short, 14, smoothing)).all()


def test_two_bars_give_a_window_of_two_by_hand() -> None:
    bars = Bars.of(
        "X",
        "test",
        [
            Bar(date(2020, 1, 1), 10, 12, 9, 10, 100),
            Bar(date(2020, 1, 2), 11, 13, 10, 12, 200),  # true range max(3, 3, 0) = 3
            Bar(date(2020, 1, 3), 12, 12, 8, 9, 300),  # true range max(4, 0, 4) = 4
        ],
    )
    assert sma(bars.close, 2).tolist()[1:] == [11.0, 10.5]
    assert atr(bars, 2, Smoothing.SIMPLE)[2] == 3.5
    assert rsi(bars.close, 2, Smoothing.SIMPLE)[2] == 40.0  # G = 2/2, L = 3/2


@pytest.mark.parametrize("smoothing", list(Smoothing))
def test_a_talib_that_is_installed_changes_nothing(
    sample: Bars, smoothing: Smoothing, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = rsi(sample.close, 14, smoothing), atr(sample, 14, smoothing), sma(sample.close, 50)
    from pandas_ta.maps import Imports

    # With the switch on, the library would import talib and fail loudly: there is none.
    monkeypatch.setitem(Imports, "talib", True)
    monkeypatch.setitem(sys.modules, "talib", None)
    after = rsi(sample.close, 14, smoothing), atr(sample, 14, smoothing), sma(sample.close, 50)
    for first, second in zip(before, after, strict=True):
        np.testing.assert_array_equal(first, second)
