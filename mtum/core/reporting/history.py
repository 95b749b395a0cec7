"""What the charts draw: the market around the session, and the sleeve against buy-and-hold."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date

import numpy as np
from numpy.typing import NDArray

from mtum.core.market.bars import Column
from mtum.core.strategies.contract import ChartPanel

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
    """Lines of the market panels; a panel without a title lies over the price.

    Parameters
    ----------
    columns : mapping of name to ndarray of float64, shape (n_sessions,)
        Every line that a panel names; NaN where unknown.
    projected_volume : float or None
        What the newest session's decision reckoned with, in shares.
    """

    symbol: str
    days: Days
    close: Column
    columns: Mapping[str, Column]
    panels: tuple[ChartPanel, ...]
    words: Mapping[str, str]
    marks: tuple[Mark, ...] = ()
    projected_volume: float | None = None

    @property
    def overlays(self) -> tuple[tuple[str, str], ...]:
        """Name and label of the lines over the price."""
        return tuple(line for panel in self.panels if not panel.title for line in panel.lines)


@dataclass(frozen=True, slots=True, eq=False)
class EquityHistory:
    """Equity and benchmark in USD and their falls from the peak as fractions, shape (n_sessions,) each.

    `sleeves` are the results of an account's sleeves since they began, in USD; NaN before.
    """

    days: Days
    equity: Column
    benchmark: Column
    drawdown: Column
    benchmark_drawdown: Column
    sleeves: Mapping[str, Column] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class ChartHistory:
    """Everything one report draws: the market of each symbol that has one; equity is None without data.

    Of an account the charts of each sleeve stand in `sleeves`.
    """

    markets: tuple[MarketHistory, ...]
    equity: EquityHistory | None
    sleeves: Mapping[str, "ChartHistory"] = field(default_factory=dict)
