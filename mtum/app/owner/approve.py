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
    while not _approved(desk, intent):
        now = desk.clock.now()
        if now >= last:
            return False
        desk.clock.wait_until(last if desk.replayed else min(last, now + LOOK_EVERY))
    return True


def _approved(desk: Desk, intent: OrderIntent) -> bool:
    """Return whether an approval covers the order: one that names its sleeve or symbol, or what was noticed before.

    An approval of a whole session is for the orders that the notice listed, a purchase for at most a tenth more
    shares. Where nothing was noticed it is for every order.
    """
    approvals, way = desk.store.approvals, way_of(intent)
    if approvals.approved(intent.session, way, intent.strategy, intent.symbol):
        return True
    if not approvals.approved(intent.session, way):
        return False
    noticed = desk.store.plans.previewed(intent.session, intent.strategy)
    if noticed is None:
        return True
    shares = [
        int(one["shares"]) for one in noticed if (one["symbol"], one["side"]) == (intent.symbol, intent.side.value)
    ]
    return bool(shares) and (not intent.purpose.opens or 10 * intent.shares <= 11 * shares[0])
