"""The gate in front of a broker: fresh facts for every order, and nothing passes without them."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from mtum.adapters.brokers.gate import GatedBroker
from mtum.core.market.instruments import InstrumentId
from mtum.core.portfolio.gate import GateRules
from mtum.core.portfolio.orders import Leg, OrderStatus, OrderType, Side, Ticket, ticket_of
from mtum.errors import BrokerUnavailableError, DataError
from mtum.ports.broker import BrokerLists, Denied, NotSent
from support.fakes import CALENDAR, SENT_AT, SESSION, FakeBroker, accepted, listed, shown
from support.store import ACCOUNT, intent

BUY, SELL = intent(), intent(side=Side.SELL)
PUT = InstrumentId("MTUM  190118P00100000")
RULES = GateRules(ACCOUNT, {"MTUM": ""}, Decimal(5000), window_opens_minutes=22, last_send_minutes=15)
DOWN = BrokerUnavailableError("the line is dead")


class Told(FakeBroker):
    """A fake with a clock of its own."""

    at: datetime = SENT_AT

    def server_time(self) -> datetime:
        return self.at


def gated(broker: FakeBroker, pinned: str = "", **rules: Any) -> GatedBroker:
    return GatedBroker(broker, replace(RULES, **rules), CALENDAR, lambda _: pinned)


def of_another_account(lists: BrokerLists) -> BrokerLists:
    return replace(lists, account=replace(lists.account, code="DU9"))


def test_about_a_symbol_outside_the_universe_the_broker_is_not_even_asked() -> None:
    broker = FakeBroker()
    assert isinstance(gated(broker).clear(replace(ticket_of(BUY), symbol="GME")), Denied)
    assert broker.asked == 0


@pytest.mark.parametrize("symbol", ["MTUM", PUT])
def test_about_an_order_in_anything_but_shares_the_broker_is_not_even_asked(symbol: str) -> None:
    broker, legs = FakeBroker(), (Leg(PUT, Side.SELL), Leg(InstrumentId("MTUM"), Side.BUY, 100))
    ticket = replace(ticket_of(BUY), symbol=symbol, combination=legs if symbol == "MTUM" else ())
    for told in (gated(broker).clear(ticket), gated(broker).submit(ticket)):
        assert isinstance(told, Denied)
        assert (told.code, told.text) == ("instrument", ticket.untradable)
    assert (broker.asked, broker.sent) == (0, [])


def test_an_order_that_passes_reaches_the_broker_and_its_answer_comes_back() -> None:
    broker = FakeBroker(outcomes=[accepted(BUY)])
    assert gated(broker).submit(ticket_of(BUY)) == accepted(BUY)
    assert broker.sent == [ticket_of(BUY)]


@pytest.mark.parametrize(
    ("check", "lists", "ticket", "pinned"),
    [
        ("universe", shown(), replace(ticket_of(BUY), symbol="GME"), ""),
        ("account", shown(), replace(ticket_of(BUY), account="DU9"), ""),
        ("account", of_another_account(shown()), ticket_of(BUY), ""),
        ("contract", shown(), ticket_of(BUY), "4712"),
        ("sell", shown(held="18"), ticket_of(SELL), ""),
        ("sell", shown(listed(SELL, ref="by hand", shares=10), held="28"), ticket_of(SELL), ""),
        ("cash", shown(cash="1899.99"), ticket_of(BUY), ""),  # 19 at 100
        ("notional", shown(cash="99999"), replace(ticket_of(BUY), shares=51), ""),
        (
            "count",
            shown(listed(BUY, OrderStatus.REJECTED), listed(SELL, OrderStatus.REJECTED)),
            ticket_of(BUY),
            "",
        ),
    ],
)
def test_each_fresh_fact_alone_denies_and_nothing_is_sent(
    check: str, lists: BrokerLists, ticket: Ticket, pinned: str
) -> None:
    broker = FakeBroker([lists])
    told = gated(broker, pinned).submit(ticket)
    assert isinstance(told, Denied)
    assert (told.code, broker.sent) == (check, [])


@pytest.mark.parametrize(
    "lists",
    [
        shown(listed(SELL, OrderStatus.PARTIALLY_FILLED, 9, shares=10, ref="by hand"), held="20"),  # one share on sale
        shown(listed(SELL, OrderStatus.CANCELED, ref="by hand"), held="19"),
        shown(listed(SELL, ref="by hand", symbol="SPY"), held="19"),
        shown(*[listed(SELL, OrderStatus.CANCELED, ref=f"by hand {number}") for number in range(5)], held="19"),
    ],
)
def test_orders_that_take_nothing_from_ours_do_not_stop_a_sale(lists: BrokerLists) -> None:
    broker = FakeBroker([lists], [accepted(SELL)])
    assert gated(broker).submit(ticket_of(SELL)) == accepted(SELL)


@pytest.mark.parametrize(
    ("kind", "minutes", "sent"),
    [
        (OrderType.MARKET_ON_CLOSE, 22.0, True),
        (OrderType.MARKET_ON_CLOSE, 22.1, False),
        (OrderType.MARKET_ON_CLOSE, 15.1, True),
        (OrderType.MARKET_ON_CLOSE, 15.0, False),
        (OrderType.MARKET, 14.9, True),  # does not wait for the auction
        (OrderType.MARKET, 3.1, True),
        (OrderType.MARKET, 3.0, False),
    ],
)
def test_the_window_is_by_the_brokers_clock(kind: OrderType, minutes: float, sent: bool) -> None:
    broker = Told(outcomes=[accepted(BUY)])
    broker.at = SESSION.before_close(minutes)
    told = gated(broker).submit(replace(ticket_of(BUY), order_type=kind))
    assert (len(broker.sent), isinstance(told, Denied)) == (int(sent), not sent)


def test_on_a_day_without_session_nothing_is_sent() -> None:
    broker = Told()
    broker.at = SENT_AT - timedelta(days=1)
    assert gated(broker).submit(ticket_of(BUY)) == Denied("window", "the exchange has no session on 2018-12-02")


@pytest.mark.parametrize("error", [DOWN, DataError("no price")])
def test_facts_that_cannot_be_asked_leave_the_order_certainly_unsent(error: Any) -> None:
    class Silent(FakeBroker):
        def price(self, symbol: str) -> Decimal:
            raise error

    broker = Silent()
    assert isinstance(gated(broker).submit(ticket_of(BUY)), NotSent)
    assert broker.sent == []


def test_a_broker_without_a_clock_leaves_the_order_unsent() -> None:
    class Timeless(FakeBroker):
        def server_time(self) -> datetime:
            raise DOWN

    assert isinstance(gated(Timeless()).submit(ticket_of(BUY)), NotSent)


def test_a_pinned_contract_that_is_still_the_same_passes() -> None:
    broker = FakeBroker(outcomes=[accepted(BUY)])
    assert gated(broker, "4711").submit(ticket_of(BUY)) == accepted(BUY)


def test_everything_else_is_the_brokers_own_answer() -> None:
    broker = FakeBroker([shown(held="3")], proves_absence=True)
    gate = gated(broker)
    gate.connect()
    assert broker.connected
    assert (gate.name, gate.proves_absence, gate.server_time()) == ("fake", True, SENT_AT)
    assert (gate.lists(), gate.contract("MTUM"), gate.price("MTUM")) == (shown(held="3"), "4711", Decimal(100))
    assert (gate.session_hours("MTUM", SESSION.day), gate.cancel("r")) == (SESSION, True)
    gate.close()
    assert not broker.connected


@pytest.mark.parametrize(
    ("held", "side", "passes"), [(19, Side.SELL, True), (19, Side.BUY, False), (0, Side.SELL, False)]
)
def test_what_we_hold_can_be_sold_though_it_is_traded_no_more(held: int, side: Side, *, passes: bool) -> None:
    order = intent(side=side)
    gate = gated(FakeBroker([shown(held="19")], outcomes=[accepted(order)]), contracts={"SPY": ""})
    gate.held = lambda: {"MTUM": held}
    assert isinstance(gate.submit(ticket_of(order)), Denied) is not passes
