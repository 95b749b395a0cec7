"""Numbers per session computed from past bars only; one pure function per file."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from mtum.core.indicators.atr import atr
from mtum.core.indicators.rsi import rsi
from mtum.core.indicators.sma import sma
from mtum.core.indicators.smoothing import Smoothing

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars, Column

INDICATORS: dict[str, Callable[["Bars"], "Column"]] = {
    "ma": lambda bars: sma(bars.close, 50),
    "rsi_simple": lambda bars: rsi(bars.close, 14, Smoothing.SIMPLE),
    "rsi_wilder": lambda bars: rsi(bars.close, 14, Smoothing.WILDER),
    "atr_simple": lambda bars: atr(bars, 14, Smoothing.SIMPLE),
    "atr_wilder": lambda bars: atr(bars, 14, Smoothing.WILDER),
    "volume_average": lambda bars: sma(bars.volume, 20),
}
"""Every indicator with its default parameters; the property tests run over this."""
