"""Orders in options on the wire: single contracts and combinations."""

import asyncio
from collections.abc import Iterable, Iterator
from decimal import Decimal

from msgspec.structs import replace

from mtum.core.market.calendars import NEW_YORK
from mtum.core.options.legs import OptionLeg
from mtum.core.portfolio.orders import Side
from mtum.core.simulation.admission import Moment, Refusal
from mtum.core.simulation.exchange_queries import (
    completed_options,
    open_options,
    option_executions,
    option_order,
    option_order_by_client,
)
from mtum.core.simulation.exchange_state import ExchangeState, ExchangeStatus, OptionOrder, PlanEffect
from mtum.core.simulation.option_books import OptionExecution, OptionTicket
from mtum.core.simulation.options.admission import refusal, trial, working_option
from mtum.core.simulation.options.trading import OptionEnded, OptionEvent, OptionFilled, OptionGone, place_option
from mtum.core.simulation.options.trading import cancel_option as exchange_cancel
from mtum.gateway.accounts import push_account
from mtum.gateway.contracts import NEW_YORK_WIRE
from mtum.gateway.framing import Message
from mtum.gateway.messages import wire_time
from mtum.gateway.options.details import fitting
from mtum.gateway.options.messages import (
    COMBINATION,
    OptionWhatIf,
    book_trades,
    commission_report,
    completed_order,
    exec_details,
    open_order,
    order_status,
)
from mtum.gateway.options.quotes import legs_of
from mtum.gateway.requests import Request
from mtum.gateway.shared import Client, Shared

type Canceled = tuple[OptionOrder | Refusal, tuple[OptionEvent, ...]]
"""What became of a cancel, and what filled meanwhile."""
_NOTHING = "No security definition has been found for the request"
_WORDS = {
    ExchangeStatus.FILLED: "Filled",
    ExchangeStatus.CANCELED: "Cancelled",
    ExchangeStatus.EXPIRED: "Cancelled",
    ExchangeStatus.REJECTED: "Inactive",
}


def read_ticket(client: Client, request: Request, shares: Decimal) -> OptionTicket | Refusal:
    """Read an order in options, or say why it is none.

    Parameters
    ----------
    client : Client
        A client as those see it who answer it; `client_id` is -1 before the login, `since` when it connected.
    request : Request
        One request: its name and its fields as sent, by name.
    shares : Decimal
        Units, as the wire has them.
    """
    shared = client.shared
    legs = _legs(shared, request)
    if isinstance(legs, Refusal):
        return legs
    wrong = _unreadable(client, request, legs, shares)
    if wrong is not None:
        return wrong
    accounts = shared.exchange.state.accounts
    return OptionTicket(
        account=request.text("account") or (accounts[0].code if len(accounts) == 1 else ""),
        side=Side(request.text("action")),
        legs=legs,
        quantity=int(shares),
        limit=request.decimal("lmtPrice") or Decimal(0),
        ref=request.text("orderRef"),
        client_id=client.client_id,
        order_id=request.whole("orderId"),
    )


def _legs(shared: Shared, request: Request) -> tuple[OptionLeg, ...] | Refusal:
    if request.text("secType") == "BAG":
        found = legs_of(shared, request)
        return Refusal(200, found) if isinstance(found, str) else found
    contracts = fitting(shared, request.values)
    if isinstance(contracts, str):
        return Refusal(478, contracts)
    if len(contracts) > 1:
        return Refusal(200, f"The contract description specified for {request.text('symbol')} is ambiguous.")
    return (OptionLeg(contracts[0], Side.BUY),) if contracts else Refusal(200, _NOTHING)


def _unreadable(client: Client, request: Request, legs: tuple[OptionLeg, ...], shares: Decimal) -> Refusal | None:
    if request.text("orderType") != "LMT" or request.text("action") not in ("BUY", "SELL"):
        return Refusal(387, "Unsupported order type for this exchange and security type.")
    if shares != int(shares):
        return Refusal(10243, "Fractional-sized order cannot be placed via API. Please use desktop version")
    if not request.flag("transmit"):
        return Refusal(107, "Cannot transmit incomplete order.")
    if request.text("tif") not in ("", "DAY"):
        return Refusal(201, "Order rejected - reason:the practice exchange takes options for the day alone")
    if any(price for price in request.text("legPrices").split(";")):
        if len(legs) > 2 or request.text("NonGuaranteed") != "1":
            return Refusal(10058, "Leg prices are not allowed for this combination")
        return Refusal(10054, "Combo price and leg prices can not be specified together")
    known = option_order_by_client(client.shared.exchange.state, client.client_id, request.whole("orderId"))
    own = request.whole("conId") == COMBINATION
    if len(legs) > 1 and known and known.status is ExchangeStatus.WORKING and not own:
        return Refusal(105, "Order being modified does not match original order")
    return None


