"""Views whose indicators are told by the test instead of worked out, so that a rule can be tried at its tie."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

import numpy as np

from mtum.core.market.bars import Column
from mtum.core.strategies.contract import Holding, Own, Remembered, Strategy, SymbolVerdict
from mtum.core.view import Asked, MarketView
from support.bars import bars_of, changed, weekdays

type Told = Mapping[str, float | Sequence[float | None] | None]
"""Values of one symbol by the name of the indicator, the newest last; "close" and "volume" are those of its bars.

What is not told is undefined.
"""

FIRST, SESSIONS = date(2024, 1, 1), 12
DAYS = weekdays(FIRST, SESSIONS)
TODAY = DAYS[-1]


def told_view(
    strategy: Strategy, told: Mapping[str, Told], unfit: Mapping[str, float | None] | None = None
) -> MarketView:
    """A view of twelve sessions; a single value holds at every one of them."""
    bars = {}
    columns: dict[tuple[str, Asked], Column] = {}
    for symbol, values in told.items():
        volume = {SESSIONS - 1: column(values.get("volume", 1000.0))[-1]}
        bars[symbol] = changed(bars_of(column(values["close"]).tolist(), first=FIRST, symbol=symbol), volume=volume)
        columns |= {(symbol, spec): column(values.get(spec.name)) for spec in strategy.indicators()}
    calendar = (*weekdays(FIRST - timedelta(days=70), 50), *DAYS, TODAY + timedelta(days=1))
    return MarketView(TODAY, bars, {}, {}, columns, unfit or {}, calendar)


def column(value: float | Sequence[float | None] | None) -> Column:
    """The values as a column; what comes before those given is the first of them."""
    given = list(value) if isinstance(value, Sequence) else [value]
    whole = [given[0]] * (SESSIONS - len(given)) + given
    return np.array([np.nan if one is None else one for one in whole], dtype=np.float64)


def said(
    strategy: Strategy, told: Mapping[str, Told], *held: Holding, **memory: Remembered
) -> dict[str, SymbolVerdict]:
    """What a strategy of 10,000 USD says, in its order; names in memory have a double underscore for the colon."""
    named = {name.replace("__", ":"): value for name, value in memory.items()}
    own = Own({one.symbol: one for one in held}, 0.0, 10_000.0, None, named)
    return {one.symbol: one for one in strategy.verdicts(told_view(strategy, told), own)}


def held(symbol: str = "AAA", price: float = 100.0, ago: int = 3, atr: float = 2.0, shares: int = 10) -> Holding:
    """Shares bought some sessions ago, with the ATR of that decision."""
    return Holding(symbol, shares, price, DAYS[-1 - ago], {"atr": atr})
