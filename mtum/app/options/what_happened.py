"""What happened to the options of an account while sessions were played: sessions of each kind of order and end."""

from collections.abc import Iterable
from datetime import date
from typing import Any

from mtum.app.desk import Desk
from mtum.core.options.chain import ON_FUTURE
from mtum.core.options.legs import OptionPurpose
from mtum.core.options.model.levels import ILLUSTRATION, MODEL_PRICED
from mtum.core.portfolio.options.lots import EventKind
from mtum.core.strategies.option_rules import RISKS
from mtum.ports.options import OptionState

ORDERS = {OptionPurpose.OPEN: "openings", OptionPurpose.ROLL: "rolls", OptionPurpose.CLOSE: "early_closes"}
ENDS = {
    EventKind.ASSIGNED: "assignments",
    EventKind.EXERCISED: "exercises",
    EventKind.EXPIRED: "expiries",
    EventKind.CASH_SETTLED: "cash_settlements",
}
KINDS = (*ORDERS.values(), "stops", *ENDS.values())
"""What can happen, in the order in which it is listed."""


def what_happened(desk: Desk) -> dict[str, Any]:
    """Return how many orders there were, what their prices are called, and the sessions of what happened."""
    store = desk.store.options
    states, events = store.states(), store.events()
    days: dict[str, list[date]] = {kind: [] for kind in KINDS}
    for state in _filled(states):
        days[_kind(state)].append(state.intent.session)
    for event in events:
        if event.kind in ENDS:
            days[ENDS[event.kind]].append(event.effective)
    quoted = {state.intent.underlying for state in states}
    return {
        "label": ILLUSTRATION if quoted & ON_FUTURE else MODEL_PRICED,
        "orders": len(states),
        "filled": sum(1 for _ in _filled(states)),
        "fills": len(store.fills()),
        "contains": {kind: [day.isoformat() for day in sorted(found)] for kind, found in days.items()},
    }


def _filled(states: Iterable[OptionState]) -> Iterable[OptionState]:
    return (one for one in states if one.filled)


def _kind(state: OptionState) -> str:
    risk = state.intent.purpose is OptionPurpose.CLOSE and bool(RISKS & {*state.intent.reasons[:1]})
    return "stops" if risk else ORDERS[state.intent.purpose]
