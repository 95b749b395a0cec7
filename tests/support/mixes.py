"""Tiny markets and sleeves for strategies that hold several symbols at weights."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta

from mtum.core.market.bars import Bars
from mtum.core.strategies.contract import Holding, Memory, Own, Strategy, SymbolVerdict, Target
from mtum.core.view import MarketView
from support.bars import bars_of, weekdays


def view_of(closes: Mapping[str, Sequence[float]], unfit: Mapping[str, float | None] | None = None) -> MarketView:
    """The symbols on the same weekdays; the calendar holds those of thirty weeks before the session and the next."""
    bars: dict[str, Bars] = {symbol: bars_of(column, symbol=symbol) for symbol, column in closes.items()}
    session = next(iter(bars.values())).last_day
    calendar = tuple(weekdays(session - timedelta(weeks=30), 152))
    return MarketView(session, bars, {}, {}, calendar=calendar, unfit=unfit or {})


def own_of(
    equity_usd: float, shares: Mapping[str, int], memory: Memory | None = None, last_fill: date | None = None
) -> Own:
    """A sleeve of that equity."""
    holdings = {symbol: Holding(symbol, count, 90.0) for symbol, count in shares.items()}
    return Own(holdings, 0.0, equity_usd, last_fill, memory or {})


def targets(said: Sequence[SymbolVerdict]) -> dict[str, float]:
    """Weight by symbol where one is wanted, in the order of the verdicts."""
    return {one.symbol: one.verdict.weight for one in said if isinstance(one.verdict, Target)}


def reasons(said: Sequence[SymbolVerdict]) -> dict[str, str]:
    """The one reason of each symbol."""
    return {one.symbol: one.reasons[0] for one in said}


def remembered(said: Sequence[SymbolVerdict]) -> dict[str, object]:
    """What the verdicts together say to remember; None forgets."""
    return {name: value for one in said for name, value in one.memory.items()}


def problem_of(strategy: Strategy) -> str:
    """The one problem of a strategy."""
    (found,) = strategy.problems()
    return found
