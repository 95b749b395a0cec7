"""The in-process broker of practice mode for an account that trades options too (ports.options.OptionBroker)."""

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from math import inf
from typing import Protocol

from msgspec.structs import replace

from mtum.adapters.brokers.simulated import SimulatedBroker
from mtum.core.market.instruments import Right
from mtum.core.market.sessions import Session
from mtum.core.options.asking import ChainRequest
from mtum.core.options.chain import Quote
from mtum.core.options.contracts import Listing, OptionContract
from mtum.core.options.legs import OptionLeg
from mtum.core.options.model.listing import number_of
from mtum.core.options.selecting import Window
from mtum.core.portfolio.options.gate_facts import Detail, WhatIf
from mtum.core.portfolio.options.orders import Attempt, WorkingOrder
from mtum.core.portfolio.orders import OrderStatus, Side
from mtum.core.simulation.admission import Moment, Refusal
from mtum.core.simulation.exchange_queries import (
    completed_options,
    held_options,
    open_options,
    open_orders,
    option_executions,
    option_order,
)
from mtum.core.simulation.exchange_state import ExchangeAccount, ExchangeState, ExchangeStatus, OptionOrder
from mtum.core.simulation.option_books import OptionExecution, OptionTicket
from mtum.core.simulation.options.admission import equity, refusal, trial
from mtum.core.simulation.options.trading import advance_options, cancel_option, place_option
from mtum.core.simulation.options.venue import OptionVenue, step, turned
from mtum.core.simulation.pledges import collateral, share_counts
from mtum.errors import DataError
from mtum.ports.broker import Denied, Rejected
from mtum.ports.options import ChainSource, LegExecution, OptionLists, OptionOutcome, Working

_STATUS = {
    ExchangeStatus.FILLED: OrderStatus.FILLED,
    ExchangeStatus.CANCELED: OrderStatus.CANCELED,
    ExchangeStatus.EXPIRED: OrderStatus.EXPIRED,
    ExchangeStatus.REJECTED: OrderStatus.REJECTED,
}
_LEVEL = 3
_AHEAD = timedelta(days=21)
_ANY = (0.0, 1.0)


class _Market(Protocol):
    # What is asked of the market of shares.
    def session_at(self, now: datetime) -> Session: ...
    def sessions_between(self, after: date, until: date) -> tuple[Session, ...]: ...
    def price(self, symbol: str, session: Session, now: datetime) -> Decimal | None: ...


@dataclass(slots=True)
class ChainPrices:
    """Prices of options as a source of chains tells them (simulation.options.venue.OptionPrices).

    Parameters
    ----------
    now : callable
        Returns the market's instant.
    paid : callable of (symbol, session)
        Returns the dividend that goes ex in a session, USD per share.
    """

    chains: ChainSource
    market: _Market
    now: Callable[[], datetime]
    paid: Callable[[str, Session], Decimal]
    rate: float
    _known: dict[tuple[datetime, str], dict[int, Quote]] = field(default_factory=dict, init=False, repr=False)

    def quotes(self, contracts: Iterable[OptionContract]) -> Mapping[int, Quote]:
        """Return quotes by number at this instant, without those that have none."""
        at, wanted = self.now(), list(contracts)
        if any(known != at for known, _ in self._known):
            self._known.clear()  # only what is asked again at the same instant is the same
        found: dict[int, Quote] = {}
        for underlying in {one.underlying for one in wanted}:
            known = self._known.setdefault((at, underlying), {})
            if missing := [one for one in wanted if one.underlying == underlying and one.con_id not in known]:
                spot = self.spot(underlying)
                known |= self._asked(underlying, missing, spot, at) if spot is not None else {}
            found |= known
        return {one.con_id: found[one.con_id] for one in wanted if one.con_id in found}

    def close(self, underlying: str, day: date) -> Decimal | None:
        """Return the official close of a session that is over."""
        session = self._session(day)
        return self.market.price(underlying, session, session.close) if session else None

    def opposite(self, contract: OptionContract, day: date) -> float:
        """Return what the other right was worth at a close; more than anything where nothing quoted it."""
        right = Right.PUT if contract.right is Right.CALL else Right.CALL
        number = number_of(contract.trading_class, contract.expiry, right, contract.strike)
        other, session, close = replace(contract, right=right, con_id=number), self._session(day), None
        if session is not None:
            close = self.market.price(contract.underlying, session, session.close)
        if session is None or close is None:
            return inf
        quote = self._asked(contract.underlying, [other], close, session.close).get(number)
        if quote is None or quote.ask is None:
            return inf
        return quote.mid if quote.mid is not None else quote.ask / 2

    def dividends(self, underlying: str, day: date) -> Sequence[tuple[date, Decimal]]:
        """Return ex-dates and USD per share of the three weeks after a session."""
        later = self.market.sessions_between(day, day + _AHEAD)
        paid = ((one.day, self.paid(underlying, one)) for one in later)
        return tuple((ex_day, usd) for ex_day, usd in paid if usd > 0)

    def spot(self, underlying: str) -> Decimal | None:
        """Return the last price of an underlying."""
        return self.market.price(underlying, self.market.session_at(self.now()), self.now())

    def _session(self, day: date) -> Session | None:
        return next(iter(self.market.sessions_between(day - timedelta(days=1), day)), None)

    def _asked(
        self, underlying: str, contracts: Sequence[OptionContract], spot: Decimal, at: datetime
    ) -> dict[int, Quote]:
        alive = tuple(one for one in contracts if one.expiry >= self.market.session_at(at).day)
        if not alive:
            return {}
        request = ChainRequest(underlying, Window(0, 0, 0), frozenset(), _ANY, alive)
        try:
            chain = self.chains.chain(request, float(spot), at)
        except DataError:
            return {}  # no price is a fact of the market: what has none does not trade
        return {row.contract.con_id: row.quote for row in chain.rows}


