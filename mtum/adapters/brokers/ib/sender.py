"""Sends and cancels single orders; the only place that can."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import Any

from mtum.adapters.brokers.ib.account import Unread
from mtum.adapters.brokers.ib.orders import Echo, echo_of, listed_order, of_ours, wire_order
from mtum.adapters.clock import monotonic_seconds
from mtum.adapters.ib.codes import Meaning
from mtum.adapters.ib.contracts import Contracts
from mtum.adapters.ib.messages import CURRENT_TIME, OpenOrder, OrderMessage
from mtum.core.portfolio.orders import Ticket
from mtum.errors import BrokerError, BrokerUnavailableError, DataError
from mtum.ports.broker import Accepted, BrokerLists, Denied, NoAnswer, NotSent, Rejected, SubmitOutcome

type Lists = Callable[[], BrokerLists]

FRESH_SECONDS = 2.0
"""An older reading of the broker's clock does not tell whether an order may still leave."""
CLOCK_READINGS = 3

READ_ONLY = "the gateway's interface is read-only and took no order ({code}): untick Read-Only API in its settings"


class Sender:
    """Order requests over the run's connection.

    Parameters
    ----------
    acknowledge_seconds : float
        Longest wait for the answer to an order.
    """

    def __init__(self, contracts: Contracts, acknowledge_seconds: float) -> None:
        self._connector = contracts.connector
        self._contracts = contracts
        self._seconds = acknowledge_seconds

    def submit(self, ticket: Ticket, last_moment: datetime | None, lists: Lists) -> SubmitOutcome:
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
            contract = self._contracts.contract(ticket.symbol)
            order = wire_order(self._connector.library.order(), ticket, self._connector.login.client_id)
            now = self._now_at_the_latest()
            if last_moment is not None and now > last_moment:
                text = f"broker's clock {now:%H:%M:%S} UTC at the latest, last moment {last_moment:%H:%M:%S}"
                return Denied("window", text)
            order_id = self._connector.connection.place(contract, order)
        except (BrokerError, DataError) as error:
            return NotSent(str(error))
        echo = self._heard(order_id, ticket.ref)
        if echo.meaning is Meaning.CANCEL_IT and echo.perm_id:
            # It would sell more than is held: it lives, and must not.
            self._cancel_one(order_id)
            return Rejected(*echo.worst(), final=False, by_code=False)
        accepted = _accepted(echo, contract, order, order_id, now.date())
        return accepted or self._refused(echo, order, order_id, lists)

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

    def cancel(self, ref: str, lists: Lists) -> bool:
        """Ask to cancel the working orders of a reference; whether fresh lists then agree that they are gone."""
        mine = [order for order in lists().orders if order.ref == ref and order.may_fill]
        ours = self._connector.login.client_id
        if not mine or any(order.client_id != ours or not order.order_id for order in mine):
            return False
        for order in mine:
            self._cancel_one(order.order_id or 0)
        after = lists()
        working = any(order.ref == ref and order.may_fill for order in after.orders)
        return not working and all(fill.ref != ref for fill in after.fills)

    def what_if(self, ticket: Ticket) -> str | None:
        """Return why the broker would refuse the order, None if it would take it.

        Raises
        ------
        BrokerUnavailableError
            If the gateway's interface takes no orders at all.
        """
        if ticket.untradable:
            return ticket.untradable
        order = wire_order(self._connector.library.order(), ticket, self._connector.login.client_id)
        order.whatIf = True
        connection = self._connector.connection
        order_id = connection.place(self._contracts.contract(ticket.symbol), order)
        heard = connection.callbacks.follow(order_id)
        ours = order.clientId
        connection.wait(self._connector.login.request_seconds, lambda: _tried(of_ours(heard, ours)))
        if any(isinstance(message, OpenOrder) for message in of_ours(heard, ours)):
            return None
        echo = echo_of(of_ours(heard, ours))
        code, text = echo.worst()
        if echo.read_only:
            raise BrokerUnavailableError(READ_ONLY.format(code=code))
        return f"{code}: {text}" if code else "no answer to the trial order"

    def _heard(self, order_id: int, ref: str) -> Echo:
        connection, client_id = self._connector.connection, self._connector.login.client_id
        heard = connection.callbacks.follow(order_id)

        def echo() -> Echo:
            return echo_of(of_ours(heard, client_id, ref))

        connection.wait(self._seconds, lambda: echo().settled)
        if connection.alive and echo().settled:
            # A notice about the order may follow the echo; it has arrived when a later question is answered.
            connection.ask((CURRENT_TIME,))
        return echo()

    def _refused(self, echo: Echo, order: Any, order_id: int, lists: Lists) -> SubmitOutcome:
        code, text = echo.worst()
        if echo.read_only:
            return NotSent(READ_ONLY.format(code=code))
        if echo.meaning is Meaning.REJECTED and not echo.perm_id:
            return Rejected(code, text, final=not _listed(order.orderRef, lists))
        if echo.ended:
            rejected = echo.meaning is Meaning.REJECTED
            return Rejected(code, text or f"the broker answers {echo.word}", final=False, by_code=rejected)
        return NoAnswer(f"{code} {text}" if code else "no answer to the order", order.clientId, order_id)

    def _cancel_one(self, order_id: int) -> None:
        connection = self._connector.connection
        heard = connection.callbacks.follow(order_id)
        before = len(heard)
        connection.cancel(order_id)

        def answered() -> bool:
            echo = echo_of(of_ours(heard[before:], self._connector.login.client_id))
            return echo.ended or bool(echo.errors)

        connection.wait(self._connector.login.request_seconds, answered)


def _accepted(echo: Echo, contract: Any, order: Any, order_id: int, today: date) -> Accepted | None:
    doubtful = echo.meaning in (Meaning.UNKNOWN, Meaning.WAIT, Meaning.REJECTED)
    if not echo.perm_id or echo.ended or doubtful:
        return None
    order.permId, order.orderId = echo.perm_id, order_id
    word, filled = echo.word or "PreSubmitted", echo.filled
    listed = listed_order(contract, order, word, filled, Unread(), echo.other_session(today))
    code, text = echo.worst()
    return Accepted(replace(listed, code=code or None, text=text or listed.text)) if listed else None


def _listed(ref: str, lists: Lists) -> bool:
    try:
        found = lists()
    except BrokerUnavailableError:
        return True  # not proven absent
    return any(one.ref == ref for one in found.orders) or any(fill.ref == ref for fill in found.fills)


def _tried(heard: list[OrderMessage]) -> bool:
    return any(isinstance(message, OpenOrder) for message in heard) or bool(echo_of(heard).errors)
