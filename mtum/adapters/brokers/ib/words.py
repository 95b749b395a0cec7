"""The broker's words and messages as our orders and fills; they exist nowhere else."""

from collections.abc import Container, Iterable, Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

from mtum.adapters.brokers.ib.account import Unread, amount, is_us_share, other_instrument, shown
from mtum.adapters.ib_session.ear import Heard
from mtum.core.portfolio.orders import OrderStatus, OrderType, Side
from mtum.core.portfolio.reconcile import OUR_REF
from mtum.ports.broker import BrokerFill, BrokerOrder, OtherInstrument

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
_SIDES = {"BOT": Side.BUY, "SLD": Side.SELL, "BUY": Side.BUY, "SELL": Side.SELL, "SSHORT": Side.SELL}
_TYPES = {kind.value: kind for kind in OrderType}
_UNKNOWN = OrderStatus.UNKNOWN
_GARBLED = {"5": "open order", "11": "execution", "61": "position", "101": "completed order"}
"""Messages by their number whose loss would hide something."""


def status_of(word: str, filled: int, perm_id: int) -> OrderStatus:
    """Return what a status word means; without a permanent id nothing is accepted yet."""
    found = STATUS.get(word, OrderStatus.UNKNOWN)
    if found is OrderStatus.ACCEPTED:
        if not perm_id:
            return OrderStatus.SUBMITTING
        return OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.ACCEPTED
    return found


def listed_order(
    contract: Any, order: Any, word: str, filled: int, unread: Unread, session: date | None = None
) -> BrokerOrder | None:
    """Return an order of a list; None for a kind of order or security that is never ours."""
    side, kind = _SIDES.get(str(order.action)), _TYPES.get(str(order.orderType))
    if side is None or not is_us_share(contract):
        ours = OUR_REF.match(str(order.orderRef or "")) is not None
        if ours or is_us_share(contract):
            told = {"security": contract.secType, "action": order.action, "reference": order.orderRef}
            unread.note("order", contract, told, ours=ours)
        return None
    perm_id = shown(order.permId)
    status = status_of(word, filled, perm_id)
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
        status=status,
        client_id=shown(order.clientId),
        order_id=shown(order.orderId),
        session=session,
        text=f"the broker calls it {word!r}, a word this program does not know" if status is _UNKNOWN else "",
        limit_usd=_limit(order),
    )


type OpenListing = tuple[Any, Any, str, int]
"""An open order: contract, order, newest status word, shares filled."""


def open_listings(answer: Iterable[Heard], account: str) -> list[OpenListing]:
    """Return the open orders of an account: each openOrder with the orderStatus that came after it."""
    found: dict[tuple[int, int, int], OpenListing] = {}
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
    return [row for row in found.values() if str(row[1].account or "") in ("", account)]


def open_orders(listings: Iterable[OpenListing], unread: Unread) -> list[BrokerOrder]:
    """Return the open orders in shares; one that the broker calls inactive is not dead while it stands there."""
    listed = (listed_order(*row, unread) for row in listings)
    return [replace(order, inactive=order.status is OrderStatus.REJECTED) for order in listed if order is not None]


def other_orders(listings: Iterable[OpenListing]) -> list[OtherInstrument]:
    """Return the open orders in anything but shares in USD."""
    found = []
    for contract, order, word, filled in listings:
        if is_us_share(contract) or STATUS.get(word) in (OrderStatus.CANCELED, OrderStatus.FILLED):
            continue
        left = Decimal(shown(order.totalQuantity) - filled)
        quantity = left if _SIDES.get(str(order.action)) is Side.BUY else -left
        one = other_instrument(contract, quantity)
        found.append(replace(one, name=f"{one.name} (order)", working=True, limit_usd=_limit(order)))
    return found


def _limit(order: Any) -> Decimal | None:
    # Order types without a limit send 0 or "not set".
    told = amount(getattr(order, "lmtPrice", ""))
    return told if told is not None and told > 0 else None


def completed_orders(answer: Iterable[Heard], account: str, unread: Unread) -> list[BrokerOrder]:
    """Return the orders that ended today; the wire tells neither their order id nor their client."""
    found = []
    for heard in answer:
        contract, order, state = heard.fields
        filled = shown(order.filledQuantity)
        one = listed_order(contract, order, str(state.status), filled, unread)
        if one is not None and one.account in ("", account):
            # The list tells what was left of the quantity, 0 when all is filled.
            found.append(replace(one, shares=max(one.shares, filled), client_id=None, order_id=None))
    return found


def fills_of(
    answers: Iterable[Iterable[Heard]],
    fees: Mapping[str, Any],
    account: str,
    unread: Unread,
    own_ids: Container[str] = (),
) -> tuple[BrokerFill, ...]:
    """Return today's executions of stocks, each id once, with the fees heard so far.

    Parameters
    ----------
    unread : Unread
        Told of executions without a known side, or a number of shares and a price above 0.
    own_ids : container of str
        Permanent ids of the orders listed with our references: some executions come without one.
    """
    found: dict[str, BrokerFill] = {}
    for answer in answers:
        for heard in answer:
            _, contract, execution = heard.fields
            if contract.secType != "STK" or execution.acctNumber != account:
                continue
            fill = _fill(contract, execution, fees.get(execution.execId))
            if fill is not None:
                found[fill.exec_id] = fill
                continue
            ref, broker_id = str(execution.orderRef or ""), str(execution.permId or "")
            told = {
                "side": execution.side, "shares": execution.shares, "price": execution.price,
                "reference": ref, "execution": execution.execId,
            }  # fmt: skip
            unread.note("execution", contract, told, ours=bool(OUR_REF.match(ref)) or broker_id in own_ids)
    return tuple(found.values())


def garbled(heard: Iterable[tuple[str, ...]], account: str, unread: Unread) -> None:
    """Take note of messages that the client library itself could not read, by their raw fields."""
    for fields in heard:
        kind = _GARBLED.get(fields[0]) if fields else None
        if kind is None:
            continue
        ours = any(OUR_REF.match(field) for field in fields) or (kind == "position" and account in fields)
        # Without the number of the question: two lists tell of one execution.
        told = fields[2:] if kind == "execution" else fields[1:]
        unread.add(f"{kind}: {' '.join(field for field in told if field)[:240]}", ours=ours)


def _fill(contract: Any, execution: Any, fee: Any) -> BrokerFill | None:
    side, shares, price = _SIDES.get(str(execution.side)), amount(execution.shares), amount(execution.price)
    if side is None or not shares or shares < 0 or not price or price < 0:
        return None
    return BrokerFill(
        exec_id=str(execution.execId),
        ref=str(execution.orderRef or ""),
        broker_id=str(execution.permId or ""),
        account=str(execution.acctNumber),
        symbol=str(contract.symbol),
        side=side,
        shares=shares,
        price=price,
        instant=execution.time,
        commission_usd=amount(fee.commission) if fee is not None and fee.currency in ("", "USD") else None,
        client_id=shown(execution.clientId),
        order_id=shown(execution.orderId),
    )


def _key(client_id: Any, order_id: Any, perm_id: Any) -> tuple[int, int, int]:
    # An order placed by hand has no order id of ours; one just taken may have no permanent id yet.
    numbered = shown(order_id) > 0
    return (shown(client_id), shown(order_id), 0) if numbered else (0, 0, shown(perm_id))
