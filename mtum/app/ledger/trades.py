"""Round trips of a strategy as documents: what backtest, demo and exports all show."""

from collections.abc import Mapping, Sequence
from typing import Any

from mtum.core.market.sessions import Sessions
from mtum.core.portfolio.fills import folded, rebased
from mtum.core.portfolio.lots import Trade, trades_of
from mtum.ports.store import Store


def trade_documents(store: Store, strategy: str, sessions: Sessions) -> list[dict[str, Any]]:
    """Return every trade of the strategy, oldest first; an open one has no exit."""
    fills = rebased(folded(store.orders.fills(strategy)), store.bars.splits())
    reasons = {state.intent.id: state.intent.reasons for state in store.orders.states()}
    return [_document(trade, reasons, sessions) for trade in trades_of(fills)]


def _document(trade: Trade, reasons: Mapping[str, Sequence[str]], sessions: Sessions) -> dict[str, Any]:
    closed = trade.exit_session is not None
    return {
        "symbol": trade.symbol,
        "entry_session": trade.entry_session.isoformat(),
        "entry_price": float(trade.entry_price),
        "exit_session": trade.exit_session.isoformat() if trade.exit_session else None,
        "exit_price": float(trade.exit_price) if trade.exit_price is not None else None,
        "shares": trade.shares,
        "pnl_usd": float(trade.pnl_usd) if trade.pnl_usd is not None else None,
        "return_frac": trade.return_frac,
        "reason": _reason(reasons.get(trade.exit_intent_id or "", ())) if closed else None,
        "sessions_held": sessions.count(trade.entry_session, trade.exit_session) if trade.exit_session else None,
    }


def _reason(reasons: Sequence[str]) -> str | None:
    words = [reason for reason in reasons if reason != "exit_carried"]
    return words[0] if words else None
