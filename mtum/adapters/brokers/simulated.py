"""The in-process broker of practice mode: a thin face of the simulated exchange."""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Protocol

from msgspec.structs import replace

from mtum.core.market.instruments import Right, instrument, unit_usd
from mtum.core.market.sessions import Session
from mtum.core.portfolio.money import AccountKind
from mtum.core.portfolio.orders import OrderStatus, Ticket
from mtum.core.simulation import exchange
from mtum.core.simulation.account_book import CorporateAction, adjust_cash, with_account
from mtum.core.simulation.admission import ExchangeRules, Moment, Refusal
from mtum.core.simulation.exchange_codec import finished_apart, from_bytes, opened, to_bytes
from mtum.core.simulation.exchange_queries import completed_orders, executions_of, open_orders
from mtum.core.simulation.exchange_state import (
    ExchangeAccount,
    ExchangeOrder,
    ExchangeState,
    ExchangeStatus,
    ExchangeTicket,
    Execution,
    Position,
)
from mtum.errors import BrokerUnavailableError
from mtum.ports.broker import (
    Accepted,
    BrokerAccount,
    BrokerFill,
    BrokerLists,
    BrokerOrder,
    Denied,
    OtherInstrument,
    Rejected,
    SubmitOutcome,
)
from mtum.ports.time import Clock

_STATUS = {
    ExchangeStatus.FILLED: OrderStatus.FILLED,
    ExchangeStatus.CANCELED: OrderStatus.CANCELED,
    ExchangeStatus.EXPIRED: OrderStatus.EXPIRED,
    ExchangeStatus.REJECTED: OrderStatus.REJECTED,
}


KEPT_EVERY = 20
"""Sessions after which a look keeps the session reached."""


class _Market(Protocol):
    # What the exchange has to know of the market it stands in, as `SourceMarket` tells it.
    def session_at(self, now: datetime) -> Session: ...
    def sessions_between(self, after: date, until: date) -> tuple[Session, ...]: ...
    def price(self, symbol: str, session: Session, now: datetime) -> Decimal | None: ...
    def volume(self, symbol: str, session: Session) -> float: ...
    def actions(self, symbol: str, session: Session) -> tuple[CorporateAction, ...]: ...


class _StateFile(Protocol):
    # Where the exchange keeps its state, apart from our own database, as `ReplacedFile` does.
    def load(self) -> bytes | None: ...
    def save(self, state: bytes) -> None: ...


