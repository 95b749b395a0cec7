"""Does the simulated exchange take this order in options?"""

from collections.abc import Mapping
from decimal import Decimal

from msgspec import Struct

from mtum.core.market.instruments import Right, unit_usd
from mtum.core.options.contracts import CLASSES, UNITS, Delivery, OptionContract
from mtum.core.options.ladder import on_tick
from mtum.core.portfolio.money import AccountKind
from mtum.core.portfolio.orders import Side
from mtum.core.simulation.admission import LatePolicy, Moment, Refusal, reserved_by_shares
from mtum.core.simulation.exchange_queries import (
    held_options,
    next_order_id,
    open_options,
    open_orders,
    option_order_by_client,
)
from mtum.core.simulation.exchange_state import ExchangeAccount, ExchangeState, ExchangeStatus, OptionOrder, PlanEffect
from mtum.core.simulation.option_books import OptionTicket
from mtum.core.simulation.options.venue import OptionVenue, step
from mtum.core.simulation.pledges import collateral, reserved_cash, share_counts, uncovered, with_changes

LEAST_EQUITY_USD = Decimal(2000)
"""Net liquidation that an account needs to sell options at all."""
SHARE_MARGIN_FRAC = Decimal("0.5")
_COVERED_CALLS, _BOUGHT, _SOLD, _NAKED = 1, 2, 3, 4
"""Levels of permission."""


class Trial(Struct, frozen=True):
    """What an order would do to an account, USD: initial margin before and after, equity, and its fees."""

    before: Decimal
    after: Decimal
    equity: Decimal
    fees: Decimal


def refusal(state: ExchangeState, ticket: OptionTicket, moment: Moment, venue: OptionVenue) -> Refusal | None:
    """Why this order, or change of a working one, is not taken; None when it is.

    Parameters
    ----------
    state : ExchangeState
        The whole exchange at one instant; `session` is the last one opened, executions oldest first.
    ticket : OptionTicket
        An order in one contract or a combination as a client sends it.
    moment : Moment
        The instant of an operation and the market around it.
    venue : OptionVenue
        Where options trade.
    """
    known = working_option(state, ticket)
    if known and ticket.quantity <= known.filled:
        return Refusal(104, "Cannot modify a filled order")
    if known and (known.ticket.account, known.ticket.side, known.ticket.legs) != (
        ticket.account,
        ticket.side,
        ticket.legs,
    ):
        return Refusal(105, "Order being modified does not match original order")
    without = known.perm_id if known else 0
    return (
        _malformed(state, ticket, numbered=known is None)
        or _planned(state, ticket, moment)
        or _untradable(ticket, moment, venue)
        or _riskless(ticket)
        or _opposite(state, ticket, without)
        or _above_level(state, ticket, venue, without)
        or _unaffordable(state, ticket, moment, venue, without)
    )


def working_option(state: ExchangeState, ticket: OptionTicket) -> OptionOrder | None:
    """The working order that this client gave the same number: the ticket is a change of it."""
    known = option_order_by_client(state, ticket.client_id, ticket.order_id) if ticket.order_id else None
    return known if known is not None and known.status is ExchangeStatus.WORKING else None


def trial(state: ExchangeState, ticket: OptionTicket, moment: Moment, venue: OptionVenue, without: int = 0) -> Trial:
    """Return what an order would do to its account.

    Parameters
    ----------
    state : ExchangeState
        The whole exchange at one instant; `session` is the last one opened, executions oldest first.
    ticket : OptionTicket
        An order in one contract or a combination as a client sends it.
    moment : Moment
        The instant of an operation and the market around it.
    venue : OptionVenue
        Where options trade.
    without : int
        Permanent id of a working order that is left out; 0 for none.

    Raises
    ------
    ValueError
        If there is no such account.
    """
    account = state.account(ticket.account)
    if account is None:
        raise ValueError(f"no account {ticket.account!r}")
    before = reserved_cash(state, account, venue.worth, venue.spot, without)
    held, shares = held_options(state, account.code), _free_shares(state, account)
    venue.prices.quotes([*held, *ticket.changes])  # asked together, they are known one by one
    now = collateral(held, shares, account.kind, venue.worth, venue.spot)
    then = with_changes(held, ticket.changes, ticket.quantity)
    more = collateral(then, shares, account.kind, venue.worth, venue.spot) - now
    margin = _share_margin(account, moment)
    fees = venue.fees.of_order(ticket.symbol, ticket.quantity, sum(leg.ratio for leg in ticket.legs))
    return Trial(margin + before, margin + before + more, equity(state, account, moment, venue), fees)


