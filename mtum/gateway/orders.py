"""Orders: placing, canceling, and the lists of open and completed orders and executions."""

import asyncio
from collections.abc import Iterable
from decimal import Decimal

from msgspec.structs import replace

from mtum.core.market.calendars import NEW_YORK
from mtum.core.portfolio.orders import OrderType, Side
from mtum.core.simulation.admission import Refusal, refusal, working_order
from mtum.core.simulation.auction import called_inactive
from mtum.core.simulation.exchange import Ended, ExchangeEvent, Filled
from mtum.core.simulation.exchange_queries import (
    completed_orders,
    executions_of,
    open_orders,
    option_order,
    option_order_by_client,
    order_by_client,
)
from mtum.core.simulation.exchange_state import (
    ExchangeOrder,
    ExchangeStatus,
    ExchangeTicket,
    Execution,
    OptionOrder,
    PlanEffect,
)
from mtum.core.simulation.option_books import OptionTicket
from mtum.core.simulation.options.trading import OptionEvent
from mtum.gateway.accounts import push_account
from mtum.gateway.behavior import EmptyFilter
from mtum.gateway.contracts import NEW_YORK_WIRE, listing_of, matching
from mtum.gateway.framing import Message, message
from mtum.gateway.messages import (
    WhatIf,
    commission_report,
    completed_order,
    exec_details,
    open_order,
    order_status,
    wire_time,
)
from mtum.gateway.options.details import concerns_options
from mtum.gateway.options.orders import (
    acknowledge_option,
    answer_trial,
    cancel_all_options,
    cancel_option,
    changes_order,
    echo_open_options,
    list_completed_options,
    listed_executions,
    publish_options,
    read_ticket,
    send_option,
)
from mtum.gateway.requests import Request
from mtum.gateway.shared import Client, Shared

_TYPES = {kind.value: kind for kind in OrderType}
_LIMITED = (OrderType.LIMIT, OrderType.LIMIT_ON_CLOSE)
_WORDS = {
    ExchangeStatus.FILLED: "Filled",
    ExchangeStatus.CANCELED: "Cancelled",
    ExchangeStatus.EXPIRED: "Cancelled",
    ExchangeStatus.REJECTED: "Inactive",
}


def place_order(client: Client, request: Request) -> None:
    """Take an order, or answer a what-if."""
    order_id, shares = request.whole("orderId"), request.decimal("totalQuantity") or Decimal(0)
    shared = client.shared
    shared.journal.record(
        "order",
        client=client.client_id,
        order_id=order_id,
        ref=request.text("orderRef"),
        symbol=request.text("symbol"),
        side=request.text("action"),
        shares=shares,
        type=request.text("orderType"),
        what_if=request.flag("whatIf"),
        reached=True,
    )
    if concerns_options(client, request) and not shared.behavior.read_only:
        _place_option(client, request, shares)
        return
    refused = _unreadable(client, request, shares)
    if refused:
        _reject(client, order_id, request.text("orderRef"), refused)
        return
    ticket = _ticket(client, request, int(shares))
    if request.flag("whatIf"):
        _answer_trial(client, ticket)
        return
    word = "changed" if working_order(shared.exchange.state, ticket) else "accepted"
    outcome = shared.exchange.place(ticket)
    if isinstance(outcome, Refusal):
        _reject(client, order_id, ticket.ref, outcome)
        return
    _acknowledge(client, request, outcome, word)
    plans, day = shared.exchange.state.plans, shared.market.session.day
    if any(plan.effect is PlanEffect.TWICE and plan.matches(ticket, day) for plan in plans):
        again = shared.exchange.place(replace(ticket, order_id=0))
        if isinstance(again, ExchangeOrder):
            _acknowledge(client, request, again, word)
    catch_up(shared)


