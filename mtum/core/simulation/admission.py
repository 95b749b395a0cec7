"""Does the simulated exchange take this order, and for which session?"""

from collections.abc import Mapping
from datetime import date, datetime
from decimal import Decimal
from enum import Enum

from msgspec import Struct, field
from msgspec.structs import replace

from mtum.core.market.instruments import unit_usd
from mtum.core.market.sessions import Session
from mtum.core.portfolio.costs import CostModel, PercentCosts
from mtum.core.portfolio.money import AccountKind
from mtum.core.portfolio.orders import OrderType, Side
from mtum.core.simulation.account_book import CorporateAction
from mtum.core.simulation.exchange_queries import next_order_id, open_orders, order_by_client
from mtum.core.simulation.exchange_state import (
    ExchangeAccount,
    ExchangeOrder,
    ExchangeState,
    ExchangeStatus,
    ExchangeTicket,
    PlanEffect,
)
from mtum.core.simulation.pledges import no_spot, no_worth, pledged_shares, reserved_cash


class LatePolicy(Enum):
    """What happens to an order that comes too late for this session."""

    REJECT = "reject"
    NEXT_SESSION = "next_session"


class ExchangeRules(Struct, frozen=True):
    """How the exchange charges and when it closes its books.

    Parameters
    ----------
    entry_cutoff_minutes, cancel_cutoff_minutes : float
        Minutes before the close from which on-close orders are late, or can no longer be canceled.
    late_on_close : LatePolicy
        An on-close order between the cut-off and the close.
    after_close : LatePolicy
        Any order after the close (Interactive Brokers keeps it for the next session, code 399).
    auction_volume_frac : float or None
        Part of a session's volume that the closing auction fills of a symbol, first come, first served; None = all.
        Where the volume is unknown or 0 everything is filled.
    """

    costs: CostModel = field(default_factory=PercentCosts)
    entry_cutoff_minutes: float = 10.0
    cancel_cutoff_minutes: float = 10.0
    late_on_close: LatePolicy = LatePolicy.REJECT
    after_close: LatePolicy = LatePolicy.NEXT_SESSION
    auction_volume_frac: float | None = None


class Moment(Struct, frozen=True):
    """The instant of an operation and the market around it.

    Parameters
    ----------
    now : datetime
        Aware UTC.
    session : Session
        The session of that day (or the last one, when the exchange is shut).
    prices : mapping of symbol to Decimal
        Last prices in USD; from the close on the official closes. A symbol without one does not trade.
    actions : tuple of CorporateAction
        What happens on this session's morning; applied once, when the session is first seen.
    volumes : mapping of symbol to float
        From the close on the shares traded in the session, for exchanges whose auction is limited by it.
    """

    now: datetime
    session: Session
    prices: Mapping[str, Decimal]
    actions: tuple[CorporateAction, ...] = ()
    volumes: Mapping[str, float] = field(default_factory=dict)

    @property
    def closed(self) -> bool:
        """Whether the close has been reached."""
        return self.now >= self.session.close

    def within(self, minutes: float) -> bool:
        """Whether the close is at most so many minutes away (or past)."""
        return self.now >= self.session.before_close(minutes)


class Refusal(Struct, frozen=True):
    """The broker's number and words for an order that was not taken, or not canceled."""

    code: int
    text: str


def refusal(state: ExchangeState, ticket: ExchangeTicket, moment: Moment, rules: ExchangeRules) -> Refusal | None:
    """Why this order, or change of a working one, is not taken; None when it is.

    Parameters
    ----------
    state : ExchangeState
        The whole exchange at one instant; `session` is the last one opened, executions oldest first.
    ticket : ExchangeTicket
        An order as a client sends it; `order_id` 0 lets the exchange choose the client's next one.
    moment : Moment
        The instant of an operation and the market around it.
    rules : ExchangeRules
        How the exchange charges and when it closes its books.
    """
    known = working_order(state, ticket)
    if known:
        mismatched = _mismatched(known, ticket)
        if mismatched:
            return mismatched
        # What is judged is the order as it would be, not both.
        state = replace(state, orders=tuple(order for order in state.orders if order is not known))
    return (
        _malformed(state, ticket, numbered=known is None)
        or _planned(state, ticket, moment.session.day)
        or _late(ticket, moment, rules)
        or _unaffordable(state, ticket, moment, rules)
        or _uncovered(state, ticket)
    )


def working_order(state: ExchangeState, ticket: ExchangeTicket) -> ExchangeOrder | None:
    """The working order that this client gave the same number: the ticket is a change of it."""
    known = order_by_client(state, ticket.client_id, ticket.order_id) if ticket.order_id else None
    return known if known is not None and known.status is ExchangeStatus.WORKING else None


