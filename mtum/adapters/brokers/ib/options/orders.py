"""Sends option orders to the broker, changes the price of a single leg, cancels; the broker's sign is made here alone.

A combination is always bought and each leg has its own side: a positive limit is what we pay, a negative one what we
get. A single leg has the side of its contract and a positive price.
"""

from collections.abc import Callable, Sequence
from datetime import datetime
from decimal import Decimal

from msgspec.structs import replace

from mtum.adapters.brokers.ib.account import ZERO, amount, shown
from mtum.adapters.brokers.ib.options.lists import COMBINATION
from mtum.adapters.brokers.ib.options.refusals import in_words, needs_person
from mtum.adapters.brokers.ib.orders import STATUS, OpenListing
from mtum.adapters.brokers.ib.sending import OrderWire, Reply
from mtum.adapters.ib.codes import Meaning, gravest
from mtum.adapters.ib.connector import Connector
from mtum.adapters.ib.messages import CompletedOrder, Contract, Notice, OpenOrder, Order, OrderMessage
from mtum.adapters.ib.options.details import SMART, OptionContracts
from mtum.core.market.instruments import Right
from mtum.core.options.ladder import NetPrice
from mtum.core.options.legs import OptionLeg
from mtum.core.portfolio.options.gate_facts import WhatIf
from mtum.core.portfolio.options.orders import Attempt
from mtum.core.portfolio.orders import OrderStatus, Side
from mtum.errors import BrokerUnavailableError, DataError
from mtum.ports.broker import Denied, NoAnswer, NotSent, Rejected
from mtum.ports.options import OptionOutcome, Working

ONE_SIDE_FRAC = Decimal("1.05")
"""Margin of a condor for which the broker asks for one side: that of the wider wing, and fees."""
CANCELED = 202
type OrderLists = Callable[[], tuple[list[OpenListing], list[CompletedOrder], set[str]]]


class OptionRequests:
    """Option orders over the run's connection.

    Parameters
    ----------
    acknowledge_seconds : float
        Longest wait for the answer to an order.
    lists : callable
        Asks afresh: open orders, orders that ended today, and the references of all these and of all executions.
    """

    def __init__(
        self, connector: Connector, contracts: OptionContracts, acknowledge_seconds: float, lists: OrderLists
    ) -> None:
        self._connector = connector
        self._contracts = contracts
        self._lists = lists
        self._wire = OrderWire(connector, acknowledge_seconds, lambda: lists()[2])

    def place(self, attempt: Attempt, last_moment: datetime | None = None) -> OptionOutcome:
        """Send an offer, once; never repeats by itself."""
        if why := unsendable(attempt):
            return Denied("order", why)
        sent = self._wire.send(lambda: self._made(attempt), last_moment)
        if not isinstance(sent, tuple):
            return sent
        order_id, now = sent
        reply = self._wire.awaited(order_id, attempt.ref)
        doubtful = reply.meaning in (Meaning.UNKNOWN, Meaning.REJECTED, Meaning.CANCEL_IT)
        if reply.perm_id and reply.other_session(now.date()) is not None:
            # It would be tomorrow's order, at today's price.
            self._wire.cancel(order_id)
            return Rejected(*reply.worst, final=False, by_code=False)
        if reply.perm_id and not (reply.ended or doubtful):
            ours = self._connector.login.client_id
            return Working(attempt.ref, str(reply.perm_id), reply.filled, ours, order_id)
        outcome = self._wire.refused(reply, attempt.ref, order_id)
        if isinstance(outcome, Rejected):
            code, text = outcome.code, outcome.text
            return replace(outcome, text=in_words(code, text), halts=needs_person(code, text))
        return outcome

    def change(self, attempt: Attempt, last_moment: datetime | None = None) -> OptionOutcome:
        """Change the price of a working single leg; what became of it is what fresh lists say, and nothing else.

        After an error on a change both libraries call the order canceled, or pending for ever, while it lives on.
        """
        if why := unsendable(attempt):
            return Denied("order", why)
        if len(attempt.intent.legs) > 1:
            return Denied("order", "the price of a combination is not changed: cancel it, prove it gone, place another")
        try:
            listed = self._mine(attempt.ref)
        except BrokerUnavailableError as error:
            return NotSent(str(error))
        if isinstance(listed, NotSent):
            return listed
        number = shown(listed.order.orderId)
        followed = self._connector.connection.callbacks.follow(number)
        since, wanted = len(followed), wire_price(attempt)

        def answered(told: Sequence[OrderMessage]) -> bool:
            prices = [amount(getattr(one.order, "lmtPrice", "")) for one in told if isinstance(one, OpenOrder)]
            codes = [int(one.code) for one in told if isinstance(one, Notice)]
            return wanted in prices or gravest(codes) is not Meaning.GOES_ON

        def made() -> tuple[Contract, Order]:
            contract, order = self._made(attempt)
            # Nothing but the price may differ from what the broker has.
            order.totalQuantity = shown(listed.order.totalQuantity)
            return contract, order

        sent = self._wire.send(made, last_moment, number)
        if not isinstance(sent, tuple):
            return sent
        reply = self._wire.awaited(number, attempt.ref, since, answered)
        code, text = reply.worst
        ours = self._connector.login.client_id
        try:
            found = self._mine(attempt.ref)
        except BrokerUnavailableError as error:
            return NoAnswer(f"the change was sent, and the lists cannot be read: {error}", ours, number)
        if isinstance(found, NotSent):
            return NoAnswer(f"{code} {text}".strip("0 ") or "no order of this reference works any more", ours, number)
        if amount(getattr(found.order, "lmtPrice", "")) == wanted:
            return Working(attempt.ref, str(shown(found.order.permId)), found.filled, ours, number)
        if code:
            return Rejected(code, f"{in_words(code, text)}; the order works on at its old price", final=False)
        return NoAnswer("no answer to the change; the order is listed at its old price", ours, number)

    def cancel(self, ref: str) -> bool:
        """Ask to cancel an order; whether fresh lists then agree that it is gone, filled in part or not.

        Absence from the open orders proves it only together with a word that it ended: from the list of the orders
        that ended today, or about this very request.
        """
        ours = self._connector.login.client_id
        open_now, ended, _ = self._lists()
        mine = [row for row in open_now if str(row.order.orderRef or "") == ref and _may_fill(row)]
        if any(shown(row.order.clientId) != ours or shown(row.order.orderId) <= 0 for row in mine):
            return False
        if not mine:
            return _over(ended, ref)
        said = [_ended(self._wire.cancel(shown(row.order.orderId))) for row in mine]
        open_now, ended, _ = self._lists()
        works = any(str(row.order.orderRef or "") == ref and _may_fill(row) for row in open_now)
        return not works and (all(said) or _over(ended, ref))

    def what_if(self, attempt: Attempt) -> WhatIf | None:
        """Return the margin that an offer would lead to; None without an answer: an error is no margin of 0.

        Raises
        ------
        BrokerUnavailableError
            If the gateway's interface takes no orders at all.
        """
        if unsendable(attempt):
            return None
        try:
            contract, order = self._made(attempt)
        except DataError:
            return None
        _, shows = self._wire.tried(contract, order)
        if shows is None:
            return None
        after, change = (_told(shows, name) for name in ("initMarginAfter", "initMarginChange"))
        if after is None or change is None:
            return None
        wings = wings_usd(attempt.intent.legs)
        most = max(wings, default=ZERO) * attempt.intent.quantity * ONE_SIDE_FRAC
        return WhatIf(after, one_side=len(wings) == len(Right) and min(wings) > 0 and change <= most)

    def _mine(self, ref: str) -> OpenListing | NotSent:
        open_now, _, _ = self._lists()
        mine = [row for row in open_now if str(row.order.orderRef or "") == ref and _may_fill(row)]
        ours = [row for row in mine if shown(row.order.clientId) == self._connector.login.client_id]
        if len(mine) != 1 or len(ours) != 1 or shown(ours[0].order.orderId) <= 0:
            return NotSent(f"{len(mine)} orders of reference {ref} work; one of this client can be changed")
        return ours[0]

    def _made(self, attempt: Attempt) -> tuple[Contract, Order]:
        intent, library = attempt.intent, self._connector.library
        order = library.order()
        order.orderType, order.tif, order.transmit = "LMT", "DAY", True
        order.totalQuantity, order.account, order.orderRef = intent.quantity, intent.account, attempt.ref
        order.clientId = self._connector.login.client_id
        order.lmtPrice = float(wire_price(attempt))
        if len(intent.legs) == 1:
            (leg,) = intent.legs
            order.action = leg.side.value
            return self._contracts.wire(leg.contract), order
        order.action = Side.BUY.value
        legs = [
            library.combo_leg(conId=leg.contract.con_id, ratio=leg.ratio, action=leg.side.value, exchange=SMART)
            for leg in intent.legs
        ]
        contract = library.contract(
            symbol=intent.underlying, secType=COMBINATION, exchange=SMART, currency="USD", comboLegs=legs
        )
        return contract, order


