"""Numbers per session computed from past bars only; one pure function per file."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from mtum.core.indicators.atr import atr
from mtum.core.indicators.rsi import rsi
from mtum.core.indicators.sma import sma
from mtum.core.indicators.smoothing import Smoothing

if TYPE_CHECKING:
    from mtum.core.market.bars import Bars, Column


def _sma(bars: "Bars", of: str = "close", sessions: int = 50) -> "Column":
    return sma(getattr(bars, of), sessions)


def _rsi(bars: "Bars", sessions: int = 14, smoothing: Smoothing = Smoothing.SIMPLE) -> "Column":
    return rsi(bars.close, sessions, smoothing)


def _atr(bars: "Bars", sessions: int = 14, smoothing: Smoothing = Smoothing.SIMPLE) -> "Column":
    return atr(bars, sessions, smoothing)


INDICATORS: dict[str, Callable[..., "Column"]] = {"sma": _sma, "rsi": _rsi, "atr": _atr}
"""Every indicator by its name: bars and its own parameters in, one value per bar out."""


def column_of(bars: "Bars", indicator: str, parameters: Mapping[str, object]) -> "Column":
    """Return an indicator over bars, shape (n_sessions,).

    Parameters
    ----------
    indicator : str
        Name in the registry.
    parameters : mapping
        Keyword arguments of that indicator; its defaults stand for the rest.
    """
    return INDICATORS[indicator](bars, **parameters)
