"""When does an order in options fill, at what price of each leg, and what does that do to the account?"""

from collections.abc import Mapping
from datetime import timedelta
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal

from msgspec import Struct
from msgspec.structs import replace

from mtum.core.market.instruments import unit_usd
from mtum.core.options.chain import Quote
from mtum.core.options.ladder import Market
from mtum.core.options.legs import OptionLeg
from mtum.core.portfolio.options.orders import market_of
from mtum.core.portfolio.orders import Side
from mtum.core.simulation.account_book import book_fill, with_account
from mtum.core.simulation.admission import Moment
from mtum.core.simulation.exchange_queries import held_options
from mtum.core.simulation.exchange_state import (
    ExchangeState,
    ExchangeStatus,
    OptionOrder,
    PlanEffect,
    Unsettled,
)
from mtum.core.simulation.option_books import OptionExecution
from mtum.core.simulation.options.venue import OptionVenue, step, turned

_CENT, _FEE_STEP, _HALF = Decimal("0.01"), Decimal("0.0001"), Decimal("0.5")


class LegPrice(Struct, frozen=True):
    """A leg as it trades, and its price in USD per share."""

    leg: OptionLeg
    price: Decimal


class LegFill(Struct, frozen=True):
    """So many units of a leg at its price, and its part of the fees in USD."""

    leg: LegPrice
    units: int
    fee: Decimal


def fill_price(market: Market, limit: Decimal, tick: Decimal, reach: Decimal) -> Decimal | None:
    """Return the net at which an order fills; None if its limit does not reach far enough.

    Parameters
    ----------
    market : Market
        Sides of the order, debit positive.
    limit : Decimal
        Net, USD per share, debit positive.
    tick : Decimal
        Step of the price, USD.
    reach : Decimal
        Part of the way from the middle to the far side, see `OptionVenue`.
    """
    wanted = market.mid + reach * (market.far - market.mid)
    # On the nearest step, a tie in the order's favor; a market one step wide fills at its far side alone.
    rounded = min((wanted / tick - _HALF).to_integral_value(ROUND_CEILING) * tick, market.far)
    return rounded if limit >= rounded else None


def leg_prices(
    legs: tuple[OptionLeg, ...], quotes: Mapping[int, Quote], net: Decimal, reach: Decimal
) -> tuple[LegPrice, ...]:
    """Split a net over the legs: each on its own way to its far side, the rest on the dearest leg of ratio 1.

    Parameters
    ----------
    legs : tuple of OptionLeg
        Legs of one unit of the order.
    quotes : mapping of int to Quote
        Quotes by contract number.
    net : Decimal
        Net price of one unit, USD per share; negative for a credit.
    reach : Decimal
        Part of the way from the middle to the far side, 0 to 1.
    """
    found = []
    for leg in legs:
        sides = market_of([replace(leg, ratio=1)], quotes, closes=True)
        own = abs(sides.mid + reach * (sides.far - sides.mid)) if sides else Decimal(0)
        found.append(LegPrice(leg, own.quantize(_CENT, ROUND_HALF_UP)))
    rest = net - sum((one.leg.signed * one.price for one in found), Decimal(0))
    at = max(range(len(found)), key=lambda place: (found[place].leg.ratio == 1, found[place].price))
    taken = found[at]
    found[at] = LegPrice(taken.leg, taken.price + rest / taken.leg.signed)
    return tuple(found)


def fill(
    state: ExchangeState, order: OptionOrder, moment: Moment, venue: OptionVenue, *, at_limit: int = 0
) -> tuple[ExchangeState, tuple[OptionExecution, ...]]:
    """Fill what the plans allow of an order, if its limit reaches the market; unchanged if not.

    Parameters
    ----------
    state : ExchangeState
        The whole exchange at one instant; `session` is the last one opened, executions oldest first.
    order : OptionOrder
        An order in options that the exchange accepted; as `ExchangeOrder`, in units and USD per share of one.
    moment : Moment
        The instant of an operation and the market around it.
    venue : OptionVenue
        Where options trade.
    at_limit : int
        So many units fill at the order's own limit, wherever the market is.
    """
    ticket, legs = order.ticket, turned(order.ticket)
    market = venue.market(ticket)
    if market is None or state.account(ticket.account) is None:
        return state, ()
    net: Decimal | None = ticket.net
    units = min(at_limit, order.remaining)
    if not at_limit:
        net = fill_price(market, ticket.net, step(ticket.legs, ticket.net), venue.reach)
        units = min(order.remaining, _allowed(state, order, moment) - order.filled)
    if net is None or units <= 0:
        return state, ()
    quotes = venue.prices.quotes([leg.contract for leg in legs])
    return _executed(state, order, moment, venue, (net, units, leg_prices(legs, quotes, net, venue.reach)))


def with_option_order(state: ExchangeState, order: OptionOrder) -> ExchangeState:
    """Return the state with the order of this permanent id replaced."""
    books = state.option_books
    orders = tuple(order if one.perm_id == order.perm_id else one for one in books.orders)
    return replace(state, options=replace(books, orders=orders))


