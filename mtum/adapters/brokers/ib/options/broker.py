"""An account at Interactive Brokers that trades options beside shares (ports.options.OptionBroker)."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import date
from decimal import Decimal

from mtum.adapters.brokers.ib.account import Unread, account_of, positions_of, values_of
from mtum.adapters.brokers.ib.broker import Heard, IbBroker
from mtum.adapters.brokers.ib.options.lists import COMBINATION, OPTION, Reading, numbers_told
from mtum.adapters.brokers.ib.options.orders import OptionRequests
from mtum.adapters.brokers.ib.orders import OpenListing
from mtum.adapters.ib.contracts import Contracts
from mtum.adapters.ib.messages import DIVIDENDS, CompletedOrder
from mtum.adapters.ib.options.details import OptionContracts
from mtum.adapters.ib.options.quotes import quoted
from mtum.adapters.ib.requests import dividends, next_dividend
from mtum.core.options.chain import Quote
from mtum.core.options.contracts import OptionContract
from mtum.core.options.legs import OptionLeg
from mtum.core.portfolio.money import exact
from mtum.core.portfolio.options.gate_facts import Detail
from mtum.core.portfolio.options.orders import OptionIntent
from mtum.ports.options import OptionLists


class IbOptionBroker(IbBroker):
    """One account over one connection, in shares and in options.

    Attributes
    ----------
    ordered : callable
        Returns the intent that a reference of ours belongs to, None if our books know none: an execution counts only
        in a contract of its own order.
    """

    _set_aside = frozenset({OPTION, COMBINATION})

    def __init__(self, contracts: Contracts, acknowledge_seconds: float) -> None:
        super().__init__(contracts, acknowledge_seconds)
        self._options = OptionContracts(contracts)
        self.ordered = _nobody
        self._dividends: dict[tuple[int, str], tuple[date, Decimal] | None] = {}
        requests = OptionRequests(contracts.connector, self._options, acknowledge_seconds, self._order_lists)
        self.place, self.change, self.cancel_option = requests.place, requests.change, requests.cancel
        self.option_what_if, self.tick = requests.what_if, self._tick

    def option_lists(self, known: Collection[OptionContract] = ()) -> OptionLists:
        """Ask positions, orders and executions in options afresh, with the shares of the same reading.

        Parameters
        ----------
        known : collection of OptionContract
            Those of our books: the broker describes a contract that has expired no more.
        """
        heard = self._heard()
        account = self._connector.login.account
        numbers = numbers_told(heard.held, heard.listed, heard.executions, account)
        details = self._options.details(numbers, fresh=False)
        books = {one.con_id: one for one in known}
        today = {number: detail.contract for number, detail in details.items()}
        # A contract of the books that the broker describes otherwise is the last gate's to refuse, and is still ours.
        reading = Reading(account, self._connector.login.client_id, today | books, details, self.ordered)
        unread = Unread()
        shares = {symbol: int(number) for symbol, number in positions_of(heard.held, account, unread).items()}
        positions, working = reading.positions(heard.held), reading.working(heard.listed)
        fills = reading.fills(heard.executions, heard.fees, heard.listed)
        return OptionLists(
            at=heard.at,
            account=account_of(values_of(heard.values, account), account),
            positions=positions,
            unknown=tuple(reading.unknown),
            working=working,
            fills=fills,
            completed=reading.completed(heard.completed),
            shares=shares,
            unread=(*unread.ours, *reading.unread),
        )

    def details(self, contracts: Iterable[OptionContract]) -> Mapping[int, Detail]:
        """Return how the broker describes contracts at this moment, without those it does not know."""
        return self._options.details([one.con_id for one in contracts])

    def quotes(self, contracts: Iterable[OptionContract]) -> Mapping[int, Quote]:
        """Return what contracts are quoted at now, without those of which no side is."""
        rows = [one.row for one in quoted(self._connector, self._options, contracts, open_interest=False)]
        found = {row.contract.con_id: row.quote for row in rows}
        return {number: quote for number, quote in found.items() if (quote.bid, quote.ask) != (None, None)}

    def next_dividend(self, symbol: str) -> tuple[date, Decimal] | None:
        """Return ex-date and USD per share of a share's next dividend, None where the broker tells none.

        Asked once for each symbol and connection: it comes with a running quote alone, after some seconds.
        """
        key = self._connector.connections, symbol
        if key not in self._dividends:
            answer = self._connector.try_ask(dividends(self._contracts.contract(symbol)))[0]
            ticks = answer if isinstance(answer, list) else []
            text = next((str(tick.text) for tick in reversed(ticks) if tick.kind == DIVIDENDS), "")
            told = next_dividend(text) if text else None
            self._dividends[key] = None if told is None else (told[0], exact(told[1]))
        return self._dividends[key]

    def _tick(self, legs: Sequence[OptionLeg], price: Decimal) -> Decimal:
        return self._options.tick(legs, price)

    def _order_lists(self) -> tuple[list[OpenListing], list[CompletedOrder], set[str]]:
        heard: Heard = self._heard()
        refs = {str(row.order.orderRef or "") for row in heard.listed}
        refs |= {str(one.order.orderRef or "") for one in heard.completed}
        refs |= {str(one.execution.orderRef or "") for answer in heard.executions for one in answer}
        return heard.listed, heard.completed, refs


def _nobody(_: str) -> OptionIntent | None:
    return None