def equity(state: ExchangeState, account: ExchangeAccount, moment: Moment, venue: OptionVenue) -> Decimal:
    """Return cash, shares and options of an account at the moment's prices, USD.

    Parameters
    ----------
    state : ExchangeState
        The whole exchange at one instant; `session` is the last one opened, executions oldest first.
    account : ExchangeAccount
        The account at the exchange: cash in USD, and positions.
    moment : Moment
        The instant of an operation and the market around it.
    venue : OptionVenue
        Where options trade.
    """
    contracts = held_options(state, account.code)
    names = {one.local_symbol for one in contracts}
    venue.prices.quotes(contracts)  # asked together, they are known one by one
    options = sum((count * UNITS * venue.worth(one) for one, count in contracts.items()), Decimal(0))
    held = (one for one in account.positions if one.symbol not in names)
    worth = (
        one.shares
        * (unit_usd(one.symbol, moment.prices[one.symbol]) if one.symbol in moment.prices else one.average_cost)
        for one in held
    )
    return account.cash + options + sum(worth, Decimal(0))


def _malformed(state: ExchangeState, ticket: OptionTicket, *, numbered: bool) -> Refusal | None:
    if state.account(ticket.account) is None:
        return Refusal(435, f"You must specify an account. {ticket.account!r} is not one of this login")
    if ticket.quantity <= 0:
        return Refusal(434, "The order size cannot be zero")
    if numbered and 0 < ticket.order_id < next_order_id(state, ticket.client_id):
        return Refusal(103, "Duplicate order id")
    unsigned = not ticket.combined and ticket.limit <= 0
    if unsigned or not on_tick(ticket.limit, step(ticket.legs, ticket.limit)):
        return Refusal(110, "The price does not conform to the minimum price variation for this contract.")
    return None


def _planned(state: ExchangeState, ticket: OptionTicket, moment: Moment) -> Refusal | None:
    day = moment.session.day
    plans = (p for p in state.plans if p.effect is PlanEffect.REJECT and p.matches(ticket, day))
    return next((Refusal(plan.code, plan.text) for plan in plans), None)


def _untradable(ticket: OptionTicket, moment: Moment, venue: OptionVenue) -> Refusal | None:
    for leg in ticket.legs:
        name, underlying = leg.contract.trading_class, leg.contract.underlying
        listed = name in CLASSES.get(underlying, (underlying,))  # a symbol may end with a digit itself
        if name[0].isdigit() and not listed:
            return Refusal(201, "Order rejected - reason:FLEX options can not be traded through this interface.")
        if name[-1].isdigit() and not listed:
            return Refusal(201, "Order rejected - reason:This contract is restricted to closing orders only.")
        if leg.contract.expiry < moment.session.day:
            return Refusal(392, "Invalid expiration: the contract has expired")
    if moment.closed and venue.after_close is LatePolicy.REJECT:
        return Refusal(201, "Order rejected - reason: exchange is closed")
    return None


def _riskless(ticket: OptionTicket) -> Refusal | None:
    # Legs of one expiry whose worst end is better than what they cost: a sign or an action is wrong.
    changes = ticket.changes
    if not ticket.combined or len({one.expiry for one in changes}) > 1:
        return None
    calls = sum(by for one, by in changes.items() if one.right is Right.CALL)
    ends = [Decimal(0), *(one.strike for one in changes)]
    worst = min(sum((by * _pays(one, at) for one, by in changes.items()), Decimal(0)) for at in ends)
    if calls < 0 or worst <= ticket.net:
        return None
    return Refusal(201, "Order rejected - reason:Riskless combination orders are not allowed.")


def _pays(contract: OptionContract, at: Decimal) -> Decimal:
    gain = at - contract.strike if contract.right is Right.CALL else contract.strike - at
    return max(gain, Decimal(0))


def _opposite(state: ExchangeState, ticket: OptionTicket, without: int) -> Refusal | None:
    for order in open_options(state, ticket.account):
        crossed = [one for one, by in order.ticket.changes.items() if by * ticket.changes.get(one, 0) < 0]
        if order.perm_id != without and crossed:
            side = Side.BUY if ticket.changes[crossed[0]] > 0 else Side.SELL
            told = f"You are attempting to add an order to {side.value} {crossed[0].local_symbol}"
            reason = "Cannot have open orders on both sides of the same US Option contract"
            return Refusal(201, f"Order rejected - reason:{reason}. {told}.")
    return None


def _above_level(state: ExchangeState, ticket: OptionTicket, venue: OptionVenue, without: int) -> Refusal | None:
    if needed_level(state, ticket, without) <= venue.level:
        return None
    return Refusal(
        201, "Order rejected - reason:you do not have trading permissions for this options strategy. See Help."
    )


