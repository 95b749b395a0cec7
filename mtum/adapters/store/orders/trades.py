"""The table of round trips, written in the transaction of the fills, splits and changes of symbols that make them."""

import sqlite3
from collections.abc import Collection, Sequence
from decimal import ROUND_HALF_UP, Decimal

from mtum.adapters.store.actions import read_actions
from mtum.adapters.store.orders.executions import fill_of
from mtum.adapters.store.texts import plain
from mtum.core.portfolio.fills import Action, SymbolChange, folded, rebased
from mtum.core.portfolio.lots import Trade, trades_of

_MILLIONTH = Decimal("0.000001")

type Row = tuple[str | int | float | None, ...]


def write_trades(connection: sqlite3.Connection, symbols: Collection[str] = ()) -> None:
    """Write the round trips of these symbols anew; of all where none is named or any symbol has ever changed."""
    actions = read_actions(connection)
    every = not symbols or any(isinstance(one, SymbolChange) for one in actions)
    which, values = "1", tuple[str, ...]()
    if not every:
        which, values = "symbol IN (SELECT value FROM json_each(?))", (plain(sorted(symbols)),)
    connection.execute(f"DELETE FROM trades WHERE {which}", values)
    rows = _rows(connection, actions, which, values)
    connection.executemany("INSERT INTO trades VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", rows)


def trade_problems(connection: sqlite3.Connection) -> list[str]:
    """Return which round trips are not what the fills make, one line each."""
    stored = {tuple(row) for row in connection.execute("SELECT * FROM trades")}
    differing = sorted({row[:3] for row in stored ^ {*_rows(connection, read_actions(connection))}})
    return [
        f"the trade of {symbol} by {name} since {day} is not what its fills make" for name, symbol, day in differing
    ]


def _rows(
    connection: sqlite3.Connection, actions: Sequence[Action], which: str = "1", values: Sequence[str] = ()
) -> list[Row]:
    fills = [fill_of(row) for row in connection.execute(f"SELECT * FROM fills WHERE {which}", values)]
    return [_row(trade) for trade in trades_of(rebased(folded(fills), actions))]


def _row(trade: Trade) -> Row:
    return (
        trade.strategy,
        trade.symbol,
        trade.entry_session.isoformat(),
        _rounded(trade.entry_price),
        trade.exit_session.isoformat() if trade.exit_session else None,
        _rounded(trade.exit_price),
        trade.shares,
        _rounded(trade.pnl_usd),
        trade.return_frac,
        _rounded(trade.commission_usd),
        trade.exit_intent_id if trade.exit_session else None,
    )


def _rounded(amount: Decimal | None) -> float | None:
    return None if amount is None else float(amount.quantize(_MILLIONTH, rounding=ROUND_HALF_UP))
