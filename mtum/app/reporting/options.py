"""What the report of a session says of options; loaded only where a sleeve trades them."""

from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal
from typing import Any

from mtum.app.options.last_seen import open_groups, seen_of
from mtum.app.reporting.facts import SessionFacts
from mtum.core.options.contracts import Delivery
from mtum.core.options.legs import ClosedLot
from mtum.core.portfolio.options.lots import EventKind
from mtum.core.reporting.explain_options import held_back_text
from mtum.core.reporting.figures import number
from mtum.core.reporting.option_groups import GroupLine
from mtum.core.reporting.option_section import OptionGroupLine, OptionsTold
from mtum.core.reporting.words import count
from mtum.ports.options import OptionState
from mtum.ports.store import Store

_ENDED = {
    EventKind.ASSIGNED.value: "assigned",
    EventKind.EXERCISED.value: "exercised",
    EventKind.EXPIRED.value: "expired",
    EventKind.CASH_SETTLED.value: "settled in cash",
    EventKind.STATED.value: "gone, as a person stated",
}
_MADE = {"open": "opened", "close": "closed", "roll": "rolled"}


def options_told(store: Store, facts: SessionFacts) -> OptionsTold:
    """Return what a sleeve did in options in a session, and what is open after it."""
    name, decision = facts.setup.chosen.name, facts.decision
    document: Mapping[str, Any] = decision.document.get("options", {}) if decision else {}
    book = store.options.book(name, facts.day)
    seen = None if decision is None else seen_of(name, facts.day, decision.frame, decision.settings)
    marks = {contract: price for contract, (price, _) in store.options.marks(facts.day).items()}
    states = [one for one in store.options.states(facts.day) if one.intent.strategy == name]
    before = facts.previous.session if facts.previous else None
    ended = [
        f"{count(abs(one.lot.quantity), 'contract')} of {one.lot.contract.words} {_ENDED[one.kind]} ({one.session})"
        for one in book.closed
        if one.kind in _ENDED and one.session <= facts.day and _is_news(one, before)
    ]
    return OptionsTold(
        source=str(document.get("source", "")),
        model_priced=bool(document.get("model_priced")),
        deeds=tuple(map(deed, states)),
        ended=tuple(ended),
        not_made=tuple(held_back_text(row) for row in document.get("held_back", ())),
        groups=tuple(_lines(open_groups(name, book, seen, marks))),
    )


def _is_news(one: ClosedLot, before: date | None) -> bool:
    # What ended by the close of the session before was booked this morning; everything else on its own day.
    by_close = one.session == one.lot.contract.ends and one.lot.contract.delivery is not Delivery.CASH_AM
    return before is None or one.session > before or (by_close and one.session == before)


def deed(state: OptionState) -> str:
    """Return what became of an order in options, in words; one of which nothing filled has opened nothing."""
    intent = state.intent
    legs = ", ".join(f"{leg.side.value} {leg.ratio * intent.quantity} {leg.contract.words}" for leg in intent.legs)
    done = f"{state.filled} of {count(intent.quantity, 'unit')} filled" if state.filled else "nothing filled"
    if state.filled is None:
        done = "its legs filled unevenly"
    price = state.attempts[-1].attempt.price if state.attempts else intent.envelope.start
    way = "received" if price < 0 else "paid"
    at = f" at {number(abs(float(price)))} USD {way} or better" if state.filled else ""
    made = f"order to {intent.purpose.value}" if state.filled == 0 else _MADE[intent.purpose.value]
    return f"{made.capitalize()} {intent.group}: {legs}; {done}{at}"


def _lines(groups: Iterator[GroupLine]) -> Iterator[OptionGroupLine]:
    for one in groups:
        yield OptionGroupLine(
            group=one.group,
            legs=tuple(f"{leg.quantity:+} {leg.contract}" for leg in one.legs),
            days=one.days,
            worth_usd=_amount(one.worth_usd),
            pnl_usd=_amount(one.pnl_usd),
            credit_usd=float(one.credit_usd),
            collateral_usd=float(one.collateral_usd),
            pledged_shares=one.pledged_shares,
            max_loss_usd=float(one.max_loss_usd),
            delta_shares=one.delta_shares,
            next=one.next.text if one.next else "no rule is known",
            contracts=sum(abs(leg.quantity) for leg in one.legs),
        )


def _amount(usd: Decimal | None) -> float | None:
    return None if usd is None else float(usd)
