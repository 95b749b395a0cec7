"""The broker's words as our statuses, and messages as orders."""

from collections.abc import Sequence
from decimal import Decimal
from types import SimpleNamespace
from typing import Any

import pytest

from mtum.adapters.brokers.ib.account import Unread
from mtum.adapters.brokers.ib.orders import (
    completed_orders,
    open_listings,
    open_orders,
    other_orders,
    status_of,
)
from mtum.adapters.brokers.ib.sending import reply_of
from mtum.adapters.ib.codes import Meaning
from mtum.adapters.ib.messages import CompletedOrder, Notice, OpenOrder, OrderMessage, OrderUpdate
from mtum.core.portfolio.orders import OrderStatus
from mtum.ports.broker import BrokerOrder


@pytest.mark.parametrize(
    ("word", "filled", "perm_id", "status"),
    [
        ("PreSubmitted", 0, 7, OrderStatus.ACCEPTED),
        ("Submitted", 0, 7, OrderStatus.ACCEPTED),
        ("Submitted", 3, 7, OrderStatus.PARTIALLY_FILLED),
        ("PendingSubmit", 0, 7, OrderStatus.ACCEPTED),
        ("PendingSubmit", 0, 0, OrderStatus.SUBMITTING),
        ("ApiPending", 0, 0, OrderStatus.SUBMITTING),
        ("PendingCancel", 0, 7, OrderStatus.ACCEPTED),
        ("Cancelled", 3, 7, OrderStatus.CANCELED),
        ("ApiCancelled", 0, 7, OrderStatus.CANCELED),
        ("Filled", 10, 7, OrderStatus.FILLED),
        ("Inactive", 0, 7, OrderStatus.REJECTED),
        ("SomethingNew", 0, 7, OrderStatus.UNKNOWN),
    ],
)
def test_a_status_word_means(word: str, filled: int, perm_id: int, status: OrderStatus) -> None:
    assert status_of(word, filled, perm_id) is status


OURS = 17


def order(**fields: Any) -> Any:
    plain = {
        "action": "BUY", "orderType": "MOC", "orderRef": "r", "permId": 7, "account": "DU1", "totalQuantity": 10.0,
        "clientId": OURS, "orderId": 3, "whatIf": False, "filledQuantity": 0.0,
    }  # fmt: skip
    return SimpleNamespace(**{**plain, **fields})


STOCK = SimpleNamespace(secType="STK", symbol="MTUM")


def opened(one: Any, word: str = "PreSubmitted", contract: Any = STOCK) -> OpenOrder:
    return OpenOrder(one.orderId, contract, one, SimpleNamespace(status=word))


def status(order_id: int, word: str, filled: float, perm_id: int = 7, client_id: int = OURS) -> OrderUpdate:
    return OrderUpdate(order_id, word, filled, 10.0 - filled, 0.0, perm_id, 0, 0.0, client_id)


def listed(answer: Sequence[OpenOrder | OrderUpdate]) -> list[BrokerOrder]:
    return open_orders(open_listings(answer, "DU1"), Unread())


def test_the_status_message_after_an_open_order_counts() -> None:
    (found,) = listed([opened(order()), status(3, "Submitted", 4.0)])
    assert (found.status, found.filled) == (OrderStatus.PARTIALLY_FILLED, 4)


def test_the_same_order_id_of_another_client_is_another_order() -> None:
    answer: list[OpenOrder | OrderUpdate] = [
        opened(order()),
        opened(order(clientId=99, permId=8, orderRef="x")),
        status(3, "Submitted", 4.0, 8, 99),
    ]
    assert [(one.ref, one.filled) for one in listed(answer)] == [("r", 0), ("x", 4)]


def test_an_order_by_hand_is_known_by_its_permanent_id() -> None:
    answer: list[OpenOrder | OrderUpdate] = [
        opened(order(orderId=-5, permId=9, orderRef="")),
        status(-5, "Submitted", 2.0, 9),
    ]
    (found,) = listed(answer)
    assert (found.ref, found.broker_id, found.filled) == ("", "9", 2)


