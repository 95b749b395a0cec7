"""Sends one order in shares to the broker, reads its answer; cancels one, or tries one out."""

from collections.abc import Callable
from datetime import datetime

from msgspec.structs import replace

from mtum.adapters.brokers.ib.account import Unread
from mtum.adapters.brokers.ib.orders import listed_order
from mtum.adapters.brokers.ib.sending import OrderWire
from mtum.adapters.ib.codes import Meaning
from mtum.adapters.ib.contracts import Contracts
from mtum.adapters.ib.messages import Contract, Order
from mtum.core.portfolio.orders import Ticket
from mtum.ports.broker import Accepted, BrokerLists, Denied, Rejected, SubmitOutcome

type Lists = Callable[[], BrokerLists]


class OrderRequests:
    """Order requests over the run's connection.

    Parameters
    ----------
    acknowledge_seconds : float
        Longest wait for the answer to an order.
    lists : callable
        Asks the broker's lists afresh.
    """

    def __init__(self, contracts: Contracts, acknowledge_seconds: float, lists: Lists) -> None:
        self._connector = contracts.connector
        self._contracts = contracts
        self._lists = lists
        self._wire = OrderWire(contracts.connector, acknowledge_seconds, self._listed)

    def submit(self, ticket: Ticket, last_moment: datetime | None = None) -> SubmitOutcome:
        """Send one order, once; never connects again to do it, and never repeats it.

        Parameters
        ----------
        last_moment : datetime or None
            By the broker's clock: nothing is written later.
        """
        if ticket.untradable and not self._connector.login.read_only:
            return Denied("instrument", ticket.untradable)
        made: list[tuple[Contract, Order]] = []

        def make() -> tuple[Contract, Order]:
            made.append((self._contracts.contract(ticket.symbol), self._wire_order(ticket)))
            return made[0]

        sent = self._wire.send(make, last_moment)
        if not isinstance(sent, tuple):
            return sent
        (order_id, now), (contract, order) = sent, made[0]
        reply = self._wire.awaited(order_id, ticket.ref)
        if reply.meaning is Meaning.CANCEL_IT and reply.perm_id:
            # It would sell more than is held: it lives, and must not.
            self._wire.cancel(order_id)
            return Rejected(*reply.worst, final=False, by_code=False)
        doubtful = reply.meaning in (Meaning.UNKNOWN, Meaning.REJECTED)
        if reply.perm_id and not (reply.ended or doubtful):
            order.permId, order.orderId = reply.perm_id, order_id
            word, session = reply.word or "PreSubmitted", reply.other_session(now.date())
            listed = listed_order(contract, order, word, reply.filled, Unread(), session)
            if listed is not None:
                code, text = reply.worst
                return Accepted(replace(listed, code=code or None, text=text or listed.text))
        return self._wire.refused(reply, ticket.ref, order_id)

    def cancel(self, ref: str) -> bool:
        """Ask to cancel the working orders of a reference; whether fresh lists then agree that they are gone."""
        mine = [order for order in self._lists().orders if order.ref == ref and order.may_fill]
        ours = self._connector.login.client_id
        if not mine or any(order.client_id != ours or not order.order_id for order in mine):
            return False
        for order in mine:
            self._wire.cancel(order.order_id or 0)
        after = self._lists()
        working = any(order.ref == ref and order.may_fill for order in after.orders)
        return not working and all(fill.ref != ref for fill in after.fills)

    def what_if(self, ticket: Ticket) -> str | None:
        """Return why the broker would refuse the order, None if it would take it; nothing is placed.

        Raises
        ------
        BrokerUnavailableError
            If the gateway's interface takes no orders at all.
        """
        if ticket.untradable:
            return ticket.untradable
        order = self._wire_order(ticket)
        reply, shown = self._wire.tried(self._contracts.contract(ticket.symbol), order)
        if shown is not None:
            return None
        code, text = reply.worst
        return f"{code}: {text}" if code else "no answer to the trial order"

    def _wire_order(self, ticket: Ticket) -> Order:
        # Whole shares, DAY said out loud, account and reference always.
        order = self._connector.library.order()
        order.action = ticket.side.value
        order.orderType = ticket.order_type.value
        order.totalQuantity = ticket.shares
        order.tif = "DAY"
        order.account = ticket.account
        order.orderRef = ticket.ref
        order.clientId = self._connector.login.client_id
        order.transmit = True
        return order

    def _listed(self) -> set[str]:
        found = self._lists()
        return {*(one.ref for one in found.orders), *(fill.ref for fill in found.fills)}
