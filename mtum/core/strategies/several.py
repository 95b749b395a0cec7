"""What strategies of several symbols share: the smallest change worth an order, current weights, and what to refuse."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from typing import TYPE_CHECKING, Any

from msgspec import Struct, structs

from mtum.core.indicators.smoothing import DECIMALS
from mtum.core.strategies.contract import Own, Strategy, SymbolVerdict, Target
from mtum.core.strategies.description import IndicatorSpec

if TYPE_CHECKING:
    from mtum.core.view import MarketView

VOLATILITY = IndicatorSpec(
    "volatility_of_60", "volatility", (("sessions", 60),), "", "volatility of 60 returns", total_return=True
)
"""By whose inverse several strategies share their money."""
VOLATILITY_SESSIONS = 61
"""Closes between which its returns lie."""


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class TradeFilter(Strategy):
    """What strategies of several symbols share: changes too small to be worth an order are not made."""

    min_trade_usd: float = field(default=100.0, metadata={"doc": "smallest change of a position, USD"})
    min_trade_frac: float = field(
        default=0.0025, metadata={"doc": "smallest change of a position, fraction of the sleeve's equity"}
    )

    def least_trade_usd(self, equity_usd: float) -> float:
        """Return the larger of the two."""
        return max(self.min_trade_usd, self.min_trade_frac * equity_usd)

    def filter_problems(self) -> tuple[str, ...]:
        """Return what is wrong with the two, one line each."""
        return range_problems(
            ("min_trade_usd", self.min_trade_usd, 0.0, 1e12), ("min_trade_frac", self.min_trade_frac, 0.0, 1.0)
        )


def weight_of(view: "MarketView", own: Own, symbol: str) -> float | None:
    """Return what a sleeve holds of a fit symbol as a fraction of its equity, rounded to 1e-6; None without equity.

    Parameters
    ----------
    view : MarketView
        Everything a strategy may look at for one session.
    own : Own
        What a strategy knows of its own sleeve; changed by fills, cash and its own decisions.
    symbol : str
        Ticker.
    """
    holding = own.holdings.get(symbol)
    held = holding.shares * float(view.bars[symbol].close[-1]) if holding else 0.0
    return round(held / own.equity_usd, DECIMALS) if own.equity_usd > 0 else None


def range_problems(*ranges: tuple[str, float, float, float]) -> tuple[str, ...]:
    """Return which parameters are outside their range, one line each.

    Parameters
    ----------
    ranges : tuples of (name, value, least, most)
        Both ends belong to the range; whole ends ask for a whole number.
    """
    return tuple(
        f"{name} is {value:.12g}; use a {'whole ' if isinstance(least, int) else ''}number "
        f"from {least:.12g} to {most:.12g}"
        for name, value, least, most in ranges
        if not least <= value <= most
    )


def weights_problems(weights: Mapping[str, float], least: int = 1, *, zero: bool = False) -> tuple[str, ...]:
    """Return what is wrong with a table of weights by ticker, one line each.

    Parameters
    ----------
    weights : mapping of str to float
        Fraction of the equity by symbol.
    least : int
        How many tickers it must hold.
    zero : bool
        Whether a weight may be 0: of what is to be sold and never bought.
    """
    found = list_problems((*weights,), "weights", least)
    found += tuple(
        f"weights.{symbol} is {weight:.12g}; use a number {'from 0 to' if zero else 'above 0, up to'} 1"
        for symbol, weight in weights.items()
        if not 0 <= weight <= 1 or not (weight or zero)
    )
    total = round(sum(weights.values()), 9)
    return found or ((f"weights are {total:.12g} together; use 1 or less",) if total > 1 else ())


def list_problems(symbols: tuple[str, ...], name: str = "symbols", least: int = 1) -> tuple[str, ...]:
    """Return what is wrong with a list of tickers, one line each.

    Parameters
    ----------
    symbols : tuple of str
        Tickers.
    name : str
        Name of the parameter.
    least : int
        Fewest symbols that are enough.
    """
    if len(symbols) < least:
        return (f"{name} holds {len(symbols)} tickers; list {least} or more",)
    found = [
        f'{name} holds "{one}"; use upper-case tickers such as "SPY"'
        for one in symbols
        if not one or one != one.strip().upper()
    ]
    twice = sorted({one for one in symbols if symbols.count(one) > 1})
    return (*found, *(f"{name} holds {one} twice; list it once" for one in twice))


def inverse_parts(volatilities: Mapping[str, float | None]) -> dict[str, float] | None:
    """Return parts of 1 in proportion to 1 / volatility; None where one is 0 or undefined."""
    inverse = {symbol: 1 / one for symbol, one in volatilities.items() if one}
    whole = sum(inverse.values())
    return {symbol: one / whole for symbol, one in inverse.items()} if len(inverse) == len(volatilities) else None


def without(strategy: Strategy, symbol: str) -> Strategy | None:
    """Return the strategy with a symbol taken off its lists; None where it cannot do without it."""
    found: Strategy = _without(strategy, symbol)
    before, after = ({*one.universe(), *one.reads()} for one in (strategy, found))
    return found if after == before - {symbol} and found.universe() and not found.problems() else None


def _without(value: Any, symbol: str) -> Any:  # noqa: ANN401 - parts of a strategy may be anything
    if isinstance(value, Struct):
        return structs.replace(value, **{name: _without(one, symbol) for name, one in structs.asdict(value).items()})
    if is_dataclass(value) and not isinstance(value, type):
        parts = {one.name: _without(getattr(value, one.name), symbol) for one in fields(value) if one.init}
        return replace(value, **parts)
    if isinstance(value, Mapping):
        return {name: _without(one, symbol) for name, one in value.items() if name != symbol}
    if isinstance(value, tuple | list):
        return type(value)(_without(one, symbol) for one in value if one != symbol)
    return value


def sales_first(verdicts: Sequence[SymbolVerdict], now: Mapping[str, float]) -> tuple[SymbolVerdict, ...]:
    """Return targets below the current weights, then all others, both in the order given."""
    return tuple(
        sorted(verdicts, key=lambda one: not (isinstance(one.verdict, Target) and one.verdict.weight < now[one.symbol]))
    )
