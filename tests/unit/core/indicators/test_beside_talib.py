"""Where TA-Lib has an indicator ours gives the same values once seeds are forgotten, on three embedded markets."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from typing import Any

import numpy as np
import pytest

from mtum.adapters.sources.embedded import sample_source
from mtum.core.indicators import INDICATORS, lines_of
from mtum.core.indicators.smoothing import Smoothing
from mtum.core.market.bars import Bars, Column

talib: Any = pytest.importorskip("talib", reason="needs the package ta-lib: uv sync --group oracle")

type Peer = Callable[[Bars], tuple[Column, ...]]


def over(sums: Column, sessions: int) -> Column:
    """Return what a sum that runs from the first bar has gained over the last sessions."""
    return np.concatenate((np.full(sessions, np.nan), sums[sessions:] - sums[:-sessions]))


def bollinger(bars: Bars) -> tuple[Column, ...]:
    upper, middle, lower = talib.BBANDS(bars.close, 20, 2.0, 2.0)
    return middle, upper, lower, (bars.close - lower) / (upper - lower), (upper - lower) / middle


def keltner(bars: Bars) -> tuple[Column, ...]:
    middle, far = talib.EMA(bars.close, 20), 2.0 * talib.ATR(bars.high, bars.low, bars.close, 10)
    return middle, middle + far, middle - far


PEERS: dict[str, tuple[dict[str, object], Peer]] = {
    "sma": ({}, lambda bars: (talib.SMA(bars.close, 20),)),
    "ema": ({}, lambda bars: (talib.EMA(bars.close, 20),)),
    "wma": ({}, lambda bars: (talib.WMA(bars.close, 20),)),
    "dema": ({}, lambda bars: (talib.DEMA(bars.close, 20),)),
    "tema": ({}, lambda bars: (talib.TEMA(bars.close, 20),)),
    "macd": ({}, lambda bars: talib.MACD(bars.close, 12, 26, 9)),
    "adx": (
        {},
        lambda bars: (
            talib.ADX(bars.high, bars.low, bars.close, 14),
            talib.PLUS_DI(bars.high, bars.low, bars.close, 14),
            talib.MINUS_DI(bars.high, bars.low, bars.close, 14),
        ),
    ),
    "donchian": ({}, lambda bars: (talib.MAX(bars.high, 20), talib.MIN(bars.low, 20))),
    "rsi": ({"smoothing": Smoothing.WILDER}, lambda bars: (talib.RSI(bars.close, 14),)),
    "stochastic": (
        {},
        lambda bars: talib.STOCH(bars.high, bars.low, bars.close, 14, 3, 0, 3, 0),
    ),
    "williams_r": ({}, lambda bars: (talib.WILLR(bars.high, bars.low, bars.close, 14),)),
    "roc": ({}, lambda bars: (talib.ROC(bars.close, 10),)),
    "atr": ({"smoothing": Smoothing.WILDER}, lambda bars: (talib.ATR(bars.high, bars.low, bars.close, 14),)),
    "bollinger": ({}, bollinger),
    "keltner": ({}, keltner),
    "volatility": (
        {},
        lambda bars: (talib.STDDEV(np.log(bars.close / np.roll(bars.close, 1)), 20) * np.sqrt(20 / 19 * 252),),
    ),
    "obv": ({}, lambda bars: (over(talib.OBV(bars.close, bars.volume), 20),)),
    "ad": ({}, lambda bars: (over(talib.AD(bars.high, bars.low, bars.close, bars.volume), 20),)),
}
"""Indicator -> its parameters, and the same of TA-Lib, line by line. It has none of the others."""


@pytest.mark.parametrize("symbol", ["SP500", "NDQ", "UST10"])
@pytest.mark.parametrize("name", PEERS)
def test_a_value_equals_that_of_talib_once_seeds_are_forgotten(name: str, symbol: str) -> None:
    asked, peer = PEERS[name]
    bars = sample_source().history(symbol, date(2000, 1, 1), date(2018, 12, 31))
    # Of one index a volume is missing, after which a running sum is unknown for ever.
    bars = replace(bars, volume=np.nan_to_num(bars.volume))
    warm = INDICATORS[name].history_bars(**asked)
    found = lines_of(bars, name, asked)
    assert warm < len(bars) - 500
    for (line, ours), theirs in zip(found.items(), peer(bars), strict=True):
        known = ~np.isnan(theirs[warm:])
        assert known.mean() > 0.99
        # A sum of volumes is as large as 1e13; of a running one the library keeps sixteen digits.
        np.testing.assert_allclose(
            ours[warm:][known], theirs[warm:][known], rtol=1e-9, atol=2e-6, err_msg=f"{symbol} {line}"
        )
