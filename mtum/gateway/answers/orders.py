"""Orders: placing, canceling, and the lists of open and completed orders and executions."""

from dataclasses import replace
from decimal import Decimal

from mtum.core.portfolio.orders import OrderType, Side
from mtum.core.simulation.admission import Refusal, refusal, working_order
from mtum.core.simulation.exchange import Accepted, Canceled, Rejected
from mtum.core.simulation.exchange_queries import (
    completed_orders,
    executions_of,
    open_orders,
    order_by_client,
)
from mtum.core.simulation.exchange_state import ExchangeOrder, ExchangeStatus, Execution, PlanEffect, Ticket
from mtum.gateway.answers.news import catch_up, echo, execution_message
from mtum.gateway.behavior import EmptyFilter
from mtum.gateway.contracts import NEW_YORK, NEW_YORK_WIRE, listing_of, matching
from mtum.gateway.session import ClientSession
from mtum.gateway.wire.framing import message
from mtum.gateway.wire.order_messages import (
    WhatIf,
    commission_report,
    completed_order,
    open_order,
    order_status,
    wire_time,
)
from mtum.gateway.wire.requests import Request

_TYPES = {kind.value: kind for kind in OrderType}
_LIMITED = (OrderType.LIMIT, OrderType.LIMIT_ON_CLOSE)


