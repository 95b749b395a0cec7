"""Sends an order over the wire, once, and reads its answer: what orders in shares and in options share."""

import re
from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime, timedelta

from msgspec import Struct

from mtum.adapters.brokers.ib.account import shown
from mtum.adapters.brokers.ib.orders import STATUS
from mtum.adapters.clock import monotonic_seconds
from mtum.adapters.ib.codes import OTHER_SESSION, Meaning, gravest, is_read_only, row_of
from mtum.adapters.ib.connector import Connector
from mtum.adapters.ib.messages import Contract, Notice, OpenOrder, Order, OrderMessage, OrderUpdate
from mtum.adapters.ib.requests import CURRENT_TIME
from mtum.core.portfolio.orders import OrderStatus
from mtum.errors import BrokerError, BrokerUnavailableError, DataError
from mtum.ports.broker import Denied, NoAnswer, NotSent, Rejected

FRESH_SECONDS = 2.0
"""An older reading of the broker's clock does not tell whether an order may still leave."""
CLOCK_READINGS = 3
READ_ONLY = "the gateway's interface is read-only and took no order ({code}): untick Read-Only API in its settings"
_DATE = re.compile(r"\b(20\d{2})-?([01]\d)-?([0-3]\d)\b")


class Reply(Struct, frozen=True):
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
    received : sequence of OrderMessage
        Messages under the order's number.
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


class OrderWire:
    """Orders over the run's connection, whatever they trade.

    Parameters
    ----------
    acknowledge_seconds : float
        Longest wait for the answer to an order.
    listed : callable
        Asks the broker's lists afresh; the references of all orders and executions in them.
    """

    def __init__(self, connector: Connector, acknowledge_seconds: float, listed: Callable[[], Collection[str]]) -> None:
        self._connector = connector
        self._seconds = acknowledge_seconds
        self._listed = listed

    def send(
        self,
        made: Callable[[], tuple[Contract, Order]],
        last_moment: datetime | None = None,
        number: int | None = None,
    ) -> tuple[int, datetime] | Denied | NotSent:
        """Write one order, or a change of the one with a number; never connects again to do it, and never repeats it.

        Parameters
        ----------
        made : callable
            Makes the order and its contract.
        last_moment : datetime or None
            By the broker's clock: nothing is written later.
        number : int or None
            Number of the order that is changed; None for a new one.

        Returns
        -------
        tuple of (int, datetime), Denied or NotSent
            The order's number, and what the broker's clock said at the most.
        """
        if self._connector.login.read_only:
            return NotSent("this connection only reads; it cannot send orders")
        try:
            contract, order = made()
            now = self._now_at_the_latest()
            if last_moment is not None and now > last_moment:
                text = f"broker's clock {now:%H:%M:%S} UTC at the latest, last moment {last_moment:%H:%M:%S}"
                return Denied("window", text)
            return self._connector.connection.place(contract, order, number), now
        except (BrokerError, DataError) as error:
            return NotSent(str(error))

    def awaited(
        self, order_id: int, ref: str, since: int = 0, met: Callable[[Sequence[OrderMessage]], bool] | None = None
    ) -> Reply:
        """Wait for the answer to an order; return what was said.

        Parameters
        ----------
        order_id : int
            The order's number at its client.
        ref : str
            Our reference of the order.
        since : int
            Messages about its number that came before.
        met : callable, optional
            Whether what came after them is the answer; by default that it is taken, refused, or in doubt.
        """
        connection = self._connector.connection
        received = connection.callbacks.follow(order_id)

        def reply() -> Reply:
            return reply_of(received[since:], self._connector.login.client_id, ref)

        def answered() -> bool:
            return reply().settled if met is None else met(received[since:])

        connection.wait(self._seconds, answered)
        if connection.alive and answered():
            # A notice about the order may follow; it has arrived when a later request is answered.
            connection.ask((CURRENT_TIME,))
        return reply()

    def refused(self, reply: Reply, ref: str, order_id: int) -> Rejected | NotSent | NoAnswer:
        """Return what became of an order that was not taken, or not certainly.

        Parameters
        ----------
        reply : Reply
            What the broker has said about one order so far.
        ref : str
            Our reference of the order.
        order_id : int
            The order's number at its client.
        """
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

    def cancel(self, order_id: int) -> Reply:
        """Ask to cancel an order of this client, and wait for a word about it; return what was said."""
        connection = self._connector.connection
        received = connection.callbacks.follow(order_id)
        before = len(received)
        connection.cancel(order_id)

        def reply() -> Reply:
            return reply_of(received[before:], self._connector.login.client_id)

        connection.wait(self._connector.login.request_seconds, lambda: reply().ended or bool(reply().errors))
        return reply()

    def tried(self, contract: Contract, order: Order) -> tuple[Reply, OpenOrder | None]:
        """Try an order out; return what was said and the order with its figures, None if it was not shown.

        Raises
        ------
        BrokerUnavailableError
            If the gateway's interface takes no orders at all.
        """
        order.whatIf = True
        connection = self._connector.connection
        received = connection.callbacks.follow(connection.place(contract, order))

        def reply() -> Reply:
            return reply_of(received, self._connector.login.client_id)

        connection.wait(self._connector.login.request_seconds, lambda: reply().shown or bool(reply().errors))
        if not reply().shown and reply().read_only:
            raise BrokerUnavailableError(READ_ONLY.format(code=reply().worst[0]))
        shows = [message for message in received if isinstance(message, OpenOrder)]
        return reply(), shows[-1] if reply().shown else None

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

    def _certainly_absent(self, ref: str) -> bool:
        try:
            return ref not in self._listed()
        except BrokerUnavailableError:
            return False
