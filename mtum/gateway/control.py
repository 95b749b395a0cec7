"""The control port: one JSON object per line in, one per line out.

`{"do": NAME, ...}` with the names of COMMANDS; the answer is `{"ok": true, ...}` or
`{"ok": false, "error": TEXT}`.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import ROUND_DOWN, Decimal

from mtum.core.portfolio.orders import OrderType, Side
from mtum.core.simulation.exchange import Rejected
from mtum.core.simulation.exchange_state import Position, Ticket
from mtum.gateway.accounts import push_account
from mtum.gateway.behavior import changed
from mtum.gateway.contracts import option_symbol
from mtum.gateway.faults import fault_rule
from mtum.gateway.given import (
    LONGEST_SECONDS,
    MOST_SPEED,
    Order,
    amount_in,
    command_in,
    number_in,
    text_in,
    whole_in,
)
from mtum.gateway.orders import catch_up, echo
from mtum.gateway.shared import Shared

type Reply = dict[str, object]


class ControlPort:
    """Carries out commands on what all clients share."""

    def __init__(self, shared: Shared) -> None:
        self._shared = shared

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer lines until the other side leaves."""
        while line := await reader.readline():
            writer.write(json.dumps(self.carry_out(line), allow_nan=False).encode() + b"\n")
            await writer.drain()
        writer.close()

    def carry_out(self, line: bytes) -> Reply:
        """Carry out one command."""
        try:
            name, order = command_in(line)
            if name not in COMMANDS:
                raise ValueError(f"no command {name!r}; known: {', '.join(COMMANDS)}")
            reply = COMMANDS[name](self._shared, order)
        except ValueError as wrong:
            return {"ok": False, "error": str(wrong)}
        return {"ok": True, **reply}


def set_clock(shared: Shared, order: Order) -> Reply:
    """Set (`at`, or `session` with `minutes_to_close`), `speed`, or `freeze` market time."""
    clock = shared.market.clock
    speed = number_in(order, "speed", 0.0, MOST_SPEED, clock.speed)
    if "session" in order:
        day = date.fromisoformat(text_in(order, "session"))
        session = shared.market.source.sessions.get(day)
        if session is None:
            raise ValueError(f"{day} is not a session")
        clock.set(_within(shared, session.before_close(number_in(order, "minutes_to_close", -1e5, 1e5, 22.0))))
    elif "at" in order:
        clock.set(_within(shared, _instant(text_in(order, "at"))))
    clock.run(0.0 if order.get("freeze") else speed)
    catch_up(shared)
    return {"now": clock.now().isoformat(), "speed": clock.speed}


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    return found.replace(tzinfo=UTC) if found.tzinfo is None else found


def _within(shared: Shared, instant: datetime) -> datetime:
    known = shared.market.source.sessions.known
    if not known[0].open <= instant <= known[-1].close:
        raise ValueError(
            f"{instant:%Y-%m-%d} is outside this market, which runs from {known[0].day} to {known[-1].day}"
        )
    return instant


def add_fault(shared: Shared, order: Order) -> Reply:
    """Arm a fault rule: its fields beside `do` stand under `rule`."""
    rule = order.get("rule")
    if not isinstance(rule, dict):
        raise ValueError('a fault needs a rule, such as {"on": "placeOrder", "do": "suppress"}')
    shared.faults.add(fault_rule(rule))
    return {}


def clear_faults(shared: Shared, _: Order) -> Reply:
    """Disarm all fault rules, those that wait for a close included."""
    shared.faults.clear()
    shared.exchange.clear_plans()
    return {}


def change_behavior(shared: Shared, order: Order) -> Reply:
    """Change switches of the behavior, by their names."""
    shared.behavior = changed(shared.behavior, order)
    shared.exchange.use_rules(late_on_close=shared.behavior.late_on_close, after_close=shared.behavior.after_close)
    return {}


def restart(shared: Shared, order: Order) -> Reply:
    """Restart the gateway, unreachable for `seconds`."""
    shared.restart(number_in(order, "seconds", 0.0, LONGEST_SECONDS, 0.5))
    return {}


def drop_clients(shared: Shared, _: Order) -> Reply:
    """Close every client's connection."""
    dropped = list(shared.clients)
    for client in dropped:
        client.close()
    return {"dropped": len(dropped)}


def send_notice(shared: Shared, order: Order) -> Reply:
    """Send every client an error message: `code`, `text`, `id` (default -1)."""
    number, code = whole_in(order, "id", default=-1), whole_in(order, "code", 0)
    for client in shared.clients:
        client.error(number, code, str(order.get("text", "")))
    return {"clients": len(shared.clients)}


def deposit(shared: Shared, order: Order) -> Reply:
    """Pay `usd` into (or out of) `account`."""
    account = text_in(order, "account")
    shared.exchange.deposit(account, amount_in(order, "usd"))
    push_account(shared, account)
    return {}