class SimulatedBroker:
    """A broker without a wire: what its file does not hold was certainly never taken."""

    name = "simulated"
    proves_absence = True
    _trades_options = False

    def __init__(
        self,
        account: ExchangeAccount,
        file: _StateFile,
        market: _Market,
        clock: Clock,
        rules: ExchangeRules,
    ) -> None:
        self._first_account = account
        self._file = file
        self._market = market
        self._clock = clock
        self._rules = rules
        self._state: ExchangeState | None = None
        self._finished = b""
        self._saved: date | None = None

    def connect(self) -> None:
        """Read the exchange's file, or open a fresh account."""
        stored = self._file.load()
        self._state, self._finished = _opened(stored, self._first_account)
        if stored and self._state.session is not None and self._today() < self._state.session:
            # Our database was set back: what the exchange knows of later and of these sessions must be seen.
            self._state, self._finished = from_bytes(stored), b""
        self._saved = self._state.session

    def close(self) -> None:
        """Forget the state; the file has it."""
        self._state, self._finished = None, b""

    def server_time(self) -> datetime:
        """Return the market's time: the exchange has no clock of its own."""
        return self._clock.now()

    def lists(self) -> BrokerLists:
        """Return account, positions, orders and today's executions as they stand now."""
        state, moment = self._visit()
        code = self._first_account.code
        account = self._account(state)
        day = moment.session.day
        orders = (*open_orders(state, code), *completed_orders(state, day, code))
        return BrokerLists(
            at=moment.now,
            account=BrokerAccount(
                code=code,
                kind=AccountKind(account.kind.value),
                cash_usd=account.cash,
                settled_usd=account.settled_cash,
                net_liquidation_usd=self._equity(state, account, moment),
            ),
            positions={
                position.symbol: position.shares for position in account.positions if " " not in position.symbol
            },
            orders=tuple(_listed(order) for order in orders),
            fills=tuple(_fill(execution) for execution in executions_of(state, day, code)),
            others=tuple(_other(p) for p in account.positions if " " in p.symbol and not self._trades_options),
        )

    def session_hours(self, symbol: str, day: date) -> Session | None:
        """Return the exchange's own hours of that day."""
        session = self._market.session_at(self._clock.now())
        return session if session.day == day else None

    def contract(self, symbol: str) -> str:
        """Return nothing: the simulated exchange has no contract numbers."""
        return ""

    def price(self, symbol: str) -> Decimal:
        """Return the price the exchange would trade at now."""
        moment = self._moment(symbols=(symbol,))
        if symbol not in moment.prices:
            raise BrokerUnavailableError(f"{symbol}: the practice exchange has no price for it")
        return moment.prices[symbol]

    def submit(self, ticket: Ticket, last_moment: datetime | None = None) -> SubmitOutcome:
        """Hand the order to the exchange; its answer is certain and immediate."""
        if ticket.untradable:
            return Denied("instrument", ticket.untradable)
        state, moment = self._visit(ticket.symbol)
        if last_moment is not None and moment.now > last_moment:
            return Denied("window", f"it is {moment.now:%H:%M:%S} UTC, the last moment was {last_moment:%H:%M:%S}")
        placed, outcome = exchange.place(state, _exchange_ticket(ticket), moment, self._rules)
        self._save(placed)
        if isinstance(outcome, Refusal):
            return Rejected(outcome.code, outcome.text)
        return Accepted(_listed(outcome))

    def cancel(self, ref: str) -> bool:
        """Cancel the working order with that reference; False when it can no longer be canceled."""
        state, moment = self._visit()
        mine = [order for order in open_orders(state, self._first_account.code) if order.ticket.ref == ref]
        outcomes = []
        for order in mine:
            state, outcome = exchange.cancel(state, order.perm_id, moment, self._rules)
            outcomes.append(isinstance(outcome, ExchangeOrder))
        self._save(state)
        return bool(outcomes) and all(outcomes)

    def _account(self, state: ExchangeState) -> ExchangeAccount:
        account = state.account(self._first_account.code)
        if account is None:
            raise BrokerUnavailableError(f"account {self._first_account.code} is not at this exchange")
        return account

    def _visit(self, symbol: str | None = None) -> tuple[ExchangeState, Moment]:
        """Bring the exchange to now: every session passed since the last visit, then this one."""
        if self._state is None:
            raise BrokerUnavailableError("not connected to the practice exchange")
        state = self._state
        moment = self._moment((symbol,) if symbol else ())
        if state.session is not None:
            # The session of the last visit too: nobody may have been there at its close.
            seen_until = state.session - timedelta(days=1)
            for passed in self._market.sessions_between(seen_until, moment.session.day)[:-1]:
                state, events = self._advanced(state, self._moment((), passed, passed.close))
                self._keep(state, changed=bool(events))
        state, events = self._advanced(state, moment)
        self._keep(state, changed=bool(events) or self._far_behind(moment.session.day))
        return state, moment

    def _advanced(self, state: ExchangeState, moment: Moment) -> tuple[ExchangeState, Sequence[object]]:
        return exchange.advance(state, moment, self._rules)

    def _equity(self, state: ExchangeState, account: ExchangeAccount, moment: Moment) -> Decimal:
        units = {symbol: unit_usd(symbol, price) for symbol, price in moment.prices.items()}
        return account.cash + sum(
            (p.shares * units.get(p.symbol, p.average_cost) for p in account.positions), Decimal(0)
        )

    def _far_behind(self, today: date) -> bool:
        # A look changes nothing, so a dry run leaves the file alone; kept now and then, the session reached spares
        # later visits all that lies before it.
        if self._saved is None:
            return False
        return len(self._market.sessions_between(self._saved, today)) >= KEPT_EVERY

    def _keep(self, state: ExchangeState, *, changed: bool) -> None:
        # Looking twice writes nothing: the passage of time within a session comes out the same again.
        if changed:
            self._save(state)
        self._state = state

    def _moment(self, symbols: tuple[str, ...], session: Session | None = None, now: datetime | None = None) -> Moment:
        now = now or self._clock.now()
        session = session or self._market.session_at(now)
        wanted = {*symbols, *self._symbols()}
        prices = {symbol: self._market.price(symbol, session, now) for symbol in sorted(wanted)}
        actions = tuple(action for symbol in sorted(wanted) for action in self._market.actions(symbol, session))
        known = {symbol: price for symbol, price in prices.items() if price is not None}
        limited = self._rules.auction_volume_frac is not None and now >= session.close
        volumes = {symbol: self._market.volume(symbol, session) for symbol in known} if limited else {}
        return Moment(now, session, known, actions, volumes)

    def _symbols(self) -> set[str]:
        if self._state is None:
            return set()
        positions = (position.symbol for account in self._state.accounts for position in account.positions)
        held = {symbol for symbol in positions if " " not in symbol}
        return held | {order.ticket.symbol for order in open_orders(self._state)}

    def _today(self) -> date:
        return self._market.session_at(self._clock.now()).day

    def _save(self, state: ExchangeState) -> None:
        state, self._finished = finished_apart(state, min(state.session or date.min, self._today()), self._finished)
        self._file.save(to_bytes(state, self._finished))
        self._state, self._saved = state, state.session


