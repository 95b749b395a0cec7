"""A small exchange for options: single legs and combinations at a net price, its state in a file of its own."""

import os
import pickle
import signal
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from pathlib import Path

from mtum.core.options.chain import Quote
from mtum.core.options.contracts import OptionContract
from mtum.core.options.ladder import NetPrice
from mtum.core.options.legs import OptionLeg
from mtum.core.portfolio.money import AccountKind
from mtum.core.portfolio.options.gate_facts import Detail, WhatIf
from mtum.core.portfolio.options.orders import Attempt, WorkingOrder
from mtum.core.portfolio.orders import OrderStatus
from mtum.errors import BrokerUnavailableError
from mtum.ports.broker import BrokerAccount, BrokerLists, Denied, NoAnswer, Rejected
from mtum.ports.options import LegExecution, OptionLists, OptionOutcome, Working
from support.option_orders import SESSION
from support.store import ACCOUNT
from support.values import replace


@dataclass
class Listed:
    """An order as the exchange has it."""

    attempt: Attempt
    price: NetPrice
    filled: int = 0
    status: OrderStatus = OrderStatus.ACCEPTED

    @property
    def left(self) -> int:
        return self.attempt.intent.quantity - self.filled


@dataclass
class Exchange:
    """What outlives every run.

    Parameters
    ----------
    takes : list of (price, units)
        What the other side takes: at this net or worse for us so many units, each offer once, in this order.
    answers : list of outcome
        What the next orders are answered in place of being taken; None takes one.
    mute : bool
        Whether an order that is taken is not answered.
    crossing : int
        Units that fill as an order is canceled; the positions show it, and no list of executions does yet.
    """

    sides: dict[int, tuple[float, float]] = field(default_factory=dict)
    takes: list[tuple[Decimal, int]] = field(default_factory=list)
    answers: list[OptionOutcome | None] = field(default_factory=list)
    mute: bool = False
    crossing: int = 0
    stuck: bool = False
    down: bool = False
    orders: dict[str, Listed] = field(default_factory=dict)
    fills: list[LegExecution] = field(default_factory=list)
    positions: dict[OptionContract, int] = field(default_factory=dict)
    shares: dict[str, int] = field(default_factory=dict)
    cash_usd: Decimal = Decimal(30_000)
    log: list[str] = field(default_factory=list)
    now: datetime = SESSION.before_close(17)

    def live(self, intent_id: str) -> list[Listed]:
        return [one for one in self.orders.values() if one.attempt.intent.id == intent_id and one.status.working]

    def trade(self, ref: str, units: int) -> None:
        """Fill so many units of an order, leg by leg, beside the record of a combination as a whole."""
        order = self.orders[ref]
        units = min(units, order.left)
        intent, number = order.attempt.intent, len(self.fills)
        if len(intent.legs) > 1:
            self._execute(f"E{number}.01.01", ref, None, units, order.price)
        for place, leg in enumerate(intent.legs):
            bid, ask = self.sides[leg.contract.con_id]
            price = Decimal(str(ask if leg.signed > 0 else bid)) if len(intent.legs) > 1 else abs(order.price)
            self._execute(f"E{number}.0{place + 2}.01", ref, leg.contract, leg.signed * units, price)
            held = self.positions.get(leg.contract, 0) + leg.signed * units
            self.positions = {**self.positions, leg.contract: held}
        order.filled += units
        order.status = OrderStatus.PARTIALLY_FILLED if order.left else OrderStatus.FILLED

    def _execute(self, exec_id: str, ref: str, contract: OptionContract | None, quantity: int, price: Decimal) -> None:
        combo = contract is None
        self.fills.append(LegExecution(exec_id, ref, ACCOUNT, contract, quantity, price, self.now, combo=combo))

    def match(self, ref: str) -> None:
        """Let the other side take what it wants at the order's price."""
        order = self.orders[ref]
        while self.takes and order.status.working and order.price >= self.takes[0][0]:
            self.trade(ref, self.takes.pop(0)[1])


