"""The broker's words and messages as our orders and fills; they exist nowhere else."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from mtum.adapters.brokers.ib.account import amount, shown
from mtum.adapters.ib_session.ear import Heard
from mtum.core.portfolio.orders import OrderStatus, OrderType, Side
from mtum.ports.broker import BrokerFill, BrokerOrder

STATUS: Mapping[str, OrderStatus] = {
    "ApiPending": OrderStatus.SUBMITTING,
    "PendingSubmit": OrderStatus.ACCEPTED,
    "PreSubmitted": OrderStatus.ACCEPTED,
    "Submitted": OrderStatus.ACCEPTED,
    "PendingCancel": OrderStatus.ACCEPTED,
    "ApiCancelled": OrderStatus.CANCELED,
    "Cancelled": OrderStatus.CANCELED,
    "Filled": OrderStatus.FILLED,
    "Inactive": OrderStatus.REJECTED,
}
"""A resting on-close order is PreSubmitted or Submitted; both are working. What is asked to be canceled still is."""
_SIDES = {"BOT": Side.BUY, "SLD": Side.SELL, "BUY": Side.BUY, "SELL": Side.SELL}
_TYPES = {kind.value: kind for kind in OrderType}


def status_of(word: str, filled: int, perm_id: int) -> OrderStatus:
    """Return what a status word means; without a permanent id nothing is accepted yet."""
    found = STATUS.get(word, OrderStatus.UNKNOWN)
    if found is OrderStatus.ACCEPTED:
        if not perm_id:
            return OrderStatus.SUBMITTING
        return OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.ACCEPTED
    return found


def listed_order(contract: Any, order: Any, word: str, filled: int, session: date | None = None) -> BrokerOrder | None:
    """Return an order of a list; None for a kind of order or security that is never ours."""
    side, kind = _SIDES.get(str(order.action)), _TYPES.get(str(order.orderType))
    if side is None or contract.secType != "STK":
        return None
    perm_id = int(order.permId or 0)
    return BrokerOrder(
        ref=str(order.orderRef or ""),
        broker_id=str(perm_id) if perm_id else "",
        account=str(order.account or ""),
        symbol=str(contract.symbol),
        side=side,
        # Kinds we never send (a person's own orders) still count as working shares.
        order_type=kind or OrderType.LIMIT,
        shares=shown(order.totalQuantity),
        filled=filled,
        status=status_of(word, filled, perm_id),
        client_id=int(order.clientId or 0),
        order_id=int(order.orderId or 0),
        session=session,
    )


def open_orders(answer: Iterable[Heard], account: str) -> list[BrokerOrder]:
    """Return the open orders of an account: each openOrder with the orderStatus that came after it."""
    found: dict[tuple[int, int, int], tuple[Any, Any, str, int]] = {}
    for heard in answer:
        if heard.name == "openOrder":
            _, contract, order, state = heard.fields
            if not order.whatIf:
                found[_key(order.clientId, order.orderId, order.permId)] = (contract, order, str(state.status), 0)
        else:
            order_id, word, filled, _, _, perm_id, _, _, client_id = heard.fields[:9]
            key = _key(client_id, order_id, perm_id)
            if key in found:
                contract, order, _, _ = found[key]
                found[key] = (contract, order, str(word), shown(filled))
    listed = (listed_order(*row) for row in found.values())
    return [order for order in listed if order is not None and order.account in ("", account)]


def completed_orders(answer: Iterable[Heard], account: str) -> list[BrokerOrder]:
    """Return the orders that ended today; the wire tells neither their order id nor their client."""
    found = []
    for heard in answer:
        contract, order, state = heard.fields
        filled = shown(order.filledQuantity)
        one = listed_order(contract, order, str(state.status), filled)
        if one is not None and one.account in ("", account):
            # The list tells what was left of the quantity, 0 when all is filled.
            found.append(replace(one, shares=max(one.shares, filled), client_id=None, order_id=None))
    return found


def fills_of(answers: Iterable[Iterable[Heard]], fees: Mapping[str, Any], account: str) -> tuple[BrokerFill, ...]:
    """Return today's executions of stocks, each id once, with the fees heard so far."""
    found: dict[str, BrokerFill] = {}
    for answer in answers:
        for heard in answer:
            _, contract, execution = heard.fields
            if contract.secType == "STK" and execution.acctNumber == account:
                found[str(execution.execId)] = _fill(contract, execution, fees.get(execution.execId))
    return tuple(found.values())


def _fill(contract: Any, execution: Any, fee: Any) -> BrokerFill:
    return BrokerFill(
        exec_id=str(execution.execId),
        ref=str(execution.orderRef or ""),
        broker_id=str(execution.permId or ""),
        account=str(execution.acctNumber),
        symbol=str(contract.symbol),
        side=_SIDES[str(execution.side)],
        shares=amount(execution.shares) or Decimal(0),
        price=amount(execution.price) or Decimal(0),
        instant=execution.time,
        commission_usd=amount(fee.commission) if fee is not None and fee.currency in ("", "USD") else None,
        client_id=int(execution.clientId or 0),
        order_id=int(execution.orderId or 0),
    )


def _key(client_id: Any, order_id: Any, perm_id: Any) -> tuple[int, int, int]:
    # An order placed by hand has no order id of ours; one just taken may have no permanent id yet.
    numbered = int(order_id or 0) > 0
    return (int(client_id or 0), int(order_id or 0), 0) if numbered else (0, 0, int(perm_id or 0))