def _place_option(client: Client, request: Request, shares: Decimal) -> None:
    shared, order_id, ref = client.shared, request.whole("orderId"), request.text("orderRef")
    ticket = read_ticket(client, request, shares)
    if isinstance(ticket, Refusal):
        _reject(client, order_id, ref, ticket)
        return
    if request.flag("whatIf"):
        refused = answer_trial(client, ticket)
        if refused:
            client.error(order_id, refused.code, refused.text)
        return
    word = "changed" if changes_order(shared, ticket) else "accepted"
    outcome = send_option(shared, ticket)
    if isinstance(outcome, Refusal):
        _reject(client, order_id, ref, outcome)
        return
    _tell_acceptance(client, request, outcome, word)
    if shared.behavior.executions_first:
        catch_up(shared)  # what fills at once is told before the order itself
    acknowledge_option(client, option_order(shared.exchange.state, outcome.perm_id) or outcome)
    catch_up(shared)


def cancel_order(client: Client, request: Request) -> None:
    """Cancel an order of this client."""
    order_id = request.whole("orderId")
    in_options = option_order_by_client(client.shared.exchange.state, client.client_id, order_id)
    if in_options is not None:
        cancel_option(client, in_options)
        return
    order = order_by_client(client.shared.exchange.state, client.client_id, order_id)
    if order is None:
        client.shared.journal.record("cancel_refused", client=client.client_id, order_id=order_id, code=10147)
        client.error(order_id, 10147, f"OrderId {order_id} that needs to be canceled is not found.")
        return
    _cancel(client, order)


def cancel_everything(client: Client, _: Request) -> None:
    """Cancel every open order of every client."""
    for order in open_orders(client.shared.exchange.state):
        _cancel(client, order)
    cancel_all_options(client)


def own_open_orders(client: Client, _: Request) -> None:
    """List the working orders of this client id."""
    for order in open_orders(client.shared.exchange.state):
        if order.ticket.client_id == client.client_id:
            echo(client, order)
    echo_open_options(client, only=client.client_id)
    client.send(message("openOrderEnd", 53, 1))


def all_open_orders(client: Client, _: Request) -> None:
    """List the working orders of every client id."""
    for order in open_orders(client.shared.exchange.state):
        echo(client, order)
    echo_open_options(client)
    client.send(message("openOrderEnd", 53, 1))


def list_completed(client: Client, _: Request) -> None:
    """List the orders that ended today."""
    for order in completed_orders(client.shared.exchange.state, client.shared.market.today):
        ended = wire_time((order.done_at or order.placed_at).astimezone(NEW_YORK), zone=NEW_YORK_WIRE)
        client.send(completed_order(order, listing_of(order.ticket.symbol), client.version, ended))
    list_completed_options(client)
    client.send(message("completedOrdersEnd", 102))


def list_executions(client: Client, request: Request) -> None:
    """List today's executions that pass the filter, then their fees."""
    mode = client.shared.behavior.empty_filter
    request_id, wanted = request.whole("reqId"), request.whole("clientId")
    if not wanted and mode is EmptyFilter.SILENT:
        return
    if not wanted and mode is EmptyFilter.OWN:
        wanted = client.client_id
    today = executions_of(client.shared.exchange.state, client.shared.market.today)
    found = [e for e in today if _passes(e, request) and wanted in (0, e.ticket.client_id)]
    options = list(listed_executions(client, request, wanted))
    if not wanted and mode is EmptyFilter.NOTHING:
        found, options = [], []
    for execution in found:
        client.send(execution_message(client, request_id, execution))
    for told, _ in options:
        client.send(told)
    for execution in found:
        if execution.exec_id not in client.shared.unreported:
            client.send(commission_report(execution))
    for _, fee in options:
        if fee is not None:
            client.send(fee)
    client.send(message("execDetailsEnd", 55, 1, request_id))


def _unreadable(client: Client, request: Request, shares: Decimal) -> Refusal | None:
    if client.shared.behavior.read_only:
        return Refusal(
            321, "Error validating request.-'bN' : cause - The API interface is currently in Read-Only mode."
        )
    found = matching(client.shared.market.listings, request.values)
    if not found or found[0].sec_type != "STK":
        return Refusal(200, "No security definition has been found for the request")
    if shares != int(shares):
        return Refusal(10243, "Fractional-sized order cannot be placed via API. Please use desktop version")
    if request.text("orderType") not in _TYPES or request.text("action") not in ("BUY", "SELL"):
        return Refusal(387, "Unsupported order type for this exchange and security type.")
    if not request.flag("transmit"):
        return Refusal(107, "Cannot transmit incomplete order.")
    return None