def ended(order: OptionOrder, status: ExchangeStatus, moment: Moment, code: int, reason: str) -> OptionOrder:
    """Return the order as it ends at this moment.

    Parameters
    ----------
    order : OptionOrder
        An order in options that the exchange accepted; as `ExchangeOrder`, in units and USD per share of one.
    status : ExchangeStatus
        Life of an order at the exchange; all but WORKING are final.
    moment : Moment
        The instant of an operation and the market around it.
    code : int
        The broker's code.
    reason : str
        Why, as a reason word.
    """
    session = order.session or moment.session.day
    return replace(order, status=status, done_at=moment.now, code=code, reason=reason, session=session)


def _allowed(state: ExchangeState, order: OptionOrder, moment: Moment) -> int:
    day = moment.session.day
    caps = [p.shares for p in state.plans if p.effect is PlanEffect.PARTIAL_FILL and p.matches(order.ticket, day)]
    return min([*caps, order.ticket.quantity])


def _executed(
    state: ExchangeState,
    order: OptionOrder,
    moment: Moment,
    venue: OptionVenue,
    traded: tuple[Decimal, int, tuple[LegPrice, ...]],
) -> tuple[ExchangeState, tuple[OptionExecution, ...]]:
    net, units, prices = traded
    ticket, day = order.ticket, moment.session.day
    sent = net if ticket.side is Side.BUY else -net
    filled, value = order.filled + units, order.filled_value + sent * units
    count = sum(one.leg.ratio for one in prices)
    fees = venue.fees.of_order(ticket.symbol, filled, count)
    shares = _split(max(fees - order.fees, Decimal(0)), [one.leg.ratio for one in prices])
    after = replace(order, filled=filled, filled_value=value, fees=max(fees, order.fees))
    if after.remaining <= 0:
        after = ended(after, ExchangeStatus.FILLED, moment, 0, "")
    whole = OptionExecution(
        exec_id=_exec_id(state, order, 0),
        perm_id=order.perm_id,
        session=day,
        instant=min(moment.now, moment.session.close),
        contract=None,
        side=ticket.side,
        quantity=units,
        price=sent,
        fee=Decimal(0),
        realized_pnl=None,
        filled_so_far=filled,
        average_price=after.average_price,
    )
    made = [whole] if ticket.combined else []
    for one, fee in zip(prices, shares, strict=True):
        exec_id = _exec_id(state, order, len(made))
        state, realized = _booked(state, order, LegFill(one, units, fee), moment)
        of_leg = replace(whole, exec_id=exec_id, contract=one.leg.contract, side=one.leg.side)
        ratio = one.leg.ratio
        counted = replace(of_leg, quantity=units * ratio, filled_so_far=filled * ratio, fee=fee, realized_pnl=realized)
        made.append(replace(counted, price=one.price, average_price=one.price))
    state = with_option_order(state, after)
    books = state.option_books
    return replace(state, options=replace(books, executions=(*books.executions, *made))), tuple(made)


def _booked(
    state: ExchangeState, order: OptionOrder, filled: LegFill, moment: Moment
) -> tuple[ExchangeState, Decimal | None]:
    leg, day = filled.leg.leg, moment.session.day
    before = state.account(order.ticket.account)
    assert before is not None
    name, change = leg.contract.local_symbol, leg.signed * filled.units
    # The account knows a position by its name alone, which is not every contract's size.
    price = filled.leg.price * leg.contract.multiplier / unit_usd(name, Decimal(1))
    after, realized = book_fill(before, name, change, price, filled.fee, day)
    if after.cash > before.cash:
        # What options bring settles on the next session, whatever shares need.
        own = Unsettled(day, after.cash - before.cash, day + timedelta(days=1))
        after = replace(after, unsettled=(*before.unsettled, own))
    books = state.option_books
    known = books.contracts if leg.contract in books.contracts else (*books.contracts, leg.contract)
    state = with_account(replace(state, options=replace(books, contracts=known)), after)
    return forget_closed(state), realized


def forget_closed(state: ExchangeState) -> ExchangeState:
    """Return the state without the contracts that no account holds any more."""
    held = {one for account in state.accounts for one in held_options(state, account.code)}
    books = state.option_books
    return replace(state, options=replace(books, contracts=tuple(one for one in books.contracts if one in held)))


def _split(fees: Decimal, ratios: list[int]) -> list[Decimal]:
    # By the contracts of each leg, to a hundredth of a cent; the first takes what is left over.
    parts = [(fees * ratio / sum(ratios)).quantize(_FEE_STEP) for ratio in ratios]
    return [parts[0] + fees - sum(parts), *parts[1:]]


def _exec_id(state: ExchangeState, order: OptionOrder, later: int) -> str:
    # Four dotted parts as the broker's; the third counts the records of an order.
    before = sum(one.perm_id == order.perm_id for one in state.option_books.executions)
    return f"0000e0d5.{order.perm_id:08x}.{before + later + 1:02d}.01"