class SimulatedOptionBroker(SimulatedBroker):
    """A broker without a wire that trades options too; `trade_at` comes before everything else."""

    _trades_options = True

    def trade_at(self, chains: ChainSource, rate: float, level: int) -> None:
        """Quote options by the chains that are decided on.

        Parameters
        ----------
        chains : ChainSource
            Where chains come from; of a model's prices every figure made from them is labeled so.
        rate : float
            Continuous interest a year, as a fraction, which early exercise goes by.
        level : int
            Permission of the account, 1 to 4; where nobody stated it, 3.
        """
        prices = ChainPrices(chains, self._market, self._clock.now, self._paid, rate)
        self._venue = OptionVenue(prices, level=level or _LEVEL, after_close=self._rules.after_close)

    def option_lists(self, known: Collection[OptionContract] = ()) -> OptionLists:
        """Return positions, orders and executions in options as they stand now, with the shares."""
        lists = self.lists()
        state, moment = self._visit()
        code, day = self._first_account.code, moment.session.day
        held = held_options(state, code)
        named = {one.local_symbol for one in held}
        account = self._account(state)
        options = (_working(order) for order in open_options(state, code))
        shares = (
            WorkingOrder(
                o.ticket.ref, o.ticket.symbol, shares=o.remaining if o.ticket.side is Side.BUY else -o.remaining
            )
            for o in open_orders(state, code)
        )
        fills = (
            _execution(one, order)
            for one in option_executions(state, day, code)
            if (order := option_order(state, one.perm_id))
        )
        return OptionLists(
            at=moment.now,
            account=lists.account,
            positions=held,
            unknown=tuple(one.symbol for one in account.positions if " " in one.symbol and one.symbol not in named),
            working=(*options, *shares),
            fills=tuple(fills),
            completed={o.ticket.ref: _STATUS[o.status] for o in completed_options(state, day, code)},
            shares=share_counts(account),
        )

    def details(self, contracts: Iterable[OptionContract]) -> Mapping[int, Detail]:
        """Return contracts as they are listed; those that are over are not."""
        today = self._today()
        return {
            one.con_id: Detail(
                one, Listing(one.underlying, "SMART", one.trading_class, str(one.multiplier), "USD", one.local_symbol)
            )
            for one in contracts
            if one.expiry >= today
        }

    def quotes(self, contracts: Iterable[OptionContract]) -> Mapping[int, Quote]:
        """Return what contracts are quoted at now."""
        return self._venue.prices.quotes(contracts)

    def tick(self, legs: Sequence[OptionLeg], price: Decimal) -> Decimal:
        """Return the step of an order's net price at a price, USD."""
        return step(legs, price)

    def place(self, attempt: Attempt, last_moment: datetime | None = None) -> OptionOutcome:
        """Hand an offer to the exchange; its answer is certain and immediate."""
        return self._sent(_ticket(attempt), last_moment)

    def change(self, attempt: Attempt, last_moment: datetime | None = None) -> OptionOutcome:
        """Change the price of a working order in place; of a single leg alone."""
        state, _ = self._visit()
        mine = [o for o in open_options(state, self._first_account.code) if o.ticket.ref == attempt.ref]
        if not mine:
            return Rejected(104, "Cannot modify a filled order")
        if mine[0].ticket.combined:
            return Rejected(105, "Order being modified does not match original order")
        # The attempt names the units that are left; the order keeps all that it was for.
        changed = replace(_ticket(attempt), order_id=mine[0].ticket.order_id, quantity=mine[0].ticket.quantity)
        return self._sent(changed, last_moment)

    def cancel_option(self, ref: str) -> bool:
        """Cancel the working order with that reference; whether none works any more."""
        state, moment = self._visit()
        for order in open_options(state, self._first_account.code):
            if order.ticket.ref == ref:
                state, _, _ = cancel_option(state, order.perm_id, moment, self._venue)
        self._save(state)
        return all(order.ticket.ref != ref for order in open_options(state, self._first_account.code))

    def option_what_if(self, attempt: Attempt) -> WhatIf | None:
        """Return what an offer would do; None if it would be refused."""
        state, moment = self._visit(attempt.intent.underlying)
        ticket, account = _ticket(attempt), self._account(state)
        if refusal(state, ticket, moment, self._venue):
            return None
        told = trial(state, ticket, moment, self._venue)
        return WhatIf(told.after, one_side=self._one_side(ticket, account))

    def _paid(self, symbol: str, session: Session) -> Decimal:
        return sum((one.dividend_per_share for one in self._market.actions(symbol, session)), Decimal(0))

    def _one_side(self, ticket: OptionTicket, account: ExchangeAccount) -> bool:
        # Whether puts and calls together need less than each alone.
        changes = {one: by * ticket.quantity for one, by in ticket.changes.items()}
        parts = [{one: n for one, n in changes.items() if one.right is right} for right in Right]
        whole, *sides = (
            collateral(part, {}, account.kind, self._venue.worth, self._venue.spot) for part in (changes, *parts)
        )
        return whole < sum(sides)

    def _sent(self, ticket: OptionTicket, last_moment: datetime | None) -> OptionOutcome:
        state, moment = self._visit(ticket.symbol)
        if last_moment is not None and moment.now > last_moment:
            return Denied("window", f"it is {moment.now:%H:%M:%S} UTC, the last moment was {last_moment:%H:%M:%S}")
        placed, outcome = place_option(state, ticket, moment, self._venue)
        if isinstance(outcome, Refusal):
            self._save(placed)
            return Rejected(outcome.code, outcome.text)
        placed, _ = advance_options(placed, moment, self._venue)
        self._save(placed)
        order = option_order(placed, outcome.perm_id) or outcome
        return Working(ticket.ref, str(order.perm_id), order.filled, ticket.client_id, order.ticket.order_id)

    def _advanced(self, state: ExchangeState, moment: Moment) -> tuple[ExchangeState, Sequence[object]]:
        # The night of the options comes before the shares' session.
        state, of_options = advance_options(state, moment, self._venue)
        state, of_shares = super()._advanced(state, moment)
        return state, (*of_options, *of_shares)

    def _equity(self, state: ExchangeState, account: ExchangeAccount, moment: Moment) -> Decimal:
        return equity(state, account, moment, self._venue)


def _ticket(attempt: Attempt) -> OptionTicket:
    intent = attempt.intent
    if len(intent.legs) > 1:
        return OptionTicket(intent.account, Side.BUY, intent.legs, intent.quantity, attempt.price, attempt.ref)
    [leg] = intent.legs
    limit = attempt.price if leg.side is Side.BUY else -attempt.price
    legs = (OptionLeg(leg.contract, Side.BUY),)
    return OptionTicket(intent.account, leg.side, legs, intent.quantity, limit, attempt.ref)


def _working(order: OptionOrder) -> WorkingOrder:
    ticket = order.ticket
    return WorkingOrder(ticket.ref, ticket.symbol, order.remaining, turned(ticket), ticket.net)


def _execution(one: OptionExecution, order: OptionOrder) -> LegExecution:
    return LegExecution(
        exec_id=one.exec_id,
        ref=order.ticket.ref,
        account=order.ticket.account,
        contract=one.contract,
        quantity=one.quantity if one.side is Side.BUY else -one.quantity,
        price=one.price,
        instant=one.instant,
        fee_usd=one.fee,
        combo=one.contract is None,
    )