def working_session(ticket: ExchangeTicket, moment: Moment, rules: ExchangeRules) -> date | None:
    """Session an accepted order works in; None = the next one to open.

    Parameters
    ----------
    ticket : ExchangeTicket
        An order as a client sends it; `order_id` 0 lets the exchange choose the client's next one.
    moment : Moment
        The instant of an operation and the market around it.
    rules : ExchangeRules
        How the exchange charges and when it closes its books.
    """
    return None if _is_late(ticket, moment, rules) else moment.session.day


def _mismatched(known: ExchangeOrder, ticket: ExchangeTicket) -> Refusal | None:
    before = known.ticket
    if (before.account, before.symbol, before.side) != (ticket.account, ticket.symbol, ticket.side):
        return Refusal(105, "Order being modified does not match original order")
    return Refusal(104, "Cannot modify a filled order") if ticket.shares <= known.filled else None


def _malformed(state: ExchangeState, ticket: ExchangeTicket, *, numbered: bool) -> Refusal | None:
    if state.account(ticket.account) is None:
        return Refusal(435, f"You must specify an account. {ticket.account!r} is not one of this login")
    if ticket.shares <= 0:
        return Refusal(434, "The order size cannot be zero")
    if numbered and 0 < ticket.order_id < next_order_id(state, ticket.client_id):
        return Refusal(103, "Duplicate order id")
    limited = ticket.order_type in (OrderType.LIMIT, OrderType.LIMIT_ON_CLOSE)
    if limited and (ticket.limit is None or ticket.limit <= 0):
        return Refusal(110, "The price does not conform to the minimum price variation for this contract")
    if ticket.order_type.on_close and ticket.tif not in ("DAY", ""):
        return Refusal(113, "The Time-in-Force must be DAY for MOC or LOC orders")
    return None


def _planned(state: ExchangeState, ticket: ExchangeTicket, day: date) -> Refusal | None:
    plans = (p for p in state.plans if p.effect is PlanEffect.REJECT and p.matches(ticket, day))
    plan = next(plans, None)
    return Refusal(plan.code, plan.text) if plan else None


def _is_late(ticket: ExchangeTicket, moment: Moment, rules: ExchangeRules) -> bool:
    return moment.closed or (ticket.order_type.on_close and moment.within(rules.entry_cutoff_minutes))


def _late(ticket: ExchangeTicket, moment: Moment, rules: ExchangeRules) -> Refusal | None:
    if not _is_late(ticket, moment, rules):
        return None
    policy = rules.after_close if moment.closed else rules.late_on_close
    if policy is LatePolicy.NEXT_SESSION:
        return None
    reason = "exchange is closed" if moment.closed else "the cut-off for on-close orders has passed"
    return Refusal(201, f"Order rejected - reason: {reason}")


def _unaffordable(state: ExchangeState, ticket: ExchangeTicket, moment: Moment, rules: ExchangeRules) -> Refusal | None:
    account, price = state.account(ticket.account), moment.prices.get(ticket.symbol)
    if ticket.side is Side.SELL or account is None or account.kind is AccountKind.MARGIN or price is None:
        return None
    unit = unit_usd(ticket.symbol, price)
    needed = unit * ticket.shares + rules.costs.commission(ticket.shares, unit)
    free = account.available_cash - reserved_by_shares(state, account, moment.prices)
    free -= reserved_cash(state, account, no_worth, no_spot)
    if needed <= free:
        return None
    return Refusal(201, f"Order rejected - reason: needs USD {needed:.2f}, settled cash free USD {free:.2f}")


def reserved_by_shares(state: ExchangeState, account: ExchangeAccount, prices: Mapping[str, Decimal]) -> Decimal:
    """Return what an account's working purchases of shares will take, USD.

    Parameters
    ----------
    state : ExchangeState
        The whole exchange at one instant; `session` is the last one opened, executions oldest first.
    account : ExchangeAccount
        The account at the exchange: cash in USD, and positions.
    prices : mapping of str to Decimal
        Price by symbol, USD per share.
    """
    buys = (o for o in open_orders(state, account.code) if o.ticket.side is Side.BUY)
    return sum(
        (o.remaining * unit_usd(o.ticket.symbol, prices.get(o.ticket.symbol, Decimal(0))) for o in buys), Decimal(0)
    )


def _uncovered(state: ExchangeState, ticket: ExchangeTicket) -> Refusal | None:
    account = state.account(ticket.account)
    if ticket.side is Side.BUY or account is None or account.kind is AccountKind.MARGIN:
        return None
    selling = sum(
        o.remaining
        for o in open_orders(state, account.code)
        if o.ticket.side is Side.SELL and o.ticket.symbol == ticket.symbol
    )
    pledged = pledged_shares(state, account.code, ticket.symbol)
    if ticket.shares + selling + pledged <= account.position(ticket.symbol).shares:
        return None
    return Refusal(201, "Order rejected - reason: a cash account cannot hold short positions")