def changes_order(shared: Shared, ticket: OptionTicket) -> bool:
    """Whether a working order has the ticket's number already."""
    return working_option(shared.exchange.state, ticket) is not None


def send_option(shared: Shared, ticket: OptionTicket) -> OptionOrder | Refusal:
    """Give an order to the exchange."""
    exchange = shared.exchange
    return exchange.carry_out(lambda state, moment: place_option(state, ticket, moment, exchange.venue))


def answer_trial(client: Client, ticket: OptionTicket) -> Refusal | None:
    """Answer a what-if order, or say why it would be refused; nothing is placed."""
    exchange, moment = client.shared.exchange, client.shared.market.moment()
    refused = refusal(exchange.state, ticket, moment, exchange.venue)
    if refused:
        return refused
    told = trial(exchange.state, ticket, moment, exchange.venue)
    day = moment.session.day
    order = OptionOrder(ticket, 0, moment.now, day, day)
    answer = OptionWhatIf(told.before, told.after, told.equity, told.fees)
    client.send(open_order(order, "PreSubmitted", client.version, answer))
    return None


def echo_option(client: Client, order: OptionOrder) -> None:
    """Show an order to a client: openOrder and orderStatus."""
    status = status_word(client.shared, order)
    client.send(open_order(order, status, client.version))
    client.send(order_status(order, status, order.average_price))


def acknowledge_option(client: Client, order: OptionOrder) -> None:
    """Show a new order to those concerned; perhaps first without its permanent id."""
    shared = client.shared
    if shared.behavior.perm_id_late:
        early = replace(order, perm_id=0)
        client.send(open_order(early, "PendingSubmit", client.version))
        client.send(order_status(early, "PendingSubmit"))
    for recipient in shared.recipients(client.client_id):
        echo_option(recipient, order)


def echo_open_options(client: Client, only: int | None = None) -> None:
    """Show the working orders in options, of one client id or of all."""
    for order in open_options(client.shared.exchange.state):
        if only in (None, order.ticket.client_id):
            echo_option(client, order)


def list_completed_options(client: Client) -> None:
    """List the orders in options that ended today."""
    for order in completed_options(client.shared.exchange.state, client.shared.market.today):
        ended = wire_time((order.done_at or order.placed_at).astimezone(NEW_YORK), zone=NEW_YORK_WIRE)
        client.send(completed_order(order, client.version, ended))


def status_word(shared: Shared, order: OptionOrder) -> str:
    """The broker's word for an order's status."""
    if order.status is not ExchangeStatus.WORKING:
        return _WORDS[order.status]
    moment = shared.market.moment()
    called_inactive = any(
        plan.effect is PlanEffect.INACTIVE
        and moment.within(plan.minutes_before_close)
        and plan.matches(order.ticket, order.session or moment.session.day)
        for plan in shared.exchange.state.plans
    )
    resting = order.ticket.combined or order.session is None
    return "Inactive" if called_inactive else shared.behavior.resting_status if resting else "Submitted"


def cancel_option(client: Client, order: OptionOrder) -> None:
    """Cancel an order in options, and tell what filled while the cancel was on its way."""
    shared = client.shared

    def carried_out(state: ExchangeState, moment: Moment) -> tuple[ExchangeState, Canceled]:
        after, outcome, events = exchange_cancel(state, order.perm_id, moment, shared.exchange.venue)
        return after, (outcome, events)

    outcome, events = shared.exchange.carry_out(carried_out)
    publish_options(shared, events)
    order_id = order.ticket.order_id
    if isinstance(outcome, Refusal):
        shared.journal.record("cancel_refused", ref=order.ticket.ref, order_id=order_id, code=outcome.code)
        client.error(order_id, outcome.code, outcome.text)
        return
    shared.journal.record("canceled", ref=order.ticket.ref, order_id=order_id, perm_id=order.perm_id)
    for recipient in shared.recipients(order.ticket.client_id):
        recipient.send(order_status(outcome, "Cancelled", outcome.average_price))
        recipient.error(order_id, 202, "Order Canceled - reason:")


def cancel_all_options(client: Client) -> None:
    """Cancel every open order in options of every client."""
    for order in open_options(client.shared.exchange.state):
        cancel_option(client, order)


def execution_message(client: Client, request_id: int, execution: OptionExecution) -> Message | None:
    """One execution as this client's version wants it; None if its order is forgotten.

    Parameters
    ----------
    client : Client
        A client as those see it who answer it; `client_id` is -1 before the login, `since` when it connected.
    request_id : int
        Number of the request; -1 for none.
    execution : OptionExecution
        One fill of a leg, or of a combination as a whole.
    """
    order = option_order(client.shared.exchange.state, execution.perm_id)
    zone = "" if client.shared.behavior.naive_times else NEW_YORK_WIRE
    at = wire_time(execution.instant.astimezone(NEW_YORK), zone=zone)
    return exec_details(request_id, execution, order, client.version, at) if order else None


