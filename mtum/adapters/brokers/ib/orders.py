"""Orders and fills in the broker's words, which exist nowhere else: the listed ones, and ours on the wire."""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import replace

from mtum.adapters.brokers.ib.account import ZERO, Unread, amount, is_us_share, other_instrument, shown
from mtum.adapters.ib.messages import (
    CompletedOrder,
    Contract,
    Execution,
    ExecutionDetails,
    Fee,
    OpenOrder,
    Order,
    OrderUpdate,
)
from mtum.core.portfolio.fills import stem_of
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
SIDES = {"BOT": Side.BUY, "SLD": Side.SELL, "BUY": Side.BUY, "SELL": Side.SELL, "SSHORT": Side.SELL}
_TYPES = {kind.value: kind for kind in OrderType}
_UNKNOWN = OrderStatus.UNKNOWN
EXECUTION_ID = re.compile(r"\w+(\.\w+){2,}\.\d+")
"""At least four dotted parts; the last is a number that rises with each correction."""
_NEAR = Decimal("0.001")
"""The average price of a first execution is its own price, as far as it is rounded."""
_ZONES = timedelta(days=1)
"""Local times of the world lie no further apart."""
_GARBLED = {"5": "open order", "11": "execution", "61": "position", "101": "completed order"}
"""Messages by their number whose loss would hide something."""


def status_of(word: str, filled: int, perm_id: int) -> OrderStatus:
    """Return what a status word means; without a permanent id nothing is accepted yet.

    Parameters
    ----------
    word : str
        The broker's word.
    filled : int
        How many are filled.
    perm_id : int
        The order's permanent id; 0 before it has one.
    """
    found = STATUS.get(word, OrderStatus.UNKNOWN)
    if found is OrderStatus.ACCEPTED:
        if not perm_id:
            return OrderStatus.SUBMITTING
        return OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.ACCEPTED
    return found


def listed_order(
    contract: Contract, order: Order, word: str, filled: int, unread: Unread, day: date | None = None
) -> BrokerOrder | None:
    """Return an order of a list; None for a kind of order or security that is never ours.

    Parameters
    ----------
    contract : Contract
        Contract, as the broker names it.
    order : Order
        Order, as the broker has it.
    word : str
        The broker's word.
    filled : int
        How many are filled.
    unread : Unread
        Messages that make no sense: ours in the broker's words, others' counted; each once.
    day : date or None
        Day on which it ended; None while it is open.
    """
    side, kind = SIDES.get(str(order.action)), _TYPES.get(str(order.orderType))
    if contract.secType in unread.set_aside:
        return None
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
        session=day,
        text=f"the broker calls it {word!r}, a word this program does not know" if status is _UNKNOWN else "",
        limit_usd=_limit(order),
    )


class OpenListing(NamedTuple):
    """An open order with its newest status word and the shares filled."""

    contract: Contract
    order: Order
    word: str
    filled: int


def open_listings(answer: Iterable[OpenOrder | OrderUpdate], account: str) -> list[OpenListing]:
    """Return the open orders of an account: each openOrder with the orderStatus that came after it."""
    found: dict[tuple[int, int, int], OpenListing] = {}
    for told in answer:
        if isinstance(told, OpenOrder):
            order = told.order
            if not order.whatIf:
                key = _key(order.clientId, order.orderId, order.permId)
                found[key] = OpenListing(told.contract, order, str(told.state.status), 0)
        elif (key := _key(told.client_id, told.order_id, told.perm_id)) in found:
            found[key] = found[key]._replace(word=str(told.status), filled=shown(told.filled))
    return [row for row in found.values() if str(row.order.account or "") in ("", account)]


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
        quantity = left if SIDES.get(str(order.action)) is Side.BUY else -left
        one = other_instrument(contract, quantity)
        ref = str(order.orderRef or "")
        found.append(replace(one, name=f"{one.name} (order)", working=True, limit_usd=_limit(order), ref=ref))
    return found


def _limit(order: Order) -> Decimal | None:
    # Order types without a limit send 0 or "not set".
    told = amount(getattr(order, "lmtPrice", ""))
    return told if told is not None and told > 0 else None


def completed_orders(answer: Iterable[CompletedOrder], account: str, unread: Unread) -> list[BrokerOrder]:
    """Return the orders that ended today; the wire tells neither their order id nor their client.

    Parameters
    ----------
    answer : iterable of CompletedOrder
        What the broker lists as ended today.
    account : str
        Code of the account.
    unread : Unread
        Messages that make no sense: ours in the broker's words, others' counted; each once.
    """
    found = []
    for contract, order, state in answer:
        filled = shown(order.filledQuantity)
        one = listed_order(contract, order, str(state.status), filled, unread)
        if one is not None and one.account in ("", account):
            # The list tells what was left of the quantity, 0 when all is filled.
            found.append(replace(one, shares=max(one.shares, filled), client_id=None, order_id=None))
    return found


