"""Options at the simulated exchange: place, cancel, let time pass (as `simulation.exchange` does with shares).

Each operation takes the state, the moment and where options trade, and returns the next state with what came of it.
Call `advance_options` before the shares' `advance` at every visit: what a night assigned is held, or gone, before a
dividend is paid.
"""

from msgspec import Struct
from msgspec.structs import replace

from mtum.core.simulation.admission import LatePolicy, Moment, Refusal
from mtum.core.simulation.exchange import open_session
from mtum.core.simulation.exchange_queries import next_order_id, open_options, option_order
from mtum.core.simulation.exchange_state import ExchangeState, ExchangeStatus, OptionOrder, PlanEffect
from mtum.core.simulation.option_books import OptionEnding, OptionExecution, OptionTicket
from mtum.core.simulation.options.admission import refusal, working_option
from mtum.core.simulation.options.matching import ended, fill, with_option_order
from mtum.core.simulation.options.overnight import adjusted, pass_night
from mtum.core.simulation.options.venue import OptionVenue


class OptionFilled(Struct, frozen=True):
    """A fill: its executions, the one of the combination first, and the order after it."""

    executions: tuple[OptionExecution, ...]
    order: OptionOrder


class OptionEnded(Struct, frozen=True):
    """An order that ended without (further) fill."""

    order: OptionOrder


class OptionGone(Struct, frozen=True):
    """Contracts that are no more."""

    ending: OptionEnding


type OptionEvent = OptionFilled | OptionEnded | OptionGone


def place_option(
    state: ExchangeState, ticket: OptionTicket, moment: Moment, venue: OptionVenue
) -> tuple[ExchangeState, OptionOrder | Refusal]:
    """Take an order, or a change of a working one under its number, or refuse it.

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
    state = _opened(state, moment, venue)[0]
    refused = refusal(state, ticket, moment, venue)
    if refused:
        return state, refused
    known = working_option(state, ticket)
    if known:
        changed = replace(known, ticket=ticket)
        return with_option_order(state, changed), changed
    if not ticket.order_id:
        ticket = replace(ticket, order_id=next_order_id(state, ticket.client_id))
    waits = moment.closed and venue.after_close is LatePolicy.NEXT_SESSION
    session = None if waits else moment.session.day
    order = OptionOrder(ticket, state.next_perm_id, moment.now, moment.session.day, session)
    books = state.option_books
    books = replace(books, orders=(*books.orders, order))
    return replace(state, options=books, next_perm_id=state.next_perm_id + 1), order


def cancel_option(
    state: ExchangeState, perm_id: int, moment: Moment, venue: OptionVenue
) -> tuple[ExchangeState, OptionOrder | Refusal, tuple[OptionEvent, ...]]:
    """Cancel an order; what was filled stays filled. A plan may fill it while the cancel is on its way.

    Parameters
    ----------
    state : ExchangeState
        The whole exchange at one instant; `session` is the last one opened, executions oldest first.
    perm_id : int
        The order's permanent id; 0 before it has one.
    moment : Moment
        The instant of an operation and the market around it.
    venue : OptionVenue
        Where options trade.
    """
    state, _ = _opened(state, moment, venue)
    order = option_order(state, perm_id)
    if order is None:
        return state, Refusal(10147, "OrderId that needs to be canceled is not found"), ()
    events: tuple[OptionEvent, ...] = ()
    if order.status is ExchangeStatus.WORKING:
        late = _fills_on_cancel(state, order, moment)
        state, made = fill(state, order, moment, venue, at_limit=late) if late else (state, ())
        order = option_order(state, perm_id) or order
        events = (OptionFilled(made, order),) if made else ()
    if order.status is not ExchangeStatus.WORKING:
        text = f"OrderId {order.ticket.order_id} that needs to be canceled cannot be canceled"
        return state, Refusal(10148, f"{text}, state: {order.status.value}"), events
    order = ended(order, ExchangeStatus.CANCELED, moment, 202, "Order Canceled - reason:")
    return with_option_order(state, order), order, events


def advance_options(
    state: ExchangeState, moment: Moment, venue: OptionVenue
) -> tuple[ExchangeState, tuple[OptionEvent, ...]]:
    """Bring options to this moment: pass the night, fill what the market reaches, expire at the close.

    Parameters
    ----------
    state : ExchangeState
        The whole exchange at one instant; `session` is the last one opened, executions oldest first.
    moment : Moment
        The instant of an operation and the market around it.
    venue : OptionVenue
        Where options trade.
    """
    if state.options is None:
        return state, ()
    state, events = _opened(state, moment, venue)
    for order in open_options(state):
        state, happened = _advance_order(state, order, moment, venue)
        events = (*events, *happened)
    return state, events


def _advance_order(
    state: ExchangeState, order: OptionOrder, moment: Moment, venue: OptionVenue
) -> tuple[ExchangeState, tuple[OptionEvent, ...]]:
    plan = next(
        (
            one
            for one in state.plans
            if one.effect is PlanEffect.REJECT_LATER
            and order.session == moment.session.day
            and moment.within(one.minutes_before_close)
            and one.matches(order.ticket, moment.session.day)
        ),
        None,
    )
    if plan is not None:
        rejected = ended(order, ExchangeStatus.REJECTED, moment, plan.code, plan.text)
        return with_option_order(state, rejected), (OptionEnded(rejected),)
    if order.session != moment.session.day or moment.now < moment.session.open:
        return state, ()
    if moment.closed:
        expired = ended(order, ExchangeStatus.EXPIRED, moment, 202, "Order Canceled - reason: not filled at the close")
        return with_option_order(state, expired), (OptionEnded(expired),)
    state, made = fill(state, order, moment, venue)
    after = option_order(state, order.perm_id)
    return state, (OptionFilled(made, after),) if made and after else ()


def _opened(state: ExchangeState, moment: Moment, venue: OptionVenue) -> tuple[ExchangeState, tuple[OptionEvent, ...]]:
    # The night comes before the session of the shares is opened.
    if state.session is not None and state.session >= moment.session.day:
        return state, ()
    state, gone = pass_night(state, moment, venue.prices)
    events: tuple[OptionEvent, ...] = tuple(OptionGone(one) for one in gone)
    for order in open_options(state):
        day = moment.session.day
        if order.session is None:
            state = with_option_order(state, replace(order, session=day))
        elif order.session < day:
            late = ended(order, ExchangeStatus.EXPIRED, moment, 202, "Order Canceled - reason: not filled at the close")
            state, events = with_option_order(state, late), (*events, OptionEnded(late))
    state = adjusted(state, {one.symbol for one in moment.actions if one.split != 1})
    return open_session(state, moment), events


def _fills_on_cancel(state: ExchangeState, order: OptionOrder, moment: Moment) -> int:
    for plan in state.plans:
        if plan.effect is PlanEffect.FILL_ON_CANCEL and plan.matches(order.ticket, moment.session.day):
            return plan.shares or order.remaining
    return 0
