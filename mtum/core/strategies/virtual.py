"""A strategy decides on a position that nobody holds: entered and left at the decision's price, and remembered."""

import dataclasses
from collections.abc import Mapping
from datetime import date
from typing import TYPE_CHECKING, NamedTuple

from msgspec import Struct, field
from msgspec.structs import replace

from mtum.core.indicators.smoothing import known
from mtum.core.strategies.answers import asked, remembered, scaled
from mtum.core.strategies.contract import (
    Abstain,
    Holding,
    Memory,
    Own,
    Price,
    Remembered,
    Shares,
    Strategy,
    SymbolVerdict,
    Target,
)

if TYPE_CHECKING:
    from mtum.core.view import MarketView

VIRTUAL_USD = 1e12
"""What the strategy believes to own: so much that whole shares tell its weight to the sixth decimal."""
_OWN = "memory"
"""Where stands what the strategy itself remembers; a position stands under its symbol."""


class Wanted(NamedTuple):
    """Weight that a strategy wants of each symbol, None where it has no opinion; and all that is to be remembered."""

    weights: Mapping[str, float | None]
    memory: Memory


class _Position(Struct, frozen=True):
    # The weight stands until the next target, whatever the price does. Prices in USD, sessions as ISO dates.
    weight: float = 0.0
    entry: float = 0.0
    last: float = 0.0
    purchases: int = 0
    since: str = ""
    bought: str = ""
    sold: str = ""
    kept: Mapping[str, float] = field(default_factory=dict)

    def told(self, symbol: str) -> dict[str, Remembered]:
        found: dict[str, Remembered] = {"sold": self.sold} if self.sold else {}
        if self.weight:
            kept = {f"kept:{name}": usd for name, usd in self.kept.items()}
            prices = {"entry": self.entry, "last": self.last, **kept}
            found |= {"weight": self.weight, "purchases": self.purchases, "since": self.since, "bought": self.bought}
            found |= {name: Price(symbol, usd) for name, usd in prices.items()}
        return {f"{symbol}:{name}": one for name, one in found.items()}


def under(memory: Memory, name: str) -> dict[str, Remembered]:
    """Return what is remembered under a name, as "trend" in "trend:SPY:weight", without it."""
    return {key.removeprefix(f"{name}:"): one for key, one in memory.items() if key.startswith(f"{name}:")}


def decided(strategy: Strategy, view: "MarketView", memory: Memory) -> Wanted:
    """Ask a strategy about its virtual position.

    Parameters
    ----------
    strategy : Strategy
        Parameters of a strategy, what it says about itself, and its decision.
    view : MarketView
        Has at least the symbols and the history that the strategy asks for.
    memory : mapping of str to float, str or Price
        All that `Wanted.memory` held after the decision before; empty at the first one.
    """
    looked_at = {*strategy.universe(), *strategy.reads()}
    view = dataclasses.replace(
        view,
        bars={symbol: bars for symbol, bars in view.bars.items() if symbol in looked_at},
        unfit={symbol: close for symbol, close in view.unfit.items() if symbol in looked_at},
    )
    positions = {symbol: _position(memory, symbol) for symbol in strategy.universe()}
    said = under(memory, _OWN)
    prices = view.prices
    verdicts = scaled(asked(view, strategy, _own(view, prices, positions, said)))
    weights: dict[str, float | None] = {symbol: one.weight for symbol, one in positions.items()}
    for one in verdicts:
        if isinstance(one.verdict, Abstain):
            weights[one.symbol] = None
        else:
            positions[one.symbol] = _moved(positions[one.symbol], one, prices[one.symbol], view.session.isoformat())
            weights[one.symbol] = positions[one.symbol].weight
    after = {f"{_OWN}:{name}": one for name, one in remembered(said, verdicts).items()}
    return Wanted(weights, after | {name: one for at in positions for name, one in positions[at].told(at).items()})


def _number(value: Remembered) -> float:
    return float(value) if isinstance(value, int | float) else 0.0


def _position(memory: Memory, symbol: str) -> _Position:
    mine = under(memory, symbol)
    prices = {name: one.usd for name, one in mine.items() if isinstance(one, Price)}
    sold = str(mine.get("sold", ""))
    if not prices:
        return _Position(sold=sold)
    return _Position(
        weight=_number(mine["weight"]),
        entry=prices["entry"],
        last=prices["last"],
        purchases=int(_number(mine["purchases"])),
        since=str(mine["since"]),
        bought=str(mine["bought"]),
        sold=sold,
        kept={name.removeprefix("kept:"): usd for name, usd in prices.items() if name.startswith("kept:")},
    )


def _own(view: "MarketView", prices: Mapping[str, float], positions: Mapping[str, _Position], memory: Memory) -> Own:
    def holding(symbol: str, at: _Position) -> Holding:
        since = view.sessions_since(date.fromisoformat(at.sold)) if at.sold else None
        if not at.weight:
            return Holding(symbol, sessions_since_exit=since)
        price = prices.get(symbol, at.entry)
        shares, entered = round(at.weight * VIRTUAL_USD / price), date.fromisoformat(at.since)
        return Holding(symbol, shares, at.entry, entered, at.kept, since, at.purchases - 1, at.last)

    held = sum(at.weight for at in positions.values())
    fills = [day for at in positions.values() for day in (at.bought, at.sold) if day]
    return Own(
        holdings={symbol: holding(symbol, at) for symbol, at in positions.items()},
        cash_usd=VIRTUAL_USD * max(0.0, 1.0 - held),
        equity_usd=VIRTUAL_USD,
        last_fill=date.fromisoformat(max(fills)) if fills else None,
        memory=memory,
    )


def _moved(at: _Position, said: SymbolVerdict, price: float, today: str) -> _Position:
    match said.verdict:
        case Target(wanted):
            weight = max(0.0, known(wanted) or 0.0)
        case Shares(count):
            weight = max(0.0, known(count * price / VIRTUAL_USD) or 0.0)
        case _:
            return at
    bought = weight - at.weight
    if bought > 0 and not at.weight:
        return _Position(weight, price, price, 1, today, today, at.sold, dict(said.remember))
    if bought > 0:
        # The average of all purchases: what they cost together by the shares they bought.
        entry = known(weight / (at.weight / at.entry + bought / price)) or price
        return replace(at, weight=weight, entry=entry, last=price, purchases=at.purchases + 1, bought=today)
    if bought < 0:
        return replace(at, weight=weight, sold=today) if weight else _Position(sold=today)
    return at
