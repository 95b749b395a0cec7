"""The simulated exchange's state as bytes and back: canonical JSON with a version.

Equal states give equal bytes. Decimals and instants are text, so that nothing is rounded. The first line
is the state; further lines, one order or execution each, are what earlier sessions finished. They are
written once and read only by whoever asks for the whole.
"""

import json
from collections.abc import Sequence
from datetime import date
from functools import lru_cache
from typing import cast

from msgspec.structs import replace

from mtum.core.canonical import canonical, decode, plain
from mtum.core.simulation.exchange_state import ExchangeOrder, ExchangeState, ExchangeStatus, Execution, OptionBooks

VERSION = 2
READABLE = (1, VERSION)
"""The first form was one line with everything in it."""


def to_bytes(state: ExchangeState, finished: bytes = b"") -> bytes:
    """Return the state as UTF-8 JSON, keys sorted, with the lines of what earlier sessions finished after it."""
    told = {"orders": [_row(_Same(one)) for one in state.orders]}
    told["executions"] = [_row(_Same(one)) for one in state.executions]
    document = cast("dict[str, object]", plain(replace(state, orders=(), executions=()))) | told
    return canonical({"version": VERSION, "state": document}).encode() + (b"\n" + finished if finished else b"")


class _Same:
    # The very same value: equal ones may be written differently (5.0 and 5.00).
    def __init__(self, value: object) -> None:
        self.value = value

    def __hash__(self) -> int:
        return id(self.value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Same) and self.value is other.value


@lru_cache(maxsize=8192)
def _row(same: _Same) -> object:
    # Written after each order, all of a session's orders are mostly those of the time before.
    return plain(same.value)


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
    if state.options is not None:
        options = [_read(OptionBooks, row["options"]) for row in rows if "options" in row]
        state = replace(state, options=_joined((*options, state.options)))
    return replace(
        state,
        orders=tuple(sorted((*orders, *state.orders), key=lambda one: one.perm_id)),
        executions=tuple(sorted((*executions, *state.executions), key=lambda one: one.session)),
    )


def finished_apart(state: ExchangeState, before: date, finished: bytes) -> tuple[ExchangeState, bytes]:
    """Return the state without orders that ended in sessions earlier than `before`, and the lines they join.

    An order that works stays, and so does each client's newest one: the next number is counted from it.

    Parameters
    ----------
    state : ExchangeState
        The whole exchange at one instant; `session` is the last one opened, executions oldest first.
    before : date
        Sessions earlier than this one.
    finished : bytes
        Lines of the orders put apart before.
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
    state, lines = _options_apart(state, before)
    if not ended:
        return state, finished + lines
    orders = [canonical({"order": plain(one)}).encode() for one in state.orders if one.perm_id in ended]
    executions = [canonical({"execution": plain(one)}).encode() for one in state.executions if one.perm_id in ended]
    left = replace(
        state,
        orders=tuple(one for one in state.orders if one.perm_id not in ended),
        executions=tuple(one for one in state.executions if one.perm_id not in ended),
    )
    return left, finished + b"".join(line + b"\n" for line in (*orders, *executions)) + lines


def _options_apart(state: ExchangeState, before: date) -> tuple[ExchangeState, bytes]:
    # As with shares; a client's newest order stays as well, by its number.
    books = state.options
    if books is None:
        return state, b""
    last: dict[int, int] = {}
    for one in books.orders:
        last[one.ticket.client_id] = max(last.get(one.ticket.client_id, 0), one.ticket.order_id)
    ended = {
        one.perm_id
        for one in books.orders
        if one.status is not ExchangeStatus.WORKING
        and (one.session or one.placed_session) < before
        and one.ticket.order_id != last[one.ticket.client_id]
    }
    old = OptionBooks(
        tuple(one for one in books.orders if one.perm_id in ended),
        tuple(one for one in books.executions if one.perm_id in ended),
        tuple(one for one in books.endings if one.session < before),
    )
    if not ended and not old.endings:
        return state, b""
    left = OptionBooks(
        tuple(one for one in books.orders if one.perm_id not in ended),
        tuple(one for one in books.executions if one.perm_id not in ended),
        tuple(one for one in books.endings if one.session >= before),
        books.contracts,
    )
    return replace(state, options=left), canonical({"options": plain(old)}).encode() + b"\n"


def _joined(parts: Sequence[OptionBooks]) -> OptionBooks:
    return OptionBooks(
        tuple(sorted((one for part in parts for one in part.orders), key=lambda one: one.perm_id)),
        tuple(sorted((one for part in parts for one in part.executions), key=lambda one: one.session)),
        tuple(one for part in parts for one in part.endings),
        parts[-1].contracts,
    )


def _read[T](kind: type[T], row: object) -> T:
    found = decode(kind, row, "the exchange's state")
    if plain(found) != row:
        raise ValueError(f"the exchange's state cannot be read: it has other fields than those of a {kind.__name__}")
    return found
