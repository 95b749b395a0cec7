"""The indicators that TA-Lib has too, and how it is asked for the same; without the library its readers are skipped."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

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
