"""What holds for every indicator of the registry: no look-ahead, length, warm-up, scale, bounds, read-only input."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mtum.core.indicators import INDICATORS, column_of
from mtum.core.indicators.smoothing import Smoothing
from mtum.core.market.bars import COLUMNS, PRICE_COLUMNS, Bars, Column
from support.markets import made_up_bars

SESSIONS = 130
ASKED: dict[str, tuple[str, dict[str, object]]] = {
    "ma": ("sma", {"of": "close", "sessions": 50}),
    "volume_average": ("sma", {"of": "volume", "sessions": 20}),
    "rsi_simple": ("rsi", {"sessions": 14}),
    "rsi_wilder": ("rsi", {"sessions": 14, "smoothing": Smoothing.WILDER}),
    "atr_simple": ("atr", {"sessions": 14}),
    "atr_wilder": ("atr", {"sessions": 14, "smoothing": Smoothing.WILDER}),
}
NAMES = sorted(ASKED)
WARM_UP = {
    "ma": 49,  # the 50th close gives the first mean
    "rsi_simple": 14,  # 14 moves need 15 closes
    "rsi_wilder": 14,
    "atr_simple": 14,
    "atr_wilder": 14,
    "volume_average": 19,
}
seeds = st.integers(0, 10_000)


def scaled(bars: Bars, factor: float) -> Bars:
    columns = {name: getattr(bars, name) * factor for name in (*PRICE_COLUMNS, "volume")}
    return Bars.from_columns(bars.symbol, bars.source, bars.days, columns)


def ruined(bars: Bars, after: int) -> Bars:
    """The same past, another future: prices a hundred times as high, no volume."""
    columns = {name: np.array(getattr(bars, name)) for name in COLUMNS}
    for name in PRICE_COLUMNS:
        columns[name][after:] *= 100.0
    columns["volume"][after:] = 0.0
    return Bars.from_columns(bars.symbol, bars.source, bars.days, columns)


def computed(name: str, bars: Bars) -> Column:
    return column_of(bars, *ASKED[name])


def without_nan(values: Column) -> Column:
    known: Column = values[~np.isnan(values)]
    return known


def test_every_indicator_of_the_registry_has_its_warm_up_stated_here() -> None:
    assert {indicator for indicator, _ in ASKED.values()} == set(INDICATORS)
    assert set(WARM_UP) == set(ASKED)


@pytest.mark.parametrize("name", NAMES)
@given(seed=seeds, known=st.integers(1, SESSIONS - 1))
def test_cutting_off_the_future_never_changes_a_past_value(name: str, seed: int, known: int) -> None:
    bars = made_up_bars(SESSIONS, seed)
    whole = computed(name, bars)[:known]
    np.testing.assert_array_equal(computed(name, bars.until(bars.day(known - 1))), whole)
    np.testing.assert_array_equal(computed(name, ruined(bars, known))[:known], whole)


@pytest.mark.parametrize("name", NAMES)
@given(seed=seeds, count=st.integers(1, SESSIONS))
def test_there_is_one_value_per_session_and_none_during_the_warm_up(name: str, seed: int, count: int) -> None:
    found = computed(name, made_up_bars(SESSIONS, seed).tail(count))
    missing = min(WARM_UP[name], count)
    assert len(found) == count
    assert np.isnan(found[:missing]).all()
    assert not np.isnan(found[missing:]).any()


@pytest.mark.parametrize("name", NAMES)
@given(seed=seeds)
def test_an_indicator_leaves_its_input_alone_and_hands_out_nothing_of_it(name: str, seed: int) -> None:
    bars = made_up_bars(SESSIONS, seed)
    before = {column: getattr(bars, column).tobytes() for column in COLUMNS}
    found = computed(name, bars)
    assert {column: getattr(bars, column).tobytes() for column in COLUMNS} == before
    assert not any(np.shares_memory(found, getattr(bars, column)) for column in COLUMNS)
    with pytest.raises(ValueError, match="read-only"):
        bars.close[0] = 1.0


@pytest.mark.parametrize("name", NAMES)
@given(seed=seeds, power=st.integers(-2, 6))
def test_four_times_the_prices_and_volumes_give_four_times_the_value_and_the_same_strength(
    name: str, seed: int, power: int
) -> None:
    factor = 2.0**power  # exact in binary: nothing but the rounding to 1e-6 may differ
    bars = made_up_bars(SESSIONS, seed)
    plain, larger = without_nan(computed(name, bars)), without_nan(computed(name, scaled(bars, factor)))
    expected = plain if name.startswith("rsi") else plain * factor
    np.testing.assert_allclose(larger, expected, rtol=0, atol=1.1e-6 * max(1.0, factor))


@pytest.mark.parametrize("name", NAMES)
@given(seed=seeds)
def test_every_value_lies_within_its_bounds(name: str, seed: int) -> None:
    bars = made_up_bars(SESSIONS, seed)
    found = without_nan(computed(name, bars))
    lowest, highest = {
        "rsi": (0.0, 100.0),
        "atr": (0.0, float(bars.high.max() - bars.low.min())),
        "ma": (float(bars.close.min()), float(bars.close.max())),
        "volume": (float(bars.volume.min()), float(bars.volume.max())),
    }[name.partition("_")[0]]
    assert lowest <= found.min()
    assert found.max() <= highest


@given(seed=seeds)
def test_a_market_upside_down_has_the_opposite_strength(seed: int) -> None:
    bars = made_up_bars(SESSIONS, seed)
    # Rises become falls of the same size, so the two strengths add up to 100.
    turned = replace(bars, close=1000.0 - bars.close)
    for name in ("rsi_simple", "rsi_wilder"):
        both = without_nan(computed(name, bars)) + without_nan(computed(name, turned))
        np.testing.assert_allclose(both, 100.0, rtol=0, atol=3e-6)
