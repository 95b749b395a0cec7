"""The last gate asked before the claim: its word holds for the very next order, once."""

from collections.abc import Iterator
from datetime import date
from decimal import Decimal

import pytest

from mtum.adapters.brokers.gate import GatedBroker
from mtum.core.market.sessions import Sessions
from mtum.core.portfolio.gate import GateRules
from mtum.core.portfolio.orders import OrderType, Side
from mtum.ports.broker import Accepted, Clearing, Denied, NotSent, Rehearsing
from support.gateway import ACCOUNT, TODAY, Running, running_gateway, weekday_sessions
from support.ib_adapter import adapter, ticket

RULES = GateRules(ACCOUNT, {"MTUM": ""}, {"": Decimal(5000)}, window_opens_minutes=22, last_send_minutes=15)


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


def clock_at(gateway: Running, minutes: float) -> None:
    gateway.tell("clock", session=TODAY.isoformat(), minutes_to_close=minutes)


def test_five_seconds_before_the_last_moment_nothing_leaves_any_more(gateway: Running, gated: GatedBroker) -> None:
    assert gated.clear(ticket()) is None
    clock_at(gateway, 15 + 4 / 60)
    assert isinstance(gated.submit(ticket()), Denied)
    assert gateway.entries("order") == []


def test_an_order_does_not_leave_when_the_brokers_clock_jumps_after_the_gates_last_look(
    gateway: Running, gated: GatedBroker
) -> None:
    assert gated.clear(ticket()) is None
    gateway.fault("reqCurrentTime", "jump", minutes=7.1)
    late = gated.submit(ticket())
    assert isinstance(late, Denied)
    assert (late.code, gateway.entries("order")) == ("window", [])


def test_a_clock_that_answers_too_slowly_sends_nothing(gateway: Running) -> None:
    with adapter(gateway, request_seconds=4.0) as ours:
        gated = GatedBroker(ours.broker, RULES, Weekdays())
        assert gated.clear(ticket()) is None
        gateway.fault("reqCurrentTime", "delay", skip=1, count=3, seconds=2.1)
        slow = gated.submit(ticket())
        assert isinstance(slow, NotSent)
        assert "took more than 2 s to answer, 3 times" in slow.text
        assert gateway.entries("order") == []
        assert isinstance(gated.submit(ticket()), Accepted)


def test_a_reading_that_took_its_time_is_read_again(gateway: Running) -> None:
    with adapter(gateway, request_seconds=4.0) as ours:
        gated = GatedBroker(ours.broker, RULES, Weekdays())
        gateway.tell("clock", session=TODAY.isoformat(), minutes_to_close=15 + 6.5 / 60, speed=1.0)
        # The answer was true when it left, and is two seconds old when it comes.
        gateway.fault("currentTime", "delay", skip=1, seconds=2.1)
        late = gated.submit(ticket())
        assert isinstance(late, Denied)
        assert gateway.entries("order") == []


def by_hand(gateway: Running, side: str, shares: int, **more: object) -> None:
    gateway.tell("trade", account=ACCOUNT, symbol="MTUM", side=side, shares=shares, **more)


@pytest.mark.parametrize(("shares", "passes"), [(9, True), (10, False)])
def test_working_purchases_of_the_whole_account_are_held_against_its_cash(
    gateway: Running, gated: GatedBroker, shares: int, passes: bool
) -> None:
    # 60 by hand at 71.00 at most are 4,260; MTUM stands at 75.00: 9 are 675, and 10 would make 5,010 of 5,000 USD.
    by_hand(gateway, "BUY", 60, type="LMT", limit=71)
    told = gated.clear(ticket(shares=shares))
    assert (told is None) is passes
    if told is not None:
        assert isinstance(told, Denied)
        assert (told.code, told.text) == (
            "cash",
            "buy for 750.00 USD beside working purchases for 4260.00, cash 5000.00",
        )


OPTION = {"kind": "OPT", "right": "C", "strike": 80, "expiry": "2015-07-17"}


def test_a_working_purchase_of_options_is_counted_and_one_of_unknown_cost_stops_every_purchase(
    gateway: Running, gated: GatedBroker
) -> None:
    by_hand(gateway, "BUY", 3, type="LMT", limit="14.50", **OPTION)  # 3 x 100 x 14.50 = 4,350
    told = gated.clear(ticket())
    assert isinstance(told, Denied)
    assert "working purchases for 4350.00" in told.text
    by_hand(gateway, "BUY", 1, kind="FOP")
    unknown = gated.clear(ticket(shares=1))
    assert isinstance(unknown, Denied)
    assert "MTUM FOP (order)" in unknown.text


def test_shares_that_a_short_call_may_call_for_are_not_sold(gateway: Running, gated: GatedBroker) -> None:
    gateway.tell("hold", account=ACCOUNT, symbol="MTUM", shares="110")
    gateway.tell("hold", account=ACCOUNT, symbol="MTUM", shares="-1", **OPTION)
    assert gated.clear(ticket(shares=10, side=Side.SELL)) is None
    told = gated.clear(ticket(shares=11, side=Side.SELL))
    assert isinstance(told, Denied)
    assert (told.code, told.text) == ("sell", "sell 11, free to sell 10 (0 on sale, 100 pledged to calls)")


def test_a_short_position_is_bought_back_and_no_more(gateway: Running, gated: GatedBroker) -> None:
    gateway.tell("hold", account=ACCOUNT, symbol="MTUM", shares="-12")
    assert gated.clear(ticket(shares=12)) is None
    told = gated.clear(ticket(shares=13))
    assert isinstance(told, Denied)
    assert told.code == "short"


def test_what_somebody_else_buys_back_is_not_bought_back_again(gateway: Running, gated: GatedBroker) -> None:
    gateway.tell("hold", account=ACCOUNT, symbol="MTUM", shares="-12")
    by_hand(gateway, "BUY", 5, type="LMT", limit=71)
    assert gated.clear(ticket(shares=7)) is None
    told = gated.clear(ticket(shares=8))
    assert isinstance(told, Denied)
    assert told.code == "short"


def test_an_unknown_kind_of_instrument_stops_purchases_and_no_sale(gateway: Running, gated: GatedBroker) -> None:
    gateway.tell("hold", account=ACCOUNT, symbol="MTUM", shares="10")
    gateway.tell("hold", account=ACCOUNT, symbol="MTUM", shares="5", kind="CFD")
    told = gated.clear(ticket())
    assert isinstance(told, Denied)
    assert (told.code, told.text) == ("instruments", "the account has MTUM CFD, which may change the shares of MTUM")
    assert gated.clear(ticket(side=Side.SELL)) is None


def test_an_inactive_sale_among_the_open_orders_still_holds_its_shares(gateway: Running, gated: GatedBroker) -> None:
    gateway.tell("hold", account=ACCOUNT, symbol="MTUM", shares="10")
    gateway.fault("placeOrder", "inactive", minutes=30)
    gated.submit(ticket(side=Side.SELL))
    told = gated.clear(ticket("B", side=Side.SELL, order_type=OrderType.MARKET))
    assert isinstance(told, Denied)
    assert told.code == "sell"