def listed_executions(client: Client, request: Request, wanted: int) -> Iterator[tuple[Message, Message | None]]:
    """Today's executions in options that pass a filter, each with its fees if they are known.

    Parameters
    ----------
    client : Client
        A client as those see it who answer it; `client_id` is -1 before the login, `since` when it connected.
    request : Request
        One request: its name and its fields as sent, by name.
    wanted : int
        Client id of the orders; 0 for everybody's.
    """
    state, shared = client.shared.exchange.state, client.shared
    for one in option_executions(state, shared.market.today):
        order = option_order(state, one.perm_id)
        kind = "BAG" if one.contract is None else "OPT"
        if order is None or wanted not in (0, order.ticket.client_id):
            continue
        passes = (
            request.text("account") in ("", order.ticket.account)
            and request.text("symbol") in ("", order.ticket.symbol)
            and request.text("secType") in ("", kind)
            and request.text("side").upper()[:1] in ("", one.side.value[:1])
        )
        told = execution_message(client, request.whole("reqId"), one)
        if passes and told is not None:
            known = one.contract is not None and one.exec_id not in shared.unreported
            yield told, commission_report(one) if known else None
    if shared.behavior.book_trades and not wanted:
        for ending in state.option_books.endings:
            if ending.session == shared.market.today and request.text("account") in ("", ending.account):
                yield from (
                    (one, None) for one in book_trades(request.whole("reqId"), ending, client.version, _night(shared))
                )


def publish_options(shared: Shared, events: Iterable[OptionEvent]) -> None:
    """Tell the clients concerned about fills and ends; of a night they hear only changed accounts."""
    for event in events:
        match event:
            case OptionFilled(executions, order):
                _publish_fill(shared, executions, order)
            case OptionEnded(order):
                _publish_end(shared, order)
            case OptionGone(ending):
                shared.journal.record(
                    "gone_overnight",
                    what=ending.kind.value,
                    account=ending.account,
                    contract=ending.contract.local_symbol,
                    quantity=ending.quantity,
                    shares=ending.shares,
                    cash=ending.cash_usd,
                    why=ending.told,
                )
                if shared.behavior.book_trades:
                    for client in shared.clients:
                        for told in book_trades(-1, ending, client.version, _night(shared)):
                            client.send(told)
                push_account(shared, ending.account, ending.contract.local_symbol)


def _night(shared: Shared) -> str:
    # The night's work is done before anybody is up.
    local = shared.local_now().replace(hour=2, minute=30, second=0)
    return wire_time(local, zone="" if shared.behavior.naive_times else NEW_YORK_WIRE)


def _publish_fill(shared: Shared, executions: tuple[OptionExecution, ...], order: OptionOrder) -> None:
    for one in executions:
        shared.journal.record(
            "filled",
            ref=order.ticket.ref,
            perm_id=order.perm_id,
            exec_id=one.exec_id,
            contract=one.contract.local_symbol if one.contract else "BAG",
            shares=one.quantity,
            price=one.price,
        )
    for client in shared.recipients(order.ticket.client_id):
        for one in executions:
            answer = execution_message(client, -1, one)
            if answer is not None:
                client.send(answer)
        echo_option(client, order)
        # A real gateway often repeats the last pair.
        echo_option(client, order)
    for later, one in enumerate(leg for leg in executions if leg.contract is not None):
        shared.unreported.add(one.exec_id)
        seconds = shared.behavior.commission_seconds * (1 + later)
        asyncio.get_running_loop().call_later(seconds, _report_fee, shared, order, one)


def _report_fee(shared: Shared, order: OptionOrder, execution: OptionExecution) -> None:
    shared.unreported.discard(execution.exec_id)
    for client in shared.recipients(order.ticket.client_id):
        client.send(commission_report(execution))
    if execution.contract is not None:
        push_account(shared, order.ticket.account, execution.contract.local_symbol)


def _publish_end(shared: Shared, order: OptionOrder) -> None:
    shared.journal.record("ended", ref=order.ticket.ref, perm_id=order.perm_id, status=order.status.value)
    for client in shared.recipients(order.ticket.client_id):
        if order.status is ExchangeStatus.REJECTED:
            client.error(order.ticket.order_id, order.code, order.reason)
            echo_option(client, order)
        else:
            client.send(order_status(order, status_word(shared, order), order.average_price))
            client.error(order.ticket.order_id, order.code, order.reason)
