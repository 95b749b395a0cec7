"""The gate in front of a broker: fresh facts for every order, and nothing passes without them."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from mtum.adapters.brokers.gate import GatedBroker
from mtum.core.market.instruments import InstrumentId
from mtum.core.portfolio.gate import GateRules
from mtum.core.portfolio.orders import Leg, OrderStatus, OrderType, Purpose, Side, Ticket, intent_id, ticket_of
from mtum.errors import BrokerUnavailableError, DataError
from mtum.ports.broker import BrokerLists, BrokerOrder, Denied, NotSent, OtherInstrument, Rehearsing, SubmitOutcome
from support.fakes import CALENDAR, SENT_AT, SESSION, FakeBroker, accepted, listed, shown
from support.store import ACCOUNT, STRATEGY, intent
from support.values import replace

BUY, SELL = intent(), intent(side=Side.SELL)
OTHERS_SALE = intent(side=Side.SELL, strategy="other")
OLD_SALE, OLD_BUY = (intent(session=date(2018, 11, 30), side=side) for side in (Side.SELL, Side.BUY))
PUT = InstrumentId("MTUM  190118P00100000")
RULES = GateRules(ACCOUNT, {"MTUM": ""}, {STRATEGY: Decimal(5000)}, window_opens_minutes=22, last_send_minutes=15)
DOWN = BrokerUnavailableError("the line is dead")


class Told(FakeBroker):
    """A fake with a clock of its own, that has prices of MTUM and SPY alone and knows what it was asked."""

    at: datetime | None = SENT_AT

    def __init__(self, *script: BrokerLists, **more: Any) -> None:
        super().__init__([*script] or [shown()], **more)
        self.priced: list[str] = []
        self.last_moments: list[datetime | None] = []

    def server_time(self) -> datetime:
        if self.at is None:
            raise DOWN
        return self.at

    def price(self, symbol: str) -> Decimal:
        self.priced.append(symbol)
        if symbol not in ("MTUM", "SPY"):
            raise DataError(f"no price of {symbol}")
        return Decimal(100)

    def submit(self, ticket: Ticket, last_moment: datetime | None = None) -> SubmitOutcome:
        self.last_moments.append(last_moment)
        return super().submit(ticket, last_moment)


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
        ("sell", shown(), replace(ticket_of(SELL), shares=1), ""),
        ("short", shown(listed(BUY, ref="by hand", shares=1), held="-19", cash="9999"), ticket_of(BUY), ""),
        ("sell", shown(listed(SELL, ref="by hand", shares=10), held="28"), ticket_of(SELL), ""),
        ("cash", shown(cash="1899.99"), ticket_of(BUY), ""),  # 19 at 100
        ("notional", shown(cash="99999"), replace(ticket_of(BUY), shares=51), ""),
        ("intent", shown(listed(BUY, OrderStatus.REJECTED)), ticket_of(BUY), ""),
        ("intent", shown(listed(BUY, OrderStatus.CANCELED, ref=f"{BUY.id}-2")), ticket_of(BUY), ""),
        ("side", shown(listed(SELL), cash="99999"), ticket_of(BUY), ""),
        ("side", shown(listed(BUY), held="19"), ticket_of(SELL), ""),
        ("side", shown(listed(OTHERS_SALE), cash="99999"), ticket_of(BUY), ""),
        ("side", shown(listed(OLD_SALE), cash="99999"), ticket_of(BUY), ""),  # left over, and may fill
        ("side", shown(listed(SELL, OrderStatus.CANCELED, 1), cash="99999"), ticket_of(BUY), ""),
        ("side", shown(listed(BUY, OrderStatus.FILLED, 19), held="19"), ticket_of(SELL), ""),
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
        shown(listed(BUY, ref="by hand"), held="19"),
        shown(listed(BUY, OrderStatus.REJECTED), held="19"),
        shown(listed(OLD_BUY, OrderStatus.FILLED, 19), held="19"),
        shown(listed(BUY, symbol="SPY"), held="19"),
        shown(listed(OTHERS_SALE), held="38"),
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
    broker = Told()
    broker.at = None
    assert isinstance(gated(broker).submit(ticket_of(BUY)), NotSent)


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


def test_purchases_that_ended_and_sales_buy_back_nothing_that_is_short() -> None:
    others = listed(BUY, OrderStatus.CANCELED, ref="by hand", shares=1), listed(SELL, ref="by hand", shares=3)
    broker = FakeBroker([shown(*others, held="-19")], [accepted(BUY)])
    assert gated(broker).submit(ticket_of(BUY)) == accepted(BUY)


def test_a_contract_that_the_rules_name_counts_for_what_is_held_too() -> None:
    gate = gated(FakeBroker([shown(held="19")]), contracts={"MTUM": "4712"})
    gate.held = lambda: {(STRATEGY, "MTUM"): 19}
    told = gate.submit(ticket_of(SELL))
    assert isinstance(told, Denied)
    assert told.code == "contract"


def test_trial_orders_go_past_the_gate_where_the_broker_has_them() -> None:
    class Trying(FakeBroker):
        def what_if(self, ticket: Ticket) -> str | None:
            return "refused"

    trying = gated(Trying())
    assert isinstance(trying, Rehearsing)
    assert trying.what_if(ticket_of(BUY)) == "refused"
    assert not isinstance(gated(FakeBroker()), Rehearsing)


def by_hand(shares: int = 5, filled: int = 0, **more: Any) -> BrokerOrder:
    status = OrderStatus.PARTIALLY_FILLED if filled else OrderStatus.ACCEPTED
    return replace(listed(BUY, status, filled, ref="by hand", shares=shares, symbol="SPY"), **more)


INCREASE = replace(
    BUY, id=intent_id(ACCOUNT, SESSION.day, STRATEGY, "MTUM", Purpose.INCREASE), purpose=Purpose.INCREASE
)
CALL = OtherInstrument("MTUM", "MTUM 20190118 110 C", "OPT", Decimal(1), call=True, multiplier=Decimal(100))
DEAR = replace(CALL, working=True, limit_usd=Decimal(2))


@pytest.mark.parametrize(
    ("orders", "others", "needed"),
    [
        ([], [], "1900"),  # 19 at 100
        ([listed(intent(strategy="other"), OrderStatus.REJECTED)], [], "1900"),
        ([listed(intent(strategy="other"), filled=9)], [], "2900"),  # 10 left of another sleeve's
        ([by_hand()], [], "2400"),  # 5 at 100 beside it
        ([by_hand(symbol="MTUM")], [], "2400"),
        ([by_hand(limit_usd=Decimal(90))], [], "2350"),
        ([by_hand(limit_usd=Decimal(90), symbol="GLD")], [], "2350"),  # its price is not even asked
        ([by_hand(filled=2)], [], "2200"),
        ([by_hand(), by_hand(3, ref="another")], [], "2700"),
        ([by_hand(side=Side.SELL), by_hand(3)], [], "2200"),
        ([by_hand(status=OrderStatus.CANCELED), by_hand(3)], [], "2200"),
        ([], [DEAR, replace(DEAR, quantity=Decimal(2))], "2500"),  # 1 and 2 times 100 at 2.00
        ([by_hand()], [CALL], "2400"),  # held, and paid long ago
    ],
)
def test_working_purchases_of_the_account_are_held_against_its_cash(
    orders: list[BrokerOrder], others: list[OtherInstrument], needed: str
) -> None:
    enough = replace(shown(*orders, cash=needed), others=tuple(others))
    broker = Told(enough, outcomes=[accepted(BUY)])
    assert gated(broker).submit(ticket_of(BUY)) == accepted(BUY)
    assert len(broker.priced) == len(set(broker.priced))  # no price is asked twice
    short = replace(enough, account=replace(enough.account, cash_usd=Decimal(needed) - Decimal("0.01")))
    told = gated(Told(short)).submit(ticket_of(BUY))
    assert isinstance(told, Denied)
    assert told.code == "cash"


def test_the_price_of_a_purchase_sent_before_is_not_asked_again_for_each_that_follows() -> None:
    spy = listed(BUY, ref="by hand", symbol="SPY")
    broker = Told(shown(spy, cash="99999"))
    gate = gated(broker)
    broker.at = SESSION.before_close(20)
    for _ in range(3):
        assert gate.clear(ticket_of(BUY)) is None
    assert (broker.priced.count("SPY"), broker.priced.count("MTUM")) == (1, 3)
    broker.at = SESSION.before_close(17.9)
    assert gate.clear(ticket_of(BUY)) is None
    assert broker.priced.count("SPY") == 2


@pytest.mark.parametrize(
    ("orders", "others", "words"),
    [
        ([by_hand(filled=2, symbol="GLD")], [DEAR], "BUY 3 GLD"),
        ([by_hand()], [DEAR, replace(DEAR, limit_usd=None)], "BUY 1 MTUM 20190118 110 C"),
    ],
)
def test_a_working_purchase_of_unknown_cost_stops_every_purchase_and_no_sale(
    orders: list[BrokerOrder], others: list[OtherInstrument], words: str
) -> None:
    lists = replace(shown(*orders, cash="99999", held="19"), others=tuple(others))
    told = gated(Told(lists)).submit(ticket_of(BUY))
    assert told == Denied("purchases", f"what the working {words} costs is not known")
    broker = Told(lists, outcomes=[accepted(SELL)])
    assert gated(broker).submit(ticket_of(SELL)) == accepted(SELL)
    assert broker.priced == ["MTUM"]


@pytest.mark.parametrize(
    ("held", "orders", "shares"),
    [
        ({}, [], 50),
        ({(STRATEGY, "MTUM"): 20, (STRATEGY, "SPY"): 7, ("other", "MTUM"): 9}, [], 30),
        ({(STRATEGY, "MTUM"): 20}, [listed(INCREASE, filled=4)], 15),  # 15 of 19 may fill yet
        ({(STRATEGY, "MTUM"): 20}, [listed(INCREASE, OrderStatus.CANCELED, 4)], 30),
        ({(STRATEGY, "MTUM"): 20}, [listed(intent(strategy="other"))], 30),
        ({(STRATEGY, "MTUM"): 20}, [by_hand(symbol="MTUM")], 30),
    ],
)
def test_a_sleeve_has_no_more_of_a_symbol_than_its_own_limit_with_what_works_for_it(
    held: dict[tuple[str, str], int], orders: list[BrokerOrder], shares: int
) -> None:
    for more, passes in ((0, True), (1, False)):
        order = intent(shares=shares + more)
        gate = gated(FakeBroker([shown(*orders, held="20", cash="99999")], outcomes=[accepted(order)]))
        gate.held = lambda: held
        told = gate.submit(ticket_of(order))
        assert isinstance(told, Denied) is not passes
        assert passes or getattr(told, "code", "") == "notional"


def test_our_books_are_not_read_for_a_sale_or_where_a_sleeve_has_no_limit() -> None:
    def unread() -> dict[tuple[str, str], int]:
        raise AssertionError("the books were read")

    gate = gated(FakeBroker([shown(held="19", cash="99999")], [accepted(SELL)]))
    gate.held = unread
    assert gate.submit(ticket_of(SELL)) == accepted(SELL)
    gate = gated(FakeBroker([shown(cash="99999")], [accepted(BUY)]), max_position_usd={STRATEGY: Decimal("inf")})
    gate.held = unread
    assert gate.submit(ticket_of(BUY)) == accepted(BUY)


def test_shares_that_calls_may_call_for_are_not_sold_and_what_is_not_known_stops_purchases() -> None:
    short_calls = (replace(CALL, quantity=Decimal(-1)), replace(CALL, quantity=Decimal(-2)))
    others = (*short_calls, replace(CALL, symbol="SPY", quantity=Decimal(-9)))
    # 319 less 300 pledged are 19 free.
    passed = gated(Told(replace(shown(held="319"), others=others), outcomes=[accepted(SELL)]))
    assert passed.submit(ticket_of(SELL)) == accepted(SELL)
    told = gated(Told(replace(shown(held="318"), others=others))).submit(ticket_of(SELL))
    assert told == Denied("sell", "sell 19, free to sell 18 (0 on sale, 300 pledged to calls)")
    unknown = tuple(
        OtherInstrument(on, f"{on} {kind}", kind, Decimal(1)) for on in ("MTUM", "SPY") for kind in ("CFD", "WAR")
    )
    told = gated(Told(replace(shown(), others=(*unknown, CALL)))).submit(ticket_of(BUY))
    assert told == Denied("instruments", "the account has MTUM CFD, MTUM WAR, which may change the shares of MTUM")


def test_the_word_for_an_order_holds_once_and_for_it_alone() -> None:
    broker = Told(outcomes=[accepted(BUY), accepted(BUY)])
    gate = gated(broker)
    assert gate.clear(ticket_of(BUY)) is None
    assert gate.submit(ticket_of(BUY)) == accepted(BUY)
    assert broker.asked == 1
    assert gate.submit(ticket_of(BUY)) == accepted(BUY)
    assert broker.asked == 2
    assert gate.clear(ticket_of(BUY)) is None
    assert isinstance(gate.clear(replace(ticket_of(BUY), shares=51)), Denied)
    gate.submit(ticket_of(BUY))
    assert broker.asked == 5
    assert isinstance(gate.clear(replace(ticket_of(BUY), shares=51)), Denied)
    assert isinstance(gate.submit(replace(ticket_of(BUY), shares=51)), Denied)
    assert broker.asked == 7


def test_an_order_that_was_cleared_does_not_leave_too_late_or_without_a_clock() -> None:
    broker = Told()
    gate = gated(broker)
    for late, words in (
        (SESSION.before_close(15), "broker's clock 20:45:00 UTC, window 20:38:00 to 20:44:55"),
        (SENT_AT - timedelta(days=1), "the exchange has no session on 2018-12-02"),
    ):
        broker.at = SENT_AT
        assert gate.clear(ticket_of(BUY)) is None
        broker.at = late
        assert gate.submit(ticket_of(BUY)) == Denied("window", words)
    broker.at = SENT_AT
    assert gate.clear(ticket_of(BUY)) is None
    broker.at = None
    assert gate.submit(ticket_of(BUY)) == NotSent("the last gate could not ask the broker: the line is dead")
    assert broker.sent == []


@pytest.mark.parametrize(
    ("kind", "asked", "handed_on"),
    [
        (OrderType.MARKET_ON_CLOSE, None, timedelta(minutes=15, seconds=5)),
        (OrderType.MARKET_ON_CLOSE, timedelta(minutes=16), timedelta(minutes=16)),
        (OrderType.MARKET_ON_CLOSE, timedelta(minutes=1), timedelta(minutes=15, seconds=5)),
        (OrderType.MARKET, timedelta(minutes=1), timedelta(minutes=3, seconds=5)),
    ],
)
def test_the_broker_is_told_the_earlier_of_both_last_moments(
    kind: OrderType, asked: timedelta | None, handed_on: timedelta
) -> None:
    broker = Told()
    gated(broker).submit(replace(ticket_of(BUY), order_type=kind), SESSION.close - asked if asked else None)
    assert broker.last_moments == [SESSION.close - handed_on]


@pytest.mark.parametrize(
    ("held", "side", "passes"),
    [
        (19, Side.SELL, True),
        (19, Side.BUY, False),
        (0, Side.SELL, False),
        (0, Side.BUY, False),
        (-19, Side.BUY, True),
        (-19, Side.SELL, False),
        (1, Side.SELL, True),
        (-1, Side.BUY, True),
    ],
)
def test_what_we_hold_can_be_closed_though_it_is_traded_no_more(held: int, side: Side, *, passes: bool) -> None:
    order = intent(side=side, shares=abs(held) or 1)
    gate = gated(FakeBroker([shown(held=str(held or 1))], outcomes=[accepted(order)]), contracts={"SPY": ""})
    gate.held = lambda: {("gone", "MTUM"): held} if held else {}
    assert isinstance(gate.submit(ticket_of(order)), Denied) is not passes


@pytest.mark.parametrize(("promised", "passes"), [("8099.99", True), ("8100", True), ("8100.01", False)])
def test_cash_that_open_options_may_call_for_buys_no_shares(promised: str, passes: bool) -> None:
    broker = FakeBroker([shown(cash="10000")], outcomes=[accepted(BUY)])
    gate = gated(broker)
    gate.promised = lambda: Decimal(promised)
    told = gate.submit(ticket_of(BUY))
    assert isinstance(told, Denied) is not passes  # 19 at 100
    assert bool(broker.sent) is passes
