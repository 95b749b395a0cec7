"""A person's order to close a position at the close, through the same path as every exit."""

from collections.abc import Collection

from mtum.app.desk import Desk
from mtum.app.ledger.book import held_lots
from mtum.core.portfolio.limits import Restriction
from mtum.errors import UsageError


def request_flatten(desk: Desk, symbol: str, why: str) -> None:
    """Ask for the position to be closed by the next decision, and stop entries until resumed.

    Raises
    ------
    UsageError
        If the symbol is neither traded nor held.
    """
    universe = desk.symbols
    if symbol not in {*universe, *(lot.symbol for lot in held_lots(desk.store))}:
        raise UsageError(f"{symbol} is not traded here and not held; the universe is {', '.join(universe)}")
    desk.store.control.halt(Restriction.REDUCE_ONLY, f"flatten {symbol}: {why}", "person", desk.clock.now())
    desk.store.statements.request_flatten(symbol, why, desk.clock.now())


def forget_flatten(desk: Desk, held: Collection[str]) -> None:
    """Drop requests for symbols that are no longer held."""
    for symbol in desk.store.statements.flatten_requests():
        if symbol not in held:
            desk.store.statements.end_flatten(symbol, desk.clock.now())
