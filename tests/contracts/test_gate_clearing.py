"""The last gate asked before the claim: its word holds for the very next order, once."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from mtum.adapters.brokers.gate import GatedBroker
from mtum.core.market.sessions import Sessions
from mtum.core.portfolio.gate import GateRules
from mtum.ports.broker import Accepted, Clearing, Denied, NotSent
from mtum.ports.rehearsing import Rehearsing
from support.gateway import ACCOUNT, TODAY, Running, running_gateway, weekday_sessions
from support.ib_adapter import adapter, ticket

RULES = GateRules(ACCOUNT, {"MTUM": ""}, Decimal(5000), window_opens_minutes=22, last_send_minutes=15)


class Weekdays:
    """The practice market's calendar."""

    def sessions(self, first: date, last: date) -> Sessions:
        """Sessions of the closed interval."""
        return Sessions(weekday_sessions().between(first, last))


@pytest.fixture
def gateway() -> Iterator[Running]:
    with running_gateway() as running:
        yield running


@pytest.fixture
def gated(gateway: Running) -> Iterator[GatedBroker]:
    with adapter(gateway) as ours:
        yield GatedBroker(ours.broker, RULES, Weekdays())


def asked(gateway: Running, name: str) -> int:
    return sum(entry["name"] == name for entry in gateway.entries("request"))


def test_a_cleared_order_leaves_without_asking_again(gateway: Running, gated: GatedBroker) -> None:
    assert isinstance(gated, Clearing)
    assert isinstance(gated, Rehearsing)
    assert gated.clear(ticket()) is None
    before = asked(gateway, "reqPositions")
    assert isinstance(gated.submit(ticket()), Accepted)
    assert asked(gateway, "reqPositions") == before


def test_the_word_holds_once_and_for_that_order_only(gateway: Running, gated: GatedBroker) -> None:
    assert gated.clear(ticket()) is None
    before = asked(gateway, "reqPositions")
    assert isinstance(gated.submit(ticket("B")), Accepted)
    assert isinstance(gated.submit(ticket()), Accepted)
    assert asked(gateway, "reqPositions") == before + 2


def test_an_order_that_is_not_cleared_is_denied_when_submitted_too(gateway: Running, gated: GatedBroker) -> None:
    too_many = ticket(shares=67)  # 67 x 75.00 = 5,025
    assert isinstance(gated.clear(too_many), Denied)
    assert isinstance(gated.submit(too_many), Denied)
    assert gateway.entries("order") == []


def test_a_gate_that_cannot_ask_sends_nothing(gateway: Running, gated: GatedBroker) -> None:
    gateway.tell("notice", code=1100, text="lost")
    gated.server_time()
    assert isinstance(gated.clear(ticket()), NotSent)
    assert isinstance(gated.submit(ticket()), NotSent)
    assert gateway.entries("order") == []


def test_an_order_cleared_in_time_does_not_leave_once_the_deadline_has_passed(
    gateway: Running, gated: GatedBroker
) -> None:
    """As when the computer sleeps between the claim and the wire."""
    assert gated.clear(ticket()) is None
    gateway.tell("clock", session=TODAY.isoformat(), minutes_to_close=14.9)
    late = gated.submit(ticket())
    assert isinstance(late, Denied)
    assert late.code == "window"
    assert gateway.entries("order") == []
