"""The market as it is known at the instant of a decision; the future is not in it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Protocol

from mtum.core.indicators import column_of
from mtum.core.indicators.smoothing import known
from mtum.core.market.bars import Bars, Column, ProvisionalBar
from mtum.core.market.instruments import unit_usd


class Asked(Protocol):
    """An indicator by its registry name and parameters, as a strategy asks for it."""

    @property
    def indicator(self) -> str:
        """Name in the registry of indicators."""
        ...

    @property
    def parameters(self) -> tuple[tuple[str, object], ...]:
        """Keyword arguments of that indicator."""
        ...


@dataclass(frozen=True, slots=True)
class MarketView:
    """Everything a strategy may look at for one session.

    Parameters
    ----------
    session : date
        The session being decided.
    bars : mapping of symbol to Bars
        History that ends at `session`; its last bar is the provisional one.
    series : mapping of name to float or None
        Extra values at the decision, for instance ``{"VIX": 14.2}``; None = missing.
    provisional : mapping of symbol to ProvisionalBar
        How today's bar was seen; empty over final history.
    columns : mapping of (symbol, asked) to Column
        Indicators worked out beforehand over a history that begins where the bars begin and may go
        further; what is not there is computed from the bars.
    unfit : mapping of symbol to float or None
        Symbols whose bars cannot be decided on, with the last accepted close in USD. It values what is held
        of them; the strategy abstains there.

    Raises
    ------
    ValueError
        If bars of a symbol do not end at the session.
    """

    session: date
    bars: Mapping[str, Bars]
    series: Mapping[str, float | None]
    provisional: Mapping[str, ProvisionalBar]
    columns: Mapping[tuple[str, Asked], Column] = field(default_factory=dict)
    unfit: Mapping[str, float | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for symbol, bars in self.bars.items():
            if not len(bars) or bars.last_day != self.session:
                raise ValueError(f"{symbol}: bars must end at {self.session}")
        sources = {bars.source for bars in self.bars.values()}
        if len(sources) > 1:
            raise ValueError(f"bars of one decision must come from one source, found {sorted(sources)}")

    @property
    def prices(self) -> dict[str, float]:
        """What one share or contract is worth in USD now, of an unfit symbol at its last accepted close."""
        known_before = {symbol: close for symbol, close in self.unfit.items() if close is not None}
        closes = known_before | {symbol: float(bars.close[-1]) for symbol, bars in self.bars.items()}
        return {symbol: unit_usd(symbol, close) for symbol, close in closes.items()}

    def newest(self, symbol: str, asked: Asked) -> float | None:
        """Return an indicator's value at the session being decided, rounded to 1e-6; None = undefined."""
        bars = self.bars[symbol]
        column = self.columns.get((symbol, asked))
        if column is None:
            column = column_of(bars, asked.indicator, dict(asked.parameters))
        return known(float(column[len(bars) - 1]))
