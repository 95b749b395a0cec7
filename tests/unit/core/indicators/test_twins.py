"""Every compiled twin of an indicator says, bit for bit, what the numpy form says."""

import subprocess
import sys
from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from mtum.core.indicators import INDICATORS, NAMES, columns_of, lines_of, lines_of_each
from mtum.core.indicators.smoothing import Smoothing
from mtum.core.indicators.twins import TWINS, twin_lines
from mtum.core.market.bars import COLUMNS, Bars
from mtum.core.market.timeframes import Timeframe
from support.markets import made_up_bars
from support.walked import by_the_walker, made_up, strategies, terms_of

WINDOWS = (2, 3, 7, 8, 9, 16, 23, 128, 129, 200, 260)
"""On both sides of where adding up changes its order: 8 values, and 128."""


def holed(bars: Bars) -> Bars:
    """Bars of which some prices and volumes are not known, and some sessions have neither range nor volume."""
    columns = {name: np.array(getattr(bars, name)) for name in COLUMNS}
    for name, at in (("close", 90), ("high", 60), ("low", 130), ("volume", 10)):
        columns[name][at] = np.nan
    for name in ("open", "high", "low", "close"):
        columns[name][200:240] = columns["close"][199]
    columns["volume"][200:240] = 0.0
    return Bars.from_columns(bars.symbol, bars.source, bars.days, columns)


HISTORIES = {
    "nothing": made_up_bars(0, 1),
    "one bar": made_up_bars(1, 1),
    "two bars": made_up_bars(2, 1),
    "a month": made_up_bars(21, 2),
    "a year": made_up_bars(300, 3),
    "holes": holed(made_up_bars(300, 4)),
}
WHOLE_LENGTHS = ("sessions", "smooth", "signal", "fast", "slow", "range_sessions")


def asked_of(name: str) -> list[Mapping[str, object]]:
    """The defaults, and parameters that take every other way through the loops."""
    defaults = INDICATORS[name].defaults
    asked: list[Mapping[str, object]] = [defaults]
    asked += [{**defaults, **{one: window for one in WHOLE_LENGTHS if one in defaults}} for window in WINDOWS]
    asked += [{**defaults, "smoothing": Smoothing.WILDER}] if "smoothing" in defaults else []
    asked += [{**defaults, "of": "volume"}] if "of" in defaults else []
    asked += [{**defaults, "previous": True}] if "previous" in defaults else []
    return asked


def assert_equal(name: str, bars: Sequence[Bars], asked: Mapping[str, object], *, plain: bool) -> None:
    with np.errstate(all="ignore"):
        found = twin_lines(bars, name, asked, plain=plain)
        assert found is not None
        for one, lines in zip(bars, found, strict=True):
            wanted = lines_of(one, name, asked)
            assert list(lines) == list(wanted)
            for line, column in wanted.items():
                np.testing.assert_array_equal(lines[line], column, err_msg=f"{name} {line} {dict(asked)}")


def test_every_indicator_has_a_twin() -> None:
    """Those of pandas-ta and levels of longer periods have none, and go the numpy way."""
    assert set(NAMES) == set(TWINS)


@pytest.mark.parametrize("name", TWINS)
def test_a_twin_says_what_the_numpy_form_says(name: str) -> None:
    """The loops as plain Python: machine code does the same operations in the same order."""
    for bars in HISTORIES.values():
        assert_equal(name, [bars], INDICATORS[name].defaults, plain=True)
    for asked in asked_of(name):
        assert_equal(name, [HISTORIES["holes"]], asked, plain=True)


@pytest.mark.parametrize("name", TWINS)
def test_symbols_beside_one_another_are_each_what_they_are_alone(name: str) -> None:
    """Of different lengths, some too short for a value, and more than are worked out at once."""
    some = [*HISTORIES.values(), HISTORIES["a year"].tail(200), HISTORIES["holes"].tail(250), HISTORIES["a month"]]
    assert_equal(name, some, {}, plain=True)


@pytest.mark.full
@pytest.mark.parametrize("name", TWINS)
def test_a_twin_as_machine_code_says_what_the_numpy_form_says(name: str) -> None:
    histories = [*HISTORIES.values(), *(made_up_bars(2520, seed) for seed in range(10, 40))]
    for asked in asked_of(name):
        assert_equal(name, histories, asked, plain=False)


@pytest.mark.full
@pytest.mark.parametrize("name", ["mean_reversion by bands", "momentum_burst", "volatility_target"])
def test_a_walk_that_reads_twins_is_the_walk_that_reads_numpy_forms(name: str) -> None:
    strategy = strategies()[name]
    history = made_up(strategy, 600, ragged=True)
    plain, compiled = (by_the_walker(history, strategy, terms_of(), compiled=one) for one in (False, True))
    assert plain is not None
    assert compiled is not None
    assert plain.orders == compiled.orders
    assert len(plain.orders) > 10
    assert plain.equity.tobytes() == compiled.equity.tobytes()


def test_bars_and_parameters_that_a_twin_does_not_know_go_the_numpy_way() -> None:
    bars = [HISTORIES["a year"]]
    assert twin_lines(bars, "pivots", {"period": Timeframe.WEEK}) is None
    assert twin_lines(bars, "ta:kama", {}) is None
    (weeks,) = lines_of_each(bars, "pivots", {"period": Timeframe.WEEK}, compiled=True)
    assert not np.isnan(weeks["p"][20:]).any()
    (lower,) = columns_of(bars, "bollinger", {"line": "lower"})
    np.testing.assert_array_equal(lower, lines_of(bars[0], "bollinger", {})["lower"])


def test_an_indicator_asked_for_as_usual_reads_no_twin_and_no_compiler() -> None:
    code = (
        "import sys; from mtum.core.indicators import lines_of; from mtum.core.market.bars import Bars;"
        "columns = dict.fromkeys(('open', 'high', 'low', 'close', 'volume'), [1.0]);"
        "bars = Bars.from_columns('AAA', 'made-up', ['2024-01-02'], columns);"
        "lines_of(bars, 'bollinger', {});"
        "print(*sorted({'numba', 'mtum.core.indicators.twins', 'mtum.core.compiled'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert done.stdout.split() == []
