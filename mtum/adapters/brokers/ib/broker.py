"""An account at Interactive Brokers (ports.broker.Broker): truth is what fresh lists say."""

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from time import monotonic

from mtum.adapters.brokers.ib.account import (
    Unread,
    account_of,
    amount,
    other_positions,
    positions_of,
    untold,
    values_of,
)
from mtum.adapters.brokers.ib.sender import Sender
from mtum.adapters.brokers.ib.words import (
    OpenListing,
    completed_orders,
    fills_of,
    garbled,
    open_listings,
    open_orders,
    other_orders,
)
from mtum.adapters.ib_session.codes import NO_PERMISSION
from mtum.adapters.ib_session.ear import Heard, RequestRefusedError
from mtum.adapters.ib_session.listings import Listings
from mtum.adapters.ib_session.questions import (
    COMPLETED_ORDERS,
    OPEN_ORDERS,
    POSITIONS,
    account_values,
    executions,
    snapshot,
)
from mtum.adapters.ib_session.session import IbSession
from mtum.core.market.sessions import Session
from mtum.core.portfolio.orders import Ticket
from mtum.core.portfolio.reconcile import OUR_REF
from mtum.errors import BrokerUnavailableError, SourceUnavailableError
from mtum.ports.broker import BrokerLists, BrokerOrder, SubmitOutcome

EMPTY_FILTER_SECONDS = 3.0
"""Some gateways never answer an execution request without a client id; the one with ours counts then."""
READY_SECONDS = 0.5
"""Pause before values that are not ready are asked again."""
BID, ASK, LAST, CLOSE = 1, 2, 4, 9


class IbBroker:
    """One account over one session; absence from every list proves nothing, an answer may be on its way.

    Parameters
    ----------
    acknowledge_seconds : float
        Longest wait for the answer to an order.
    """

    name = "ib"
    proves_absence = False

    def __init__(self, session: IbSession, listings: Listings, acknowledge_seconds: float) -> None:
        self._session = session
        self._listings = listings
        self._sender = Sender(session, listings, acknowledge_seconds)
        self._silent_filter = False

    def connect(self) -> None:
        """Open the connection and check whose account it is."""
        self._session.open()

    def close(self) -> None:
        """Close the connection; never raises."""
        self._session.close()

    def server_time(self) -> datetime:
        """Return the broker's clock as an aware UTC instant."""
        return self._session.server_time()

    def lists(self) -> BrokerLists:
        """Ask account, positions, orders and executions afresh, all at once, over a link that is proven first."""
        at = self._session.server_time()
        self._refuse_while_cut_off()
        account, ours = self._session.account, self._session.gateway.client_id
        held, values, working, done, own = self._session.ask(
            POSITIONS,
            account_values(account),
            OPEN_ORDERS,
            COMPLETED_ORDERS,
            executions(self._session.library, account, ours),
        )
        everyone = self._everyones_executions()
        self._refuse_while_cut_off()
        held, values = self._ready(held, values)
        unread, ear = Unread(), self._session.link.ear
        listed = open_listings(working, account)
        orders = self._orders(listed, done, unread)
        named = {order.broker_id for order in orders if OUR_REF.match(order.ref)}
        positions = positions_of(held, account, unread)
        fills = fills_of((own, everyone), ear.fees, account, unread, named)
        garbled(ear.garbled, account, unread)
        ear.garbled.clear()
        return BrokerLists(
            at=at,
            account=account_of(values_of(values, account), account),
            positions=positions,
            orders=orders,
            fills=fills,
            unread=tuple(unread.ours),
            skipped=len(unread.others),
            others=(*other_positions(held, account), *other_orders(listed)),
        )

    def session_hours(self, symbol: str, day: date) -> Session | None:
        """Return the broker's regular hours of the symbol that day; None when it says closed."""
        return self._listings.hours(symbol, day)

    def contract(self, symbol: str) -> str:
        """Return contract number and listing market as the broker gives them now."""
        return self._listings.identity(symbol)

    def price(self, symbol: str) -> Decimal:
        """Return the last price in USD; the midpoint, then the last close, where nothing has traded yet.

        Raises
        ------
        SourceUnavailableError
            If there is no live price, or no permission to see it.
        """
        try:
            answer = self._session.ask(snapshot(self._listings.contract(symbol)))[0]
        except RequestRefusedError as refused:
            if refused.code not in NO_PERMISSION:
                raise
            text = (
                f"{symbol}: no market data permission ({refused.code} {refused.words}); subscribe to its listing market"
            )
            raise SourceUnavailableError(text) from refused
        ticks = {heard.fields[1]: amount(heard.fields[2]) for heard in answer if heard.name == "priceSizeTick"}
        bid, ask = ticks.get(BID), ticks.get(ASK)
        found = ticks.get(LAST) or ((bid + ask) / 2 if bid and ask else ticks.get(CLOSE))
        if found is None or found <= 0:
            raise SourceUnavailableError(f"{symbol}: the broker shows no live price")
        return found

    def submit(self, ticket: Ticket, last_moment: datetime | None = None) -> SubmitOutcome:
        """Send one order, once, over the connection that has just been proven."""
        return self._sender.submit(ticket, last_moment, self.lists)

    def cancel(self, ref: str) -> bool:
        """Ask to cancel an order; believed only when fresh lists no longer show it working and no fill of it."""
        return self._sender.cancel(ref, self.lists)

    def what_if(self, ticket: Ticket) -> str | None:
        """Return why the broker would refuse the order, None if it would take it; nothing is placed."""
        return self._sender.what_if(ticket)

    def _ready(self, held: list[Heard], values: list[Heard]) -> tuple[list[Heard], list[Heard]]:
        """Return positions and values once they can be believed; they are asked again for the time of a login."""
        account, until = self._session.account, monotonic() + self._session.gateway.connect_seconds
        while why := untold(values_of(values, account), positions_of(held, account, Unread())):
            if monotonic() >= until:
                raise BrokerUnavailableError(f"{why}; `mtum doctor` shows when they are")
            self._session.link.wait(READY_SECONDS, lambda: False)
            held, values = self._session.ask(POSITIONS, account_values(account))
        return held, values

    def _orders(self, working: Sequence[OpenListing], done: Sequence[Heard], unread: Unread) -> tuple[BrokerOrder, ...]:
        account, ours = self._session.account, self._session.gateway.client_id
        orders = open_orders(working, unread)
        # After a restart a gateway may hand out order ids a second time: ours go on above what is known.
        used = [order.order_id or 0 for order in orders if order.client_id == ours]
        self._session.link.client.updateReqId(max(used, default=0) + 1)
        listed = {order.broker_id for order in orders if order.broker_id}
        ended = completed_orders(done, account, unread)
        return (*orders, *(order for order in ended if order.broker_id not in listed))

    def _everyones_executions(self) -> list[Heard]:
        if self._silent_filter:
            return []
        question = executions(self._session.library, self._session.account, 0, EMPTY_FILTER_SECONDS)
        found = self._session.try_ask(question)[0]
        self._silent_filter = not isinstance(found, list)
        return found if isinstance(found, list) else []

    def _refuse_while_cut_off(self) -> None:
        if self._session.upstream_lost:
            raise BrokerUnavailableError(
                "the gateway has lost the broker's servers (1100): its lists may be old; orders there keep working"
            )
