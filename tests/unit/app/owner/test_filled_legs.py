"""An order of several legs is filled as far as every one of its legs is."""

from decimal import Decimal
from pathlib import Path

import pytest

from mtum.app.owner.accept import accept
from mtum.app.owner.statement import Statement
from mtum.app.session.match_orders import find_trace
from mtum.core.market.instruments import InstrumentId
from mtum.core.portfolio.orders import Leg, OrderStatus, Side, combination_id
from mtum.errors import UsageError
from mtum.ports.broker import BrokerFill, BrokerLists
from mtum.ports.records import IntentState
from support.fakes import SENT_AT, FakeBroker, executed, fake_desk, shown
from support.store import intent
from support.values import replace

LONG, SHORT = InstrumentId("MTUM  190118P00095000"), InstrumentId("MTUM  190118P00100000")
LEGS = (Leg(LONG, Side.BUY), Leg(SHORT, Side.SELL, 2))
SPREAD = replace(intent(shares=3, symbol=combination_id(LEGS)), combination=LEGS)


def part(number: int, leg: Leg, shares: int) -> BrokerFill:
    return executed(SPREAD, f"e{number}.01", shares, "2.5", symbol=leg.instrument, side=leg.side)


@pytest.mark.parametrize(
    ("shares", "filled", "status"),
    [
        ((3, 6), 3, OrderStatus.FILLED),
        ((3, 4), 2, OrderStatus.PARTIALLY_FILLED),
        ((3, 3), 1, OrderStatus.PARTIALLY_FILLED),
    ],
)
def test_executions_tell_an_order_by_the_leg_that_lags_behind(
    shares: tuple[int, int], filled: int, status: OrderStatus
) -> None:
    fills = [part(at, leg, count) for at, (leg, count) in enumerate(zip(LEGS, shares, strict=True))]
    found = find_trace(shown(fills=fills), IntentState(SPREAD, OrderStatus.ACCEPTED))
    assert found is not None
    assert (found.filled, found.status, found.symbol, found.side) == (filled, status, SPREAD.symbol, SPREAD.side)


def holding(**shares: int) -> BrokerLists:
    named = {"long": LONG, "short": SHORT}
    return replace(shown(), positions={named[name]: Decimal(count) for name, count in shares.items()})


def stated(folder: Path, lists: BrokerLists, *words: str) -> tuple[int, list[tuple[str, Side, int, Decimal]]]:
    """What was filled of the order by a person's words, and what of each leg at which price."""
    with fake_desk(folder, FakeBroker([lists])) as desk:
        desk.store.orders.add_intent(SPREAD, SENT_AT)
        desk.store.orders.claim_order(SPREAD.id, SENT_AT)
        desk.store.orders.move_order(SPREAD.id, OrderStatus.UNKNOWN, SENT_AT)
        accept(desk, Statement("filled", [SPREAD.ref, *words]))
        state = desk.store.orders.state_of(SPREAD.id)
        assert state is not None
        fills = [(fill.symbol, fill.side, fill.shares, fill.price) for fill in desk.store.orders.fills()]
        assert {fill.multiplier for fill in desk.store.orders.fills()} == {100}
        return state.filled, fills


def test_a_person_states_each_leg_with_its_price_as_far_as_the_positions_tell(tmp_path: Path) -> None:
    # 2 long, and 5 short are two times two and one that is not whole.
    assert stated(tmp_path, holding(long=2, short=-5), "1.10", "2.40", "3") == (
        2,
        [(LONG, Side.BUY, 2, Decimal("1.10")), (SHORT, Side.SELL, 4, Decimal("2.40"))],
    )


@pytest.mark.parametrize(
    ("lists", "words", "told"),
    [
        (holding(long=3), ("1.10", "2.40", "3"), r"0 external of MTUM  190118P00100000; the position does not tell"),
        (holding(long=3, short=-6), ("1.10",), "filled REF PRICE PRICE FEE` with the price of each leg in turn"),
        (holding(long=3, short=-6), ("1.10", "2.40"), "filled REF PRICE PRICE FEE"),
        (holding(long=3, short=-6), ("1.10", "-2.40", "3"), "is no price"),
    ],
)
def test_a_leg_without_shares_or_price_is_refused(
    tmp_path: Path, lists: BrokerLists, words: tuple[str, ...], told: str
) -> None:
    with pytest.raises(UsageError, match=told):
        stated(tmp_path, lists, *words)
