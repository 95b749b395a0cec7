"""Sends one order to the broker, once, and reads its answer; cancels one, or tries one out. The only place that can."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from mtum.adapters.brokers.ib.account import Unread, shown
from mtum.adapters.brokers.ib.orders import STATUS, listed_order
from mtum.adapters.clock import monotonic_seconds
from mtum.adapters.ib.codes import OTHER_SESSION, Meaning, gravest, is_read_only, row_of
from mtum.adapters.ib.contracts import Contracts
from mtum.adapters.ib.messages import Notice, OpenOrder, Order, OrderMessage, OrderUpdate
from mtum.adapters.ib.requests import CURRENT_TIME
from mtum.core.portfolio.orders import OrderStatus, Ticket
from mtum.errors import BrokerError, BrokerUnavailableError, DataError
from mtum.ports.broker import Accepted, BrokerLists, Denied, NoAnswer, NotSent, Rejected, SubmitOutcome

type Lists = Callable[[], BrokerLists]

FRESH_SECONDS = 2.0
"""An older reading of the broker's clock does not tell whether an order may still leave."""
CLOCK_READINGS = 3
READ_ONLY = "the gateway's interface is read-only and took no order ({code}): untick Read-Only API in its settings"
_DATE = re.compile(r"\b(20\d{2})-?([01]\d)-?([0-3]\d)\b")


@dataclass(frozen=True, slots=True)
class Reply:
    """What the broker has said about one order so far.

    Parameters
    ----------
    perm_id : int
        The permanent id, 0 while none has come.
    word : str
        Newest status word, "" for none.
    errors : tuple of (code, text)
        Every error, warning and notice that carried its id.
    shown : bool
        Whether the order was shown (openOrder).
    """

    perm_id: int = 0
    word: str = ""
    filled: int = 0
    errors: tuple[tuple[int, str], ...] = ()
    shown: bool = False

    @property
    def ended(self) -> bool:
        """Whether the status word says that the order is no longer working."""
        return STATUS.get(self.word) in (OrderStatus.CANCELED, OrderStatus.REJECTED)

    @property
    def meaning(self) -> Meaning:
        """What the codes mean together."""
        return gravest(code for code, _ in self.errors)

    @property
    def settled(self) -> bool:
        """Whether nothing more has to be waited for: taken, refused, or in doubt."""
        return bool(self.perm_id) or self.ended or self.meaning is not Meaning.GOES_ON

    @property
    def read_only(self) -> bool:
        """Whether the gateway's interface takes no orders."""
        return not self.perm_id and any(is_read_only(text) for _, text in self.errors)

    @property
    def worst(self) -> tuple[int, str]:
        """Code and text of the message that matters most, (0, "") if there is none."""
        telling = [(code, text) for code, text in self.errors if row_of(code).order is not Meaning.GOES_ON]
        return (telling or list(self.errors) or [(0, "")])[-1]

    def other_session(self, today: date) -> date | None:
        """Return the date that the broker names for an order it holds back, unless it is today's."""
        for code, text in self.errors:
            if code == OTHER_SESSION:
                named = [date(int(y), int(m), int(d)) for y, m, d in _DATE.findall(text)]
                later = [day for day in named if day != today]
                if later:
                    return later[-1]
        return None