def _ticket(client: Client, request: Request, shares: int) -> ExchangeTicket:
    accounts = client.shared.exchange.state.accounts
    found = matching(client.shared.market.listings, request.values)
    kind = _TYPES[request.text("orderType")]
    return ExchangeTicket(
        # With one account under the login, the gateway fills it in.
        account=request.text("account") or (accounts[0].code if len(accounts) == 1 else ""),
        symbol=found[0].symbol,
        side=Side(request.text("action")),
        order_type=kind,
        shares=shares,
        ref=request.text("orderRef"),
        limit=request.decimal("lmtPrice") if kind in _LIMITED else None,
        tif=request.text("tif") or "DAY",
        client_id=client.client_id,
        order_id=request.whole("orderId"),
    )


def _reject(client: Client, order_id: int, ref: str, refused: Refusal) -> None:
    client.shared.journal.record(
        "rejected", client=client.client_id, order_id=order_id, ref=ref, code=refused.code, text=refused.text
    )
    client.error(order_id, refused.code, refused.text)
    if client.shared.behavior.inactive_echo:
        client.send(message("orderStatus", 3, order_id, "Inactive", 0, 0, 0.0, 0, 0, 0.0, client.client_id, "", 0.0))


def _tell_acceptance(client: Client, request: Request, order: ExchangeOrder | OptionOrder, word: str) -> None:
    ticket, shared = order.ticket, client.shared
    shared.journal.record(
        word, client=client.client_id, order_id=ticket.order_id, ref=ticket.ref, perm_id=order.perm_id
    )
    if not request.text("tif"):
        client.error(ticket.order_id, 10349, "Order TIF was set to DAY based on order preset.")
    if word == "accepted" and order.session is None:
        after = shared.market.source.sessions.after(order.placed_session)
        begins = wire_time(after.open.astimezone(NEW_YORK), zone=NEW_YORK_WIRE) if after else "the next session"
        count = ticket.quantity if isinstance(ticket, OptionTicket) else ticket.shares
        what = f"{ticket.side.value} {count} {ticket.symbol}"
        warning = f"Warning: your order will not be placed at the exchange until {begins}"
        client.error(ticket.order_id, 399, f"Order Message:\n{what}\n{warning}")


def _acknowledge(client: Client, request: Request, order: ExchangeOrder, word: str) -> None:
    ticket, shared = order.ticket, client.shared
    _tell_acceptance(client, request, order, word)
    if shared.behavior.perm_id_late:
        listing = listing_of(ticket.symbol)
        early = replace(order, perm_id=0)
        client.send(open_order(early, listing, "PendingSubmit", client.version))
        client.send(order_status(early, "PendingSubmit"))
    for recipient in shared.recipients(client.client_id):
        echo(recipient, order)


def _cancel(client: Client, order: ExchangeOrder) -> None:
    outcome = client.shared.exchange.cancel(order.perm_id)
    order_id, journal = order.ticket.order_id, client.shared.journal
    if isinstance(outcome, Refusal):
        journal.record("cancel_refused", ref=order.ticket.ref, order_id=order_id, code=outcome.code)
        client.error(order_id, outcome.code, outcome.text)
        return
    journal.record("canceled", ref=order.ticket.ref, order_id=order_id, perm_id=order.perm_id)
    for recipient in client.shared.recipients(order.ticket.client_id):
        recipient.send(order_status(outcome, "Cancelled", order.average_price))
        recipient.error(order_id, 202, "Order Canceled - reason:")


def _answer_trial(client: Client, ticket: ExchangeTicket) -> None:
    shared = client.shared
    price, account = shared.market.price(ticket.symbol), shared.exchange.state.account(ticket.account)
    if price is None or account is None:
        client.error(ticket.order_id, 201, "Order rejected - reason: no price or no such account")
        return
    refused = refusal(shared.exchange.state, ticket, shared.market.moment(), shared.exchange.rules)
    if refused:
        client.error(ticket.order_id, refused.code, refused.text)
        return
    now, day = shared.market.clock.now(), shared.market.session.day
    order = ExchangeOrder(ticket, 0, now, day, day, ExchangeStatus.WORKING)
    commission = shared.exchange.rules.costs.commission(ticket.shares, price, sale=ticket.side is Side.SELL)
    held = sum((p.shares * (shared.market.price(p.symbol) or Decimal(0)) for p in account.positions), Decimal(0))
    trial = WhatIf(price * ticket.shares, account.cash + held, commission)
    client.send(open_order(order, listing_of(ticket.symbol), "PreSubmitted", client.version, trial))


