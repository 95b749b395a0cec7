"""A person's order to close a position at the close, through the same path as every exit."""

from collections.abc import Collection, Mapping

from mtum.app.desk import Desk
from mtum.app.ledger.book import held_lots
from mtum.core.portfolio.limits import Restriction
from mtum.errors import UsageError


def request_flatten(desk: Desk, symbol: str, why: str, sleeve: str | None = None) -> None:
    """Ask for the position to be closed by the next decision, and stop entries until resumed.

    Parameters
    ----------
    sleeve : str or None
        Whose position it is, and who makes no entries; None for every sleeve.

    Raises
    ------
    UsageError
        If the symbol is neither traded nor held.
    """
    universe = desk.symbols
    if symbol not in {*universe, *(lot.symbol for lot in held_lots(desk.store))}:
        raise UsageError(f"{symbol} is not traded here and not held; the universe is {', '.join(universe)}")
    desk.store.control.halt(Restriction.REDUCE_ONLY, f"flatten {symbol}: {why}", "person", desk.clock.now(), sleeve)
    desk.store.statements.request_flatten(symbol, why, desk.clock.now(), sleeve)


def forget_flatten(desk: Desk, held: Mapping[str, Collection[str]]) -> None:
    """Drop requests for symbols that are no longer held.

    Parameters
    ----------
    held : mapping of symbol to str
        The sleeves that hold each symbol.
    """
    statements, now = desk.store.statements, desk.clock.now()
    for symbol in statements.flatten_requests():
        if not held.get(symbol):
            statements.end_flatten(symbol, now)
    for sleeve in desk.sleeves:
        for symbol in statements.flatten_requests(sleeve.name):
            if sleeve.name not in held.get(symbol, ()):
                statements.end_flatten(symbol, now, sleeve.name)
