"""An account at Interactive Brokers (ports.broker.Broker): truth is what fresh lists say."""

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from time import monotonic
from typing import NamedTuple

from mtum.adapters.brokers.ib.account import (
    Unread,
    account_of,
    amount,
    other_positions,
    positions_of,
    shown,
    untold,
    values_of,
)
from mtum.adapters.brokers.ib.orders import (
    OpenListing,
    completed_orders,
    fills_of,
    garbled,
    open_listings,
    open_orders,
    other_orders,
)
from mtum.adapters.brokers.ib.submit import OrderRequests
from mtum.adapters.ib.codes import NO_PERMISSION
from mtum.adapters.ib.contracts import Contracts
from mtum.adapters.ib.messages import AccountValue, CompletedOrder, ExecutionDetails, Fee, Position, PriceTick
from mtum.adapters.ib.requests import (
    COMPLETED_ORDERS,
    OPEN_ORDERS,
    POSITIONS,
    Request,
    RequestRefusedError,
    account_values,
    executions,
    snapshot,
)
from mtum.errors import BrokerUnavailableError, SourceUnavailableError
from mtum.ports.broker import BrokerLists, BrokerOrder

EMPTY_FILTER_SECONDS = 3.0
"""Some gateways never answer an execution request without a client id; the one with ours counts then."""
READY_SECONDS = 0.5
"""Pause before values that are not ready are asked again."""
BID, ASK, LAST, CLOSE = 1, 2, 4, 9


class Heard(NamedTuple):
    """What the broker said in one reading of its lists, untranslated."""

    at: datetime
    held: list[Position]
    values: list[AccountValue]
    listed: list[OpenListing]
    completed: list[CompletedOrder]
    executions: tuple[list[ExecutionDetails], ...]
    garbled: tuple[tuple[str, ...], ...]
    fees: Mapping[str, Fee]