def needed_level(state: ExchangeState, ticket: OptionTicket, without: int = 0) -> int:
    """Return the permission that an order needs beside all working ones, 0 for one that only closes what is held.

    Parameters
    ----------
    state : ExchangeState
        The whole exchange at one instant; `session` is the last one opened, executions oldest first.
    ticket : OptionTicket
        An order in one contract or a combination as a client sends it.
    without : int
        Permanent id of an order that is left out.
    """
    account = state.account(ticket.account)
    held = held_options(state, ticket.account)
    for order in open_options(state, ticket.account):
        if order.perm_id != without:
            sold = {one: by for one, by in order.ticket.changes.items() if by < 0}
            held = with_changes(held, sold, order.remaining)
    after = with_changes(held, ticket.changes, ticket.quantity)
    grown = {one: after.get(one, 0) for one in ticket.changes if _opens(held.get(one, 0), after.get(one, 0))}
    if not grown or account is None:
        return 0
    shares = _free_shares(state, account).get(ticket.symbol, 0)
    naked = {right: _alone(after, ticket.symbol, right) for right in Right}
    before = {right: _alone(held, ticket.symbol, right) for right in Right}
    if naked[Right.CALL] > max(before[Right.CALL], shares // UNITS):
        return _NAKED
    rights = {one.right for one, count in grown.items() if count < 0}
    if not rights:
        return _BOUGHT
    if Right.PUT in rights and naked[Right.PUT]:
        return _SOLD
    if rights == {Right.CALL} and naked[Right.CALL]:
        return _COVERED_CALLS
    return _SOLD if ticket.net < 0 else _BOUGHT


def _opens(before: int, after: int) -> bool:
    return abs(after) > abs(before) or before * after < 0


def _alone(held: Mapping[OptionContract, int], symbol: str, right: Right) -> int:
    return uncovered({one: n for one, n in held.items() if one.underlying == symbol and one.right is right})


def _unaffordable(
    state: ExchangeState, ticket: OptionTicket, moment: Moment, venue: OptionVenue, without: int
) -> Refusal | None:
    account = state.account(ticket.account)
    level = needed_level(state, ticket, without)
    if account is None or not level:
        return None
    told = trial(state, ticket, moment, venue, without)
    if level >= _SOLD and told.equity < LEAST_EQUITY_USD:
        minimum = "MINIMUM OF 2000 USD (OR EQUIVALENT IN OTHER CURRENCIES) REQUIRED IN ORDER TO PURCHASE ON MARGIN"
        return Refusal(201, f"Order rejected - reason:{minimum}, SELL SHORT, TRADE CURRENCY OR FUTURE.")
    if account.kind is AccountKind.CASH and _spread_for_shares(state, ticket):
        spread = "spreads of options on shares are not available in a cash account"
        return Refusal(201, f"Order rejected - reason:{spread}")
    paid = max(ticket.net, Decimal(0)) * UNITS * ticket.quantity + told.fees
    if account.kind is AccountKind.CASH:
        funds = account.available_cash - reserved_by_shares(state, account, moment.prices)
    else:
        funds = account.cash + 2 * _share_margin(account, moment)
    if told.after + paid <= funds:
        return None
    loan = f"EQUITY WITH LOAN VALUE [{funds - paid:.2f} USD] MUST EXCEED THE INITIAL MARGIN [{told.after:.2f} USD]"
    return Refusal(
        201,
        f"Order rejected - reason:YOUR ORDER IS NOT ACCEPTED. IN ORDER TO OBTAIN THE DESIRED POSITION YOUR {loan}.",
    )


def _spread_for_shares(state: ExchangeState, ticket: OptionTicket) -> bool:
    # What was sold beside what protects it, where shares are delivered: an account without margin has no such spreads.
    after = with_changes(held_options(state, ticket.account), ticket.changes, ticket.quantity)
    for right in Right:
        own = {one: n for one, n in after.items() if one.underlying == ticket.symbol and one.right is right}
        sold = sum(-count for count in own.values() if count < 0)
        delivered = any(one.delivery is Delivery.SHARES for one in own)
        if delivered and uncovered(own) < sold:
            return True
    return False


def _free_shares(state: ExchangeState, account: ExchangeAccount) -> dict[str, int]:
    # Less what working orders sell.
    free = share_counts(account)
    for order in open_orders(state, account.code):
        if order.ticket.side is Side.SELL:
            free[order.ticket.symbol] = free.get(order.ticket.symbol, 0) - order.remaining
    return free


def _share_margin(account: ExchangeAccount, moment: Moment) -> Decimal:
    if account.kind is AccountKind.CASH:
        return Decimal(0)
    counts = share_counts(account)
    return sum((SHARE_MARGIN_FRAC * n * moment.prices.get(one, Decimal(0)) for one, n in counts.items()), Decimal(0))
