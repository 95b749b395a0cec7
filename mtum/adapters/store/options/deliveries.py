"""Shares that an assignment or an exercise brought or took: booked like an execution of shares at the strike."""

import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from mtum.adapters.store.orders.executions import insert_fill
from mtum.adapters.store.orders.intents import insert_intent, state_of, write_status
from mtum.adapters.store.orders.trades import write_trades
from mtum.adapters.store.texts import instant_text, plain
from mtum.core.options.legs import Delivery
from mtum.core.portfolio.fills import DELIVERED, Fill
from mtum.core.portfolio.options.lots import LedgerEvent
from mtum.core.portfolio.orders import OrderIntent, OrderStatus, OrderType, Purpose, Side, intent_id
from mtum.ports.records import Observed


def deliver(
    connection: sqlite3.Connection,
    delivered: Sequence[Delivery],
    known: int,
    events: Mapping[str, LedgerEvent],
    at: datetime,
) -> None:
    """Book the shares of deliveries, all of a strategy's in one symbol, day and direction under one intent.

    Parameters
    ----------
    connection : Connection
        The database, in a transaction where it is written.
    delivered : sequence of Delivery
        All there ever were; the first `known` are booked.
    known : int
        Number of deliveries that are booked already.
    events : mapping of str to LedgerEvent
        By key: their events.
    at : datetime
        Instant that is recorded, UTC.
    """
    new = [*delivery_fills(delivered, events, at)][known:]
    for fill, one in zip(new, delivered[known:], strict=True):
        came = [two for two in delivered if _intent_id(two, events) == fill.intent_id]
        _book_intent(connection, fill, events[one.event], sum(abs(two.shares) for two in came), at)
        insert_fill(connection, fill)
        if one.shares > 0:
            paid = sum((two.net_entry * two.shares for two in came), Decimal(0)) / sum(two.shares for two in came)
            sql = "INSERT INTO stated_entries (intent_id, remembered, stated_at) VALUES (?, ?, ?)"
            kept = plain({"net_entry": float(round(paid, 6))})
            connection.execute(sql, (fill.intent_id, kept, instant_text(at)))
    if new:
        write_trades(connection, {fill.symbol for fill in new})


def delivery_fills(delivered: Sequence[Delivery], events: Mapping[str, LedgerEvent], at: datetime) -> Iterator[Fill]:
    """Yield the execution of shares that each delivery is booked as.

    Parameters
    ----------
    delivered : sequence of Delivery
        Deliveries of shares.
    events : mapping of str to LedgerEvent
        The events behind the deliveries, by key.
    at : datetime
        Instant that is recorded, UTC.
    """
    numbers: dict[str, int] = {}
    for one in delivered:
        event = events[one.event]
        numbers[one.event] = numbers.get(one.event, 0) + 1
        yield Fill(
            exec_id=f"{DELIVERED}{one.event}:{numbers[one.event]}.01",
            intent_id=_intent_id(one, events),
            account=event.account,
            strategy=one.strategy,
            symbol=one.underlying,
            side=Side.BUY if one.shares > 0 else Side.SELL,
            session=event.effective,
            instant=at,
            shares=abs(one.shares),
            price=one.price,
            commission_usd=Decimal(0),
        )


def _intent_id(one: Delivery, events: Mapping[str, LedgerEvent]) -> str:
    event = events[one.event]
    return intent_id(event.account, event.effective, one.strategy, one.underlying, _purpose(one))


def _purpose(one: Delivery) -> Purpose:
    return Purpose.DELIVERED_IN if one.shares > 0 else Purpose.DELIVERED_OUT


def _book_intent(connection: sqlite3.Connection, fill: Fill, event: LedgerEvent, shares: int, at: datetime) -> None:
    intent = OrderIntent(
        id=fill.intent_id,
        account=fill.account,
        session=fill.session,
        strategy=fill.strategy,
        symbol=fill.symbol,
        purpose=Purpose.DELIVERED_IN if fill.side is Side.BUY else Purpose.DELIVERED_OUT,
        side=fill.side,
        order_type=OrderType.MARKET_ON_CLOSE,
        shares=shares,
        reference_price=fill.price,
        reasons=(event.kind.value,),
    )
    insert_intent(connection, intent, at)
    # A second delivery of the day is more of the same one.
    connection.execute("UPDATE order_intents SET shares = ? WHERE id = ?", (shares, intent.id))
    seen = Observed(filled=shares, text=f"{event.contract.words} {event.kind.value}")
    write_status(connection, state_of(connection, intent.id), OrderStatus.FILLED, at, seen)
