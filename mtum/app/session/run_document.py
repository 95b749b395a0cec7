"""The document of one run: the stored decision and its orders, as `mtum run --json` gives it."""

from collections.abc import Mapping, Sequence
from typing import Any

from mtum.app.desk import Problem, exit_code_of
from mtum.core.decide import UNFIT
from mtum.ports.records import DecisionRecord, IntentState

_SEEN = ("volume_so_far", "volume_share", "bar_time")
"""What a decision may know of today's bar beside the strategy's own values."""


def run_document(
    record: DecisionRecord, states: Sequence[IntentState], mode: str, problems: tuple[Problem, ...]
) -> dict[str, Any]:
    """Return the document of a decided session.

    The first symbol's conditions and indicators stand at the top; `symbols` has every symbol's.
    """
    symbols: Mapping[str, Any] = record.document["symbols"]
    first: Mapping[str, Any] = next(iter(symbols.values()), {"conditions": [], "indicators": {}})
    seen: Mapping[str, Any] = record.document.get("seen", {})
    return {
        "session": record.session.isoformat(),
        "mode": mode,
        "account": record.account,
        "strategy": record.strategy,
        "action": record.action,
        "reasons": list(record.reasons),
        **_settlement(record),
        "conditions": first["conditions"],
        "indicators": _indicators(first, next(iter(seen.values()), {})),
        **orders_document(states),
        "undecided": [symbol for symbol, part in symbols.items() if part.get("reasons") == [UNFIT]],
        "symbols": {
            symbol: {"indicators": _indicators(part, seen.get(symbol, {})), "conditions": part["conditions"]}
            for symbol, part in symbols.items()
        },
        "provisional": record.document.get("provisional", False),
        "degraded": list(record.document.get("degraded", [])),
        "problems": [problem.document() for problem in problems],
        "exit_code": int(exit_code_of(problems)),
        "decided_at": record.decided_at.isoformat().replace("+00:00", "Z"),
        "source": record.document.get("source"),
        "rerun": False,
    }


def _settlement(record: DecisionRecord) -> dict[str, Any]:
    told = record.frame["book"].get("settles_by") if "cash_not_settled" in record.reasons else None
    return {"cash_settles_by": told} if told else {}


def empty_document(
    session: str | None, mode: str, account: str, strategy: str, problems: tuple[Problem, ...]
) -> dict[str, Any]:
    """Return the document of a session without a decision."""
    return {
        "session": session,
        "mode": mode,
        "account": account,
        "strategy": strategy,
        "action": "none",
        "reasons": [],
        "conditions": [],
        "indicators": {},
        "orders": [],
        "order": None,
        "sent": 0,
        "undecided": [],
        "symbols": {},
        "provisional": False,
        "degraded": [],
        "problems": [problem.document() for problem in problems],
        "exit_code": int(exit_code_of(problems)),
        "rerun": False,
    }


def orders_document(states: Sequence[IntentState]) -> dict[str, Any]:
    """Return a session's orders as they stand, the first of them, and how many were handed to the broker."""
    ours = [state for state in states if not state.intent.purpose.internal]
    orders = [order_document(state) for state in ours]
    sent = sum(state.status.sent for state in ours)
    return {"orders": orders, "order": orders[0] if orders else None, "sent": sent}


def order_document(state: IntentState) -> dict[str, Any]:
    """Return one intent and what became of it."""
    intent = state.intent
    return {
        "id": intent.id,
        "ref": intent.ref,
        "symbol": intent.symbol,
        "side": intent.side.value,
        "shares": intent.shares,
        "type": intent.order_type.value,
        "status": state.status.value,
        "broker_id": state.broker_id,
        "purpose": intent.purpose.value,
        "filled": state.filled,
        "reasons": list(intent.reasons),
        "text": state.text,
    }


def _indicators(part: Mapping[str, Any], seen: Mapping[str, Any]) -> dict[str, Any]:
    return {**part["indicators"], **dict.fromkeys(_SEEN), **seen}
