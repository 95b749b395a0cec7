"""A practice desk whose broker trades options as well: what is offered at the model's middle or worse is filled."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from mtum.app.desk import Desk
from mtum.app.session.play_session import Replay
from mtum.core.options.asking import ChainRequest
from mtum.core.options.chain import Quote
from mtum.core.options.contracts import Listing, OptionContract, Right
from mtum.core.options.legs import OptionLeg
from mtum.core.options.selecting import Window
from mtum.core.portfolio.options.gate_facts import Detail, WhatIf
from mtum.core.portfolio.options.orders import Attempt, WorkingOrder, market_of
from mtum.core.portfolio.orders import OrderStatus
from mtum.ports.options import ChainSource, LegExecution, OptionLists, OptionOutcome, Working
from support.practice import desk_in

FEE = Decimal("0.65")


@dataclass
class OptionsBeside:
    """The broker of shares with options beside it; all of it in memory.

    Parameters
    ----------
    fills_at_mid : bool
        Whether an offer at the middle is taken at once.
    """

    shares: Any
    chains: ChainSource
    clock: Any
    fills_at_mid: bool = True
    positions: dict[OptionContract, int] = field(default_factory=dict)
    orders: dict[str, tuple[Attempt, OrderStatus]] = field(default_factory=dict)
    fills: list[LegExecution] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.shares, name)

    def option_lists(self, known: Collection[OptionContract] = ()) -> OptionLists:
        lists = self.shares.lists()
        return OptionLists(
            at=self.clock.now(),
            account=lists.account,
            positions={one: number for one, number in self.positions.items() if number},
            working=tuple(
                WorkingOrder(ref, one.intent.underlying, one.intent.quantity, one.intent.legs, one.price)
                for ref, (one, status) in self.orders.items()
                if status.working
            ),
            fills=tuple(self.fills),
            completed={ref: status for ref, (_, status) in self.orders.items() if not status.working},
            shares={symbol: int(number) for symbol, number in lists.positions.items()},
        )

    def details(self, contracts: Iterable[OptionContract]) -> Mapping[int, Detail]:
        rows = ((one, Listing(one.underlying, "SMART", one.trading_class, "100")) for one in contracts)
        return {one.con_id: Detail(one, row) for one, row in rows}

    def quotes(self, contracts: Iterable[OptionContract]) -> Mapping[int, Quote]:
        found: dict[int, Quote] = {}
        for one in contracts:
            request = ChainRequest(one.underlying, Window(0, 0, 0), frozenset(), (0.0, 0.0), (one,))
            chain = self.chains.chain(request, float(self.shares.price(one.underlying)), self.clock.now())
            found |= {row.contract.con_id: row.quote for row in chain.rows if row.contract == one}
        return found

    def tick(self, legs: Sequence[OptionLeg], price: Decimal) -> Decimal:
        return Decimal("0.01")

    def place(self, attempt: Attempt, last_moment: datetime | None = None) -> OptionOutcome:
        self.orders[attempt.ref] = (attempt, OrderStatus.ACCEPTED)
        self._match(attempt)
        return Working(attempt.ref, "1")

    def change(self, attempt: Attempt, last_moment: datetime | None = None) -> OptionOutcome:
        self.orders[attempt.ref] = (attempt, OrderStatus.ACCEPTED)
        self._match(attempt)
        return Working(attempt.ref, "1")

    def _match(self, attempt: Attempt) -> None:
        intent = attempt.intent
        market = market_of(intent.legs, self.quotes(leg.contract for leg in intent.legs))
        assert market is not None
        if attempt.price < (market.mid if self.fills_at_mid else market.far) - Decimal("0.01"):
            return
        self.orders[attempt.ref] = (attempt, OrderStatus.FILLED)
        for leg in intent.legs:
            number, quote = leg.signed * intent.quantity, self.quotes((leg.contract,))[leg.contract.con_id]
            alone = len(intent.legs) == 1
            price = abs(attempt.price) if alone else Decimal(str(round(quote.mid or 0.0, 2)))
            self.positions[leg.contract] = self.positions.get(leg.contract, 0) + number
            key = f"{self.clock.now():%Y%m%d}-{len(self.fills) + 1:03}"
            self.fills.append(
                LegExecution(
                    key, attempt.ref, intent.account, leg.contract, number, price, self.clock.now(), FEE * abs(number)
                )
            )

    def cancel_option(self, ref: str) -> bool:
        attempt, status = self.orders[ref]
        self.orders[ref] = (attempt, OrderStatus.CANCELED if status.working else status)
        return True

    def option_what_if(self, attempt: Attempt) -> WhatIf | None:
        return None

    def pass_night(self, after: date) -> None:
        """Let what has expired worthless go; nothing in the money may be left."""
        for one, number in list(self.positions.items()):
            if number and one.expiry <= after:
                spot = Decimal(str(float(self.shares.price(one.underlying))))
                assert one.strike < spot if one.right is Right.PUT else one.strike > spot
                del self.positions[one]


@contextmanager
def option_desk(folder: Path, **changes: Any) -> Iterator[tuple[Replay, Desk, OptionsBeside]]:
    """A practice installation that trades options."""
    with desk_in(folder, **changes) as replay:
        desk = replay.desk
        assert desk.chains is not None
        held = dict(desk.store.options.book().contracts())
        broker = OptionsBeside(desk.broker, desk.chains, desk.clock, positions=held)
        mine: Any = broker
        yield replay, replace(desk, broker=mine), broker
