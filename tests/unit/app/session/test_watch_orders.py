"""Between sending and close: what the lists show is compared with what we have, and told while it can be mended."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from mtum.app.desk import Desk
from mtum.app.session.watch_orders import watch_orders
from mtum.core.portfolio.orders import OrderStatus
from mtum.errors import ExitCode
from mtum.ports.broker import BrokerLists
from support.fakes import SENT_AT, SESSION, FakeBroker, executed, fake_desk, listed, shown
from support.store import intent
from support.values import replace

BUY = intent()
MOVES = {
    OrderStatus.ACCEPTED: (OrderStatus.ACCEPTED,),
    OrderStatus.CANCELED: (OrderStatus.ACCEPTED, OrderStatus.CANCELED),
    # Stated as never sent.
    OrderStatus.PLANNED: (OrderStatus.UNKNOWN, OrderStatus.PLANNED),
}


@contextmanager
def sent(folder: Path, lists: BrokerLists, status: OrderStatus = OrderStatus.ACCEPTED) -> Iterator[Desk]:
    """An order that was sent and stands as told, and what the broker lists."""
    with fake_desk(folder, FakeBroker([lists])) as desk:
        desk.store.orders.add_intent(BUY, SENT_AT)
        desk.store.orders.claim_order(BUY.id, SENT_AT)
        for move in MOVES[status]:
            desk.store.orders.move_order(BUY.id, move, SENT_AT)
        yield desk


def watched(desk: Desk) -> tuple[int, str]:
    found = watch_orders(desk, SESSION)
    problems = found.document["problems"]
    return int(found.exit_code), problems[0]["text"] if problems else ""


def status(desk: Desk) -> OrderStatus:
    found = desk.store.orders.state_of(BUY.id)
    assert found is not None
    return found.status


def test_an_order_that_works_as_we_have_it_is_no_news(tmp_path: Path) -> None:
    with sent(tmp_path, shown(listed(BUY))) as desk:
        assert watched(desk) == (0, "")


def test_without_a_sent_order_the_broker_is_not_disturbed(tmp_path: Path) -> None:
    broker = FakeBroker()
    with fake_desk(tmp_path, broker) as desk:
        desk.store.orders.add_intent(BUY, SENT_AT)
        assert (watched(desk), broker.asked) == ((0, ""), 0)


def test_an_order_that_vanished_from_the_lists_is_told_at_once(tmp_path: Path) -> None:
    with sent(tmp_path, shown()) as desk:
        code, text = watched(desk)
        assert code == ExitCode.PERSON
        assert f"{BUY.ref}, 2018-12-03) is ACCEPTED here, and no list of the broker shows it" in text


def test_an_order_of_which_only_the_execution_is_listed_has_not_vanished(tmp_path: Path) -> None:
    with sent(tmp_path, shown(fills=[executed(BUY, "7.01", 19, "104")])) as desk:
        assert watched(desk) == (0, "")


@pytest.mark.parametrize("end", [OrderStatus.REJECTED, OrderStatus.CANCELED])
def test_an_order_that_the_broker_ended_is_told_at_once(tmp_path: Path, end: OrderStatus) -> None:
    with sent(tmp_path, shown(listed(BUY, end, code=201, text="too late"))) as desk:
        code, text = watched(desk)
        assert (code, status(desk)) == (ExitCode.ORDER, end)
        assert "201 too late" in text


@pytest.mark.parametrize("believed", [OrderStatus.CANCELED, OrderStatus.PLANNED])
def test_an_order_taken_for_gone_that_works_at_the_broker_is_told_and_counts_again(
    tmp_path: Path, believed: OrderStatus
) -> None:
    with sent(tmp_path, shown(listed(BUY)), believed) as desk:
        code, text = watched(desk)
        assert code == ExitCode.PERSON
        assert f"is {believed.value} here, but works at the broker as {BUY.ref}: expect it to fill" in text
        assert status(desk) is OrderStatus.ACCEPTED
        assert watched(desk) == (0, "")


@pytest.mark.parametrize("believed", [OrderStatus.CANCELED, OrderStatus.PLANNED])
def test_an_order_taken_for_gone_that_is_gone_is_no_news(tmp_path: Path, believed: OrderStatus) -> None:
    with sent(tmp_path, shown(), believed) as desk:
        assert (watched(desk), status(desk)) == ((0, ""), believed)


def test_two_working_orders_of_one_intent_are_told_while_one_can_be_canceled(tmp_path: Path) -> None:
    again = listed(replace(BUY, attempt=2), broker_id="9002")
    with sent(tmp_path, shown(listed(BUY), again)) as desk:
        code, text = watched(desk)
        assert code == ExitCode.PERSON
        assert f"2 working orders of one intent ({BUY.ref}, {BUY.id}-2); cancel all but one by hand" in text
