"""The document of one run: the stored decision and its orders, as `mtum run --json` gives it."""

from collections.abc import Mapping, Sequence
from typing import Any

from mtum.app.desk import Problem, exit_code_of
from mtum.core.canonical import utc_text
from mtum.core.decide import FAILED
from mtum.core.portfolio.decision import Action
from mtum.core.reporting.parts.coordination import coordination_document
from mtum.core.strategies.answers import UNFIT
from mtum.ports.records import DecisionRecord, IntentState, PlanRecord

_SEEN = ("volume_so_far", "volume_share", "bar_time")
"""What a decision may know of today's bar beside the strategy's own values."""


def run_document(
    records: Sequence[DecisionRecord],
    states: Sequence[IntentState],
    mode: str,
    problems: tuple[Problem, ...],
    plan: PlanRecord | None = None,
) -> dict[str, Any]:
    """Return the document of a decided session.

    At the top stands the account: what its sleeves did together, and the first symbol's conditions and
    indicators. `sleeves` has what each did, `symbols` every symbol as the first sleeve that trades it saw it.

    Parameters
    ----------
    records : sequence of DecisionRecord
        Decisions of the session.
    states : sequence of IntentState
        Intents with their status.
    mode : str
        practice, paper or live.
    problems : tuple of Problem
        What went wrong.
    plan : PlanRecord or None
        What the account planned in a session, with every input it saw; documents are plain JSON values; None for
        none.
    """
    first = records[0]
    sleeves = {record.strategy: _sleeve_document(record, states) for record in records}
    symbols: dict[str, Any] = {}
    for one in sleeves.values():
        symbols = {**one["symbols"], **symbols}
    shown = next(iter(first.document["symbols"]), None)
    acting, action, reasons = acted_together(records)
    return {
        "session": first.session.isoformat(),
        "mode": mode,
        "account": first.account,
        "strategy": ", ".join(sleeves),
        "action": action,
        "reasons": list(reasons),
        **_settlement(acting),
        "conditions": symbols[shown]["conditions"] if shown else [],
        "indicators": symbols[shown]["indicators"] if shown else {},
        **orders_document(states),
        "undecided": [
            symbol if len(records) == 1 else f"{record.strategy}/{symbol}"
            for record in records
            for symbol, part in record.document["symbols"].items()
            if part.get("reasons") in ([UNFIT], [FAILED])
        ],
        "symbols": symbols,
        "sleeves": sleeves,
        "coordination": coordination_document(None if plan is None else plan.document),
        "provisional": first.document.get("provisional", False),
        "degraded": list(dict.fromkeys(word for record in records for word in record.document.get("degraded", []))),
        "problems": [problem.document() for problem in problems],
        "exit_code": int(exit_code_of(problems)),
        "decided_at": utc_text(first.decided_at),
        "source": first.document.get("source"),
        "rerun": False,
    }


def acted_together(records: Sequence[DecisionRecord]) -> tuple[Sequence[DecisionRecord], str, tuple[str, ...]]:
    """Return the decisions that speak for the account (those that trade, if any do), its action and its reasons."""
    real = [record for record in records if not record.document.get("virtual")] or records
    acting = [record for record in real if record.action in (Action.ENTER.value, Action.EXIT.value)] or real
    actions = {record.action for record in acting}
    action = next(word for word in ("exit", "enter", "hold", "none") if word in actions)
    return acting, action, tuple(dict.fromkeys(reason for record in acting for reason in record.reasons))


def _settlement(records: Sequence[DecisionRecord]) -> dict[str, Any]:
    waiting = [record for record in records if "cash_not_settled" in record.reasons]
    told = [day for record in waiting if (day := record.frame["book"].get("settles_by"))]
    return {"cash_settles_by": max(told)} if told else {}


def _sleeve_document(record: DecisionRecord, states: Sequence[IntentState]) -> dict[str, Any]:
    seen: Mapping[str, Any] = record.document.get("seen", {})
    return {
        "action": record.action,
        "reasons": list(record.reasons),
        **({"virtual": True, "planned": record.document["planned"]} if record.document.get("virtual") else {}),
        **_settlement([record]),
        "orders": orders_document([one for one in states if one.intent.strategy == record.strategy])["orders"],
        "symbols": {
            symbol: {
                "indicators": _indicators(part, seen.get(symbol, {})),
                "conditions": part["conditions"],
                **({"conflict": part["conflict"]} if part.get("conflict") else {}),
            }
            for symbol, part in record.document["symbols"].items()
        },
    }


def empty_document(
    session: str | None, mode: str, account: str, strategy: str, problems: tuple[Problem, ...]
) -> dict[str, Any]:
    """Return the document of a session without a decision.

    Parameters
    ----------
    session : str or None
        The session's date; None for none.
    mode : str
        practice, paper or live.
    account : str
        Code of the account.
    strategy : str
        Name of the strategy, or of its sleeve.
    problems : tuple of Problem
        What went wrong.
    """
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
        "sleeves": {},
        "coordination": coordination_document(None),
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
