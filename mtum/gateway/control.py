"""The control port: one JSON object per line in, one per line out.

`{"do": NAME, ...}` with the names of COMMANDS; the answer is `{"ok": true, ...}` or
`{"ok": false, "error": TEXT}`.
"""

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import ROUND_DOWN, Decimal
from typing import Annotated, Any, ClassVar, Literal

from pydantic import ConfigDict, Field, InstanceOf, ValidationError, validate_call

from mtum.core.options.legs import OptionLeg
from mtum.core.portfolio.orders import OrderType, Side
from mtum.core.simulation.admission import Refusal
from mtum.core.simulation.exchange_state import ExchangeTicket, Position
from mtum.core.simulation.option_books import OptionTicket
from mtum.core.simulation.options.overnight import adjusted
from mtum.gateway.accounts import push_account
from mtum.gateway.behavior import changed
from mtum.gateway.contracts import option_symbol
from mtum.gateway.faults import fault_rule
from mtum.gateway.given import Amount, Minutes, Seconds, Switch, Whole, read, worded
from mtum.gateway.options.orders import send_option
from mtum.gateway.orders import catch_up, echo
from mtum.gateway.shared import Shared

type Reply = dict[str, object]
type Ours = InstanceOf[Shared]
"""Handed over by us, and not looked into as what a person gives."""


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
            given = json.loads(line)
            if not isinstance(given, dict) or not isinstance(given.get("do"), str):
                raise ValueError('it has no "do"')
        except ValueError as wrong:
            return {"ok": False, "error": f'a command is a JSON object with a "do", such as {{"do": "state"}}: {wrong}'}
        name = given.pop("do")
        try:
            if name not in COMMANDS:
                raise ValueError(f"no command {name!r}; known: {', '.join(COMMANDS)}")
            return {"ok": True, **COMMANDS[name](self._shared, **given)}
        except ValidationError as wrong:
            return {"ok": False, "error": str(worded(wrong))}
        except ValueError as wrong:
            return {"ok": False, "error": str(wrong)}


@validate_call
def set_clock(
    shared: Ours,
    at: datetime | None = None,
    session: date | None = None,
    minutes_to_close: Minutes = 22.0,
    speed: Annotated[float, Field(ge=0, le=1e6)] | None = None,
    freeze: Switch = False,
) -> Reply:
    """Set (`at`, or `session` with `minutes_to_close`), `speed`, or `freeze` market time.

    Parameters
    ----------
    shared : Ours
        Handed over by us, and not looked into as what a person gives.
    at : datetime or None
        Market time to set, UTC.
    session : date or None
        Session to set market time to; None where `at` is given.
    minutes_to_close : Minutes
        Minutes before the session's close.
    speed : float or None
        Market seconds per real second; None leaves it.
    freeze : Switch
        Whether market time stands still.
    """
    clock, known = shared.market.clock, shared.market.source.sessions
    if session is not None:
        wanted = known.get(session)
        if wanted is None:
            raise ValueError(f"{session} is not a session")
        at = wanted.before_close(minutes_to_close)
    if at is not None:
        at = at.replace(tzinfo=UTC) if at.tzinfo is None else at
        first, last = known.known[0], known.known[-1]
        if not first.open <= at <= last.close:
            raise ValueError(f"{at:%Y-%m-%d} is outside this market, which runs from {first.day} to {last.day}")
        clock.set(at)
    clock.run(0.0 if freeze else clock.speed if speed is None else speed)
    catch_up(shared)
    return {"now": clock.now().isoformat(), "speed": clock.speed}


@validate_call
def add_fault(shared: Ours, rule: dict[str, Any]) -> Reply:
    """Arm a fault rule: its fields beside `do` stand under `rule`."""
    shared.faults.add(fault_rule(rule))
    return {}


@validate_call
def clear_faults(shared: Ours) -> Reply:
    """Disarm all fault rules, those that wait for a close included."""
    shared.faults.clear()
    shared.exchange.plan(None)
    return {}


def change_behavior(shared: Shared, /, **switches: object) -> Reply:
    """Change switches of the behavior, by their names."""
    shared.behavior = changed(shared.behavior, switches)
    shared.exchange.use_rules(shared.behavior)
    return {}


