"""What clients hear unasked: fills, ends of orders, fees, and the account changes after them."""

import asyncio
from collections.abc import Iterable

from mtum.core.simulation.auction import called_inactive
from mtum.core.simulation.exchange import Ended, ExchangeEvent, Filled
from mtum.core.simulation.exchange_state import ExchangeOrder, ExchangeStatus, Execution
from mtum.gateway.answers.accounts import push_account
from mtum.gateway.contracts import NEW_YORK, NEW_YORK_WIRE, listing_of
from mtum.gateway.floor import Floor
from mtum.gateway.session import ClientSession
from mtum.gateway.wire.framing import Message
from mtum.gateway.wire.order_messages import (
    commission_report,
    exec_details,
    open_order,
    order_status,
    wire_time,
)


def catch_up(floor: Floor) -> None:
    """Let the exchange catch up with market time and tell everyone what happened."""
    publish(floor, floor.desk.advance())


def publish(floor: Floor, events: Iterable[ExchangeEvent]) -> None:
    """Tell the clients concerned about fills and ends."""
    for event in events:
        match event:
            case Filled(execution, order):
                _publish_fill(floor, execution, order)
            case Ended(order):
                _publish_end(floor, order)


def status_word(floor: Floor, order: ExchangeOrder) -> str:
    """The broker's word for an order's status."""
    if order.status is ExchangeStatus.WORKING:
        if called_inactive(floor.desk.state, order, floor.market.moment()):
            return "Inactive"
        held = order.ticket.order_type.on_close or order.session is None
        return floor.behavior.resting_status if held else "Submitted"
    return _WORDS[order.status]


def echo(client: ClientSession, order: ExchangeOrder) -> None:
    """Show an order to a client: openOrder and orderStatus."""
    status = status_word(client.floor, order)
    client.send(open_order(order, listing_of(order.ticket.symbol), status, client.version))
    client.send(order_status(order, status, order.average_price))


def execution_message(client: ClientSession, request_id: int, execution: Execution) -> Message:
    """One execution as this client's version wants it."""
    zone = "" if client.floor.behavior.naive_times else NEW_YORK_WIRE
    instant = wire_time(execution.instant.astimezone(NEW_YORK), zone=zone)
    return exec_details(request_id, execution, listing_of(execution.ticket.symbol), client.version, instant)


_WORDS = {
    ExchangeStatus.FILLED: "Filled",
    ExchangeStatus.CANCELED: "Cancelled",
    ExchangeStatus.EXPIRED: "Cancelled",
    ExchangeStatus.REJECTED: "Inactive",
}


def _publish_fill(floor: Floor, execution: Execution, order: ExchangeOrder) -> None:
    floor.journal.record(
        "filled",
        ref=order.ticket.ref,
        perm_id=order.perm_id,
        exec_id=execution.exec_id,
        shares=execution.shares,
        price=execution.price,
    )
    for client in floor.hearing(order.ticket.client_id):
        client.send(execution_message(client, -1, execution))
        echo(client, order)
        # A real gateway often repeats the last pair.
        echo(client, order)
    floor.unreported.add(execution.exec_id)
    asyncio.get_running_loop().call_later(floor.behavior.commission_seconds, _report_fee, floor, execution)


def _report_fee(floor: Floor, execution: Execution) -> None:
    floor.unreported.discard(execution.exec_id)
    for client in floor.hearing(execution.ticket.client_id):
        client.send(commission_report(execution))
    push_account(floor, execution.ticket.account, execution.ticket.symbol)


def _publish_end(floor: Floor, order: ExchangeOrder) -> None:
    floor.journal.record("ended", ref=order.ticket.ref, perm_id=order.perm_id, status=order.status.value)
    for client in floor.hearing(order.ticket.client_id):
        if order.status is ExchangeStatus.REJECTED:
            client.error(order.ticket.order_id, order.code, order.reason)
            echo(client, order)
        else:
            client.send(order_status(order, status_word(floor, order), order.average_price))
            client.error(order.ticket.order_id, order.code, order.reason)
