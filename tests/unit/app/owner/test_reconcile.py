"""What differs between our records and the broker's lists, and the ways out of it."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from mtum.app.owner.reconcile import reconcile
from mtum.core.portfolio.orders import OrderStatus
from mtum.ports.broker import BrokerLists
from support.fakes import SENT_AT, FakeBroker, fake_desk, listed, shown
from support.store import intent

BUY = intent()
REF, WORKING = BUY.ref, listed(BUY)
TWICE = shown(WORKING, listed(BUY, ref=f"{BUY.id}-2", broker_id="9002"))


def differences(folder: Path, lists: BrokerLists, *moves: OrderStatus, at: datetime = SENT_AT) -> list[dict[str, Any]]:
    """What is told of an order that was claimed and moved so, with these lists."""
    with fake_desk(folder, FakeBroker([lists]), at) as desk:
        desk.store.orders.add_intent(BUY, SENT_AT)
        desk.store.orders.claim_order(BUY.id, SENT_AT)
        for move in moves:
            desk.store.orders.move_order(BUY.id, move, SENT_AT)
        document = reconcile(desk)
        assert document["exit_code"] == (6 if document["differences"] else 0)
        return list(document["differences"])


def test_an_order_that_both_sides_have_is_no_difference(tmp_path: Path) -> None:
    assert differences(tmp_path, shown(WORKING), OrderStatus.ACCEPTED) == []


@pytest.mark.parametrize(
    ("lists", "moves", "kind", "ways"),
    [
        (shown(), (OrderStatus.UNKNOWN,), "unknown", (f"mtum reconcile --accept not-sent {BUY.id}",)),
        (shown(WORKING), (OrderStatus.UNKNOWN,), "not adopted", ("mtum run",)),
        (shown(), (OrderStatus.ACCEPTED,), "vanished", ()),  # before the close nothing can be settled
        (shown(WORKING), (OrderStatus.CANCELED,), "contradiction", ()),
        (shown(WORKING), (OrderStatus.UNKNOWN, OrderStatus.PLANNED), "contradiction", ("mtum run",)),
        (TWICE, (OrderStatus.ACCEPTED,), "double", ()),
    ],
)
def test_an_order_that_stands_otherwise_at_the_broker_is_told_with_its_way_out(
    tmp_path: Path, lists: BrokerLists, moves: tuple[OrderStatus, ...], kind: str, ways: tuple[str, ...]
) -> None:
    (told,) = differences(tmp_path, lists, *moves)
    assert (told["kind"], told["about"], told["ways"]) == (kind, BUY.id, ways)


def test_an_order_that_outlives_its_session_is_told(tmp_path: Path) -> None:
    tomorrow = SENT_AT + timedelta(days=1)
    lists = BrokerLists(tomorrow, shown().account, {}, (WORKING,), ())
    (told,) = differences(tmp_path, lists, OrderStatus.ACCEPTED, at=tomorrow)
    assert (told["kind"], told["ways"]) == ("left over", ("mtum settle --session 2018-12-03",))


def test_the_ways_out_of_a_position_offer_nothing_that_changes_nothing(tmp_path: Path) -> None:
    with fake_desk(tmp_path, FakeBroker([shown(held="7")])) as desk:
        (told,) = reconcile(desk)["differences"]
    assert told["ways"] == (
        "mtum reconcile --accept external MTUM 7",
        "mtum reconcile --accept position MTUM 7 --strategy mtum_confluence --entry-session DATE --entry-price PRICE",
    )
