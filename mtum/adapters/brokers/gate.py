"""The last gate in front of every broker: an order leaves only if fresh facts allow it."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from msgspec.structs import replace

from mtum.core.market.instruments import unit_usd
from mtum.core.market.sessions import Session
from mtum.core.portfolio.gate import (
    GateFacts,
    GateRefusal,
    GateRules,
    last_instant,
    last_minutes,
    outside_window,
    refusal,
)
from mtum.core.portfolio.orders import Purpose, Side, Ticket, intent_id, intent_of
from mtum.core.portfolio.reconcile import OUR_REF
from mtum.errors import BookMismatchError, BrokerError, DataError
from mtum.ports.broker import Broker, BrokerLists, Denied, NotSent, Rehearsing, SubmitOutcome
from mtum.ports.time import Calendar

PRICED_WITHIN = timedelta(minutes=2)
"""Age up to which a price counts for what other working purchases cost; the order's own is always asked afresh."""
NOTHING = Decimal(0)
NONE = (NOTHING, "")
"""No working purchases."""


class GatedBroker:
    """A broker whose `submit` asks it for account, position and clock once more before it sends.

    Parameters
    ----------
    pinned : callable
        Returns the contract pinned for a symbol by now, "" for none.

    Attributes
    ----------
    held : callable
        Returns the shares of our lots by sleeve and symbol: they count in the sleeve's limit, and may be closed even
        where the settings trade something else.
    promised : callable
        Returns the cash that open options may call for, USD: it buys no shares.
    """

    def __init__(
        self, broker: Broker, rules: GateRules, calendar: Calendar, pinned: Callable[[str], str] = lambda _: ""
    ) -> None:
        self._broker = broker
        self._rules = rules
        self._calendar = calendar
        self._pinned = pinned
        self._cleared: Ticket | None = None
        self._prices: dict[str, tuple[datetime, Decimal]] = {}
        self.held: Callable[[], Mapping[tuple[str, str], int]] = dict
        self.promised: Callable[[], Decimal] = Decimal
        self.name = broker.name
        self.proves_absence = broker.proves_absence
        # Everything but an order passes.
        self.connect, self.close, self.server_time = broker.connect, broker.close, broker.server_time
        self.lists, self.session_hours, self.contract = broker.lists, broker.session_hours, broker.contract
        self.price, self.cancel = broker.price, broker.cancel
        if isinstance(broker, Rehearsing):
            self.what_if = broker.what_if

    def submit(self, ticket: Ticket, last_moment: datetime | None = None) -> SubmitOutcome:
        """Send the order if every check passes; a refusal of ours never reaches the broker."""
        cleared, self._cleared = self._cleared, None
        stopped = None if cleared == ticket else self._judged(ticket)
        if stopped is not None:
            return stopped
        # Time has passed since the other facts were asked: the computer may even have slept meanwhile.
        try:
            now, session = self._now()
        except BrokerError as error:
            return _not_asked(error)
        late = outside_window(now, session, self._rules_for(ticket)) if session else _shut(now)
        if late is not None or session is None:
            return Denied("window", late.text if late else "")
        last = last_instant(session, ticket.order_type, self._rules.last_send_minutes)
        return self._broker.submit(ticket, min(last, last_moment) if last_moment else last)

    def clear(self, ticket: Ticket) -> Denied | NotSent | None:
        """Judge an order by fresh facts; None lets the very next `submit` of it pass, if it comes in time."""
        stopped = self._judged(ticket)
        self._cleared = None if stopped else ticket
        return stopped

    def _judged(self, ticket: Ticket) -> Denied | NotSent | None:
        rules = self._rules_for(ticket)
        if ticket.untradable:
            return Denied("instrument", ticket.untradable)
        if ticket.symbol not in rules.contracts:
            return Denied("universe", f"{ticket.symbol} is not in the universe")
        try:
            now, session = self._now()
            stopped = refusal(ticket, self._facts(ticket, now, session), rules) if session else _shut(now)
        except (BrokerError, DataError) as error:
            return _not_asked(error)
        return Denied(stopped.check, stopped.text) if stopped else None

    def _now(self) -> tuple[datetime, Session | None]:
        now = self._broker.server_time()
        return now, self._calendar.sessions(now.date(), now.date()).get(now.date())

    def _rules_for(self, ticket: Ticket) -> GateRules:
        known = dict(self._rules.contracts)
        if ticket.symbol not in known:
            shares = sum(shares for (_, symbol), shares in self.held().items() if symbol == ticket.symbol)
            closes = shares > 0 if ticket.side is Side.SELL else shares < 0
            known |= {ticket.symbol: ""} if closes else {}
        contracts = {symbol: self._pinned(symbol) or fixed for symbol, fixed in known.items()}
        last = last_minutes(ticket.order_type, self._rules.last_send_minutes)
        return replace(self._rules, contracts=contracts, last_send_minutes=last)

    def _facts(self, ticket: Ticket, now: datetime, session: Session) -> GateFacts:
        lists = self.lists()
        price = self._broker.price(ticket.symbol)
        self._prices[ticket.symbol] = (now, price)
        mine = [order for order in lists.orders if order.symbol == ticket.symbol]
        ours = [order for order in mine if OUR_REF.match(order.ref)]
        today = f"m{session.day:%y%m%d}-"
        against = [order for order in ours if order.side is not ticket.side]
        own = (ticket.account, session.day, ticket.strategy, ticket.symbol)
        buys = {intent_id(*own, purpose) for purpose in Purpose if purpose.opens}
        # Our books are read only where they can matter.
        limited = ticket.side is Side.BUY and self._rules.max_position_usd.get(ticket.strategy, NOTHING).is_finite()
        added = sum(order.left for order in ours if order.may_fill and intent_of(order.ref) in buys)
        others = [one for one in lists.others if one.symbol == ticket.symbol]
        open_buys_usd, unpriced = self._purchases(lists, now) if ticket.side is Side.BUY else NONE
        return GateFacts(
            now=now,
            session=session,
            account=lists.account.code,
            contract=self._broker.contract(ticket.symbol),
            position=lists.positions.get(ticket.symbol, Decimal(0)),
            open_sells=sum(order.left for order in mine if order.side is Side.SELL and order.may_fill),
            of_intent=sum(1 for order in ours if intent_of(order.ref) == intent_of(ticket.ref)),
            other_side=sum(
                order.shares if order.may_fill else order.filled
                for order in against
                if order.may_fill or order.ref.startswith(today)
            ),
            own_shares=Decimal(self.held().get((ticket.strategy, ticket.symbol), 0) + added if limited else 0),
            cash_usd=lists.account.cash_usd - (self.promised() if ticket.side is Side.BUY else NOTHING),
            price=unit_usd(ticket.symbol, price),
            open_buys=sum(order.left for order in mine if order.side is Side.BUY and order.may_fill),
            open_buys_usd=open_buys_usd,
            unpriced=unpriced,
            pledged=sum(one.pledged for one in others),
            unknown=", ".join(one.name for one in others if not one.known),
        )

    def _purchases(self, lists: BrokerLists, now: datetime) -> tuple[Decimal, str]:
        """Return what the account's working purchases cost, and one whose cost is not known, in words."""
        total = Decimal(0)
        for order in lists.orders:
            if order.side is not Side.BUY or not order.may_fill:
                continue
            # Asked for each order before it, the price of each order behind it would outlast the window.
            seen = self._prices.get(order.symbol)
            if order.limit_usd is None and (seen is None or now - seen[0] > PRICED_WITHIN):
                try:
                    seen = self._prices[order.symbol] = (now, self._broker.price(order.symbol))
                except (DataError, BookMismatchError):
                    return total, f"BUY {order.left} {order.symbol}"
            total += order.left * unit_usd(order.symbol, order.limit_usd or (seen[1] if seen else Decimal(0)))
        for other in lists.others:
            cost = other.cost_usd
            if cost is None:
                return total, f"BUY {other.quantity} {other.name}"
            total += cost
        return total, ""


def _shut(now: datetime) -> GateRefusal:
    return GateRefusal("window", f"the exchange has no session on {now:%Y-%m-%d}")


def _not_asked(error: Exception) -> NotSent:
    return NotSent(f"the last gate could not ask the broker: {error}")
