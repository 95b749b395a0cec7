"""A person's order to close a position at the close, through the same path as every exit."""

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