@validate_call
def restart(shared: Ours, seconds: Seconds = 0.5) -> Reply:
    """Restart the gateway, unreachable for `seconds`."""
    shared.restart(seconds)
    return {}


@validate_call
def drop_clients(shared: Ours) -> Reply:
    """Close every client's connection."""
    dropped = list(shared.clients)
    for client in dropped:
        client.close()
    return {"dropped": len(dropped)}


@validate_call
def send_notice(
    shared: Ours,
    code: Annotated[Whole, Field(ge=0)],
    text: str = "",
    number: Annotated[Whole, Field(alias="id")] = -1,
) -> Reply:
    """Send every client an error message: `code`, `text`, `id` (default -1).

    Parameters
    ----------
    shared : Ours
        Handed over by us, and not looked into as what a person gives.
    code : Whole
        Code of the message.
    text : str
        The message's words.
    number : Whole
        Number that the message is about; -1 for none.
    """
    for client in shared.clients:
        client.error(number, code, text)
    return {"clients": len(shared.clients)}


@validate_call
def deposit(shared: Ours, account: str, usd: Amount) -> Reply:
    """Pay `usd` into (or out of) `account`.

    Parameters
    ----------
    shared : Ours
        Handed over by us, and not looked into as what a person gives.
    account : str
        Code of the account.
    usd : Amount
        Money or shares, no more than any account has.
    """
    shared.exchange.deposit(account, usd)
    push_account(shared, account)
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """Shares of a symbol; with `kind` something else on it: OPT with the rest, or any other word."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    symbol: str
    kind: str = "STK"
    right: Literal["C", "P"] | None = None
    strike: Amount | None = None
    expiry: date | None = None

    @property
    def name(self) -> str:
        """What the exchange calls it."""
        if self.kind != "OPT":
            return self.symbol if self.kind == "STK" else f"{self.symbol} {self.kind}"
        if self.right is None or self.strike is None or self.expiry is None:
            raise ValueError("an option has right, strike and expiry")
        return option_symbol(self.symbol, self.expiry, self.right, self.strike)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding(Instrument):
    """A position that an account is given."""

    account: str
    shares: Amount
    average_cost: Amount = Decimal(0)


def hold(shared: Shared, /, **given: object) -> Reply:
    """Give `account` a position: `symbol`, `shares`, `average_cost`.

    With `kind` something else on that symbol: OPT with `right`, `strike` and `expiry`, or any other word.
    """
    wanted = read(Holding, given)
    shared.exchange.hold(wanted.account, Position(wanted.name, wanted.shares, wanted.average_cost))
    push_account(shared, wanted.account, wanted.name)
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What becomes of a position."""

    __pydantic_config__: ClassVar = ConfigDict(extra="forbid")

    account: str
    symbol: str
    into: str | None = None
    ratio: Amount = Decimal(1)
    usd: Amount = Decimal(0)
    keep: Switch = False