def hold(shared: Shared, order: Order) -> Reply:
    """Give `account` a position: `symbol`, `shares`, `average_cost`.

    With `kind` something else on that symbol: OPT with `right`, `strike` and `expiry`, or any other word.
    """
    account = text_in(order, "account")
    cost = amount_in(order, "average_cost", Decimal(0))
    held = Position(_named(order), amount_in(order, "shares"), cost)
    shared.exchange.hold(account, held)
    push_account(shared, account, held.symbol)
    return {}


def change_symbol(shared: Shared, order: Order) -> Reply:
    """Turn what `account` holds of `symbol` into `ratio` shares each of `into`, and pay `usd` for each.

    Without `into` only the cash is paid; with `keep` the old shares stay, as the parent of a spin-off.
    """
    account, symbol = text_in(order, "account"), text_in(order, "symbol")
    ratio, usd = amount_in(order, "ratio", Decimal(1)), amount_in(order, "usd", Decimal(0))
    owner = shared.exchange.state.account(account)
    if owner is None or not owner.position(symbol).shares:
        raise ValueError(f"{account} holds no {symbol}")
    held = owner.position(symbol)
    changed = [] if order.get("keep") else [Position(symbol, Decimal(0), Decimal(0))]
    if "into" in order:
        into = owner.position(text_in(order, "into"))
        shares = into.shares + (held.shares * ratio).to_integral_value(ROUND_DOWN)
        changed.append(Position(into.symbol, shares, held.average_cost))
    for position in changed:
        shared.exchange.hold(account, position)
        push_account(shared, account, position.symbol)
    shared.exchange.deposit(account, held.shares * usd)
    return {}


def trade_by_hand(shared: Shared, order: Order) -> Reply:
    """Place an order as a person in the broker's window does: no reference, negative order id.

    `limit` for limit orders; with `kind` in something else on the symbol, as for `hold`. With `client`
    it is that client's, under its number `order_id`, with any `ref`.
    """
    client = whole_in(order, "client", default=0)
    number = whole_in(order, "order_id", 1) if client else -1 - len(shared.exchange.state.orders)
    kind = OrderType(order.get("type", "MKT"))
    side, shares = Side(text_in(order, "side")), whole_in(order, "shares", 1)
    symbol = _named(order)
    if symbol not in shared.market.source.symbols and "kind" not in order:
        raise ValueError(f"{symbol} is not traded on this market: {', '.join(shared.market.source.symbols)}")
    ref = text_in(order, "ref") if client and "ref" in order else ""
    account = text_in(order, "account")
    limit = amount_in(order, "limit") if "limit" in order else None
    ticket = Ticket(account, symbol, side, kind, shares, ref, limit, client_id=client, order_id=number)
    outcome = shared.exchange.place(ticket)
    if isinstance(outcome, Rejected):
        raise ValueError(f"{outcome.code}: {outcome.text}")
    for hearer in shared.hearing(client) if client else ():
        echo(hearer, outcome.order)
    catch_up(shared)
    return {"perm_id": outcome.order.perm_id}


def _named(order: Order) -> str:
    symbol, kind = text_in(order, "symbol"), str(order.get("kind", "STK"))
    if kind == "STK":
        return symbol
    if kind != "OPT":
        return f"{symbol} {kind}"
    right = text_in(order, "right")
    if right not in ("C", "P"):
        raise ValueError(f"right is {right!r}, C or P was expected")
    return option_symbol(symbol, date.fromisoformat(text_in(order, "expiry")), right, amount_in(order, "strike"))


def correct(shared: Shared, order: Order) -> Reply:
    """Correct the execution `exec_id` to `price`, silently: clients see it when they ask."""
    wanted, price = text_in(order, "exec_id"), amount_in(order, "price")
    found = [e for e in shared.exchange.state.executions if e.exec_id == wanted]
    if not found or price <= 0:
        raise ValueError(f"no execution {wanted!r}" if not found else f"price is {price}, above 0 was expected")
    return {"exec_id": shared.exchange.correct(found[0], price).exec_id}


def show_state(shared: Shared, _: Order) -> Reply:
    """Market time, orders, executions and accounts."""
    state = shared.exchange.state
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
    now = shared.market.clock.now().isoformat()
    return {"now": now, "clients": len(shared.clients), "orders": orders, "fills": fills, "accounts": accounts}


COMMANDS: Mapping[str, Callable[[Shared, Order], Reply]] = {
    "clock": set_clock,
    "fault": add_fault,
    "clear_faults": clear_faults,
    "behavior": change_behavior,
    "restart": restart,
    "drop": drop_clients,
    "notice": send_notice,
    "deposit": deposit,
    "hold": hold,
    "change": change_symbol,
    "trade": trade_by_hand,
    "correct": correct,
    "state": show_state,
}
"""What the control port understands."""
