"""Identity of an intent and the moves of its status."""

import re
from datetime import date
from decimal import Decimal
from itertools import product
from typing import Any

import pytest

from mtum.core.market.instruments import InstrumentId
from mtum.core.portfolio.orders import (
    ALLOWED_MOVES,
    Leg,
    OrderIntent,
    OrderStatus,
    OrderType,
    Purpose,
    Side,
    Ticket,
    combination_id,
    intent_id,
    may_move,
    ticket_of,
)
from mtum.core.portfolio.reconcile import OUR_REF
from support.values import replace

# Rows are the status before; the words after the colon are every other status that may follow.
MOVES = """
PLANNED:          SUBMITTING ACCEPTED PARTIALLY_FILLED FILLED CANCELED EXPIRED REJECTED DENIED LAPSED
SUBMITTING:       PLANNED ACCEPTED PARTIALLY_FILLED FILLED CANCELED EXPIRED REJECTED DENIED UNKNOWN
ACCEPTED:         PARTIALLY_FILLED FILLED CANCELED EXPIRED REJECTED UNKNOWN
PARTIALLY_FILLED: FILLED CANCELED EXPIRED REJECTED UNKNOWN
UNKNOWN:          PLANNED ACCEPTED PARTIALLY_FILLED FILLED CANCELED EXPIRED REJECTED LAPSED
CANCELED:         ACCEPTED PARTIALLY_FILLED FILLED EXPIRED REJECTED
FILLED:
EXPIRED:          FILLED
REJECTED:         ACCEPTED PARTIALLY_FILLED FILLED CANCELED EXPIRED
DENIED:
LAPSED:           PARTIALLY_FILLED FILLED EXPIRED
"""
TABLE = {
    OrderStatus(before.strip()): {OrderStatus(word) for word in after.split()}
    for before, after in (line.split(":") for line in MOVES.strip().splitlines())
}


@pytest.mark.parametrize(("before", "after"), list(product(OrderStatus, OrderStatus)))
def test_a_status_moves_only_along_the_table(before: OrderStatus, after: OrderStatus) -> None:
    assert may_move(before, after) is (before is after or after in TABLE[before])


def test_the_table_of_moves_knows_every_status() -> None:
    assert set(ALLOWED_MOVES) == set(OrderStatus) == set(TABLE)


def test_a_status_is_terminal_or_working_or_only_planned() -> None:
    terminal = {status.value for status in OrderStatus if status.terminal}
    working = {status.value for status in OrderStatus if status.working}
    assert terminal == {"FILLED", "CANCELED", "EXPIRED", "REJECTED", "DENIED", "LAPSED"}
    assert working == {"SUBMITTING", "ACCEPTED", "PARTIALLY_FILLED", "UNKNOWN"}


@pytest.mark.parametrize("left", [OrderStatus.ACCEPTED, OrderStatus.SUBMITTING, OrderStatus.PLANNED])
def test_what_the_gate_denied_or_a_deadline_ended_never_comes_back(left: OrderStatus) -> None:
    assert not any(may_move(ended, left) for ended in (OrderStatus.DENIED, OrderStatus.LAPSED))


# Worked out beside Python: printf with \037 between the fields | sha256sum | xxd -r -p | base32.
@pytest.mark.parametrize(
    ("account", "session", "purpose", "expected"),
    [
        ("PRACTICE", date(2018, 1, 3), Purpose.ENTER, "m180103-LHR5REOZBDI6"),
        ("PRACTICE", date(2018, 1, 3), Purpose.EXIT, "m180103-KLONQXSJHYJB"),
        ("DU1234567", date(2026, 11, 20), Purpose.FALLBACK, "m261120-KIGHRPEKAMD5"),
    ],
)
def test_an_intent_has_the_same_id_on_every_machine(
    account: str, session: date, purpose: Purpose, expected: str
) -> None:
    assert intent_id(account, session, "mtum_confluence", "MTUM", purpose) == expected


