"""A person's order to close a position at the close, through the same path as every exit."""

from collections.abc import Collection

from mtum.app.desk import Desk
from mtum.app.ledger.book import held_lots
from mtum.core.portfolio.limits import Restriction
from mtum.errors import UsageError

_KEY = "flatten:"


def request_flatten(desk: Desk, symbol: str, why: str) -> None:
    """Ask for the position to be closed by the next decision, and stop entries until resumed.

    Raises
    ------
    UsageError
        If the symbol is neither traded nor held.
    """
    universe = desk.strategy.universe()
    if symbol not in {*universe, *(lot.symbol for lot in held_lots(desk.store))}:
        raise UsageError(f"{symbol} is not traded here and not held; the universe is {', '.join(universe)}")
    desk.store.control.halt(Restriction.REDUCE_ONLY, f"flatten {symbol}: {why}", "person", desk.clock.now())
    desk.store.control.set_meta(_KEY + symbol, why)


def flatten_requests(desk: Desk) -> tuple[str, ...]:
    """Return the symbols that a person wants closed."""
    # Ever traded: what the settings trade now may be something else than what is held.
    symbols = dict.fromkeys([*desk.strategy.universe(), *(one.intent.symbol for one in desk.store.orders.states())])
    return tuple(symbol for symbol in symbols if desk.store.control.meta(_KEY + symbol))


def forget_flatten(desk: Desk, held: Collection[str]) -> None:
    """Drop requests for symbols that are no longer held."""
    for symbol in flatten_requests(desk):
        if symbol not in held:
            desk.store.control.set_meta(_KEY + symbol, "")