def _opened(stored: bytes | None, first: ExchangeAccount) -> tuple[ExchangeState, bytes]:
    if stored is None:
        return ExchangeState(accounts=(first,)), b""
    try:
        state, finished = opened(stored)
    except (ValueError, json.JSONDecodeError) as error:
        raise BrokerUnavailableError(
            f"the practice exchange's file cannot be read ({error}); restore it or start with an empty data folder"
        ) from error
    if state.account(first.code) is None:
        known = ", ".join(account.code for account in state.accounts)
        raise BrokerUnavailableError(f"account {first.code} is not at this exchange; it has {known}")
    return state, finished


def move_cash(file: _StateFile, first_account: ExchangeAccount, amount_usd: Decimal) -> None:
    """Put settled practice money into the account, or take it out when negative.

    Parameters
    ----------
    file : _StateFile
        The file that holds the exchange.
    first_account : ExchangeAccount
        Account that a fresh exchange has.
    amount_usd : Decimal
        USD, negative for money taken out.
    """
    state, finished = _opened(file.load(), first_account)
    account = state.account(first_account.code) or first_account
    file.save(to_bytes(with_account(state, adjust_cash(account, amount_usd)), finished))


def put_shares(file: _StateFile, first_account: ExchangeAccount, paid: Mapping[str, tuple[int, Decimal]]) -> None:
    """Open an account in which shares were bought, each number at its price in USD per share.

    Parameters
    ----------
    file : _StateFile
        The file that holds the exchange.
    first_account : ExchangeAccount
        Account that a fresh exchange has.
    paid : mapping of str to (int, Decimal)
        Shares and price in USD by symbol.
    """
    held = tuple(Position(symbol, Decimal(count), price) for symbol, (count, price) in sorted(paid.items()))
    cost = sum((count * price for count, price in paid.values()), Decimal(0))
    account = replace(first_account, cash=first_account.cash - cost, positions=held)
    file.save(to_bytes(ExchangeState(accounts=(account,)), b""))


def practice_account(code: str, kind: str, cash_usd: Decimal) -> ExchangeAccount:
    """Return a fresh account with that much settled cash.

    Parameters
    ----------
    code : str
        Code of the account.
    kind : str
        "cash" or "margin".
    cash_usd : Decimal
        Settled cash, USD.
    """
    return ExchangeAccount(code, AccountKind(kind), cash_usd)


def _exchange_ticket(ticket: Ticket) -> ExchangeTicket:
    return ExchangeTicket(
        account=ticket.account,
        symbol=ticket.symbol,
        side=ticket.side,
        order_type=ticket.order_type,
        shares=ticket.shares,
        ref=ticket.ref,
    )


def _listed(order: ExchangeOrder) -> BrokerOrder:
    ticket = order.ticket
    working = OrderStatus.PARTIALLY_FILLED if order.filled else OrderStatus.ACCEPTED
    return BrokerOrder(
        ref=ticket.ref,
        broker_id=str(order.perm_id),
        account=ticket.account,
        symbol=ticket.symbol,
        side=ticket.side,
        order_type=ticket.order_type,
        shares=ticket.shares,
        filled=order.filled,
        status=_STATUS.get(order.status, working),
        client_id=ticket.client_id,
        order_id=ticket.order_id,
        session=order.session,
        code=order.code or None,
        text=order.reason,
    )


def _other(position: Position) -> OtherInstrument:
    option = instrument(position.symbol)
    is_call = None if option.right is None else option.right is Right.CALL
    root = position.symbol.split(" ")[0]
    return OtherInstrument(root, position.symbol, "OPT", position.shares, is_call, Decimal(option.multiplier))


def _fill(execution: Execution) -> BrokerFill:
    ticket = execution.ticket
    return BrokerFill(
        exec_id=execution.exec_id,
        ref=ticket.ref,
        broker_id=str(execution.perm_id),
        account=ticket.account,
        symbol=ticket.symbol,
        side=ticket.side,
        shares=Decimal(execution.shares),
        price=execution.price,
        instant=execution.instant,
        commission_usd=execution.commission,
        client_id=ticket.client_id,
        order_id=ticket.order_id,
    )