def change_symbol(shared: Shared, /, **given: object) -> Reply:
    """Turn what `account` holds of `symbol` into `ratio` shares each of `into`, and pay `usd` for each.

    Without `into` only the cash is paid; with `keep` the old shares stay, as with a special dividend or as the parent
    of a spin-off, whose price falls by what the child is worth: and everybody's options on it are adjusted.
    """
    wanted = read(Change, given)
    owner = shared.exchange.state.account(wanted.account)
    if owner is None or not (owner.position(wanted.symbol).shares or wanted.keep):
        raise ValueError(f"{wanted.account} holds no {wanted.symbol}")
    held = owner.position(wanted.symbol)
    changed = [] if wanted.keep else [Position(wanted.symbol, Decimal(0), Decimal(0))]
    if wanted.into is not None:
        into = owner.position(wanted.into)
        shares = into.shares + (held.shares * wanted.ratio).to_integral_value(ROUND_DOWN)
        changed.append(Position(into.symbol, shares, held.average_cost))
    if wanted.keep and wanted.into is not None:
        shared.market.spin_off(wanted.symbol, wanted.into, wanted.ratio)
    if wanted.keep:
        shared.exchange.carry_out(lambda state, _: (adjusted(state, {wanted.symbol}), None))
    for position in changed:
        shared.exchange.hold(wanted.account, position)
        push_account(shared, wanted.account, position.symbol)
    shared.exchange.deposit(wanted.account, held.shares * wanted.usd)
    return {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Trade(Instrument):
    """An order that a person places, or another client."""

    account: str
    side: Side
    shares: Annotated[Whole, Field(ge=1)]
    type: OrderType = OrderType.MARKET
    limit: Amount | None = None
    client: Whole = 0
    order_id: Annotated[Whole, Field(ge=1)] | None = None
    ref: str = ""


def trade_by_hand(shared: Shared, /, **given: object) -> Reply:
    """Place an order as a person in the broker's window does: no reference, negative order id.

    `limit` for limit orders; with `kind` in something else on the symbol, as for `hold`; with a limit in an option
    that is listed, it trades like any other. With `client`
    it is that client's, under its number `order_id`, with any `ref`.
    """
    wanted, traded = read(Trade, given), shared.market.source.symbols
    if wanted.client and wanted.order_id is None:
        raise ValueError("order_id is missing")
    if wanted.name not in traded and "kind" not in given:
        raise ValueError(f"{wanted.name} is not traded on this market: {', '.join(traded)}")
    number = (wanted.client and wanted.order_id) or -1 - len(shared.exchange.state.orders)
    contract = shared.options.of_name(wanted.name) if wanted.kind == "OPT" and wanted.limit is not None else None
    if contract is not None and wanted.limit is not None:
        ref, legs = wanted.ref if wanted.client else "", (OptionLeg(contract, Side.BUY),)
        sent = OptionTicket(wanted.account, wanted.side, legs, wanted.shares, wanted.limit, ref, wanted.client, number)
        taken = send_option(shared, sent)
        if isinstance(taken, Refusal):
            raise ValueError(f"{taken.code}: {taken.text}")
        catch_up(shared)
        return {"perm_id": taken.perm_id}
    ticket = ExchangeTicket(
        account=wanted.account,
        symbol=wanted.name,
        side=wanted.side,
        order_type=wanted.type,
        shares=wanted.shares,
        ref=wanted.ref if wanted.client else "",
        limit=wanted.limit,
        client_id=wanted.client,
        order_id=number,
    )
    outcome = shared.exchange.place(ticket)
    if isinstance(outcome, Refusal):
        raise ValueError(f"{outcome.code}: {outcome.text}")
    for recipient in shared.recipients(wanted.client) if wanted.client else ():
        echo(recipient, outcome)
    catch_up(shared)
    return {"perm_id": outcome.perm_id}


@validate_call
def correct(shared: Ours, exec_id: str, price: Annotated[Amount, Field(gt=0)]) -> Reply:
    """Correct the execution `exec_id` to `price`, silently: clients see it when they ask.

    Parameters
    ----------
    shared : Ours
        Handed over by us, and not looked into as what a person gives.
    exec_id : str
        The execution's id.
    price : Amount
        New price, USD per share.
    """
    found = [e for e in shared.exchange.state.executions if e.exec_id == exec_id]
    if not found:
        raise ValueError(f"no execution {exec_id!r}")
    return {"exec_id": shared.exchange.correct(found[0], price).exec_id}


@validate_call
def show_state(shared: Ours) -> Reply:
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
    options = [
        {"ref": o.ticket.ref, "perm_id": o.perm_id, "client": o.ticket.client_id, "status": o.status.value}
        | {"filled": o.filled, "quantity": o.ticket.quantity, "limit": str(o.ticket.limit)}
        | {"legs": [f"{leg.side.value} {leg.ratio} {leg.contract.local_symbol}" for leg in o.ticket.legs]}
        for o in state.option_books.orders
    ]
    accounts = {
        a.code: {"cash": str(a.cash), "positions": {p.symbol: str(p.shares) for p in a.positions}}
        for a in state.accounts
    }
    now = shared.market.clock.now().isoformat()
    return {"now": now, "clients": len(shared.clients), "orders": orders, "fills": fills, "accounts": accounts} | (
        {"options": options} if options else {}
    )


COMMANDS: Mapping[str, Callable[..., Reply]] = {
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
