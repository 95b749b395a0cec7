"""Approval of an order by a person, in advance or while the order waits for it."""

from datetime import date, datetime, timedelta
from typing import Literal

from mtum.app.desk import Desk
from mtum.core.market.sessions import Session
from mtum.core.portfolio.gate import last_instant
from mtum.core.portfolio.orders import OrderIntent, Purpose
from mtum.ports.store import ControlStore

Way = Literal["enter", "exit"]
LOOK_EVERY = timedelta(seconds=2)
_KEY = "approved:"


def approve(control: ControlStore, session: date, way: Way, at: datetime) -> bool:
    """Record the approval of a session's entry or exit; False if it was approved before.

    It names the session, so that it lapses with it.
    """
    key = f"{_KEY}{session}:{way}"
    if control.meta(key):
        return False
    control.set_meta(key, at.isoformat())
    return True


def approved(control: ControlStore, session: date, way: Way) -> bool:
    """Return whether a person has approved that session's entry or exit."""
    return bool(control.meta(f"{_KEY}{session}:{way}"))


def needs_approval(required: bool | Literal["all"], purpose: Purpose) -> bool:
    """Return whether an order of that purpose waits for a person: entries under true, all under "all"."""
    return required == "all" or (required is True and purpose.opens)


def way_of(intent: OrderIntent) -> Way:
    """Return the word that approves an intent."""
    return "enter" if intent.purpose.opens else "exit"


def wait_for_approval(desk: Desk, session: Session, intent: OrderIntent) -> bool:
    """Return whether the order may be sent, waiting for a person until the last send at most."""
    if not needs_approval(desk.settings.risk.require_confirmation, intent.purpose):
        return True
    last = last_instant(session, intent.order_type, desk.settings.schedule.last_send_minutes)
    while not approved(desk.store.control, intent.session, way_of(intent)):
        now = desk.clock.now()
        if now >= last:
            return False
        desk.clock.wait_until(last if desk.replayed else min(last, now + LOOK_EVERY))
    return True
