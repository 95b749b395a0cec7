"""The control port: one JSON object per line in, one per line out.

`{"do": NAME, ...}` with the names of COMMANDS; the answer is `{"ok": true, ...}` or
`{"ok": false, "error": TEXT}`.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any

from mtum.core.portfolio.orders import OrderType, Side
from mtum.core.simulation.exchange import Rejected
from mtum.core.simulation.exchange_state import Position, Ticket
from mtum.gateway.answers.accounts import push_account
from mtum.gateway.answers.news import catch_up
from mtum.gateway.behavior import changed
from mtum.gateway.faults import fault_rule
from mtum.gateway.floor import Floor

type Order = Mapping[str, Any]
type Reply = dict[str, object]


class ControlDesk:
    """Carries out control commands on a floor."""

    def __init__(self, floor: Floor) -> None:
        self._floor = floor

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer lines until the other side leaves."""
        while line := await reader.readline():
            writer.write(json.dumps(self.carry_out(line)).encode() + b"\n")
            await writer.drain()
        writer.close()

    def carry_out(self, line: bytes) -> Reply:
        """Carry out one command."""
        try:
            order = json.loads(line)
            name = order.pop("do")
            if name not in COMMANDS:
                raise ValueError(f"no command {name!r}; known: {', '.join(COMMANDS)}")
            reply = COMMANDS[name](self._floor, order)
        except (ValueError, KeyError, TypeError, AttributeError, InvalidOperation) as wrong:
            return {"ok": False, "error": f"{type(wrong).__name__}: {wrong}"}
        return {"ok": True, **reply}


def set_clock(floor: Floor, order: Order) -> Reply:
    """Set (`at`, or `session` with `minutes_to_close`), `speed`, or `freeze` market time."""
    clock = floor.market.clock
    if "session" in order:
        session = floor.market.source.sessions.get(date.fromisoformat(order["session"]))
        if session is None:
            raise ValueError(f"{order['session']} is not a session")
        clock.set(session.before_close(float(order.get("minutes_to_close", "22"))))
    elif "at" in order:
        clock.set(datetime.fromisoformat(order["at"]))
    if "speed" in order:
        clock.run(float(order["speed"]))
    if order.get("freeze"):
        clock.run(0.0)
    catch_up(floor)
    return {"now": clock.now().isoformat(), "speed": clock.speed}


def add_fault(floor: Floor, order: Order) -> Reply:
    """Arm a fault rule: its fields beside `do` stand under `rule`."""
    floor.faults.add(fault_rule(order["rule"]))
    return {}


def clear_faults(floor: Floor, order: Order) -> Reply:
    """Disarm all fault rules, those that wait for a close included."""
    del order
    floor.faults.clear()
    floor.desk.clear_plans()
    return {}


def change_behavior(floor: Floor, order: Order) -> Reply:
    """Change switches of the behavior, by their names."""
    floor.behavior = changed(floor.behavior, order)
    floor.desk.use_rules(late_on_close=floor.behavior.late_on_close, after_close=floor.behavior.after_close)
    return {}


def restart(floor: Floor, order: Order) -> Reply:
    """Restart the gateway, unreachable for `seconds`."""
    floor.restart(float(order.get("seconds", "0.5")))
    return {}


def drop_clients(floor: Floor, order: Order) -> Reply:
    """Close every client's connection."""
    del order
    dropped = list(floor.clients)
    for client in dropped:
        client.close()
    return {"dropped": len(dropped)}


def send_notice(floor: Floor, order: Order) -> Reply:
    """Send every client an error message: `code`, `text`, `id` (default -1)."""
    for client in floor.clients:
        client.error(int(order.get("id", "-1")), int(order["code"]), str(order.get("text", "")))
    return {"clients": len(floor.clients)}


def deposit(floor: Floor, order: Order) -> Reply:
    """Pay `usd` into (or out of) `account`."""
    floor.desk.deposit(order["account"], Decimal(str(order["usd"])))
    push_account(floor, order["account"])
    return {}


def hold(floor: Floor, order: Order) -> Reply:
    """Give `account` a position: `symbol`, `shares`, `average_cost`."""
    held = Position(order["symbol"], Decimal(str(order["shares"])), Decimal(str(order.get("average_cost", "0"))))
    floor.desk.hold(order["account"], held)
    push_account(floor, order["account"], held.symbol)
    return {}


def trade_by_hand(floor: Floor, order: Order) -> Reply:
    """Place an order as a person in the broker's window does: no reference, negative order id."""
    number = -1 - len(floor.desk.state.orders)
    kind = OrderType(order.get("type", "MKT"))
    side, shares = Side(order["side"]), int(order["shares"])
    ticket = Ticket(order["account"], order["symbol"], side, kind, shares, order_id=number)
    outcome = floor.desk.place(ticket)
    if isinstance(outcome, Rejected):
        raise ValueError(f"{outcome.code}: {outcome.text}")
    catch_up(floor)
    return {"perm_id": outcome.order.perm_id}


def correct(floor: Floor, order: Order) -> Reply:
    """Correct the execution `exec_id` to `price`, silently: clients see it when they ask."""
    found = [e for e in floor.desk.state.executions if e.exec_id == order["exec_id"]]
    if not found:
        raise ValueError(f"no execution {order['exec_id']!r}")
    return {"exec_id": floor.desk.correct(found[0], Decimal(str(order["price"]))).exec_id}


def show_state(floor: Floor, order: Order) -> Reply:
    """Market time, orders, executions and accounts."""
    del order
    state = floor.desk.state
    orders = [
        {
            "ref": o.ticket.ref,
            "perm_id": o.perm_id,
            "client": o.ticket.client_id,
            "status": o.status.value,
            "filled": o.filled,
            "shares": o.ticket.shares,
        }
        for o in state.orders
    ]
    fills = [{"exec_id": e.exec_id, "shares": e.shares, "price": str(e.price)} for e in state.executions]
    accounts = {
        a.code: {"cash": str(a.cash), "positions": {p.symbol: str(p.shares) for p in a.positions}}
        for a in state.accounts
    }
    now = floor.market.clock.now().isoformat()
    return {"now": now, "clients": len(floor.clients), "orders": orders, "fills": fills, "accounts": accounts}


COMMANDS: Mapping[str, Callable[[Floor, Order], Reply]] = {
    "clock": set_clock,
    "fault": add_fault,
    "clear_faults": clear_faults,
    "behavior": change_behavior,
    "restart": restart,
    "drop": drop_clients,
    "notice": send_notice,
    "deposit": deposit,
    "hold": hold,
    "trade": trade_by_hand,
    "correct": correct,
    "state": show_state,
}
"""What the control port understands."""
