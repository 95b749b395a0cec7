"""Whatever is executed, told twice, corrected, assigned and expired: the stored books are the exchange's."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory

from hypothesis import given, settings
from hypothesis import strategies as st

from mtum.adapters.store.events import option_problems
from mtum.adapters.store.opening import SqliteStore
from mtum.core.market.instruments import Right
from mtum.core.options.contracts import OptionContract
from mtum.core.options.legs import OptionLeg, OptionPurpose
from mtum.core.portfolio.options.lots import EventKind, LedgerEvent, LegFill, summed
from mtum.core.portfolio.options.orders import Attempt, OptionIntent
from mtum.core.portfolio.orders import OrderStatus, Side
from mtum.errors import StoreError
from support.option_orders import DAY
from support.option_store import AT, C105, P90, P95, attempt, leg_fill, planned
from support.store import ACCOUNT, opened
from support.values import replace

NAMES = ("wheel", "condor")
STRUCTURES = (((Side.SELL, P95),), ((Side.SELL, P95), (Side.BUY, P90)), ((Side.SELL, C105),), ((Side.BUY, P90),))
FEE = Decimal("0.70")


@dataclass
class Exchange:
    """The broker's own books, kept apart from ours."""

    store: SqliteStore
    random: Random
    positions: dict[OptionContract, int] = field(default_factory=dict)
    shares: int = 0
    cash: Decimal = Decimal(0)
    asked: int = 0
    executed: int = 0
    fills: list[LegFill] = field(default_factory=list)
    events: list[LedgerEvent] = field(default_factory=list)

    def order(self) -> None:
        """An intent is offered until it is filled, refused or given up, in parts."""
        self.asked += 1
        wanted = planned(
            *self.random.choice(STRUCTURES),
            quantity=self.random.randint(1, 3),
            strategy=self.random.choice(NAMES),
            group=f"g{self.asked}",
            session=DAY + timedelta(days=self.asked),
        )
        self._carry_out(wanted)

    def close(self) -> None:
        """A lot of ours is closed, or a part of it."""
        lots = self.store.options.book().lots
        if lots:
            self.asked += 1
            lot = self.random.choice(lots)
            leg = OptionLeg(lot.contract, Side.BUY if lot.quantity < 0 else Side.SELL)
            wanted = planned(
                quantity=self.random.randint(1, abs(lot.quantity)),
                strategy=lot.strategy,
                group=lot.group,
                purpose=OptionPurpose.CLOSE,
                session=DAY + timedelta(days=self.asked),
            )
            self._carry_out(replace(wanted, legs=(leg,)))

    def _carry_out(self, intent: OptionIntent) -> None:
        self.store.options.commit_intents([intent, intent], AT)
        left = intent.quantity
        for number in range(1, self.random.randint(2, 4)):
            offer = attempt(replace(intent, quantity=left), number)
            self.store.options.claim_attempt(offer, AT)
            self._second_is_refused(offer)
            status = self.random.choice([OrderStatus.REJECTED, OrderStatus.CANCELED, OrderStatus.FILLED])
            units = {OrderStatus.REJECTED: 0, OrderStatus.FILLED: left}.get(status, self.random.randint(0, left))
            if status is not OrderStatus.REJECTED:
                self.store.options.move_attempt(offer.ref, OrderStatus.ACCEPTED, AT)
            self._execute(intent, units)
            left -= units
            self.store.options.move_attempt(offer.ref, OrderStatus.FILLED if not left else status, AT)
            if not left:
                break
        (state,) = (one for one in self.store.options.states() if one.intent.id == intent.id)
        assert (state.left, state.live) == (left, None)

    def _second_is_refused(self, offer: Attempt) -> None:
        try:
            self.store.options.claim_attempt(replace(offer, number=offer.number + 1), AT)
        except StoreError:
            return
        raise AssertionError("two offers of one intent live")

    def _execute(self, intent: OptionIntent, units: int) -> None:
        for _ in range(units):
            told = []
            for leg in intent.legs:
                self.executed += 1
                price = Decimal(self.random.randint(5, 300)) / 100
                fill = leg_fill(intent, f"e{self.executed}.01", leg.contract, leg.signed, str(price), str(FEE))
                wrong = replace(fill, price=fill.price + 1)
                if self.random.random() < 0.2:
                    told.append(wrong)
                    fill = replace(fill, exec_id=f"e{self.executed}.02")
                told += [replace(fill, fee_usd=None), fill]
                self.fills.append(fill)
                self.positions = summed(self.positions, {leg.contract: leg.signed})
                self.cash += -leg.signed * price * 100 - FEE
            self.store.options.record_fills(told)
            self.store.options.record_fills(self.random.sample(self.fills, min(3, len(self.fills))))

    def night(self) -> None:
        """Contracts are assigned, exercised, expire or are traded by somebody; told again the next morning."""
        held = self.store.options.book().contracts()
        new = []
        for contract, number in held.items():
            if self.random.random() < 0.5:
                kind = self.random.choice(
                    [EventKind.ASSIGNED if number < 0 else EventKind.EXERCISED, EventKind.EXPIRED, EventKind.STATED]
                )
                count = self.random.randint(1, abs(number)) * (1 if number > 0 else -1)
                price = {EventKind.EXPIRED: Decimal(0), EventKind.STATED: Decimal("0.35")}.get(kind, contract.strike)
                day = DAY + timedelta(days=self.asked)
                event = LedgerEvent(kind, ACCOUNT, contract, count, price, day, number)
                if any(one.key == event.key for one in self.events):
                    continue
                new.append(event)
                self.positions = summed(self.positions, {contract: -count})
                per = 100 if contract.right is Right.CALL else -100
                if kind in (EventKind.ASSIGNED, EventKind.EXERCISED):
                    self.shares += count * per
                    self.cash -= count * per * price
                else:
                    self.cash += count * price * 100
        self.events += new
        assert len(self.store.options.record_events(new, AT)) == len(new)
        assert self.store.options.record_events(self.events, AT) == ()

    def check(self) -> None:
        book = self.store.options.book()
        assert book.contracts() == self.positions
        assert book.cash_usd == self.cash == sum(self.store.books.cash(name) for name in NAMES)
        assert sum(fill.signed_shares for fill in self.store.orders.fills()) == self.shares
        parts = [self.store.options.book(name) for name in NAMES]
        assert sum(part.cash_usd for part in parts) == self.cash
        assert summed(*(part.contracts() for part in parts)) == self.positions
        assert option_problems(self.store.database.connection) == ()
        assert self.store.events.unsound_fills() == ()


@contextmanager
def store_of() -> Iterator[SqliteStore]:
    with TemporaryDirectory() as folder, closing(opened(Path(folder))) as store:
        yield store


@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 2**32), deeds=st.lists(st.sampled_from(["order", "close", "night"]), min_size=4, max_size=9))
def test_the_stored_books_are_those_of_the_exchange(seed: int, deeds: list[str]) -> None:
    with store_of() as store:
        exchange = Exchange(store, Random(seed))
        for deed in ("order", *deeds):
            getattr(exchange, deed)()
        exchange.check()
