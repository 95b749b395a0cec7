"""Which working orders fill now, at what price, and which end? Continuous trading and the closing auction."""

from datetime import date
from decimal import Decimal

from msgspec.structs import replace

from mtum.core.market.instruments import unit_usd
from mtum.core.market.volume import auction_shares
from mtum.core.portfolio.costs import IbTieredCosts
from mtum.core.portfolio.orders import OrderType, Side
from mtum.core.simulation.account_book import book_fill, signed, with_account
from mtum.core.simulation.admission import ExchangeRules, Moment
from mtum.core.simulation.exchange_queries import order_by_perm_id
from mtum.core.simulation.exchange_state import (
    ExchangeOrder,
    ExchangeState,
    ExchangeStatus,
    Execution,
    FillPlan,
    PlanEffect,
)


def with_order(state: ExchangeState, order: ExchangeOrder) -> ExchangeState:
    """Return the state with the order of this permanent id replaced."""
    return replace(state, orders=tuple(order if o.perm_id == order.perm_id else o for o in state.orders))


def ended(order: ExchangeOrder, status: ExchangeStatus, moment: Moment, code: int, reason: str) -> ExchangeOrder:
    """Return the order as it ends at this moment.

    Parameters
    ----------
    order : ExchangeOrder
        An order the exchange accepted.
    status : ExchangeStatus
        Life of an order at the exchange; all but WORKING are final.
    moment : Moment
        The instant of an operation and the market around it.
    code : int
        The broker's code.
    reason : str
        Why, as a reason word.
    """
    return replace(
        order,
        status=status,
        done_at=moment.now,
        code=code,
        reason=reason,
        session=order.session or moment.session.day,
    )


def trades_now(order: ExchangeOrder, moment: Moment) -> bool:
    """Whether the order meets a price at this moment: its session, its hours, its limit."""
    price = moment.prices.get(order.ticket.symbol)
    if price is None or order.session != moment.session.day or moment.now < moment.session.open:
        return False
    if order.ticket.order_type.on_close and not moment.closed:
        return False
    return _marketable(order, price)


def fill(state: ExchangeState, order: ExchangeOrder, moment: Moment, rules: ExchangeRules) -> ExchangeState:
    """Fill what the plans allow of an order at the moment's price; unchanged when they allow nothing.

    Parameters
    ----------
    state : ExchangeState
        The whole exchange at one instant; `session` is the last one opened, executions oldest first.
    order : ExchangeOrder
        An order the exchange accepted.
    moment : Moment
        The instant of an operation and the market around it.
    rules : ExchangeRules
        How the exchange charges and when it closes its books.
    """
    allowed = _allowed(state.plans, order, moment.session.day) - order.filled
    shares = min(order.remaining, allowed, _left_of_auction(state, order, moment, rules))
    if shares <= 0 or state.account(order.ticket.account) is None:
        return state
    state = _executed(state, order, shares, moment, rules)
    for plan in state.plans:
        last = order_by_perm_id(state, order.perm_id)
        if plan.effect is PlanEffect.EXTRA_FILL and last and plan.matches(order.ticket, moment.session.day):
            state = _executed(state, last, plan.shares, moment, rules)
    return state


def _executed(
    state: ExchangeState, order: ExchangeOrder, shares: int, moment: Moment, rules: ExchangeRules
) -> ExchangeState:
    price, account = moment.prices[order.ticket.symbol], state.account(order.ticket.account)
    assert account is not None
    filled, value = order.filled + shares, order.filled_value + price * shares
    # Charged by order: what the whole so far costs, less what was charged already.
    unit = unit_usd(order.ticket.symbol, value / filled)
    sale, traded = order.ticket.side is Side.SELL, _traded_this_month(state, order, moment.session.day, rules)
    commission = max(Decimal(0), rules.costs.commission(filled, unit, sale=sale, traded=traded) - order.commission)
    change = signed(order.ticket.side, shares)
    account, realized = book_fill(account, order.ticket.symbol, change, price, commission, moment.session.day)
    after = replace(order, filled=filled, filled_value=value, commission=order.commission + commission)
    if after.remaining <= 0:
        after = ended(after, ExchangeStatus.FILLED, moment, 0, "")
    execution = Execution(
        exec_id=_exec_id(state, order),
        perm_id=order.perm_id,
        session=moment.session.day,
        # The auction trades at the close, whenever somebody looks.
        instant=min(moment.now, moment.session.close),
        shares=shares,
        price=price,
        commission=commission,
        realized_pnl=realized,
        filled_so_far=filled,
        average_price=after.average_price,
        ticket=order.ticket,
    )
    state = with_order(with_account(state, account), after)
    return replace(state, executions=(*state.executions, execution))