def fills_of(
    answers: Iterable[Iterable[ExecutionDetails]],
    fees: Mapping[str, Fee],
    account: str,
    unread: Unread,
    orders: Sequence[BrokerOrder] = (),
    at: datetime | None = None,
) -> tuple[BrokerFill, ...]:
    """Return today's executions of stocks, each id once, with the fees heard so far.

    One of ours that contradicts itself, or the order it names, is not believed in any part: what stands in
    the damaged field cannot be told from what stands in a sound one.

    Parameters
    ----------
    answers : iterable of iterable of ExecutionDetails
        Executions, as each question was answered.
    fees : mapping of str to Fee
        Fees heard so far by execution id, USD.
    account : str
        Code of the account.
    unread : Unread
        Told of executions without a known side, or a number of shares and a price above 0, and of what is
        not believed of ours.
    orders : sequence of BrokerOrder
        The orders listed; some executions come without a reference.
    at : datetime or None
        The broker's clock.
    """
    found: dict[str, BrokerFill] = {}
    own = [order for order in orders if OUR_REF.match(order.ref)]
    reached: dict[tuple[str, object], set[str]] = {}
    heard = [(one.contract, one.execution) for answer in answers for one in answer]
    for contract, execution in heard:
        named = [one for one in own if one.ref == execution.orderRef or one.broker_id == str(execution.permId or 0)]
        ours = bool(OUR_REF.match(str(execution.orderRef or ""))) or bool(named)
        if contract.secType in unread.set_aside:
            continue
        if not named and (execution.acctNumber != account or (contract.secType != "STK" and not ours)):
            continue
        fill = _fill(contract, execution, fees.get(execution.execId))
        if fill is None or (ours and not _sound(fill, contract, execution, account, named, at)):
            _note(contract, execution, unread, ours=ours)
            continue
        found[fill.exec_id] = fill
        if ours and amount(execution.cumQty):
            reached.setdefault((fill.broker_id, execution.cumQty), set()).add(stem_of(fill.exec_id))
    # Every execution of an order brings it further: two that end at the same number are one under two ids.
    for contract, execution in heard:
        if len(reached.get((str(execution.permId), execution.cumQty), ())) > 1 and execution.execId in found:
            del found[execution.execId]
            _note(contract, execution, unread, ours=True)
    return tuple(found.values())


def _note(contract: Contract, execution: Execution, unread: Unread, *, ours: bool) -> None:
    told = {
        "side": execution.side, "shares": execution.shares, "price": execution.price,
        "reference": str(execution.orderRef or ""), "execution": execution.execId,
        "order": execution.permId, "account": execution.acctNumber, "time": f"{execution.time:%Y-%m-%d %H:%M:%S %Z}",
        "filled so far": execution.cumQty, "average": execution.avgPrice,
    }  # fmt: skip
    unread.note("execution", contract, told, ours=ours)


def _sound(
    fill: BrokerFill,
    contract: Contract,
    execution: Execution,
    account: str,
    named: Sequence[BrokerOrder],
    at: datetime | None,
) -> bool:
    """Whether an execution of ours agrees with itself and with the listed orders of its reference or number."""
    filled, average = amount(execution.cumQty) or ZERO, amount(execution.avgPrice) or ZERO
    first_whole = fill.shares == filled and average > 0
    lists_agree = any(
        (one.ref, one.symbol, one.side) == (fill.ref or one.ref, fill.symbol, fill.side)
        and one.broker_id in ("", fill.broker_id)
        for one in named
    )
    day = fill.ref[1:7] or f"{fill.instant:%y%m%d}"
    return (
        EXECUTION_ID.fullmatch(fill.exec_id) is not None
        and is_us_share(contract)
        and fill.account == account
        and shown(execution.permId) > 0
        and fill.shares == int(fill.shares)
        and not 0 < filled < fill.shares
        and not (first_whole and abs(fill.price - average) > average * _NEAR)
        # The zone of a gateway may be told wrongly; a day more is no time of this order.
        and f"{fill.instant + _ZONES:%y%m%d}" >= day
        and (at is None or fill.instant <= at + _ZONES)
        and (lists_agree or not named)
    )


def garbled(heard: Iterable[tuple[str, ...]], account: str, unread: Unread) -> None:
    """Take note of messages that the client library itself could not read, by their raw fields.

    Parameters
    ----------
    heard : iterable of tuple of str
        The messages' raw fields.
    account : str
        Code of the account.
    unread : Unread
        Messages that make no sense: ours in the broker's words, others' counted; each once.
    """
    for fields in heard:
        kind = _GARBLED.get(fields[0]) if fields else None
        if kind is None:
            continue
        ours = any(OUR_REF.match(field) for field in fields) or (kind == "position" and account in fields)
        # Without the number of the request: two lists tell of one execution.
        told = fields[2:] if kind == "execution" else fields[1:]
        unread.add(f"{kind}: {' '.join(field for field in told if field)[:240]}", ours=ours)


def _fill(contract: Contract, execution: Execution, fee: Fee | None) -> BrokerFill | None:
    side, shares, price = SIDES.get(str(execution.side)), amount(execution.shares), amount(execution.price)
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


def _key(client_id: object, order_id: object, perm_id: object) -> tuple[int, int, int]:
    # An order placed by hand has no order id of ours; one just taken may have no permanent id yet.
    numbered = shown(order_id) > 0
    return (shown(client_id), shown(order_id), 0) if numbered else (0, 0, shown(perm_id))
