"""The second opinion agrees with the indicators that decide."""

import numpy as np
import pytest

from mtum.core.indicators.atr import atr
from mtum.core.indicators.rsi import rsi
from mtum.core.indicators.sma import sma
from mtum.core.indicators.smoothing import Smoothing
from mtum.core.market.bars import Bars
from mtum.core.reporting import plain_indicators as plain


def made_up(count: int) -> Bars:
    steps = np.random.default_rng(7).normal(0, 1, count)
    close = 100 + np.cumsum(steps)
    days = np.datetime64("2020-01-01") + np.arange(count)
    columns = {"open": close, "high": close + 1.3, "low": close - 0.9, "close": close, "volume": 1e6 + 1e4 * steps}
    return Bars.from_columns("MTUM", "made up", days, columns)


@pytest.mark.parametrize("form", ["simple", "wilder"])
def test_both_implementations_agree(form: str) -> None:
    bars, smoothing = made_up(120), Smoothing(form)
    np.testing.assert_allclose(plain.mean(bars.close, 50), sma(bars.close, 50), atol=2e-6)
    np.testing.assert_allclose(plain.rsi(bars.close, 14, form), rsi(bars.close, 14, smoothing), atol=2e-6)
    ours = plain.atr(bars.high, bars.low, bars.close, 14, form)
    np.testing.assert_allclose(ours, atr(bars, 14, smoothing), atol=2e-6)


def test_rsi_by_hand() -> None:
    # Moves +1, +1, -1: rises 2, falls 1, so 100*2/3.
    assert plain.rsi(np.array([1.0, 2.0, 3.0, 2.0]), 3, "simple")[-1] == pytest.approx(200 / 3)


def test_rsi_where_nothing_moved_is_undefined() -> None:
    assert np.isnan(plain.rsi(np.ones(5), 3, "simple")[-1])


def test_mean_is_undefined_during_warm_up() -> None:
    assert np.isnan(plain.mean(np.ones(2), 3)).all()