class ExchangeBroker:
    """The ports `Broker` and `OptionBroker` on the exchange; every change of it is on disk before anything goes on."""

    name = "exchange"
    proves_absence = False

    def __init__(self, file: Path, clock: Callable[[], datetime], reached: Callable[[str], None]) -> None:
        self.file, self._clock, self._reached = file, clock, reached
        self.state: Exchange = pickle.loads(file.read_bytes())

    def save(self, step: str = "") -> None:
        self.state.now = max(self.state.now, self._clock())
        temporary = self.file.with_suffix(".new")
        temporary.write_bytes(pickle.dumps(self.state))
        os.replace(temporary, self.file)
        if step:
            self._reached(step)

    def connect(self) -> None:
        if self.state.down:
            raise BrokerUnavailableError("the gateway does not answer")

    def close(self) -> None:
        pass

    def server_time(self) -> datetime:
        return self._clock()

    def price(self, symbol: str) -> Decimal:
        return Decimal(100)

    def lists(self) -> BrokerLists:
        shares = {symbol: Decimal(number) for symbol, number in self.state.shares.items()}
        return BrokerLists(self._clock(), self._account(), shares, (), ())

    def option_lists(self, known: Collection[OptionContract] = ()) -> OptionLists:
        self.connect()
        self.save()
        working, completed = [], {}
        for ref, order in self.state.orders.items():
            intent = order.attempt.intent
            if order.status.working:
                working.append(WorkingOrder(ref, intent.underlying, order.left, intent.legs, order.price))
            else:
                completed[ref] = order.status
        held = {contract: number for contract, number in self.state.positions.items() if number}
        return OptionLists(
            self._clock(),
            self._account(),
            held,
            working=tuple(working),
            fills=tuple(self.state.fills),
            completed=completed,
            shares=dict(self.state.shares),
        )

    def details(self, contracts: Iterable[OptionContract]) -> Mapping[int, Detail]:
        return {}

    def quotes(self, contracts: Iterable[OptionContract]) -> Mapping[int, Quote]:
        self.connect()
        known = self.state.sides
        return {one.con_id: Quote(*known[one.con_id], self._clock()) for one in contracts if one.con_id in known}

    def tick(self, legs: Sequence[OptionLeg], price: Decimal) -> Decimal:
        return Decimal("0.01")

    def place(self, attempt: Attempt, last_moment: datetime | None = None) -> OptionOutcome:
        state = self.state
        if last_moment is not None and self._clock() > last_moment:
            return Denied("window", "too late")
        answer = state.answers.pop(0) if state.answers else None
        if answer is not None:
            state.log.append(f"refused {attempt.ref} {attempt.price}")
            self.save()
            return answer
        assert not state.live(attempt.intent.id), "two offers of one intent would live"
        assert attempt.ref not in state.orders
        self._reached("exchange_asked")
        state.orders[attempt.ref] = Listed(attempt, attempt.price)
        state.log.append(f"place {attempt.ref[-1]} {attempt.intent.quantity} {attempt.price}")
        state.match(attempt.ref)
        self.save("exchange_placed")
        order = state.orders[attempt.ref]
        return NoAnswer("no answer in time") if state.mute else Working(attempt.ref, "b1", order.filled)

    def change(self, attempt: Attempt, last_moment: datetime | None = None) -> OptionOutcome:
        state = self.state
        order = state.orders[attempt.ref]
        assert len(attempt.intent.legs) == 1, "a combination is never changed"
        if not order.status.working:
            return Rejected(104, "cannot modify a filled order", final=False)
        self._reached("exchange_asked")
        order.price = attempt.price
        state.log.append(f"change {attempt.ref[-1]} {attempt.price}")
        state.match(attempt.ref)
        self.save("exchange_changed")
        return Working(attempt.ref, "b1", order.filled)

    def cancel_option(self, ref: str) -> bool:
        self.connect()
        order = self.state.orders.get(ref)
        self._reached("exchange_asked")
        if order is not None and order.status.working and self.state.crossing:
            known = list(self.state.fills)
            self.state.trade(ref, self.state.crossing)
            self.state.fills = known
        if order is not None and order.status.working and not self.state.stuck:
            order.status = OrderStatus.CANCELED
            self.state.log.append(f"cancel {ref[-1]}")
        self.save("exchange_canceled")
        return order is None or not order.status.working

    def option_what_if(self, attempt: Attempt) -> WhatIf | None:
        return None

    def _account(self) -> BrokerAccount:
        cash = self.state.cash_usd
        return BrokerAccount(ACCOUNT, AccountKind.CASH, cash, cash, cash)


@dataclass
class Killed:
    """Kills its own process for good when the n-th step is reached; counts steps otherwise."""

    at: int | None = None
    seen: list[str] = field(default_factory=list)

    def begin(self, run_id: int) -> None:
        pass

    def reached(self, step: str) -> None:
        if step == "option_listed":
            return  # every 20 seconds, and nothing follows from most of them
        if self.at is not None and len(self.seen) == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.seen.append(step)


def quoted_at(exchange: Exchange, sides: Mapping[OptionContract, tuple[float, float]]) -> Exchange:
    """The exchange with these quotes."""
    return replace(exchange, sides={contract.con_id: pair for contract, pair in sides.items()})
