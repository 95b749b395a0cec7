"""What a session's document says of options: what was decided, what was not and why, and how its orders stand."""

from collections.abc import Mapping, Sequence
from typing import Any

from mtum.core.record_options import intent_document
from mtum.ports.options import OptionState
from mtum.ports.records import DecisionRecord


def with_option_orders(
    document: Mapping[str, Any], records: Sequence[DecisionRecord], states: Sequence[OptionState]
) -> dict[str, Any]:
    """Return a session's document with its options: orders for the account, decision and orders for each sleeve.

    Parameters
    ----------
    document : mapping of str to any
        The session's document without options.
    records : sequence of DecisionRecord
        Decisions of the session.
    states : sequence of OptionState
        Intents in options with their status.
    """
    orders = [option_order_document(state) for state in states]
    sleeves = dict(document["sleeves"])
    for record in records:
        decided = record.document.get("options")
        if decided is not None and record.strategy in sleeves:
            mine = [order for order in orders if order["strategy"] == record.strategy]
            sleeves[record.strategy] = {
                **sleeves[record.strategy],
                "options": {
                    **{name: value for name, value in decided.items() if name != "verdicts"},
                    "verdicts": [
                        {name: value for name, value in verdict.items() if name != "selection"}
                        for verdict in decided["verdicts"]
                    ],
                    "orders": mine,
                },
            }
    return {**document, "sleeves": sleeves, "option_orders": orders}


def option_order_document(state: OptionState) -> dict[str, Any]:
    """Return one intent in options and what became of it."""
    newest = state.attempts[-1] if state.attempts else None
    return {
        **intent_document(state.intent),
        "strategy": state.intent.strategy,
        "status": state.status.value,
        "filled": state.filled,
        "attempts": len(state.attempts),
        "price": None if newest is None else str(newest.attempt.price),
        "ref": None if newest is None else newest.attempt.ref,
        "text": "" if newest is None else newest.text,
    }
