"""What the charts draw: the market around the session, and the sleeve against buy-and-hold."""

from dataclasses import dataclass
from datetime import date

import numpy as np
from numpy.typing import NDArray

from mtum.core.reporting.flips import Rules
from mtum.core.reporting.plain_indicators import Column, mean, rsi

type Days = NDArray[np.datetime64]


@dataclass(frozen=True, slots=True)
class Mark:
    """A filled entry or exit: USD per share, and its reason in one or two words."""

    session: date
    price: float
    bought: bool
    words: str


@dataclass(frozen=True, slots=True, eq=False)
class MarketHistory:
    """Lines of the market panels, shape (n_sessions,) each; NaN where unknown.

    `projected_volume` is what the newest session's decision reckoned with.
    """

    symbol: str
    days: Days
    close: Column
    ma: Column
    rsi: Column
    volume: Column
    volume_average: Column
    vix: Column
    rules: Rules
    marks: tuple[Mark, ...] = ()
    projected_volume: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class EquityHistory:
    """Equity and benchmark in USD and their falls from the peak as fractions, shape (n_sessions,) each."""

    days: Days
    equity: Column
    benchmark: Column
    drawdown: Column
    benchmark_drawdown: Column


@dataclass(frozen=True, slots=True)
class ChartHistory:
    """Everything one report draws; a part without data is None."""

    market: MarketHistory | None
    equity: EquityHistory | None


def market_history(symbol: str, days: Days, close: Column, volume: Column, vix: Column, rules: Rules) -> MarketHistory:
    """Return the market lines with their averages; arrays of equal length, oldest first."""
    return MarketHistory(
        symbol=symbol,
        days=days,
        close=close,
        ma=mean(close, rules.ma_sessions),
        rsi=rsi(close, rules.rsi_sessions, rules.rsi_smoothing),
        volume=volume,
        volume_average=mean(volume, rules.volume_sessions),
        vix=vix,
        rules=rules,
    )