def _passes(execution: Execution, request: Request) -> bool:
    ticket = execution.ticket
    sides = {"BUY": "BUY", "BOT": "BUY", "SELL": "SELL", "SLD": "SELL"}
    wanted_side = sides.get(request.text("side").upper(), "")
    return (
        request.text("account") in ("", ticket.account)
        and request.text("symbol") in ("", ticket.symbol)
        and request.text("secType") in ("", "STK")
        and wanted_side in ("", ticket.side.value)
    )


def catch_up(shared: Shared) -> None:
    """Let the exchange catch up with market time and tell everyone what happened."""
    publish(shared, shared.exchange.advance())


def publish(shared: Shared, events: Iterable[ExchangeEvent | OptionEvent]) -> None:
    """Tell the clients concerned about fills and ends."""
    for event in events:
        match event:
            case Filled(execution, order):
                _publish_fill(shared, execution, order)
            case Ended(order):
                _publish_end(shared, order)
            case _:
                publish_options(shared, [event])


def status_word(shared: Shared, order: ExchangeOrder) -> str:
    """The broker's word for an order's status."""
    if order.status is ExchangeStatus.WORKING:
        if called_inactive(shared.exchange.state, order, shared.market.moment()):
            return "Inactive"
        held = order.ticket.order_type.on_close or order.session is None
        return shared.behavior.resting_status if held else "Submitted"
    return _WORDS[order.status]


def echo(client: Client, order: ExchangeOrder) -> None:
    """Show an order to a client: openOrder and orderStatus."""
    status = status_word(client.shared, order)
    client.send(open_order(order, listing_of(order.ticket.symbol), status, client.version))
    client.send(order_status(order, status, order.average_price))


def execution_message(client: Client, request_id: int, execution: Execution) -> Message:
    """One execution as this client's version wants it.

    Parameters
    ----------
    client : Client
        A client as those see it who answer it; `client_id` is -1 before the login, `since` when it connected.
    request_id : int
        Number of the request; -1 for none.
    execution : Execution
        One fill as reported. A correction repeats the first three parts of `exec_id` and raises the last.
    """
    zone = "" if client.shared.behavior.naive_times else NEW_YORK_WIRE
    instant = wire_time(execution.instant.astimezone(NEW_YORK), zone=zone)
    return exec_details(request_id, execution, listing_of(execution.ticket.symbol), client.version, instant)


def _publish_fill(shared: Shared, execution: Execution, order: ExchangeOrder) -> None:
    shared.journal.record(
        "filled",
        ref=order.ticket.ref,
        perm_id=order.perm_id,
        exec_id=execution.exec_id,
        shares=execution.shares,
        price=execution.price,
    )
    for client in shared.recipients(order.ticket.client_id):
        client.send(execution_message(client, -1, execution))
        echo(client, order)
        # A real gateway often repeats the last pair.
        echo(client, order)
    shared.unreported.add(execution.exec_id)
    asyncio.get_running_loop().call_later(shared.behavior.commission_seconds, _report_fee, shared, execution)


def _report_fee(shared: Shared, execution: Execution) -> None:
    shared.unreported.discard(execution.exec_id)
    for client in shared.recipients(execution.ticket.client_id):
        client.send(commission_report(execution))
    push_account(shared, execution.ticket.account, execution.ticket.symbol)


def _publish_end(shared: Shared, order: ExchangeOrder) -> None:
    shared.journal.record("ended", ref=order.ticket.ref, perm_id=order.perm_id, status=order.status.value)
    for client in shared.recipients(order.ticket.client_id):
        if order.status is ExchangeStatus.REJECTED:
            client.error(order.ticket.order_id, order.code, order.reason)
            echo(client, order)
        else:
            client.send(order_status(order, status_word(shared, order), order.average_price))
            client.error(order.ticket.order_id, order.code, order.reason)