def reply_of(received: Sequence[OrderMessage], client_id: int, ref: str = "") -> Reply:
    """Return what was said about an order of ours among all that came under its number.

    A master client receives other clients' orders too, and they count from the same numbers.

    Parameters
    ----------
    client_id : int
        Our client.
    ref : str
        Reference that the order has to carry; "" for any.
    """
    perm_id, word, filled, shows = 0, "", 0, False
    errors: list[tuple[int, str]] = []
    for message in received:
        match message:
            case Notice():  # an error names no client
                errors.append((int(message.code), str(message.text)))
            case OpenOrder(order=order):
                if shown(order.clientId) == client_id and ref in ("", str(order.orderRef or "")):
                    perm_id, shows = shown(order.permId) or perm_id, True
                    word = str(message.state.status or word)
            case OrderUpdate():
                if shown(message.client_id) == client_id:
                    perm_id = shown(message.perm_id) or perm_id
                    word, filled = str(message.status), shown(message.filled)
    return Reply(perm_id, word, filled, tuple(errors), shows)


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
        self._seconds = acknowledge_seconds
        self._lists = lists

    def submit(self, ticket: Ticket, last_moment: datetime | None = None) -> SubmitOutcome:
        """Send one order, once; never connects again to do it, and never repeats it.

        Parameters
        ----------
        last_moment : datetime or None
            By the broker's clock: nothing is written later.
        """
        if self._connector.login.read_only:
            return NotSent("this connection only reads; it cannot send orders")
        if ticket.untradable:
            return Denied("instrument", ticket.untradable)
        try:
            contract, order = self._contracts.contract(ticket.symbol), self._wire_order(ticket)
            now = self._now_at_the_latest()
            if last_moment is not None and now > last_moment:
                text = f"broker's clock {now:%H:%M:%S} UTC at the latest, last moment {last_moment:%H:%M:%S}"
                return Denied("window", text)
            order_id = self._connector.connection.place(contract, order)
        except (BrokerError, DataError) as error:
            return NotSent(str(error))
        reply = self._awaited(order_id, ticket.ref)
        if reply.meaning is Meaning.CANCEL_IT and reply.perm_id:
            # It would sell more than is held: it lives, and must not.
            self._cancel_one(order_id)
            return Rejected(*reply.worst, final=False, by_code=False)
        doubtful = reply.meaning in (Meaning.UNKNOWN, Meaning.REJECTED)
        if reply.perm_id and not (reply.ended or doubtful):
            order.permId, order.orderId = reply.perm_id, order_id
            word, session = reply.word or "PreSubmitted", reply.other_session(now.date())
            listed = listed_order(contract, order, word, reply.filled, Unread(), session)
            if listed is not None:
                code, text = reply.worst
                return Accepted(replace(listed, code=code or None, text=text or listed.text))
        return self._refused(reply, ticket.ref, order_id)

    def cancel(self, ref: str) -> bool:
        """Ask to cancel the working orders of a reference; whether fresh lists then agree that they are gone."""
        mine = [order for order in self._lists().orders if order.ref == ref and order.may_fill]
        ours = self._connector.login.client_id
        if not mine or any(order.client_id != ours or not order.order_id for order in mine):
            return False
        for order in mine:
            self._cancel_one(order.order_id or 0)
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
        order.whatIf = True
        connection = self._connector.connection
        order_id = connection.place(self._contracts.contract(ticket.symbol), order)
        received = connection.callbacks.follow(order_id)

        def reply() -> Reply:
            return reply_of(received, self._connector.login.client_id)

        connection.wait(self._connector.login.request_seconds, lambda: reply().shown or bool(reply().errors))
        if reply().shown:
            return None
        code, text = reply().worst
        if reply().read_only:
            raise BrokerUnavailableError(READ_ONLY.format(code=code))
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

    def _now_at_the_latest(self) -> datetime:
        """Return what the broker's clock can say at most, from a reading that is fresh by this computer's stopwatch.

        The clock is told in whole seconds, and its answer may have been on its way since it was asked.

        Raises
        ------
        BrokerUnavailableError
            If every answer takes too long.
        """
        for _ in range(CLOCK_READINGS):
            elapsed = monotonic_seconds()
            read = self._connector.probe_here()
            taken = elapsed()
            if taken < FRESH_SECONDS:
                return read + timedelta(seconds=1 + taken)
        raise BrokerUnavailableError(
            f"the broker's clock took more than {FRESH_SECONDS:g} s to answer, {CLOCK_READINGS} times; nothing is sent"
        )

    def _awaited(self, order_id: int, ref: str) -> Reply:
        connection = self._connector.connection
        received = connection.callbacks.follow(order_id)

        def reply() -> Reply:
            return reply_of(received, self._connector.login.client_id, ref)

        connection.wait(self._seconds, lambda: reply().settled)
        if connection.alive and reply().settled:
            # A notice about the order may follow; it has arrived when a later request is answered.
            connection.ask((CURRENT_TIME,))
        return reply()

    def _refused(self, reply: Reply, ref: str, order_id: int) -> SubmitOutcome:
        code, text = reply.worst
        if reply.read_only:
            return NotSent(READ_ONLY.format(code=code))
        if reply.meaning is Meaning.REJECTED and not reply.perm_id:
            return Rejected(code, text, final=self._certainly_absent(ref))
        if reply.ended:
            rejected = reply.meaning is Meaning.REJECTED
            return Rejected(code, text or f"the broker answers {reply.word}", final=False, by_code=rejected)
        text = f"{code} {text}" if code else "no answer to the order"
        return NoAnswer(text, self._connector.login.client_id, order_id)

    def _certainly_absent(self, ref: str) -> bool:
        try:
            found = self._lists()
        except BrokerUnavailableError:
            return False
        return ref not in {*(one.ref for one in found.orders), *(fill.ref for fill in found.fills)}

    def _cancel_one(self, order_id: int) -> None:
        connection = self._connector.connection
        received = connection.callbacks.follow(order_id)
        before = len(received)
        connection.cancel(order_id)

        def answered() -> bool:
            reply = reply_of(received[before:], self._connector.login.client_id)
            return reply.ended or bool(reply.errors)

        connection.wait(self._connector.login.request_seconds, answered)
