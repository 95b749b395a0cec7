"""What strategies share that judge each symbol by its conditions: the verdict, its entry looked back at, and places."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING

from msgspec.structs import replace

from mtum.core.indicators.smoothing import DECIMALS
from mtum.core.strategies.contract import Condition, Holding, Keep, Own, SymbolVerdict, Target, Verdict

if TYPE_CHECKING:
    from mtum.core.view import MarketView


def held_of(own: Own, symbol: str) -> Holding:
    """Return what is held of a symbol; while flat nothing of an earlier round trip."""
    holding = own.of(symbol)
    return holding if holding.shares else Holding(symbol)


def sessions_held(view: "MarketView", holding: Holding) -> int | None:
    """Return the sessions since the entry session; None while flat."""
    return None if holding.entry_session is None else view.sessions_since(holding.entry_session)


def atr_away(price: float | None, multiple: float, holding: Holding) -> float | None:
    """Return the price so many ATR of the entry decision above a price, rounded to 1e-6; None where one is unknown.

    Parameters
    ----------
    price : float or None
        Price, USD; None where it is unknown.
    multiple : float
        How many ATR.
    holding : Holding
        What a strategy knows of its own shares in one symbol; changed by fills only.
    """
    atr = holding.remembered.get("atr")
    return None if price is None or atr is None else round(price + multiple * atr, DECIMALS)


def ruled(
    entry: Sequence[Condition], leave: Sequence[Condition], weight: float | None, reason: str, holding: Holding
) -> tuple[Verdict, tuple[str, ...]]:
    """Return what conditions say of one symbol: while held any of the exit's sells it, else all of the entry's buy.

    Parameters
    ----------
    entry : sequence of Condition
        Conditions of an entry; all have to hold.
    leave : sequence of Condition
        Conditions of an exit; any is enough.
    weight : float or None
        Of a purchase, as a fraction of the sleeve's equity; without one nothing is bought.
    reason : str
        Of a purchase; a sale has the names of all conditions that hold.
    holding : Holding
        What a strategy knows of its own shares in one symbol; changed by fills only.
    """
    if holding.shares:
        reasons = tuple(one.name for one in leave if one.passed)
        return (Target(0.0), reasons) if reasons else (Keep(), ("hold",))
    buys = weight and all(one.passed for one in entry)
    return (Target(weight), (reason,)) if weight and buys else (Keep(), ("hold",))


def at_entry(verdict: Verdict, now: Mapping[str, float | None], names: tuple[str, ...]) -> dict[str, float]:
    """Return the indicators that stay with the position, where the verdict opens one.

    Parameters
    ----------
    verdict : Verdict
        What the strategy wants of the symbol.
    now : mapping of str to float or None
        Values of the indicators by name.
    names : tuple of str
        Names of the indicators that are kept.
    """
    buys = isinstance(verdict, Target) and verdict.weight > 0
    return {name: value for name in names if buys and (value := now[name]) is not None}


def in_places(judged: Iterable[tuple[float, SymbolVerdict]], own: Own, max_positions: int) -> tuple[SymbolVerdict, ...]:
    """Return the exits, the purchases that find a place, the best first, and the rest.

    Whatever is held has a place until it is sold whole.

    Parameters
    ----------
    judged : iterable of (rank, SymbolVerdict)
        Of each symbol by itself; the lowest rank is the best, of equal ones the first.
    own : Own
        What a strategy knows of its own sleeve; changed by fills, cash and its own decisions.
    max_positions : int
        Places in all.
    """
    given = tuple(judged)
    exits = [one for _, one in given if one.sells_all]
    wanted = [one for _, one in sorted(given, key=lambda pair: pair[0]) if one.enters]
    held = sum(holding.shares > 0 for holding in own.holdings.values())
    places = max(0, max_positions - held + len(exits))
    crowded = (replace(one, verdict=Keep(), reasons=("no_place",), remember={}) for one in wanted[places:])
    rest = (one for _, one in given if isinstance(one.verdict, Keep))
    return (*exits, *wanted[:places], *crowded, *rest)