def _traded_this_month(state: ExchangeState, order: ExchangeOrder, day: date, rules: ExchangeRules) -> int:
    # Shares of the account's other orders, which only a schedule in tiers asks for.
    if not isinstance(rules.costs, IbTieredCosts):
        return 0
    others = (one for one in state.orders if one.perm_id != order.perm_id and one.session)
    own = (one for one in others if one.ticket.account == order.ticket.account)
    return sum(one.filled for one in own if one.session and one.session.replace(day=1) == day.replace(day=1))


def later_rejection(state: ExchangeState, order: ExchangeOrder, moment: Moment) -> FillPlan | None:
    """The plan by which an accepted order is rejected at this moment, if there is one.

    Parameters
    ----------
    state : ExchangeState
        The whole exchange at one instant; `session` is the last one opened, executions oldest first.
    order : ExchangeOrder
        An order the exchange accepted.
    moment : Moment
        The instant of an operation and the market around it.
    """
    for plan in state.plans:
        due = plan.effect is PlanEffect.REJECT_LATER and moment.within(plan.minutes_before_close)
        if due and order.session == moment.session.day and plan.matches(order.ticket, order.session):
            return plan
    return None


def called_inactive(state: ExchangeState, order: ExchangeOrder, moment: Moment) -> bool:
    """Whether a plan has an order called inactive at this moment, which works all the same.

    Parameters
    ----------
    state : ExchangeState
        The whole exchange at one instant; `session` is the last one opened, executions oldest first.
    order : ExchangeOrder
        An order the exchange accepted.
    moment : Moment
        The instant of an operation and the market around it.
    """
    return order.session is not None and any(
        plan.effect is PlanEffect.INACTIVE
        and moment.within(plan.minutes_before_close)
        and plan.matches(order.ticket, order.session)
        for plan in state.plans
    )


def _marketable(order: ExchangeOrder, price: Decimal) -> bool:
    limit = order.ticket.limit
    if limit is None or order.ticket.order_type in (OrderType.MARKET, OrderType.MARKET_ON_CLOSE):
        return True
    return price <= limit if order.ticket.side is Side.BUY else price >= limit


def _allowed(plans: tuple[FillPlan, ...], order: ExchangeOrder, day: date) -> int:
    caps = [p.shares for p in plans if p.effect is PlanEffect.PARTIAL_FILL and p.matches(order.ticket, day)]
    return min([*caps, order.ticket.shares])


def _left_of_auction(state: ExchangeState, order: ExchangeOrder, moment: Moment, rules: ExchangeRules) -> int:
    volume = moment.volumes.get(order.ticket.symbol, 0.0)
    if rules.auction_volume_frac is None or not order.ticket.order_type.on_close or not volume > 0:
        return order.remaining
    here = (one for one in state.orders if one.session == order.session and one.ticket.symbol == order.ticket.symbol)
    whole = auction_shares(volume, rules.auction_volume_frac)
    return whole - sum(one.filled for one in here if one.ticket.order_type.on_close)


def _exec_id(state: ExchangeState, order: ExchangeOrder) -> str:
    # Four dotted parts as the broker's; the third counts the fills of an order.
    stems = {e.stem for e in state.executions if e.perm_id == order.perm_id}
    return f"0000e0d5.{order.perm_id:08x}.{len(stems) + 1:02d}.01"