def test_trials_other_accounts_and_other_securities_are_left_out() -> None:
    option = SimpleNamespace(secType="OPT", symbol="MTUM")
    answer = [opened(order(whatIf=True)), opened(order(account="DU2")), opened(order(orderId=4), contract=option)]
    assert listed(answer) == []


def test_an_inactive_order_among_the_open_ones_may_still_fill_and_a_completed_one_is_dead() -> None:
    (resting,) = listed([opened(order(), "Inactive")])
    assert (resting.status, resting.may_fill) == (OrderStatus.REJECTED, True)
    (ended,) = completed_orders([CompletedOrder(STOCK, order(), SimpleNamespace(status="Inactive"))], "DU1", Unread())
    assert (ended.status, ended.may_fill) == (OrderStatus.REJECTED, False)


CALL = SimpleNamespace(
    secType="OPT", symbol="MTUM", currency="USD", right="C", strike=280.0, multiplier="100",
    lastTradeDateOrContractMonth="20180119",
)  # fmt: skip


def test_open_orders_in_other_instruments_are_told_with_what_they_may_cost_and_call_for() -> None:
    buy = opened(order(orderType="LMT", lmtPrice=2.5, totalQuantity=3.0), contract=CALL)
    sell = opened(order(orderId=4, permId=8, action="SELL", lmtPrice=1.7976931348623157e308), contract=CALL)
    combo = opened(order(orderId=5, permId=9), contract=SimpleNamespace(secType="BAG", symbol="MTUM"))
    gone = opened(order(orderId=6, permId=10), "Cancelled", CALL)
    bought, sold, both = other_orders(open_listings([buy, sell, combo, gone], "DU1"))
    assert (bought.name, bought.cost_usd, bought.pledged) == ("MTUM 20180119 280 C (order)", Decimal(750), 0)
    assert (sold.cost_usd, sold.pledged, sold.known) == (Decimal(0), 1000, True)
    # What a combination costs depends on its legs, which are not told here.
    assert (both.name, both.known, both.cost_usd) == ("MTUM BAG (order)", False, None)


def test_shares_in_another_currency_are_another_instrument() -> None:
    answer = [opened(order(), contract=SimpleNamespace(secType="STK", symbol="MTUM", currency="GBP"))]
    assert listed(answer) == []
    (other,) = other_orders(open_listings(answer, "DU1"))
    assert (other.name, other.known) == ("MTUM STK in GBP (order)", False)


def test_a_completed_order_tells_its_quantity_by_what_was_filled() -> None:
    ended = order(totalQuantity=0.0, filledQuantity=10.0, orderId=0, clientId=0)
    heard = CompletedOrder(STOCK, ended, SimpleNamespace(status="Filled"))
    (found,) = completed_orders([heard], "DU1", Unread())
    assert (found.shares, found.filled, found.status) == (10, 10, OrderStatus.FILLED)
    assert (found.client_id, found.order_id) == (None, None)


def test_the_newest_word_and_a_late_permanent_id_make_the_reply() -> None:
    heard: list[OrderMessage] = [opened(order(permId=0), "PendingSubmit"), status(3, "PendingSubmit", 0.0, 0)]
    assert not reply_of(heard, OURS).settled
    heard += [opened(order()), status(3, "PreSubmitted", 0.0)]
    assert (reply_of(heard, OURS).perm_id, reply_of(heard, OURS).settled, reply_of(heard, OURS).ended) == (
        7,
        True,
        False,
    )


def test_a_cancel_that_comes_after_the_reply_ends_it() -> None:
    heard: list[OrderMessage] = [opened(order()), status(3, "Cancelled", 0.0), Notice(3, 202, "Order Canceled")]
    assert reply_of(heard, OURS).ended
    assert reply_of(heard, OURS).meaning is Meaning.UNKNOWN
    assert reply_of(heard, OURS).worst == (202, "Order Canceled")