def place_order(client: ClientSession, request: Request) -> None:
    """Take an order, or answer a what-if."""
    order_id, shares = request.whole("orderId"), request.decimal("totalQuantity") or Decimal(0)
    floor = client.floor
    floor.journal.record(
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
    refused = _unreadable(client, request, shares)
    if refused:
        _reject(client, order_id, request.text("orderRef"), refused)
        return
    ticket = _ticket(client, request, int(shares))
    if request.flag("whatIf"):
        _answer_trial(client, ticket)
        return
    word = "changed" if working_order(floor.desk.state, ticket) else "accepted"
    outcome = floor.desk.place(ticket)
    if isinstance(outcome, Rejected):
        _reject(client, order_id, ticket.ref, Refusal(outcome.code, outcome.text))
        return
    _acknowledge(client, request, outcome, word)
    plans, day = floor.desk.state.plans, floor.market.session.day
    if any(plan.effect is PlanEffect.TWICE and plan.matches(ticket, day) for plan in plans):
        again = floor.desk.place(replace(ticket, order_id=0))
        if isinstance(again, Accepted):
            _acknowledge(client, request, again, word)
    catch_up(floor)


def cancel_order(client: ClientSession, request: Request) -> None:
    """Cancel an order of this client."""
    order_id = request.whole("orderId")
    order = order_by_client(client.floor.desk.state, client.client_id, order_id)
    if order is None:
        client.floor.journal.record("cancel_refused", client=client.client_id, order_id=order_id, code=10147)
        client.error(order_id, 10147, f"OrderId {order_id} that needs to be canceled is not found.")
        return
    _cancel(client, order)


def cancel_everything(client: ClientSession, request: Request) -> None:
    """Cancel every open order of every client."""
    del request
    for order in open_orders(client.floor.desk.state):
        _cancel(client, order)


def own_open_orders(client: ClientSession, request: Request) -> None:
    """List the working orders of this client id."""
    del request
    for order in open_orders(client.floor.desk.state):
        if order.ticket.client_id == client.client_id:
            echo(client, order)
    client.send(message("openOrderEnd", 53, 1))


def all_open_orders(client: ClientSession, request: Request) -> None:
    """List the working orders of every client id."""
    del request
    for order in open_orders(client.floor.desk.state):
        echo(client, order)
    client.send(message("openOrderEnd", 53, 1))


def list_completed(client: ClientSession, request: Request) -> None:
    """List the orders that ended today."""
    del request
    for order in completed_orders(client.floor.desk.state, client.floor.market.today):
        ended = wire_time((order.done_at or order.placed_at).astimezone(NEW_YORK), zone=NEW_YORK_WIRE)
        client.send(completed_order(order, listing_of(order.ticket.symbol), client.version, ended))
    client.send(message("completedOrdersEnd", 102))


def list_executions(client: ClientSession, request: Request) -> None:
    """List today's executions that pass the filter, then their fees."""
    mode = client.floor.behavior.empty_filter
    request_id, wanted = request.whole("reqId"), request.whole("clientId")
    if not wanted and mode is EmptyFilter.SILENT:
        return
    if not wanted and mode is EmptyFilter.OWN:
        wanted = client.client_id
    today = executions_of(client.floor.desk.state, client.floor.market.today)
    found = [e for e in today if _passes(e, request) and wanted in (0, e.ticket.client_id)]
    if not wanted and mode is EmptyFilter.NOTHING:
        found = []
    for execution in found:
        client.send(execution_message(client, request_id, execution))
    for execution in found:
        if execution.exec_id not in client.floor.unreported:
            client.send(commission_report(execution))
    client.send(message("execDetailsEnd", 55, 1, request_id))


def ignore(client: ClientSession, request: Request) -> None:
    """Take note of a request that needs no answer."""
    del client, request


def _unreadable(client: ClientSession, request: Request, shares: Decimal) -> Refusal | None:
    if client.floor.behavior.read_only:
        return Refusal(
            321, "Error validating request.-'bN' : cause - The API interface is currently in Read-Only mode."
        )
    found = matching(client.floor.market.listings, request.values)
    if not found or found[0].sec_type != "STK":
        return Refusal(200, "No security definition has been found for the request")
    if shares != int(shares):
        return Refusal(10243, "Fractional-sized order cannot be placed via API. Please use desktop version")
    if request.text("orderType") not in _TYPES or request.text("action") not in ("BUY", "SELL"):
        return Refusal(387, "Unsupported order type for this exchange and security type.")
    if not request.flag("transmit"):
        return Refusal(107, "Cannot transmit incomplete order.")
    return None


def _ticket(client: ClientSession, request: Request, shares: int) -> Ticket:
    accounts = client.floor.desk.state.accounts
    found = matching(client.floor.market.listings, request.values)
    kind = _TYPES[request.text("orderType")]
    return Ticket(
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


def _reject(client: ClientSession, order_id: int, ref: str, refused: Refusal) -> None:
    client.floor.journal.record(
        "rejected", client=client.client_id, order_id=order_id, ref=ref, code=refused.code, text=refused.text
    )
    client.error(order_id, refused.code, refused.text)
    if client.floor.behavior.inactive_echo:
        client.send(message("orderStatus", 3, order_id, "Inactive", 0, 0, 0.0, 0, 0, 0.0, client.client_id, "", 0.0))


def _acknowledge(client: ClientSession, request: Request, outcome: Accepted, word: str) -> None:
    order, floor = outcome.order, client.floor
    ticket = order.ticket
    floor.journal.record(word, client=client.client_id, order_id=ticket.order_id, ref=ticket.ref, perm_id=order.perm_id)
    if not request.text("tif"):
        client.error(ticket.order_id, 10349, "Order TIF was set to DAY based on order preset.")
    if outcome.notice:
        after = floor.market.source.sessions.after(order.placed_session)
        begins = wire_time(after.open.astimezone(NEW_YORK), zone=NEW_YORK_WIRE) if after else "the next session"
        what = f"{ticket.side.value} {ticket.shares} {ticket.symbol}"
        warning = f"Warning: your order will not be placed at the exchange until {begins}"
        client.error(ticket.order_id, 399, f"Order Message:\n{what}\n{warning}")
    if floor.behavior.perm_id_late:
        listing = listing_of(ticket.symbol)
        early = replace(order, perm_id=0)
        client.send(open_order(early, listing, "PendingSubmit", client.version))
        client.send(order_status(early, "PendingSubmit"))
    for hearer in floor.hearing(client.client_id):
        echo(hearer, order)


def _cancel(client: ClientSession, order: ExchangeOrder) -> None:
    outcome = client.floor.desk.cancel(order.perm_id)
    order_id, journal = order.ticket.order_id, client.floor.journal
    if not isinstance(outcome, Canceled):
        journal.record("cancel_refused", ref=order.ticket.ref, order_id=order_id, code=outcome.code)
        client.error(order_id, outcome.code, outcome.text)
        return
    journal.record("canceled", ref=order.ticket.ref, order_id=order_id, perm_id=order.perm_id)
    for hearer in client.floor.hearing(order.ticket.client_id):
        hearer.send(order_status(outcome.order, "Cancelled", order.average_price))
        hearer.error(order_id, 202, "Order Canceled - reason:")


def _answer_trial(client: ClientSession, ticket: Ticket) -> None:
    floor = client.floor
    price, account = floor.market.price(ticket.symbol), floor.desk.state.account(ticket.account)
    if price is None or account is None:
        client.error(ticket.order_id, 201, "Order rejected - reason: no price or no such account")
        return
    refused = refusal(floor.desk.state, ticket, floor.market.moment(), floor.desk.rules)
    if refused:
        client.error(ticket.order_id, refused.code, refused.text)
        return
    now, day = floor.market.clock.now(), floor.market.session.day
    order = ExchangeOrder(ticket, 0, now, day, day, ExchangeStatus.WORKING)
    commission = floor.desk.rules.costs.commission(ticket.shares, price)
    held = sum((p.shares * (floor.market.price(p.symbol) or Decimal(0)) for p in account.positions), Decimal(0))
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