class IbBroker:
    """One account over one connection; absence from every list proves nothing, an answer may be on its way.

    Parameters
    ----------
    acknowledge_seconds : float
        Longest wait for the answer to an order.
    """

    name = "ib"
    proves_absence = False
    _set_aside: frozenset[str] = frozenset()
    """Kinds of security in which orders of ours are told elsewhere."""

    def __init__(self, contracts: Contracts, acknowledge_seconds: float) -> None:
        self._connector = contracts.connector
        self._contracts = contracts
        connector, requests = contracts.connector, OrderRequests(contracts, acknowledge_seconds, self.lists)
        self.connect, self.close, self.server_time = connector.open, connector.close, connector.server_time
        self.session_hours, self.contract = contracts.hours, contracts.identity
        self.submit, self.cancel, self.what_if = requests.submit, requests.cancel, requests.what_if
        self._silent_filter = False

    def lists(self) -> BrokerLists:
        """Ask account, positions, orders and executions afresh, all at once, over a link that is proven first."""
        return self._shares(self._heard())

    def _heard(self) -> Heard:
        at = self._connector.server_time()
        self._refuse_while_cut_off()
        account, ours = self._connector.login.account, self._connector.login.client_id
        valued, executed = account_values(account), self._executions(ours)
        answers = self._connector.ask_all(POSITIONS, valued, OPEN_ORDERS, COMPLETED_ORDERS, executed)
        everyone = self._everyones_executions()
        self._refuse_while_cut_off()
        held, values = self._ready(answers.to(POSITIONS), answers.to(valued))
        listed = open_listings(answers.to(OPEN_ORDERS), account)
        # After a restart a gateway may hand out order ids a second time: ours go on above what is known.
        used = [shown(one.order.orderId) for one in listed if shown(one.order.clientId) == ours]
        self._connector.connection.client.updateReqId(max(used, default=0) + 1)
        callbacks = self._connector.connection.callbacks
        lost, callbacks.garbled = tuple(callbacks.garbled), []
        return Heard(
            at,
            held,
            values,
            listed,
            answers.to(COMPLETED_ORDERS),
            (answers.to(executed), everyone),
            lost,
            callbacks.fees,
        )

    def _shares(self, heard: Heard) -> BrokerLists:
        account, unread = self._connector.login.account, Unread(set_aside=self._set_aside)
        positions = positions_of(heard.held, account, unread)
        orders = orders_of(heard, account, unread)
        fills = fills_of(heard.executions, heard.fees, account, unread, orders, heard.at)
        garbled(heard.garbled, account, unread)
        return BrokerLists(
            at=heard.at,
            account=account_of(values_of(heard.values, account), account),
            positions=positions,
            orders=orders,
            fills=fills,
            unread=tuple(unread.ours),
            skipped=len(unread.others),
            others=(*other_positions(heard.held, account), *other_orders(heard.listed)),
        )

    def price(self, symbol: str) -> Decimal:
        """Return the last price in USD; the midpoint, then the last close, where nothing has traded yet.

        Raises
        ------
        SourceUnavailableError
            If there is no live price, or no permission to see it.
        """
        try:
            answer = self._connector.ask(snapshot(self._contracts.contract(symbol)))
        except RequestRefusedError as refused:
            if refused.code not in NO_PERMISSION:
                raise
            text = (
                f"{symbol}: no market data permission ({refused.code} {refused.words}); subscribe to its listing market"
            )
            raise SourceUnavailableError(text) from refused
        ticks = {tick.kind: amount(tick.price) for tick in answer if isinstance(tick, PriceTick)}
        bid, ask = ticks.get(BID), ticks.get(ASK)
        found = ticks.get(LAST) or ((bid + ask) / 2 if bid and ask else ticks.get(CLOSE))
        if found is None or found <= 0:
            raise SourceUnavailableError(f"{symbol}: the broker shows no live price")
        return found

    def _ready(self, held: list[Position], values: list[AccountValue]) -> tuple[list[Position], list[AccountValue]]:
        """Return positions and values once they can be believed; they are asked again for the time of a login."""
        account, until = self._connector.login.account, monotonic() + self._connector.login.connect_seconds
        while why := untold(values_of(values, account), positions_of(held, account, Unread())):
            if monotonic() >= until:
                raise BrokerUnavailableError(f"{why}; `mtum doctor` shows when they are")
            self._connector.connection.wait(READY_SECONDS, lambda: False)
            valued = account_values(account)
            answers = self._connector.ask_all(POSITIONS, valued)
            held, values = answers.to(POSITIONS), answers.to(valued)
        return held, values

    def _executions(self, client_id: int, seconds: float | None = None) -> Request[ExecutionDetails]:
        wanted = self._connector.library.execution_filter(clientId=client_id, acctCode=self._connector.login.account)
        return executions(wanted, seconds)

    def _everyones_executions(self) -> list[ExecutionDetails]:
        if self._silent_filter:
            return []
        found = self._connector.try_ask(self._executions(0, EMPTY_FILTER_SECONDS))[0]
        self._silent_filter = not isinstance(found, list)
        return found if isinstance(found, list) else []

    def _refuse_while_cut_off(self) -> None:
        if self._connector.servers_lost:
            raise BrokerUnavailableError(
                "the gateway has lost the broker's servers (1100): its lists may be old; orders there keep working"
            )


def orders_of(heard: Heard, account: str, unread: Unread) -> tuple[BrokerOrder, ...]:
    """Return the orders in shares of a reading: those that are open, and those that ended today.

    Parameters
    ----------
    heard : Heard
        What the broker said in one reading of its lists, untranslated.
    account : str
        Code of the account.
    unread : Unread
        Messages that make no sense: ours in the broker's words, others' counted; each once.
    """
    orders = open_orders(heard.listed, unread)
    listed = {order.broker_id for order in orders if order.broker_id}
    ended = completed_orders(heard.completed, account, unread)
    return (*orders, *(order for order in ended if order.broker_id not in listed))
