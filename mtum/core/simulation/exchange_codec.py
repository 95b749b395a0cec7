"""The simulated exchange's state as bytes and back: canonical JSON with a version.

Equal states give equal bytes. Decimals and instants are text, so that nothing is rounded. The first line
is the state; further lines, one order or execution each, are what earlier sessions finished. They are
written once and read only by whoever asks for the whole.
"""

import json
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import date, datetime
from decimal import Decimal
from enum import Enum

from mtum.core.portfolio.orders import OrderType, Side
from mtum.core.simulation.exchange_state import (
    AccountKind,
    ExchangeAccount,
    ExchangeOrder,
    ExchangeState,
    ExchangeStatus,
    Execution,
    FillPlan,
    PlanEffect,
    Position,
    Ticket,
    Unsettled,
)

VERSION = 2
READABLE = (1, VERSION)
"""The first form was one line with everything in it."""

type Row = Mapping[str, object]
type Reader = Callable[[object], object]


def to_bytes(state: ExchangeState, finished: bytes = b"") -> bytes:
    """Return the state as UTF-8 JSON, keys sorted, with the lines of what earlier sessions finished after it."""
    return _line({"version": VERSION, "state": _plain(state)}) + (b"\n" + finished if finished else b"")


def opened(stored: bytes) -> tuple[ExchangeState, bytes]:
    """Return the state without what earlier sessions finished, and the unread lines of that.

    Raises
    ------
    ValueError
        If the bytes are not such a document, or one of another version.
    """
    first, _, finished = stored.partition(b"\n")
    document = json.loads(first)
    version = document.get("version") if isinstance(document, dict) else None
    if version not in READABLE:
        raise ValueError(f"exchange state has version {version!r}, this program reads {VERSION}")
    return _read(ExchangeState, document.get("state")), finished


def from_bytes(stored: bytes) -> ExchangeState:
    """Return the whole state written by `to_bytes`, oldest orders and executions first.

    Raises
    ------
    ValueError
        If the bytes are not such a document, or one of another version.
    """
    state, finished = opened(stored)
    if not finished:
        return state
    rows = [json.loads(line) for line in finished.splitlines()]
    orders = [_read(ExchangeOrder, row["order"]) for row in rows if "order" in row]
    executions = [_read(Execution, row["execution"]) for row in rows if "execution" in row]
    return replace(
        state,
        orders=tuple(sorted((*orders, *state.orders), key=lambda one: one.perm_id)),
        executions=tuple(sorted((*executions, *state.executions), key=lambda one: one.session)),
    )


def finished_apart(state: ExchangeState, before: date, finished: bytes) -> tuple[ExchangeState, bytes]:
    """Return the state without orders that ended in sessions earlier than `before`, and the lines they join.

    An order that works stays, and so does each client's newest one: the next number is counted from it.
    """
    newest = {
        order.ticket.client_id: order.perm_id for order in sorted(state.orders, key=lambda one: one.ticket.order_id)
    }
    ended = {
        order.perm_id
        for order in state.orders
        if order.status is not ExchangeStatus.WORKING
        and (order.session or order.placed_session) < before
        and order.perm_id != newest[order.ticket.client_id]
    }
    if not ended:
        return state, finished
    orders = [_line({"order": _plain(one)}) for one in state.orders if one.perm_id in ended]
    executions = [_line({"execution": _plain(one)}) for one in state.executions if one.perm_id in ended]
    left = replace(
        state,
        orders=tuple(one for one in state.orders if one.perm_id not in ended),
        executions=tuple(one for one in state.executions if one.perm_id not in ended),
    )
    return left, finished + b"".join(line + b"\n" for line in (*orders, *executions))


def _line(document: Mapping[str, object]) -> bytes:
    return json.dumps(document, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()


def _read[T](kind: type[T], row: object) -> T:
    try:
        return _build(kind, row)
    except (KeyError, TypeError, ArithmeticError) as broken:
        raise ValueError(f"exchange state is damaged: {broken!r}") from broken


def _plain(value: object) -> object:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date | datetime):
        return value.isoformat()
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    if value is None or isinstance(value, str | int | float):
        return value
    return {name: _plain(getattr(value, name)) for name in _names(type(value))}


_NAMES: dict[type, tuple[str, ...]] = {}


def _names(kind: type) -> tuple[str, ...]:
    if kind not in _NAMES:
        _NAMES[kind] = tuple(field.name for field in fields(kind))
    return _NAMES[kind]


def _day(value: object) -> date:
    return date.fromisoformat(str(value))


def _instant(value: object) -> datetime:
    return datetime.fromisoformat(str(value))


def _decimal(value: object) -> Decimal:
    return Decimal(str(value))


def _if_any(reader: Reader) -> Reader:
    return lambda value: None if value is None else reader(value)


def _one(kind: type) -> Reader:
    return lambda value: _build(kind, value)


def _many(kind: type) -> Reader:
    def read(value: object) -> object:
        if not isinstance(value, list):
            raise TypeError(f"a list of {kind.__name__} was expected")
        return tuple(_build(kind, item) for item in value)

    return read


# How to read the fields that JSON cannot carry as they are; the others are taken unchanged.
_READERS: dict[type, dict[str, Reader]] = {
    Position: {"shares": _decimal, "average_cost": _decimal},
    Unsettled: {"session": _day, "amount": _decimal},
    ExchangeAccount: {
        "kind": AccountKind,
        "cash": _decimal,
        "unsettled": _many(Unsettled),
        "positions": _many(Position),
        "realized_pnl": _decimal,
    },
    Ticket: {"side": Side, "order_type": OrderType, "limit": _if_any(_decimal)},
    ExchangeOrder: {
        "ticket": _one(Ticket),
        "placed_at": _instant,
        "placed_session": _day,
        "session": _if_any(_day),
        "status": ExchangeStatus,
        "filled_value": _decimal,
        "commission": _decimal,
        "done_at": _if_any(_instant),
    },
    Execution: {
        "session": _day,
        "instant": _instant,
        "price": _decimal,
        "commission": _decimal,
        "realized_pnl": _if_any(_decimal),
        "average_price": _decimal,
        "ticket": _one(Ticket),
    },
    FillPlan: {"effect": PlanEffect, "session": _if_any(_day), "side": _if_any(Side)},
    ExchangeState: {
        "accounts": _many(ExchangeAccount),
        "orders": _many(ExchangeOrder),
        "executions": _many(Execution),
        "plans": _many(FillPlan),
        "session": _if_any(_day),
    },
}


def _build[T](kind: type[T], row: object) -> T:
    if not isinstance(row, dict) or set(row) != set(_names(kind)):
        raise TypeError(f"the fields of a {kind.__name__} were expected")
    readers = _READERS[kind]
    return kind(**{name: readers[name](value) if name in readers else value for name, value in row.items()})