def wire_price(attempt: Attempt) -> Decimal:
    """Return an offer's limit as the broker reads it: of a single leg its price, of a combination the signed net."""
    legs, price = attempt.intent.legs, Decimal(attempt.price)
    return -price if len(legs) == 1 and legs[0].side is Side.SELL else price


def unsendable(attempt: Attempt) -> str:
    """Return why an offer has no form at the broker, "" where it has one."""
    intent = attempt.intent
    if intent.unsound:
        return intent.unsound
    if intent.quantity < 1:
        return f"{intent.quantity} units"
    if len(intent.legs) == 1 and wire_price(attempt) <= 0:
        return f"{intent.legs[0].words} at {wire_price(attempt)}: a price is above 0"
    if len(intent.legs) == 1 and intent.legs[0].ratio != 1:
        return f"{intent.legs[0].words}: a single leg has no ratio"
    return ""


def wings_usd(legs: Sequence[OptionLeg]) -> tuple[Decimal, ...]:
    """Return the distance of the strikes of each right in one unit, USD; of rights that are there."""
    found = []
    for right in Right:
        strikes = [leg.contract.strike * leg.contract.multiplier for leg in legs if leg.contract.right is right]
        if strikes:
            found.append(max(strikes) - min(strikes))
    return tuple(found)


def _may_fill(row: OpenListing) -> bool:
    return STATUS.get(row.word) not in (OrderStatus.CANCELED, OrderStatus.FILLED)


def _ended(reply: Reply) -> bool:
    # 202 ends what was left of it, whatever filled before.
    return reply.ended or any(code == CANCELED for code, _ in reply.errors)


def _over(ended: Sequence[CompletedOrder], ref: str) -> bool:
    return any(str(one.order.orderRef or "") == ref for one in ended)


def _told(shows: OpenOrder, name: str) -> NetPrice | None:
    found = amount(getattr(shows.state, name, ""))
    return None if found is None else NetPrice(found)
