"""What holds for every indicator of the registry: no look-ahead, length, warm-up, begin, scale, bounds, input."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mtum.core.indicators import INDICATORS, NAMES, lines_of
from mtum.core.indicators.smoothing import Smoothing
from mtum.core.market.bars import COLUMNS, PRICE_COLUMNS, Bars, Column
from mtum.core.market.timeframes import Timeframe
from support.markets import made_up_bars
from support.values import replace

SESSIONS = 130
# Windows short enough for the history; every other parameter as it is by default.
SHORTER: dict[str, dict[str, object]] = {
    "percentile_rank": {"sessions": 30},
    "iv_rank": {"sessions": 30},
    "fibonacci": {"sessions": 40},
}
MORE: dict[str, tuple[str, dict[str, object]]] = {
    "ma of 50": ("sma", {"sessions": 50}),
    "volume average": ("sma", {"of": "volume"}),
    "rsi wilder": ("rsi", {"smoothing": Smoothing.WILDER}),
    "atr wilder": ("atr", {"smoothing": Smoothing.WILDER}),
    "donchian previous": ("donchian", {"previous": True}),
    "pivots of weeks": ("pivots", {"period": Timeframe.WEEK}),
}
ASKED = {name: (name, SHORTER.get(name, {})) for name in NAMES} | MORE
WITHOUT_UNIT = ("rsi", "stochastic", "williams_r", "roc", "adx", "volatility", "cmf", "percentile_rank", "iv_rank")
BOUNDS = {
    "rsi": (0.0, 100.0),
    "stochastic": (0.0, 100.0),
    "williams_r": (-100.0, 0.0),
    "adx": (0.0, 100.0),
    "cmf": (-1.0, 1.0),
    "percentile_rank": (0.0, 1.0),
    "iv_rank": (0.0, 1.0),
    "volatility": (0.0, np.inf),
}
seeds = st.integers(0, 10_000)
FEW = settings(max_examples=12)
"""Of each indicator; there are thirty of them."""


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
    """Return every line, one after the other, shape (n_lines, n_sessions)."""
    found: Column = np.array(list(lines_of(bars, *ASKED[name]).values()))
    return found


def without_nan(values: Column) -> Column:
    known: Column = values[~np.isnan(values)]
    return known


@pytest.mark.parametrize("name", ASKED)
@FEW
@given(seed=seeds, known=st.integers(1, SESSIONS - 1))
def test_cutting_off_the_future_never_changes_a_past_value(name: str, seed: int, known: int) -> None:
    bars = made_up_bars(SESSIONS, seed)
    whole = computed(name, bars)[:, :known]
    np.testing.assert_array_equal(computed(name, bars.until(bars.day(known - 1))), whole)
    np.testing.assert_array_equal(computed(name, ruined(bars, known))[:, :known], whole)


@pytest.mark.parametrize("name", ASKED)
@FEW
@given(seed=seeds, count=st.integers(1, SESSIONS))
def test_there_is_one_value_per_session_and_none_during_the_warm_up(name: str, seed: int, count: int) -> None:
    found = computed(name, made_up_bars(SESSIONS, seed).tail(count))
    assert found.shape[1] == count
    indicator, asked = ASKED[name]
    one = INDICATORS[indicator]
    missing = min(one.warm_up(**{**one.defaults, **asked}), count)
    # The last line to begin has no value before, every line has one from there on; a week may begin sooner.
    assert np.isnan(found[:, :missing]).any(axis=0).all() or indicator == "pivots"
    defined = ~np.isnan(found[:, missing:])
    # Bars without range or swing leave some undefined afterwards; these made-up ones have both but for the swing.
    assert defined.all() or indicator == "fibonacci"


@pytest.mark.parametrize("name", ASKED)
@FEW
@given(seed=seeds)
def test_a_value_does_not_depend_on_where_the_history_begins(name: str, seed: int) -> None:
    indicator, asked = ASKED[name]
    needed = INDICATORS[indicator].history_bars(**asked)
    bars = made_up_bars(needed + 40, seed)
    whole = computed(name, bars)[:, -1]
    for begun in (0, 1, 17, 40):
        cut = computed(name, bars.tail(needed + 40 - begun))[:, -1]
        np.testing.assert_allclose(cut, whole, rtol=0, atol=1.1e-6 * max(1.0, float(np.nanmax(np.abs(whole))) / 1e4))


@pytest.mark.parametrize("name", ASKED)
@FEW
@given(seed=seeds)
def test_an_indicator_leaves_its_input_alone_and_hands_out_nothing_of_it(name: str, seed: int) -> None:
    bars = made_up_bars(SESSIONS, seed)
    before = {column: getattr(bars, column).tobytes() for column in COLUMNS}
    for found in lines_of(bars, *ASKED[name]).values():
        assert not any(np.shares_memory(found, getattr(bars, column)) for column in COLUMNS)
    assert {column: getattr(bars, column).tobytes() for column in COLUMNS} == before
    with pytest.raises(ValueError, match="read-only"):
        bars.close[0] = 1.0


@pytest.mark.parametrize("name", ASKED)
@FEW
@given(seed=seeds, power=st.integers(-2, 6))
def test_larger_prices_and_volumes_give_larger_amounts_and_the_same_ratios(name: str, seed: int, power: int) -> None:
    factor = 2.0**power  # exact in binary: nothing but the rounding to 1e-6 may differ
    bars = made_up_bars(SESSIONS, seed)
    plain, larger = (lines_of(one, *ASKED[name]) for one in (bars, scaled(bars, factor)))
    for line in plain:
        ratio = ASKED[name][0] in WITHOUT_UNIT or line in ("percent_b", "bandwidth", "up")
        expected = plain[line] * (1.0 if ratio else factor)
        loose = 1.1e-6 * max(1.0, factor)
        np.testing.assert_allclose(larger[line], expected, rtol=1e-12, atol=loose, err_msg=line)


@pytest.mark.parametrize("name", [name for name, (indicator, _) in ASKED.items() if indicator in BOUNDS])
@given(seed=seeds)
def test_every_value_lies_within_its_bounds(name: str, seed: int) -> None:
    found = without_nan(computed(name, made_up_bars(SESSIONS, seed)))
    lowest, highest = BOUNDS[ASKED[name][0]]
    assert lowest <= found.min()
    assert found.max() <= highest


@pytest.mark.parametrize("name", ["sma", "ema", "wma", "volume average", "ma of 50", "donchian", "vwap"])
@given(seed=seeds)
def test_an_average_lies_between_what_it_is_the_average_of(name: str, seed: int) -> None:
    bars = made_up_bars(SESSIONS, seed)
    found = without_nan(computed(name, bars))
    low, high = (bars.volume, bars.volume) if name == "volume average" else (bars.low, bars.high)
    assert low.min() <= found.min()
    assert found.max() <= high.max()


@given(seed=seeds)
def test_a_market_upside_down_has_the_opposite_strength(seed: int) -> None:
    bars = made_up_bars(SESSIONS, seed)
    # Rises become falls of the same size, so the two strengths add up to 100.
    turned = replace(bars, close=1000.0 - bars.close)
    for name in ("rsi", "rsi wilder"):
        both = without_nan(computed(name, bars)) + without_nan(computed(name, turned))
        np.testing.assert_allclose(both, 100.0, rtol=0, atol=3e-6)
