"""Whatever several sleeves ask of the last gate, in whatever order: what leaves is sound as a whole."""

from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from hypothesis import given
from hypothesis import strategies as st

from mtum.adapters.brokers.gate import GatedBroker
from mtum.core.portfolio.gate import GateRules
from mtum.core.portfolio.orders import OrderIntent, OrderStatus, Purpose, Side, Ticket, intent_id, ticket_of
from mtum.ports.broker import Accepted, BrokerLists, BrokerOrder, SubmitOutcome
from support.fakes import CALENDAR, SENT_AT, SESSION, FakeBroker, listed, shown
from support.store import ACCOUNT, intent
from support.values import replace

SLEEVES, SYMBOLS, PRICE = ("core", "timing", "switch"), ("MTUM", "SPY"), Decimal(100)
BUYS = (Purpose.ENTER, Purpose.INCREASE)
ENDS = (OrderStatus.ACCEPTED, OrderStatus.ACCEPTED, OrderStatus.REJECTED, OrderStatus.CANCELED)


@dataclass
class Taking(FakeBroker):
    """Takes every order that reaches it; each then works, or is rejected or canceled at once."""

    start: BrokerLists = shown()
    ends: tuple[OrderStatus, ...] = ()
    taken: tuple[BrokerOrder, ...] = ()

    def lists(self) -> BrokerLists:
        return replace(self.start, orders=self.taken)

    def submit(self, ticket: Ticket, last_moment: datetime | None = None) -> SubmitOutcome:
        self.sent.append(ticket)
        order = replace(listed(intent()), ref=ticket.ref, symbol=ticket.symbol, side=ticket.side, shares=ticket.shares)
        order = replace(order, status=self.ends[len(self.taken) % len(self.ends)])
        self.taken = (*self.taken, order)
        return Accepted(order)


@st.composite
def orders(draw: st.DrawFn) -> OrderIntent:
    sleeve, symbol = draw(st.sampled_from(SLEEVES)), draw(st.sampled_from(SYMBOLS))
    purpose = draw(st.sampled_from((*BUYS, Purpose.EXIT, Purpose.REDUCE, Purpose.FALLBACK)))
    return replace(
        intent(strategy=sleeve, symbol=symbol, side=Side.BUY if purpose in BUYS else Side.SELL),
        id=intent_id(ACCOUNT, SESSION.day, sleeve, symbol, purpose),
        purpose=purpose,
        shares=draw(st.integers(1, 40)),
        attempt=draw(st.integers(1, 2)),
    )


@given(
    asked=st.lists(orders(), max_size=12),
    held=st.dictionaries(st.tuples(st.sampled_from(SLEEVES), st.sampled_from(SYMBOLS)), st.integers(1, 30)),
    limits=st.fixed_dictionaries({name: st.integers(0, 60) for name in SLEEVES}),
    cash=st.integers(0, 8000),
    ends=st.lists(st.sampled_from(ENDS), min_size=1, max_size=4),
)
def test_what_leaves_is_on_one_side_once_an_intent_and_within_position_cash_and_each_limit(
    asked: list[OrderIntent],
    held: dict[tuple[str, str], int],
    limits: dict[str, int],
    cash: int,
    ends: list[OrderStatus],
) -> None:
    positions = Counter[str]()
    for (_, symbol), shares in held.items():
        positions[symbol] += shares
    start = replace(shown(cash=str(cash)), positions={symbol: Decimal(shares) for symbol, shares in positions.items()})
    broker = Taking(start=start, ends=tuple(ends))
    rules = GateRules(
        ACCOUNT,
        dict.fromkeys(SYMBOLS, ""),
        {name: shares * PRICE for name, shares in limits.items()},
        window_opens_minutes=22,
        last_send_minutes=15,
    )
    gate = GatedBroker(broker, rules, CALENDAR)
    gate.held = lambda: held
    assert gate.server_time() == SENT_AT
    for order in asked:
        gate.submit(ticket_of(order))

    by_intent = Counter(ticket.ref.rpartition("-")[0] for ticket in broker.sent)
    assert not by_intent or max(by_intent.values()) == 1
    working = [(ticket, order) for ticket, order in zip(broker.sent, broker.taken, strict=True) if order.status.working]
    assert len({(ticket.symbol, ticket.side) for ticket, _ in working}) == len({t.symbol for t, _ in working})
    assert sum(ticket.shares * PRICE for ticket, _ in working if ticket.side is Side.BUY) <= cash
    for symbol in SYMBOLS:
        here = [ticket for ticket, _ in working if ticket.symbol == symbol]
        assert sum(ticket.shares for ticket in here if ticket.side is Side.SELL) <= positions[symbol]
        for name in SLEEVES:
            bought = sum(ticket.shares for ticket in here if ticket.side is Side.BUY and ticket.strategy == name)
            assert not bought or held.get((name, symbol), 0) + bought <= limits[name]
    # No limit, no cash and no other sleeve's lack of it stops a sale that the position covers.
    left = dict(positions)
    for order in [one for one in asked if one.side is Side.SELL]:
        before = [one for one in asked[: asked.index(order)] if one.symbol == order.symbol]
        if not before and order.shares <= left.get(order.symbol, 0):
            assert order.ref in [ticket.ref for ticket in broker.sent]
