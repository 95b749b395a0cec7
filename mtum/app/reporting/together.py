"""What the account did with the wishes of its sleeves in one session, as far as it is known by now."""

from collections.abc import Mapping

from mtum.app.reporting.facts import SessionFacts
from mtum.core.plans import standing_after
from mtum.core.portfolio.carried import standing_of
from mtum.core.reporting.coordination import coordination_document
from mtum.core.reporting.summary import StandingLine
from mtum.ports.store import Store


def coordination(store: Store, facts: SessionFacts) -> Mapping[str, object]:
    """Return crosses with what became of them, cuts, what was held back, and cash moved between sleeves."""
    plan = store.plans.find(facts.day)
    return coordination_document(None if plan is None else plan.document, crosses_told(store, facts))


def crosses_told(store: Store, facts: SessionFacts) -> dict[tuple[str, str], Mapping[str, object]]:
    """Return status and price of each cross by sleeve and symbol: the official close, before it the decision's."""
    closes = {
        (fill.strategy, fill.symbol): float(fill.price)
        for fill in facts.fills
        if fill.crossed and fill.session == facts.day
    }
    return {
        (one.strategy, one.symbol): {
            "status": one.status.value.lower(),
            "price_usd": closes.get((one.strategy, one.symbol), float(one.reference_price)),
        }
        for one in store.crosses.of(facts.day)
    }


def standing_lines(store: Store, facts: SessionFacts) -> tuple[StandingLine, ...]:
    """Return the purchases of a sleeve that are wanted again, after what the account's limits took of them.

    One whose order was filled is made.
    """
    stored = facts.decision.document.get("standing", []) if facts.decision else []
    wanted = standing_of(stored)
    plan = store.plans.find(facts.day) if wanted else None
    left = wanted if plan is None else standing_after(plan.document, facts.setup.strategy, wanted)
    held = {one.symbol: sum(lot.shares for lot in facts.lots(one.symbol)) for one in left}
    return tuple(StandingLine(one.symbol, one.shares, one.since) for one in left if held[one.symbol] < one.shares)
