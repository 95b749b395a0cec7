"""The last gate in front of a broker of options: an offer leaves only if fresh facts allow it."""

from collections.abc import Callable, Collection
from datetime import datetime
from decimal import Decimal
from typing import Protocol

from msgspec.structs import replace

from mtum.adapters.brokers.gate import PRICED_WITHIN, GatedBroker
from mtum.core.market.sessions import Session
from mtum.core.options.contracts import OptionContract
from mtum.core.options.legs import OptionPurpose
from mtum.core.portfolio.gate import MARGIN, GateRules
from mtum.core.portfolio.options.gate import refusal
from mtum.core.portfolio.options.gate_facts import OptionFacts, OwnRecords, WhatIf
from mtum.core.portfolio.options.orders import Attempt, WorkingOrder
from mtum.errors import BookMismatchError, BrokerError, DataError
from mtum.ports.broker import Broker, BrokerLists, Denied, NotSent, Rejected
from mtum.ports.options import OptionBroker, OptionLists, OptionOutcome
from mtum.ports.time import Calendar

ZERO = Decimal(0)


class Both(Broker, OptionBroker, Protocol):
    """A broker of shares and of options."""


class GatedOptionBroker(GatedBroker):
    """A broker whose `place` and `change` ask it for lists, contracts and quotes once more before anything leaves.

    Attributes
    ----------
    contracts : callable
        Returns the contracts of our books: the broker describes one that has expired no more.
    records : callable
        Returns what our own records say about an offer, given the broker's lists of this moment.
    explained : callable
        Returns the lists of shares with what our own orders in options pin: they are no stranger's to any reader.
    halt : callable
        Told of a sleeve, why and when, where a refusal of the broker asks for a person before anything more is opened.
    """

    def __init__(
        self, broker: Both, rules: GateRules, calendar: Calendar, pinned: Callable[[str], str] = lambda _: ""
    ) -> None:
        super().__init__(broker, rules, calendar, pinned)
        self._both = broker
        self.contracts: Callable[[], Collection[OptionContract]] = tuple
        self.records: Callable[[Attempt, OptionLists], OwnRecords] = _unknown
        self.explained: Callable[[BrokerLists], BrokerLists] = lambda lists: lists
        self.halt: Callable[[str, str, datetime], None] = lambda sleeve, why, at: None
        self.lists = lambda: self.explained(broker.lists())
        # Everything but an order passes.
        self.option_lists, self.details, self.quotes = broker.option_lists, broker.details, broker.quotes
        self.tick, self.cancel_option, self.option_what_if = broker.tick, broker.cancel_option, broker.option_what_if

    def place(self, attempt: Attempt, last_moment: datetime | None = None) -> OptionOutcome:
        """Send an offer if every clause passes; a refusal of ours never reaches the broker."""
        return self._sent(self._both.place, attempt, last_moment)

    def change(self, attempt: Attempt, last_moment: datetime | None = None) -> OptionOutcome:
        """Change the price of a working order if every clause passes for the new one."""
        return self._sent(self._both.change, attempt, last_moment)

    def _sent(
        self,
        send: Callable[[Attempt, datetime | None], OptionOutcome],
        attempt: Attempt,
        last_moment: datetime | None,
    ) -> OptionOutcome:
        try:
            _, session = self._now()
            if session is None:
                return Denied("window", f"the exchange has no session on {attempt.intent.session}")
            lists = self._both.option_lists(self.contracts())
            known = self.records(attempt, lists)
            facts = self._option_facts(attempt, session, lists, known)
            stopped = refusal(attempt, facts, known.rules)
            if stopped is None and (trial := self._trial(attempt)) is not None:
                stopped = refusal(attempt, replace(facts, what_if=trial), known.rules)
        except (BrokerError, DataError) as error:
            return NotSent(f"the last gate could not ask the broker: {error}")
        if stopped is not None:
            return Denied(stopped.check, stopped.text)
        # Whatever time passed since the facts were asked, the broker's clock is read once more before a byte leaves.
        last = min(session.before_close(known.rules.last_send_minutes), attempt.intent.deadline) - MARGIN
        outcome = send(attempt, min(last, last_moment) if last_moment else last)
        if isinstance(outcome, Rejected) and outcome.halts:
            self.halt(attempt.intent.strategy, f"{attempt.ref}: {outcome.code} {outcome.text}", lists.at)
        return outcome

    def _option_facts(self, attempt: Attempt, session: Session, lists: OptionLists, known: OwnRecords) -> OptionFacts:
        intent, broker = attempt.intent, self._both
        legs = [leg.contract for leg in intent.legs]
        # What an ex-date may do to the group's other calls is told by their time value.
        held = [lot.contract for lot in known.lots if lot.group == intent.group and lot.strategy == intent.strategy]
        asked = legs if known.ex_dividend is None else [*legs, *held]
        details = broker.details(legs)
        quotes = broker.quotes({one.con_id: one for one in asked}.values())
        spot = broker.price(intent.underlying)
        tick = broker.tick(intent.legs, attempt.price)
        orders_usd, unpriced = self._share_orders(lists)
        strange = [text for text in lists.unknown if _about(text, intent.underlying)]
        halts = (known.halt, *strange, *lists.unread, unpriced)
        return OptionFacts(
            now=broker.server_time(),
            session=session,
            account=lists.account.code,
            details=details,
            positions=lists.positions,
            shares=lists.shares,
            lots=known.lots,
            working=_working(lists, known),
            settled_cash_usd=lists.account.settled_usd,
            share_orders_usd=orders_usd,
            quotes=quotes,
            spot=spot,
            tick=tick,
            halt="; ".join(text for text in halts if text),
            full_halt=known.full_halt,
            changes=known.changes,
            orders=known.orders,
            ex_dividend=known.ex_dividend,
        )

    def _trial(self, attempt: Attempt) -> WhatIf | None:
        # A second opinion on what is opened, asked once: a better price changes nothing of the margin.
        opens = attempt.intent.purpose is not OptionPurpose.CLOSE
        return self._both.option_what_if(attempt) if opens and attempt.number == 1 and not attempt.in_place else None

    def _share_orders(self, lists: OptionLists) -> tuple[Decimal, str]:
        """Return what the account's working purchases of shares cost, and one whose cost is not known, in words."""
        total = ZERO
        for order in lists.working:
            if order.shares <= 0:
                continue
            seen = self._prices.get(order.underlying)
            if seen is None or lists.at - seen[0] > PRICED_WITHIN:
                try:
                    seen = self._prices[order.underlying] = (lists.at, self._both.price(order.underlying))
                except (DataError, BookMismatchError):
                    return total, f"what BUY {order.shares} {order.underlying} costs is not known"
            total += order.shares * seen[1]
        return total, ""


def _working(lists: OptionLists, known: OwnRecords) -> tuple[WorkingOrder, ...]:
    """What may still fill: as the broker lists it, of ours with its group, and what no list shows."""
    found = []
    for order in lists.working:
        intent = known.intents.get(order.intent)
        found.append(order if intent is None else replace(order, strategy=intent.strategy, group=intent.group))
    shown = {order.ref for order in lists.working if order.ref} | set(lists.completed)
    return (*found, *(order for order in known.unresolved if order.ref not in shown))


def _about(text: str, underlying: str) -> bool:
    # What nobody can describe is named by its underlying first.
    return text.replace(":", " ").split()[:1] == [underlying]


def _unknown(attempt: Attempt, _: OptionLists) -> OwnRecords:
    raise BookMismatchError(f"{attempt.ref}: nothing is known of our own lots and limits")
