"""Approval of an order by a person, in advance or while the order waits for it."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import TYPE_CHECKING, Any, Literal

from mtum.app.desk import Desk
from mtum.core.canonical import canonical, parsed
from mtum.core.market.sessions import Session
from mtum.core.portfolio.decision import PlannedOrder
from mtum.core.portfolio.gate import last_instant
from mtum.core.portfolio.orders import OrderIntent, Purpose
from mtum.ports.control_store import ControlStore
from mtum.ports.records import Way

if TYPE_CHECKING:
    from mtum.core.portfolio.options.orders import OptionIntent  # loads the pricing of options

LOOK_EVERY = timedelta(seconds=2)
NOTICED = "noticed_orders"
"""Key in `meta` of what the last notice before a session listed."""


def needs_approval(required: bool | Literal["all"], purpose: Purpose) -> bool:
    """Return whether an order of that purpose waits for a person: entries under true, all under "all"."""
    return required == "all" or (required is True and purpose.opens)


def way_of(order: PlannedOrder | OrderIntent) -> Way:
    """Return the word that approves an order."""
    return "enter" if order.purpose.opens else "exit"


def wait_for_approval(desk: Desk, session: Session, intent: OrderIntent) -> bool:
    """Return whether the order may be sent, waiting for a person until the last send at most.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    session : Session
        The session, with its open and close.
    intent : OrderIntent
        What we want to trade, recorded before it is sent.
    """
    last = last_instant(session, intent.order_type, desk.settings.schedule.last_send_minutes)
    while True:
        shares = approved_shares(desk, session.day, intent.strategy, intent)
        if shares is None or intent.shares <= shares:
            return True
        now = desk.clock.now()
        if now >= last:
            return False
        desk.clock.wait_until(last if desk.replayed else min(last, now + LOOK_EVERY))


def approved_shares(desk: Desk, day: date, sleeve: str, order: PlannedOrder | OrderIntent) -> int | None:
    """Return how many shares of an order a person has let through by now; None for any number.

    An approval that names the order's sleeve or symbol covers it as it is. One of a whole session covers what
    the notice listed, a purchase for at most a tenth more shares, and every order where there was no notice.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    day : date
        The session's date.
    sleeve : str
        Name of the sleeve.
    order : PlannedOrder or OrderIntent
        The order.
    """
    if not needs_approval(desk.settings.risk_of(sleeve).require_confirmation, order.purpose):
        return None
    approvals, way = desk.store.approvals, way_of(order)
    if approvals.approved(day, way, sleeve, order.symbol):
        return None
    if not approvals.approved(day, way):
        return 0
    listed = noticed(desk.store.control, day)
    if listed is None:
        return None
    key = (sleeve, order.symbol, order.side.value)
    shares = [int(one["shares"]) for one in listed if (one["sleeve"], one["symbol"], one["side"]) == key]
    return (shares[0] * 11 // 10 if order.purpose.opens else None) if shares else 0


def option_approved(desk: Desk, intent: "OptionIntent") -> bool:
    """Return whether an order in options may be sent by now: openings and rolls under true, closings too under "all".

    An approval that names its sleeve or underlying covers it as it is. One of a whole session covers what the notice
    listed, for no more units than it did, and every order where there was no notice.
    """
    required, closes = desk.settings.risk_of(intent.strategy).require_confirmation, intent.purpose.value == "close"
    if not required or (closes and required != "all"):
        return True
    approvals, way = desk.store.approvals, option_way(intent)
    if approvals.approved(intent.session, way, intent.strategy, intent.underlying):
        return True
    if not approvals.approved(intent.session, way):
        return False
    listed, key = noticed(desk.store.control, intent.session), (intent.strategy, intent.underlying)
    if listed is None:
        return True
    units = [one["shares"] for one in listed if (one["sleeve"], one["symbol"]) == key and one.get("way") == way]
    return bool(units) and (closes or intent.quantity <= max(map(int, units)))


def option_way(intent: "OptionIntent") -> Way:
    """Return the word that approves an order in options."""
    return "exit" if intent.purpose.value == "close" else "enter"


def noticed(control: ControlStore, day: date) -> Sequence[Mapping[str, Any]] | None:
    """Return the orders that the notice before a session listed, None where there was none."""
    found = parsed(dict[str, Any], control.meta(NOTICED) or "{}", NOTICED)
    return found["orders"] if found.get("session") == day.isoformat() else None


def keep_notice(desk: Desk, day: date, orders: Sequence[Mapping[str, Any]]) -> None:
    """Keep what the notice before a session lists; the first that listed something is the one that was read.

    Parameters
    ----------
    desk : Desk
        Broker, store, source, calendar and settings of the run.
    day : date
        The session's date.
    orders : sequence of mapping of str to any
        Orders that the notice lists.
    """
    if not noticed(desk.store.control, day):
        desk.store.control.set_meta(NOTICED, canonical({"session": day.isoformat(), "orders": list(orders)}))