def test_every_part_of_the_identity_changes_the_id() -> None:
    day, next_day = date(2018, 1, 3), date(2018, 1, 4)
    ids = {
        intent_id("A", day, "s", "X", Purpose.ENTER),
        intent_id("B", day, "s", "X", Purpose.ENTER),
        intent_id("A", next_day, "s", "X", Purpose.ENTER),
        intent_id("A", day, "t", "X", Purpose.ENTER),
        intent_id("A", day, "s", "Y", Purpose.ENTER),
        intent_id("A", day, "s", "X", Purpose.EXIT),
        # Fields must not run together: "sX" + "Y" is not "s" + "XY".
        intent_id("A", day, "sX", "Y", Purpose.ENTER),
        intent_id("A", day, "s", "XY", Purpose.ENTER),
    }
    assert len(ids) == 8


def order(attempt: int) -> OrderIntent:
    day = date(2018, 1, 3)
    identity = intent_id("PRACTICE", day, "mtum_confluence", "MTUM", Purpose.EXIT)
    price = Decimal("105.25")
    kind = OrderType.MARKET_ON_CLOSE
    return OrderIntent(
        identity,
        "PRACTICE",
        day,
        "mtum_confluence",
        "MTUM",
        Purpose.EXIT,
        Side.SELL,
        kind,
        19,
        price,
        ("rsi_low",),
        attempt,
    )


@pytest.mark.parametrize("attempt", [1, 2, 99])
def test_a_reference_is_the_id_and_the_attempt_in_at_most_24_characters(attempt: int) -> None:
    ref = order(attempt).ref
    assert ref == f"m180103-KLONQXSJHYJB-{attempt}"
    assert len(ref) <= 24
    assert re.fullmatch(OUR_REF, ref)


def test_a_ticket_says_what_the_intent_wants() -> None:
    assert ticket_of(order(2)) == Ticket(
        "PRACTICE",
        "MTUM",
        Side.SELL,
        OrderType.MARKET_ON_CLOSE,
        19,
        "m180103-KLONQXSJHYJB-2",
        strategy="mtum_confluence",
    )


def test_only_auction_orders_wait_for_the_close() -> None:
    assert {kind.value for kind in OrderType if kind.on_close} == {"MOC", "LOC"}


PUT, LOWER = InstrumentId("MTUM  180119P00100000"), InstrumentId("MTUM  180119P00095000")
SPREAD = (Leg(PUT, Side.SELL), Leg(LOWER, Side.BUY))


def test_an_order_in_shares_has_one_leg() -> None:
    assert order(1).legs == (Leg(InstrumentId("MTUM"), Side.SELL, 1),)


def test_a_combination_keeps_its_legs_down_to_the_broker() -> None:
    combined = replace(order(1), combination=SPREAD)
    assert combined.legs == ticket_of(combined).combination == SPREAD


def test_a_combination_is_known_by_its_legs_in_any_order_and_by_none_of_its_instruments() -> None:
    twice = replace(SPREAD[1], ratio=2)
    turned = tuple(replace(leg, side=Side.BUY if leg.side is Side.SELL else Side.SELL) for leg in SPREAD)
    found = {combination_id(legs) for legs in (SPREAD, SPREAD[::-1], (SPREAD[0], twice), turned)}
    assert found == {
        "BUY 1 MTUM  180119P00095000 + SELL 1 MTUM  180119P00100000",
        "BUY 2 MTUM  180119P00095000 + SELL 1 MTUM  180119P00100000",
        "BUY 1 MTUM  180119P00100000 + SELL 1 MTUM  180119P00095000",
    }
    assert found.isdisjoint(leg.instrument for leg in SPREAD)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({}, ""),
        ({"symbol": "SPY"}, ""),
        ({"combination": SPREAD}, "an order of 2 legs; only orders in one instrument are sent"),
        ({"symbol": PUT}, "MTUM  180119P00100000 is no share but of the kind 'option'"),
        ({"symbol": "VIX"}, "VIX is no share but of the kind 'index'"),
        ({"symbol": "OXY1  250117C00040000"}, "OXY1  250117C00040000 is no share but of the kind 'other'"),
    ],
)
def test_a_ticket_says_what_keeps_it_from_being_sent(changes: dict[str, Any], words: str) -> None:
    assert replace(ticket_of(order(1)), **changes).untradable == words
