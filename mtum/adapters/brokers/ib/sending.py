"""One order on the wire: sent once, judged by what is heard about it, never by the library's own idea of it."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from mtum.adapters.brokers.ib.account import shown
from mtum.adapters.brokers.ib.words import STATUS
from mtum.adapters.ib_session.codes import OTHER_SESSION, Meaning, gravest, is_read_only, row_of
from mtum.adapters.ib_session.ear import Heard
from mtum.core.portfolio.orders import OrderStatus, Ticket

_DATE = re.compile(r"\b(20\d{2})-?([01]\d)-?([0-3]\d)\b")


@dataclass(frozen=True, slots=True)
class Echo:
    """What has been heard about one order so far.

    Parameters
    ----------
    perm_id : int
        The permanent id, 0 while none has come.
    word : str
        Newest status word, "" for none.
    errors : tuple of (code, text)
        Every error, warning and notice that carried its id.
    """

    perm_id: int = 0
    word: str = ""
    filled: int = 0
    errors: tuple[tuple[int, str], ...] = ()

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

    def worst(self) -> tuple[int, str]:
        """Return code and text of the message that matters most, (0, "") if there is none."""
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


def of_ours(heard: Sequence[Heard], client_id: int, ref: str = "") -> list[Heard]:
    """Return what was heard about an order of ours among all that came under its number.

    A master client hears other clients' orders too, and they count from the same numbers.

    Parameters
    ----------
    client_id : int
        Our client.
    ref : str
        Reference that the order has to carry; "" for any.
    """
    return [message for message in heard if _is_ours(message, client_id, ref)]


def _is_ours(message: Heard, client_id: int, ref: str) -> bool:
    match message.name:
        case "openOrder":
            order = message.fields[2]
            return int(order.clientId or 0) == client_id and ref in ("", str(order.orderRef or ""))
        case "orderStatus":
            return int(message.fields[8] or 0) == client_id
        case _:
            return True  # an error names no client


def echo_of(heard: Sequence[Heard]) -> Echo:
    """Read what was heard about one order id."""
    perm_id, word, filled = 0, "", 0
    errors: list[tuple[int, str]] = []
    for message in heard:
        if message.name == "error":
            errors.append((int(message.fields[1]), str(message.fields[2])))
        elif message.name == "openOrder":
            _, _, order, state = message.fields
            perm_id, word = shown(order.permId) or perm_id, str(state.status or word)
        else:
            _, word, done, _, _, told = message.fields[:6]
            perm_id, word, filled = shown(told) or perm_id, str(word), shown(done)
    return Echo(perm_id, word, filled, tuple(errors))


def wire_order(order: Any, ticket: Ticket, client_id: int) -> Any:
    """Fill in an order of the library: whole shares, DAY said out loud, account and reference always."""
    order.action = ticket.side.value
    order.orderType = ticket.order_type.value
    order.totalQuantity = ticket.shares
    order.tif = "DAY"
    order.account = ticket.account
    order.orderRef = ticket.ref
    order.clientId = client_id
    order.transmit = True
    return order
