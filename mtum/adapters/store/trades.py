"""Round trips that a new name, a merger or a spin-off went through, which `v_trades` shows as they were traded."""

import json
import sqlite3
from collections.abc import Iterator
from datetime import date

from mtum.adapters.store.actions import read_actions
from mtum.adapters.store.orders.executions import fill_of
from mtum.core.portfolio.fills import folded, rebased
from mtum.core.portfolio.lots import Trade, trades_of
from mtum.ports.reading import TradeRow

_PLACES = 6


def followed_trades(connection: sqlite3.Connection) -> list[TradeRow]:
    """Return every round trip under today's symbols, oldest first."""
    fills = [fill_of(row) for row in connection.execute("SELECT * FROM fills")]
    return [_row(connection, trade) for trade in trades_of(rebased(folded(fills), read_actions(connection)))]


def _row(connection: sqlite3.Connection, trade: Trade) -> TradeRow:
    exit_price, pnl, fee = (
        None if amount is None else round(float(amount), _PLACES)
        for amount in (trade.exit_price, trade.pnl_usd, trade.commission_usd)
    )
    return TradeRow(
        strategy=trade.strategy,
        symbol=trade.symbol,
        entry_session=trade.entry_session.isoformat(),
        entry_price=round(float(trade.entry_price), _PLACES),
        exit_session=trade.exit_session.isoformat() if trade.exit_session else None,
        exit_price=exit_price,
        shares=trade.shares,
        pnl_usd=pnl,
        return_frac=trade.return_frac,
        reason=next(_reasons(connection, trade), None) if trade.exit_session else None,
        sessions_held=_sessions(connection, trade.entry_session, trade.exit_session) if trade.exit_session else None,
        commission_usd=fee,
    )


def _reasons(connection: sqlite3.Connection, trade: Trade) -> Iterator[str]:
    sql = "SELECT reasons FROM order_intents WHERE id = ?"
    for (reasons,) in connection.execute(sql, (trade.exit_intent_id,)):
        yield from (reason for reason in json.loads(reasons) if reason != "exit_carried")
    yield "merged"  # paid out in cash, without an order


def _sessions(connection: sqlite3.Connection, first: date, last: date) -> int:
    sql = "SELECT count(DISTINCT session) FROM bars WHERE session > ? AND session <= ?"
    return int(connection.execute(sql, (first.isoformat(), last.isoformat())).fetchone()[0])
