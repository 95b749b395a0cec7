"""Approval of an order by a person, in advance or while the order waits for it."""

from datetime import timedelta
from typing import Literal

from mtum.app.desk import Desk
from mtum.core.market.sessions import Session
from mtum.core.portfolio.gate import last_instant
from mtum.core.portfolio.orders import OrderIntent, Purpose
from mtum.ports.records import Way

LOOK_EVERY = timedelta(seconds=2)


def needs_approval(required: bool | Literal["all"], purpose: Purpose) -> bool:
    """Return whether an order of that purpose waits for a person: entries under true, all under "all"."""
    return required == "all" or (required is True and purpose.opens)


def way_of(intent: OrderIntent) -> Way:
    """Return the word that approves an intent."""
    return "enter" if intent.purpose.opens else "exit"


def wait_for_approval(desk: Desk, session: Session, intent: OrderIntent) -> bool:
    """Return whether the order may be sent, waiting for a person until the last send at most."""
    if not needs_approval(desk.settings.risk_of(intent.strategy).require_confirmation, intent.purpose):
        return True
    last = last_instant(session, intent.order_type, desk.settings.schedule.last_send_minutes)
    while not desk.store.approvals.approved(intent.session, way_of(intent), intent.strategy, intent.symbol):
        now = desk.clock.now()
        if now >= last:
            return False
        desk.clock.wait_until(last if desk.replayed else min(last, now + LOOK_EVERY))
    return True
